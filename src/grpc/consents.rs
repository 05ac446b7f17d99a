//! ConsentService: what customers are told and what they say.

use tonic::{Request, Response, Status};

use super::doors::Doors;
use crate::proto::v1 as wire;

/// Serves ConsentService.
pub struct Consents(pub Doors);

#[tonic::async_trait]
impl wire::consent_service_server::ConsentService for Consents {
    async fn record_notice(
        &self,
        request: Request<wire::RecordNoticeRequest>,
    ) -> Result<Response<wire::RecordNoticeResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_consent(
        &self,
        request: Request<wire::RecordConsentRequest>,
    ) -> Result<Response<wire::RecordConsentResponse>, Status> {
        self.0.command(request).await
    }

    async fn grant_once(
        &self,
        request: Request<wire::GrantOnceRequest>,
    ) -> Result<Response<wire::GrantOnceResponse>, Status> {
        self.0.command(request).await
    }

    async fn supply_evidence(
        &self,
        request: Request<wire::SupplyEvidenceRequest>,
    ) -> Result<Response<wire::SupplyEvidenceResponse>, Status> {
        self.0.command(request).await
    }

    async fn end_call(
        &self,
        request: Request<wire::EndCallRequest>,
    ) -> Result<Response<wire::EndCallResponse>, Status> {
        self.0.command(request).await
    }
}
