//! ComplianceService: what is due, and the yearly certificate.

use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::compliance::{wanted_owed, wire_deadline, wire_figure};
use super::convert::lists::{Listed, members};
use super::convert::registers::{step, year};
use super::convert::values::timestamp;
use super::doors::Doors;
use super::owed;
use crate::domain::calendar;
use crate::domain::company::certificates::due_by;
use crate::domain::company::deadlines::Standing;
use crate::domain::ids::Position;
use crate::proto::v1 as wire;

/// Serves ComplianceService.
pub struct Compliance(pub Doors);

#[tonic::async_trait]
impl wire::compliance_service_server::ComplianceService for Compliance {
    async fn list_deadlines(
        &self,
        request: Request<wire::ListDeadlinesRequest>,
    ) -> Result<Response<wire::ListDeadlinesResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let wanted: Vec<Standing> = members("standings", &given.standings)?;
        doors.wait_for(&call, Position(given.min_position)).await?;
        let position = doors.position().0;
        let (company, now) = (doors.views().company(), doors.views().now());
        let deadlines = company.deadlines(now);
        let deadlines =
            (deadlines.iter()).filter(|one| wanted.is_empty() || wanted.contains(&one.standing));
        Ok(Response::new(wire::ListDeadlinesResponse {
            deadlines: deadlines.map(wire_deadline).collect(),
            position,
            at: Some(timestamp(now)),
            holidays_known_through: calendar::HOLIDAYS_KNOWN_THROUGH.to_owned(),
            holidays_reach: calendar::holidays_reach(now).number(),
        }))
    }

    type ListCustomerDeadlinesStream = owed::Answers;

    async fn list_customer_deadlines(
        &self,
        request: Request<wire::ListCustomerDeadlinesRequest>,
    ) -> Result<Response<Self::ListCustomerDeadlinesStream>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let min_position = Position(given.min_position);
        let wanted = wanted_owed(given, doors.views().now())?;
        doors.wait_for(&call, min_position).await?;
        owed::list(doors, &call, wanted).map(Response::new)
    }

    async fn get_certificate(
        &self,
        request: Request<wire::GetCertificateRequest>,
    ) -> Result<Response<wire::GetCertificateResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let of = year("year", given.year)?;
        doors.wait_for(&call, Position(given.min_position)).await?;
        let position = doors.position().0;
        let (company, now) = (doors.views().company(), doors.views().now());
        let certificate = company.certificates.of(of).copied().unwrap_or_default();
        let rulebook = doors.rulebook();
        Ok(Response::new(wire::GetCertificateResponse {
            year: given.year,
            figures: company.figures(of, now).iter().map(wire_figure).collect(),
            rulebook: rulebook.name.clone(),
            rulebook_version: rulebook.version.clone(),
            rulebook_digest: rulebook.digest.to_vec(),
            due_by: Some(timestamp(due_by(of))),
            drafted: certificate.drafted.map(step),
            signed: certificate.signed.map(step),
            filed: certificate.filed.map(step),
            position,
        }))
    }

    async fn record_certificate(
        &self,
        request: Request<wire::RecordCertificateRequest>,
    ) -> Result<Response<wire::RecordCertificateResponse>, Status> {
        self.0.command(request).await
    }
}
