//! RetentionService: how long records must be kept, legal holds, and erasing.

use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::retention::{wire_bar, wire_erasure};
use super::convert::values;
use super::doors::Doors;
use crate::domain::retention::bars;
use crate::proto::v1 as wire;

/// Serves RetentionService.
pub struct Retention(pub Doors);

#[tonic::async_trait]
impl wire::retention_service_server::RetentionService for Retention {
    async fn place_legal_hold(
        &self,
        request: Request<wire::PlaceLegalHoldRequest>,
    ) -> Result<Response<wire::PlaceLegalHoldResponse>, Status> {
        self.0.command(request).await
    }

    async fn release_legal_hold(
        &self,
        request: Request<wire::ReleaseLegalHoldRequest>,
    ) -> Result<Response<wire::ReleaseLegalHoldResponse>, Status> {
        self.0.command(request).await
    }

    async fn erase_customer(
        &self,
        request: Request<wire::EraseCustomerRequest>,
    ) -> Result<Response<wire::EraseCustomerResponse>, Status> {
        self.0.command(request).await
    }

    async fn get_retention(
        &self,
        request: Request<wire::GetRetentionRequest>,
    ) -> Result<Response<wire::GetRetentionResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let customer = values::customer(given.customer)?;
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        let known = doors.known_or_erased_by(&call, customer, &registers);
        let customer = known.await?;
        let erasure = customer.erased.as_deref();
        let bars = match erasure {
            Some(_) => Vec::new(),
            None => bars(&customer, registers.book(), registers.now),
        };
        Ok(Response::new(wire::GetRetentionResponse {
            bars: bars.iter().map(wire_bar).collect(),
            position: registers.position(),
            erasure: erasure.map(wire_erasure),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
        }))
    }
}
