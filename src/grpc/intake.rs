//! IntakeService: any command, in a stream.

use futures_util::stream::{BoxStream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::call::Call;
use super::convert::Malformed;
use super::convert::commands::CommandRequest;
use super::doors::Doors;
use super::in_order::{InOrder, UntilStopping};
use super::status;
use crate::domain::rulebook::Rulebook;
use crate::proto::v1 as wire;
use crate::proto::v1::submit_request::Command;
use crate::proto::v1::submit_response::Answer as Answered;
use crate::sequencer::{Answer, Intent};

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
        let mut submission = Submission {
            doors: self.doors.clone(),
            call,
            sequence: 0,
        };
        let begin = move |batch| submission.begin(batch).answer();
        let answers = InOrder::new(requests, self.in_flight_max, begin);
        Ok(Response::new(answers.boxed()))
    }
}

/// Makes the response of one kind of command out of the engine's answer.
type Respond = fn(&Answer, &Rulebook) -> Option<Answered>;

/// One stream of commands.
struct Submission {
    doors: Doors,
    call: Call,
    sequence: u64,
}

/// Commands that came together: those that the engine gets, and for each request where its answer comes from.
struct Batch {
    doors: Doors,
    intents: Vec<Intent>,
    slots: Vec<Slot>,
    first: u64,
}

enum Slot {
    Refused(Status),
    Submitted(Respond),
}

impl Submission {
    /// Checks and converts the requests, in the order of the stream.
    fn begin(&mut self, requests: Vec<wire::SubmitRequest>) -> Batch {
        let mut batch = Batch {
            doors: self.doors.clone(),
            intents: Vec::with_capacity(requests.len()),
            slots: Vec::with_capacity(requests.len()),
            first: self.sequence + 1,
        };
        for request in requests {
            self.sequence += 1;
            let slot = match self.intent(request) {
                Ok((intent, respond)) => {
                    batch.intents.push(intent);
                    Slot::Submitted(respond)
                }
                Err(refused) => Slot::Refused(refused),
            };
            batch.slots.push(slot);
        }
        batch
    }

    fn intent(&self, request: wire::SubmitRequest) -> Result<(Intent, Respond), Status> {
        match request.command {
            None => Err(Malformed::missing("command").into()),
            Some(Command::OpenAccount(command)) => self.intent_of(command),
            Some(Command::ChangeServices(command)) => self.intent_of(command),
            Some(Command::RecordNotice(command)) => self.intent_of(command),
            Some(Command::RecordConsent(command)) => self.intent_of(command),
            Some(Command::GrantOnce(command)) => self.intent_of(command),
            Some(Command::EndCall(command)) => self.intent_of(command),
            Some(Command::Disclose(command)) => self.intent_of(command),
            Some(Command::CheckUse(command)) => self.intent_of(command),
        }
    }

    fn intent_of<R>(&self, command: R) -> Result<(Intent, Respond), Status>
    where
        R: CommandRequest,
        Answered: From<R::Response>,
    {
        self.call.may_call(R::METHOD)?;
        let respond: Respond = match command.wants_texts() {
            true => respond::<R, true>,
            false => respond::<R, false>,
        };
        let intent = self.doors.intent(&self.call, command)?;
        Ok((intent, respond))
    }
}

fn respond<R, const TEXTS: bool>(answer: &Answer, rulebook: &Rulebook) -> Option<Answered>
where
    R: CommandRequest,
    Answered: From<R::Response>,
{
    R::response(answer, rulebook, TEXTS).map(Answered::from)
}

impl Batch {
    /// Waits until the engine has answered every command.
    async fn answer(self) -> Vec<wire::SubmitResponse> {
        let answers = match self.intents.is_empty() {
            true => Vec::new(),
            false => self.doors.submit_many(self.intents).await,
        };
        let (rulebook, mut answers) = (self.doors.rulebook().clone(), answers.into_iter());
        let numbered = (self.first..).zip(self.slots);
        let respond = |(sequence, slot)| {
            let answered = match slot {
                Slot::Refused(refused) => Err(refused),
                Slot::Submitted(respond) => match answers.next() {
                    Some(Ok(answer)) => respond(&answer, &rulebook)
                        .ok_or_else(|| status::failed("a command got another one's outcome")),
                    Some(Err(refused)) => Err(refused),
                    None => Err(status::failed("a command got no answer")),
                },
            };
            let answered =
                answered.unwrap_or_else(|refused| Answered::Refused(status::as_message(&refused)));
            wire::SubmitResponse {
                sequence,
                answer: Some(answered),
            }
        };
        numbered.map(respond).collect()
    }
}
