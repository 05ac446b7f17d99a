//! AccountService: accounts and the services held on them.

use tonic::{Request, Response, Status};

use super::doors::Doors;
use crate::proto::v1 as wire;

/// Serves AccountService.
pub struct Accounts(pub Doors);

#[tonic::async_trait]
impl wire::account_service_server::AccountService for Accounts {
    async fn open_account(
        &self,
        request: Request<wire::OpenAccountRequest>,
    ) -> Result<Response<wire::OpenAccountResponse>, Status> {
        self.0.command(request).await
    }

    async fn change_services(
        &self,
        request: Request<wire::ChangeServicesRequest>,
    ) -> Result<Response<wire::ChangeServicesResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_affiliate_began(
        &self,
        request: Request<wire::RecordAffiliateBeganRequest>,
    ) -> Result<Response<wire::RecordAffiliateBeganResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_affiliate_ended(
        &self,
        request: Request<wire::RecordAffiliateEndedRequest>,
    ) -> Result<Response<wire::RecordAffiliateEndedResponse>, Status> {
        self.0.command(request).await
    }
}
