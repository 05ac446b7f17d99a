//! NoticeService: notices by approved templates, and what became of them.

use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::notices::wire_template;
use super::doors::Doors;
use crate::proto::v1 as wire;

/// Serves NoticeService.
pub struct Notices(pub Doors);

#[tonic::async_trait]
impl wire::notice_service_server::NoticeService for Notices {
    async fn approve_notice_template(
        &self,
        request: Request<wire::ApproveNoticeTemplateRequest>,
    ) -> Result<Response<wire::ApproveNoticeTemplateResponse>, Status> {
        self.0.command(request).await
    }

    async fn list_notice_templates(
        &self,
        request: Request<wire::ListNoticeTemplatesRequest>,
    ) -> Result<Response<wire::ListNoticeTemplatesResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        let templates = registers.company.templates.all().iter();
        Ok(Response::new(wire::ListNoticeTemplatesResponse {
            templates: templates.map(wire_template).collect(),
            position: registers.position(),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
        }))
    }

    async fn record_notice_sent(
        &self,
        request: Request<wire::RecordNoticeSentRequest>,
    ) -> Result<Response<wire::RecordNoticeSentResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_notice_outcome(
        &self,
        request: Request<wire::RecordNoticeOutcomeRequest>,
    ) -> Result<Response<wire::RecordNoticeOutcomeResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_email_consent(
        &self,
        request: Request<wire::RecordEmailConsentRequest>,
    ) -> Result<Response<wire::RecordEmailConsentResponse>, Status> {
        self.0.command(request).await
    }

    async fn revoke_email_consent(
        &self,
        request: Request<wire::RevokeEmailConsentRequest>,
    ) -> Result<Response<wire::RevokeEmailConsentResponse>, Status> {
        self.0.command(request).await
    }
}
