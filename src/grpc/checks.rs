//! CheckService: "may we?", one at a time and by the million.

use tonic::{Request, Response, Status, Streaming};

use super::bulk;
use super::call::Call;
use super::convert::checks::check;
use super::doors::Doors;
use crate::access::table::Right;
use crate::domain::ids::Position;
use crate::proto::v1 as wire;

/// Serves CheckService.
pub struct Checks(pub Doors);

#[tonic::async_trait]
impl wire::check_service_server::CheckService for Checks {
    async fn check_use(
        &self,
        request: Request<wire::CheckUseRequest>,
    ) -> Result<Response<wire::CheckUseResponse>, Status> {
        let call = Call::of(&request)?;
        if request.get_ref().record {
            return self.record(&call, request).await;
        }
        let doors = &self.0;
        let tokens = |kind: &'static str, value: &str| doors.token(kind, value);
        let asked = check(request.into_inner(), &tokens)?;
        doors.wait_for(&call, asked.min_position).await?;
        if let Some(moment) = asked.moment {
            doors.wait_for_past(&call, moment).await?;
        }
        let (customer, question) = (asked.customer, asked.question);
        let ruled = doors.rule_at(&call, customer, question, asked.detail, asked.moment);
        Ok(Response::new(wire::CheckUseResponse {
            ruling: Some(ruled.await?),
            receipt: None,
        }))
    }

    type BulkCheckUseStream = bulk::Answers;

    async fn bulk_check_use(
        &self,
        request: Request<Streaming<wire::BulkCheckUseRequest>>,
    ) -> Result<Response<Self::BulkCheckUseStream>, Status> {
        let call = Call::of(&request)?;
        let answers = bulk::answer(self.0.clone(), call, request.into_inner());
        Ok(Response::new(answers))
    }
}

impl Checks {
    async fn record(
        &self,
        call: &Call,
        request: Request<wire::CheckUseRequest>,
    ) -> Result<Response<wire::CheckUseResponse>, Status> {
        call.needs(Right::RecordRulings, "`record`")?;
        let min_position = Position(request.get_ref().min_position);
        self.0.wait_for(call, min_position).await?;
        self.0.command(request).await
    }
}
