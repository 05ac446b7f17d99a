//! IntakeService: any command, in a stream.

use std::future::Future;
use std::pin::Pin;

use futures_util::stream::{BoxStream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::call::Call;
use super::checks::without_texts;
use super::convert::Malformed;
use super::convert::commands::CommandRequest;
use super::doors::Doors;
use super::in_order::{InOrder, UntilStopping};
use super::status;
use crate::proto::v1 as wire;
use crate::proto::v1::submit_request::Command;
use crate::proto::v1::submit_response::Answer;

/// Serves IntakeService.
pub struct Intake {
    /// The engine.
    pub doors: Doors,
    /// Most commands of one stream that are unanswered at a time.
    pub in_flight_max: usize,
}

#[tonic::async_trait]
impl wire::intake_service_server::IntakeService for Intake {
    type SubmitStream = BoxStream<'static, Result<wire::SubmitResponse, Status>>;

    async fn submit(
        &self,
        request: Request<Streaming<wire::SubmitRequest>>,
    ) -> Result<Response<Self::SubmitStream>, Status> {
        let call = Call::of(&request)?;
        let requests = UntilStopping::new(request.into_inner(), self.doors.stopping());
        let submission = Submission {
            doors: self.doors.clone(),
            call,
        };
        let mut sequence = 0;
        let begin = move |request: wire::SubmitRequest| {
            sequence += 1;
            let answer = submission.begin(request);
            async move {
                let answer = answer
                    .await
                    .unwrap_or_else(|refused| Answer::Refused(status::as_message(&refused)));
                wire::SubmitResponse {
                    sequence,
                    answer: Some(answer),
                }
            }
        };
        Ok(Response::new(
            InOrder::new(requests, self.in_flight_max, begin).boxed(),
        ))
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Answer, Status>> + Send>>;

/// One stream of commands.
struct Submission {
    doors: Doors,
    call: Call,
}

impl Submission {
    fn begin(&self, request: wire::SubmitRequest) -> Answering {
        match request.command {
            None => refuse(Malformed::missing("command").into()),
            Some(Command::OpenAccount(command)) => self.submit(command, Answer::OpenAccount),
            Some(Command::ChangeServices(command)) => self.submit(command, Answer::ChangeServices),
            Some(Command::RecordNotice(command)) => self.submit(command, Answer::RecordNotice),
            Some(Command::RecordConsent(command)) => self.submit(command, Answer::RecordConsent),
            Some(Command::GrantOnce(command)) => self.submit(command, Answer::GrantOnce),
            Some(Command::EndCall(command)) => self.submit(command, Answer::EndCall),
            Some(Command::Disclose(command)) => self.submit(command, Answer::Disclose),
            Some(Command::CheckUse(command)) => {
                let omit_texts = command.omit_clause_texts;
                self.submit(command, move |mut response| {
                    if omit_texts {
                        without_texts(&mut response);
                    }
                    Answer::CheckUse(response)
                })
            }
        }
    }

    /// Checks and converts at once, in the order of the stream; only the engine is waited for.
    fn submit<R: CommandRequest>(
        &self,
        command: R,
        answer: impl FnOnce(R::Response) -> Answer + Send + 'static,
    ) -> Answering {
        let intent = self
            .call
            .may_call(R::METHOD)
            .and_then(|()| self.doors.intent(&self.call, command));
        let intent = match intent {
            Ok(intent) => intent,
            Err(refused) => return refuse(refused),
        };
        let doors = self.doors.clone();
        Box::pin(async move {
            let answered = doors.submit(intent).await?;
            doors.response::<R>(&answered).map(answer)
        })
    }
}

fn refuse(refused: Status) -> Answering {
    Box::pin(async move { Err(refused) })
}
