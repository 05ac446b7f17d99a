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
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        let deadlines = registers.company.deadlines(registers.now);
        let deadlines =
            (deadlines.iter()).filter(|one| wanted.is_empty() || wanted.contains(&one.standing));
        Ok(Response::new(wire::ListDeadlinesResponse {
            deadlines: deadlines.map(wire_deadline).collect(),
            position: registers.position(),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
            holidays_known_through: calendar::HOLIDAYS_KNOWN_THROUGH.to_owned(),
            holidays_reach: calendar::holidays_reach(registers.now).number(),
        }))
    }

    type ListCustomerDeadlinesStream = owed::Answers;

    async fn list_customer_deadlines(
        &self,
        request: Request<wire::ListCustomerDeadlinesRequest>,
    ) -> Result<Response<Self::ListCustomerDeadlinesStream>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let (min_position, as_of) = (given.min_position, given.as_of);
        let wanted = wanted_owed(given)?;
        let registers = doors.registers(&call, min_position, as_of.as_ref()).await?;
        let listed = owed::list(doors, &call, wanted, registers).await;
        listed.map(Response::new)
    }

    async fn get_certificate(
        &self,
        request: Request<wire::GetCertificateRequest>,
    ) -> Result<Response<wire::GetCertificateResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let of = year("year", given.year)?;
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        let (company, rulebook) = (&registers.company, registers.rulebook());
        let certificate = company.certificates.of(of).copied().unwrap_or_default();
        let figures = company.figures(of, registers.now);
        Ok(Response::new(wire::GetCertificateResponse {
            year: given.year,
            figures: figures.iter().map(wire_figure).collect(),
            rulebook: rulebook.name,
            rulebook_version: rulebook.version,
            rulebook_digest: registers.rulebook_digest(),
            due_by: Some(timestamp(due_by(of))),
            drafted: certificate.drafted.map(step),
            signed: certificate.signed.map(step),
            filed: certificate.filed.map(step),
            position: registers.position(),
            at: registers.at(),
        }))
    }

    async fn record_certificate(
        &self,
        request: Request<wire::RecordCertificateRequest>,
    ) -> Result<Response<wire::RecordCertificateResponse>, Status> {
        self.0.command(request).await
    }
}
