//! RetentionService: how long records must be kept, legal holds, and erasing.

use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::retention::{wire_bar, wire_erasure};
use super::convert::values;
use super::doors::Doors;
use crate::domain::ids::Position;
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
        doors.wait_for(&call, Position(given.min_position)).await?;
        // Position first: what is read after it can only be newer.
        let Position(position) = doors.position();
        let (_, customer) = doors.known_or_erased(&customer)?;
        let erasure = customer.erased.as_deref();
        let bars = match erasure {
            Some(_) => Vec::new(),
            None => bars(&customer, doors.rulebook(), doors.views().now()),
        };
        Ok(Response::new(wire::GetRetentionResponse {
            bars: bars.iter().map(wire_bar).collect(),
            position,
            erasure: erasure.map(wire_erasure),
        }))
    }
}
