//! EntityService: who receives CPNI besides the company, and what each is to it.

use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::entities::wire_entity;
use super::convert::values::optional_entity;
use super::doors::Doors;
use crate::proto::v1 as wire;

/// Serves EntityService.
pub struct Entities(pub Doors);

#[tonic::async_trait]
impl wire::entity_service_server::EntityService for Entities {
    async fn record_entity_joined(
        &self,
        request: Request<wire::RecordEntityJoinedRequest>,
    ) -> Result<Response<wire::RecordEntityJoinedResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_entity_left(
        &self,
        request: Request<wire::RecordEntityLeftRequest>,
    ) -> Result<Response<wire::RecordEntityLeftResponse>, Status> {
        self.0.command(request).await
    }

    async fn list_entities(
        &self,
        request: Request<wire::ListEntitiesRequest>,
    ) -> Result<Response<wire::ListEntitiesResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let only = optional_entity("entity", &given.entity)?;
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        let entities = registers.company.entities.all().iter();
        let entities = entities.filter(|entity| only.as_ref().is_none_or(|id| entity.id == *id));
        Ok(Response::new(wire::ListEntitiesResponse {
            entities: entities.map(wire_entity).collect(),
            position: registers.position(),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
        }))
    }
}
