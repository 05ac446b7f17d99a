//! ImportService: a migrating company's history, line by line.

use futures_util::stream::{BoxStream, StreamExt};
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::call::Call;
use super::convert::answers::receipt;
use super::convert::lists::numbers as listed;
use super::convert::{imports, values};
use super::doors::Doors;
use super::in_order::{InOrder, UntilStopping};
use super::status;
use crate::domain::command::Command;
use crate::domain::refusal::RefusalCode;
use crate::domain::vocabulary::Channel;
use crate::proto::v1 as wire;
use crate::proto::v1::import_response::Outcome as Answered;
use crate::sequencer::{Answer, Intent, Outcome, SubjectRef, SubmitError};

/// Serves ImportService.
pub struct Imports {
    /// The engine.
    pub doors: Doors,
    /// Most lines of one stream that are unanswered at a time.
    pub in_flight_max: usize,
}

#[tonic::async_trait]
impl wire::import_service_server::ImportService for Imports {
    type ImportStream = BoxStream<'static, Result<wire::ImportResponse, Status>>;

    async fn import(
        &self,
        request: Request<Streaming<wire::ImportRequest>>,
    ) -> Result<Response<Self::ImportStream>, Status> {
        let call = Call::of(&request)?;
        let requests = UntilStopping::new(request.into_inner(), self.doors.stopping());
        let doors = self.doors.clone();
        let begin = move |lines| Batch::begin(&doors, &call, lines).answer();
        let mut progress = wire::ImportProgress::default();
        let answers = InOrder::new(requests, self.in_flight_max, begin).map(move |answer| {
            answer.map(|mut response| {
                count(&mut progress, response.outcome.as_ref());
                response.progress = Some(progress);
                response
            })
        });
        Ok(Response::new(answers.boxed()))
    }
}

/// Lines that came together: those that the engine gets, and for each where its answer comes from.
struct Batch {
    doors: Doors,
    intents: Vec<Intent>,
    slots: Vec<(u64, Option<Status>)>,
}

impl Batch {
    fn begin(doors: &Doors, call: &Call, lines: Vec<wire::ImportRequest>) -> Self {
        let mut batch = Self {
            doors: doors.clone(),
            intents: Vec::with_capacity(lines.len()),
            slots: Vec::with_capacity(lines.len()),
        };
        for given in lines {
            let line = given.line;
            let refused = match intent(doors, call, given) {
                Ok(intent) => {
                    batch.intents.push(intent);
                    None
                }
                Err(refused) => Some(refused),
            };
            batch.slots.push((line, refused));
        }
        batch
    }

    /// Waits until the engine has answered every line.
    async fn answer(self) -> Vec<wire::ImportResponse> {
        let answers = match self.intents.is_empty() {
            true => Vec::new(),
            false => self.doors.try_submit_many(self.intents).await,
        };
        let mut answers = answers.into_iter();
        let respond = |(line, refused): (u64, Option<Status>)| {
            let outcome = match refused {
                Some(refused) => Answered::Refused(status::as_message(&refused)),
                None => match answers.next() {
                    Some(answer) => outcome(answer),
                    None => failed("a line of an import got no answer"),
                },
            };
            wire::ImportResponse {
                line,
                outcome: Some(outcome),
                progress: None,
            }
        };
        self.slots.into_iter().map(respond).collect()
    }
}

fn intent(doors: &Doors, call: &Call, given: wire::ImportRequest) -> Result<Intent, Status> {
    let content: [u8; 32] = Sha256::digest(given.encode_to_vec()).into();
    let tokens = |kind: &'static str, value: &str| doors.token(kind, value);
    let (customer, command) = imports::line(given, &tokens)?;
    Ok(Intent {
        request_id: request_id(&content),
        caller: call.actor.clone(),
        channel: Channel::System,
        person: None,
        subject: SubjectRef::Id(customer),
        // The import occurs now; the fact has a date of its own.
        occurred_at: None,
        expected_version: None,
        deadline: call.deadline,
        content,
        command: Command::Assert(command),
    })
}

/// The line's own request id: the same line of the same import has the same one, and gets its first answer again.
fn request_id(content: &[u8; 32]) -> Uuid {
    let mut digest = Sha256::new();
    digest.update("/consent.v1.ImportService/Import");
    digest.update([0]);
    digest.update(content);
    let bytes: [u8; 32] = digest.finalize().into();
    let (half, _) = bytes.split_at(16);
    uuid::Builder::from_custom_bytes(half.try_into().unwrap_or_default()).into_uuid()
}

fn outcome(answer: Result<Answer, SubmitError>) -> Answered {
    match answer {
        Ok(answer) => recorded(&answer),
        Err(SubmitError::Refused(refusal)) if refusal.code == RefusalCode::AlreadyAsserted => {
            Answered::AlreadyRecorded(wire::ImportAlreadyRecorded {})
        }
        Err(refused) => Answered::Refused(status::as_message(&status::submit(refused))),
    }
}

fn recorded(answer: &Answer) -> Answered {
    let Outcome::Asserted {
        shortfalls,
        still_blocked_by,
    } = &answer.outcome
    else {
        return failed("a line of an import got another command's outcome");
    };
    Answered::Recorded(wire::ImportRecorded {
        receipt: receipt(answer),
        history_only: listed(shortfalls.iter().copied()),
        still_blocked_by: values::numbers(still_blocked_by),
    })
}

fn failed(problem: &str) -> Answered {
    Answered::Refused(status::as_message(&status::failed(problem)))
}

fn count(progress: &mut wire::ImportProgress, outcome: Option<&Answered>) {
    let counter = match outcome {
        Some(Answered::Recorded(recorded)) if is_repeated(recorded) => {
            &mut progress.already_recorded
        }
        Some(Answered::Recorded(recorded)) if recorded.history_only.is_empty() => {
            &mut progress.counted
        }
        Some(Answered::Recorded(_)) => &mut progress.history_only,
        Some(Answered::AlreadyRecorded(_)) => &mut progress.already_recorded,
        Some(Answered::Refused(_)) | None => &mut progress.refused,
    };
    *counter = counter.saturating_add(1);
}

fn is_repeated(recorded: &wire::ImportRecorded) -> bool {
    (recorded.receipt.as_ref()).is_some_and(|receipt| receipt.repeated)
}
