//! Feeding lines to a ledger and taking its answers, in their order and with bounded memory.

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::transport::Channel;
use tonic_types::Status as Said;

use super::report::Entry;
use super::row::Wrong;
use super::source::{Line, SourceError};
use crate::proto::v1 as wire;
use wire::import_response::Outcome;
use wire::import_service_client::ImportServiceClient;

/// Lines on their way to the connection.
const REQUESTS: usize = 1024;
/// Lines read whose answers are awaited: more than a server takes before it answers.
const AWAITED: usize = 16 * 1024;

/// What became of lines so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Recorded, and counts.
    pub counted: u64,
    /// Recorded as history only.
    pub history_only: u64,
    /// On record already.
    pub already_recorded: u64,
    /// Refused.
    pub refused: u64,
}

impl Counts {
    /// All lines.
    pub fn lines(&self) -> u64 {
        self.counted + self.history_only + self.already_recorded + self.refused
    }
}

/// Why an import broke off.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The file.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The report or the resume file.
    #[error("the report or the resume file can't be written: {0}")]
    Report(#[from] std::io::Error),
    /// The server ended the stream, or refused the whole import.
    #[error("the ledger broke off: {0}")]
    Stream(#[from] tonic::Status),
    /// The server can't take lines now.
    #[error("the ledger can't take line {line} now: {message}")]
    NotNow {
        /// The line.
        line: u64,
        /// What it said.
        message: String,
    },
    /// An answer to another line.
    #[error("the ledger answered line {answered} where line {awaited} was awaited")]
    OutOfOrder {
        /// The line that is next.
        awaited: u64,
        /// The line of the answer.
        answered: u64,
    },
}

/// A line that is done.
pub struct Done {
    /// Its number.
    pub line: u64,
    /// Bytes of the file up to its end.
    pub bytes: u64,
    /// What the report says of it.
    pub entry: Option<Entry>,
}

/// A line that was read: sent, or wrong by itself.
struct Read {
    line: u64,
    bytes: u64,
    wrong: Option<Wrong>,
}

/// Sends `lines` as those of the import of that name, and gives each that is done to `note`, in their order.
///
/// # Errors
/// Why it broke off; what `note` saw is durable.
pub async fn feed<I>(
    channel: Channel,
    name: &str,
    lines: I,
    counts: &mut Counts,
    note: &mut dyn FnMut(Done, &Counts) -> std::io::Result<()>,
) -> Result<(), Broken>
where
    I: Iterator<Item = Result<Line, SourceError>> + Send + 'static,
{
    let (to_server, requests) = mpsc::channel(REQUESTS);
    let (to_us, mut read) = mpsc::channel(AWAITED);
    let name = name.to_owned();
    tokio::task::spawn_blocking(move || read_all(lines, &name, &to_server, &to_us));
    let answers = ImportServiceClient::new(channel)
        .import(ReceiverStream::new(requests))
        .await?;
    let mut answers = answers.into_inner();
    while let Some(read) = read.recv().await {
        let Read { line, bytes, wrong } = read?;
        let entry = match wrong {
            Some(wrong) => {
                counts.refused += 1;
                Some(refused_here(line, wrong))
            }
            None => {
                let answer = answers.message().await?;
                let answer = answer.ok_or_else(|| tonic::Status::unavailable("it ended early"))?;
                if answer.line != line {
                    return Err(Broken::OutOfOrder {
                        awaited: line,
                        answered: answer.line,
                    });
                }
                judge(line, answer.outcome, counts)?
            }
        };
        note(Done { line, bytes, entry }, counts)?;
    }
    Ok(())
}

/// Reads until the lines end or nobody listens any more.
fn read_all(
    lines: impl Iterator<Item = Result<Line, SourceError>>,
    name: &str,
    to_server: &mpsc::Sender<wire::ImportRequest>,
    to_us: &mpsc::Sender<Result<Read, SourceError>>,
) {
    for line in lines {
        let (read, request) = match line {
            Err(error) => (Err(error), None),
            Ok(Line {
                number,
                bytes,
                said,
            }) => {
                let (wrong, request) = match said {
                    Ok((customer_id, fact)) => (
                        None,
                        Some(wire::ImportRequest {
                            import_name: name.to_owned(),
                            line: number,
                            customer_id,
                            fact: Some(fact),
                        }),
                    ),
                    Err(wrong) => (Some(wrong), None),
                };
                let read = Read {
                    line: number,
                    bytes,
                    wrong,
                };
                (Ok(read), request)
            }
        };
        let last = read.is_err();
        let gone = to_us.blocking_send(read).is_err()
            || request.is_some_and(|request| to_server.blocking_send(request).is_err());
        if last || gone {
            return;
        }
    }
}

fn refused_here(line: u64, wrong: Wrong) -> Entry {
    Entry {
        line,
        outcome: "refused".to_owned(),
        field: wrong.field,
        rule: "INVALID".to_owned(),
        message: wrong.problem,
    }
}

/// Counts an answer; what the report says of it.
fn judge(
    line: u64,
    outcome: Option<Outcome>,
    counts: &mut Counts,
) -> Result<Option<Entry>, Broken> {
    match outcome {
        Some(Outcome::AlreadyRecorded(_)) => counts.already_recorded += 1,
        Some(Outcome::Recorded(recorded)) => {
            let repeated = (recorded.receipt.as_ref()).is_some_and(|receipt| receipt.repeated);
            let history = !recorded.history_only.is_empty();
            match (repeated, history) {
                (true, _) => counts.already_recorded += 1,
                (false, true) => counts.history_only += 1,
                (false, false) => counts.counted += 1,
            }
            if history {
                return Ok(Some(history_only(line, &recorded)));
            }
        }
        Some(Outcome::Refused(said)) => {
            let code = Code::from_i32(said.code);
            if TO_BE_SENT_AGAIN.contains(&code) {
                return Err(Broken::NotNow {
                    line,
                    message: said.message,
                });
            }
            counts.refused += 1;
            return Ok(Some(refused(line, &said)));
        }
        None => {
            return Err(Broken::NotNow {
                line,
                message: "it answered nothing".to_owned(),
            });
        }
    }
    Ok(None)
}

/// What says nothing about the line.
const TO_BE_SENT_AGAIN: [Code; 4] = [
    Code::Unavailable,
    Code::ResourceExhausted,
    Code::DeadlineExceeded,
    Code::Internal,
];

fn history_only(line: u64, recorded: &wire::ImportRecorded) -> Entry {
    let reasons = recorded.history_only();
    let reasons = reasons.map(|reason| {
        let name = reason.as_str_name();
        name.strip_prefix("SHORTFALL_").unwrap_or(name)
    });
    Entry {
        line,
        outcome: "history_only".to_owned(),
        field: String::new(),
        rule: reasons.collect::<Vec<_>>().join(" "),
        message: "on record as history: it changes no answer".to_owned(),
    }
}

fn refused(line: u64, said: &Said) -> Entry {
    use tonic_types::StatusExt;

    let details = prost::bytes::Bytes::from(prost::Message::encode_to_vec(said));
    let status = tonic::Status::with_details(Code::from_i32(said.code), &said.message, details);
    let of_request = status.get_details_bad_request();
    let of_request = of_request.and_then(|found| found.field_violations.into_iter().next());
    let of_state = status.get_details_precondition_failure();
    let of_state = of_state.and_then(|found| found.violations.into_iter().next());
    let field = (of_request.map(|found| found.field)).or(of_state.map(|found| found.subject));
    let rule = status.get_details_error_info().map(|info| info.reason);
    Entry {
        line,
        outcome: "refused".to_owned(),
        field: field.unwrap_or_default(),
        rule: rule.unwrap_or_default(),
        message: said.message.clone(),
    }
}
