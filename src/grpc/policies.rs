//! PolicyService: versions of the policy, posted and in force.

use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::policies::wire_versions;
use super::doors::Doors;
use crate::proto::v1 as wire;

/// Serves PolicyService.
pub struct Policies(pub Doors);

#[tonic::async_trait]
impl wire::policy_service_server::PolicyService for Policies {
    async fn publish_policy(
        &self,
        request: Request<wire::PublishPolicyRequest>,
    ) -> Result<Response<wire::PublishPolicyResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_policy_posted(
        &self,
        request: Request<wire::RecordPolicyPostedRequest>,
    ) -> Result<Response<wire::RecordPolicyPostedResponse>, Status> {
        self.0.command(request).await
    }

    async fn list_policy_versions(
        &self,
        request: Request<wire::ListPolicyVersionsRequest>,
    ) -> Result<Response<wire::ListPolicyVersionsResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        Ok(Response::new(wire::ListPolicyVersionsResponse {
            versions: wire_versions(&registers.company.policies, registers.now),
            position: registers.position(),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
        }))
    }
}
