//! IncidentService: breaches of CPNI, and ways to opt out that failed.

use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::incidents::{wire_breach, wire_failure};
use super::convert::registers::optional_item;
use super::doors::Doors;
use crate::proto::v1 as wire;

/// Serves IncidentService.
pub struct Incidents(pub Doors);

#[tonic::async_trait]
impl wire::incident_service_server::IncidentService for Incidents {
    async fn record_breach(
        &self,
        request: Request<wire::RecordBreachRequest>,
    ) -> Result<Response<wire::RecordBreachResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_breach_summary(
        &self,
        request: Request<wire::RecordBreachSummaryRequest>,
    ) -> Result<Response<wire::RecordBreachSummaryResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_opt_out_failure(
        &self,
        request: Request<wire::RecordOptOutFailureRequest>,
    ) -> Result<Response<wire::RecordOptOutFailureResponse>, Status> {
        self.0.command(request).await
    }

    async fn list_breaches(
        &self,
        request: Request<wire::ListBreachesRequest>,
    ) -> Result<Response<wire::ListBreachesResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let only = optional_item("breach_id", &given.breach_id)?;
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        let breaches = registers.company.breaches.register.all();
        let breaches = breaches.filter(|(id, _)| only.as_ref().is_none_or(|only| only == *id));
        Ok(Response::new(wire::ListBreachesResponse {
            breaches: breaches.map(|(id, one)| wire_breach(id, one)).collect(),
            position: registers.position(),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
        }))
    }

    async fn list_opt_out_failures(
        &self,
        request: Request<wire::ListOptOutFailuresRequest>,
    ) -> Result<Response<wire::ListOptOutFailuresResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let only = optional_item("failure_id", &given.failure_id)?;
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        let failures = registers.company.failures.all();
        let failures = failures.filter(|(id, _)| only.as_ref().is_none_or(|only| only == *id));
        Ok(Response::new(wire::ListOptOutFailuresResponse {
            failures: failures.map(|(id, one)| wire_failure(id, one)).collect(),
            position: registers.position(),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
        }))
    }
}
