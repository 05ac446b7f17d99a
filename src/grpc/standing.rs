//! The standing questions of E9 over gRPC: one asking at a time, on a thread of its own, while the ledger goes on.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::convert::{Malformed, values};
use super::doors::Doors;
use super::status;
use crate::audit::questions::{Answered, Questioner};
use crate::domain::questions::{ALL, Finding, Kind, StandingQuestion, named};
use crate::proto::v1 as wire;
use wire::ask_standing_questions_response::Part;

/// Askings at a time: each reads the whole log and keeps every customer's state.
const AT_A_TIME: usize = 1;
/// Parts of an answer that wait for a slow reader.
const PARTS_AHEAD: usize = 256;

/// Asks the running ledger.
pub struct Asking {
    questioner: Questioner,
    turns: Arc<Semaphore>,
    stopping: CancellationToken,
}

type Parts = mpsc::Sender<Result<wire::AskStandingQuestionsResponse, Status>>;

impl Asking {
    /// Asks the ledger behind these doors.
    pub fn new(doors: &Doors) -> Self {
        Self {
            questioner: doors.questioner().clone(),
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            stopping: doors.stopping().clone(),
        }
    }

    /// Begins an asking. It ends early when nobody reads its parts any more.
    pub fn begin(
        &self,
        given: wire::AskStandingQuestionsRequest,
    ) -> Result<ReceiverStream<Result<wire::AskStandingQuestionsResponse, Status>>, Status> {
        let questions = questions(&given)?;
        let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() else {
            return Err(status::asked_already());
        };
        let (questioner, stopping) = (self.questioner.clone(), self.stopping.clone());
        let (parts, receiver) = mpsc::channel(PARTS_AHEAD);
        tokio::task::spawn_blocking(move || {
            let progress = |records| {
                // A reader who is slow misses some of the progress and nothing else.
                let _ =
                    parts.try_send(Ok(part(Part::Progress(wire::StandingProgress { records }))));
                !parts.is_closed() && !stopping.is_cancelled()
            };
            let answered = questioner.ask(questions, given.to_position, &progress);
            drop(turn);
            tell(&parts, answered.map_err(status::asking));
        });
        Ok(ReceiverStream::new(receiver))
    }
}

/// The questions of these names, or every one of the kinds asked for.
fn questions(
    given: &wire::AskStandingQuestionsRequest,
) -> Result<Vec<&'static StandingQuestion>, Malformed> {
    let names = &given.names;
    values::at_most("names", names.len(), ALL.len())?;
    if names.is_empty() {
        let asked = ALL
            .iter()
            .filter(|one| given.duties || one.kind == Kind::Rule);
        return Ok(asked.collect());
    }
    let find = |(index, name): (usize, &String)| {
        let unknown = || Malformed::invalid(format!("names[{index}]"), "is no standing question");
        named(name).ok_or_else(unknown)
    };
    names.iter().enumerate().map(find).collect()
}

/// Gives the answer out. Whoever doesn't read it any more misses the rest.
fn tell(parts: &Parts, answered: Result<Answered, Status>) {
    let answered = match answered {
        Ok(answered) => answered,
        Err(failed) => {
            let _ = parts.blocking_send(Err(failed));
            return;
        }
    };
    let findings = answered.findings.iter().map(finding).map(Part::Finding);
    let end = Part::Answered(summary(&answered));
    for one in findings.chain([end]) {
        if parts.blocking_send(Ok(part(one))).is_err() {
            return;
        }
    }
}

fn part(part: Part) -> wire::AskStandingQuestionsResponse {
    wire::AskStandingQuestionsResponse { part: Some(part) }
}

fn finding(finding: &Finding) -> wire::StandingFinding {
    wire::StandingFinding {
        position: finding.position.0,
        pseudonym: (finding.pseudonym.as_ref()).map_or_else(String::new, ToString::to_string),
        question: finding.question.to_owned(),
        wrong: finding.wrong.clone(),
    }
}

fn summary(answered: &Answered) -> wire::StandingAnswer {
    let question = |question: &&'static StandingQuestion| wire::StandingQuestion {
        name: question.name.to_owned(),
        asks: question.asks.to_owned(),
        clauses: question.clauses.to_owned(),
        requirements: question.requirements.to_owned(),
        findings: u32::try_from(answered.found_by(question.name)).unwrap_or(u32::MAX),
        duty: question.kind == Kind::Duty,
    };
    wire::StandingAnswer {
        to_position: answered.to,
        customers: answered.customers,
        questions: answered.questions.iter().map(question).collect(),
        more: answered.more,
    }
}
