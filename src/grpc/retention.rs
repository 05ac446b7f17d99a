//! RetentionService: how long records must be kept, and legal holds.

use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::retention::wire_bar;
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

    async fn get_retention(
        &self,
        request: Request<wire::GetRetentionRequest>,
    ) -> Result<Response<wire::GetRetentionResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let customer = values::customer(given.customer)?;
        let known = doors.known_after(&call, &customer, given.min_position);
        let (Position(position), customer) = known.await?;
        let bars = bars(&customer, doors.rulebook(), doors.views().now());
        Ok(Response::new(wire::GetRetentionResponse {
            bars: bars.iter().map(wire_bar).collect(),
            position,
        }))
    }
}
