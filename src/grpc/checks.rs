//! CheckService: "may we?", one at a time and by the million.

use futures_util::future::{BoxFuture, Either, FutureExt, Ready, ready};
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::call::Call;
use super::convert::checks::{Standing, check, next_of_stream};
use super::convert::past::Moment;
use super::doors::Doors;
use super::in_order::UntilStopping;
use super::status;
use crate::access::table::Right;
use crate::domain::ids::{Position, Token};
use crate::proto::v1 as wire;
use crate::proto::v1::bulk_check_use_response::Answer;

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
        let ruling = match asked.moment {
            None => doors.rule(&asked.customer, &asked.question, asked.texts)?,
            Some(moment) => {
                doors.wait_for_past(&call, moment).await?;
                let ruled = doors.rule_then(asked.customer, asked.question, asked.texts, moment);
                call.in_time(ruled).await?
            }
        };
        Ok(Response::new(wire::CheckUseResponse {
            ruling: Some(ruling),
            receipt: None,
        }))
    }

    type BulkCheckUseStream = BoxStream<'static, Result<wire::BulkCheckUseResponse, Status>>;

    async fn bulk_check_use(
        &self,
        request: Request<Streaming<wire::BulkCheckUseRequest>>,
    ) -> Result<Response<Self::BulkCheckUseStream>, Status> {
        let call = Call::of(&request)?;
        let doors = self.0.clone();
        let mut requests = UntilStopping::new(request.into_inner(), doors.stopping());
        // The headers go out before the first request is here: a caller may wait for them before he sends it.
        let answers = async move {
            let first = requests.try_next().await?;
            if let Some(first) = &first {
                doors.wait_for(&call, Position(first.min_position)).await?;
            }
            let mut bulk = Bulk {
                doors,
                call,
                standing: None,
                sequence: 0,
                waited_for: None,
            };
            let requests = stream::iter(first.map(Ok)).chain(requests);
            Ok::<_, Status>(requests.and_then(move |request| bulk.answer(request)))
        };
        Ok(Response::new(stream::once(answers).try_flatten().boxed()))
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

/// One stream of checks.
struct Bulk {
    doors: Doors,
    call: Call,
    standing: Option<Standing>,
    sequence: u64,
    /// The past moment for which histories were waited for.
    waited_for: Option<Moment>,
}

/// An answer that is there, or one from the past, which is read.
type Answered<A> = Either<Ready<A>, BoxFuture<'static, A>>;

impl Bulk {
    fn answer(
        &mut self,
        request: wire::BulkCheckUseRequest,
    ) -> Answered<Result<wire::BulkCheckUseResponse, Status>> {
        self.sequence += 1;
        let sequence = self.sequence;
        let response = move |answer: Result<wire::Ruling, Status>| {
            let answer = match answer {
                Ok(ruling) => Answer::Ruling(ruling),
                Err(refused) => Answer::Refused(status::as_message(&refused)),
            };
            Ok(wire::BulkCheckUseResponse {
                sequence,
                answer: Some(answer),
            })
        };
        match self.rule(request) {
            Err(refused) => Either::Left(ready(response(Err(refused)))),
            Ok(Either::Left(answer)) => Either::Left(ready(response(answer.into_inner()))),
            Ok(Either::Right(answer)) => Either::Right(answer.map(response).boxed()),
        }
    }

    fn rule(
        &mut self,
        request: wire::BulkCheckUseRequest,
    ) -> Result<Answered<Result<wire::Ruling, Status>>, Status> {
        let doors = &self.doors;
        let tokens = |kind: &'static str, value: &str| -> Token { doors.token(kind, value) };
        let first = self.sequence == 1;
        let (customer, moment) = next_of_stream(request, &mut self.standing, first, &tokens)?;
        let Some(standing) = &self.standing else {
            return Err(status::failed("a stream of checks lost its question"));
        };
        let Some(moment) = moment else {
            let ruled = doors.rule(&customer, &standing.question, standing.texts);
            return Ok(Either::Left(ready(ruled)));
        };
        let waits = self.waited_for.replace(moment) != Some(moment);
        let (doors, call, standing) = (doors.clone(), self.call.clone(), standing.clone());
        let then = async move {
            if waits {
                doors.wait_for_past(&call, moment).await?;
            }
            let Standing { question, texts } = standing;
            doors.rule_then(customer, question, texts, moment).await
        };
        Ok(Either::Right(then.boxed()))
    }
}
