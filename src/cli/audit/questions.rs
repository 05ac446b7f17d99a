//! `audit questions`: the standing questions of E9, offline or of a running ledger.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::audit::AuditError;
use crate::audit::questions::{Answered, AskError, Asking, Rulebooks, ask_export, ask_folder};
use crate::cli::output::{Report, Table};
use crate::cli::{Ended, Global, output};
use crate::domain::questions::{ALL, Kind, StandingQuestion, named};
use crate::proto::v1 as wire;
use wire::ask_standing_questions_response::Part;
use wire::audit_service_client::AuditServiceClient;

/// Ask the standing questions, which must come back empty.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger audit questions --data data
  consent-ledger audit questions --export ledger.ndjson --to 120000 --output csv
  consent-ledger audit questions --only approval-not-live --only competitor-tracking
  consent-ledger audit questions --data data --duties
  consent-ledger audit questions --list --duties

Without --data and --export a running ledger is asked; it goes on meanwhile. The chain is not verified: run `verify` first.
The exit code is 0 when every question came back empty and 1 when one did not.")]
pub struct Arguments {
    /// The ledger's gRPC address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400", value_parser = crate::cli::server_url)]
    server: String,
    /// Data folder to read instead, offline, from a copy.
    #[arg(long, value_name = "DIR", conflicts_with = "export")]
    data: Option<PathBuf>,
    /// Export to read instead: one record a line.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Folder of the rulebooks that were in force, for an export under others than those that ship with the program.
    #[arg(long, value_name = "DIR", requires = "export")]
    rulebooks: Option<PathBuf>,
    /// The last position to look at [default: the newest].
    #[arg(long, value_name = "POSITION")]
    to: Option<u64>,
    /// Only this question; may be repeated.
    #[arg(long, value_name = "NAME", value_parser = question)]
    only: Vec<&'static StandingQuestion>,
    /// Also what the company owes and has not done, or did late, such as notifications of account changes.
    #[arg(long, conflicts_with = "only")]
    duties: bool,
    /// List the questions and ask none.
    #[arg(long)]
    list: bool,
}

fn question(name: &str) -> Result<&'static StandingQuestion, String> {
    named(name).ok_or_else(|| format!("`{name}` is no standing question; --list shows them"))
}

const QUESTIONS: &[&str] = &[
    "question",
    "findings",
    "kind",
    "asks",
    "clauses",
    "requirements",
];
const FINDINGS: &[&str] = &["position", "question", "pseudonym", "wrong"];
const LISTED: &[&str] = &["question", "kind", "asks", "clauses", "requirements"];

/// What came back, from wherever it was asked.
struct Answer {
    to: u64,
    customers: u64,
    more: bool,
    /// One row a question.
    questions: Vec<Vec<Value>>,
    /// One row a finding.
    findings: Vec<Vec<Value>>,
}

/// Why nothing came back.
enum Failed {
    Offline(AskError),
    Live(Ended, String),
}

pub async fn run(global: &Global, arguments: Arguments) -> Ended {
    let questions = match arguments.only.is_empty() {
        true => (ALL.iter())
            .filter(|question| arguments.duties || question.kind == Kind::Rule)
            .collect(),
        false => arguments.only.clone(),
    };
    if arguments.list {
        return listed(&questions).print(global.output, "no question is known");
    }
    let answer = match (&arguments.data, &arguments.export) {
        (None, None) => ask_server(&arguments, &questions).await,
        _ => offline(&arguments, questions).map_err(Failed::Offline),
    };
    match answer {
        Ok(answer) => show(global, answer),
        Err(Failed::Live(ended, problem)) => output::complain(ended, &problem),
        Err(Failed::Offline(error)) => output::fail(ended(&error), &error),
    }
}

/// What a failure ends with: a log that can't be asked is not a log with findings, yet in doubt.
fn ended(error: &AskError) -> Ended {
    match error {
        AskError::Record { .. } | AskError::Log(_) => Ended::Wrong,
        AskError::Audit(
            AuditError::Finding(_) | AuditError::Doubt(_) | AuditError::Checkpoint(_),
        ) => Ended::Wrong,
        AskError::Beyond { .. } => Ended::Usage,
        AskError::Audit(_) | AskError::Rulebook { .. } | AskError::Stopped => Ended::Unreachable,
    }
}

fn offline(
    arguments: &Arguments,
    questions: Vec<&'static StandingQuestion>,
) -> Result<Answer, AskError> {
    let mut asking = Asking {
        questions,
        to: arguments.to,
        ..Asking::default()
    };
    let bar = output::counter("asking");
    let progress = |records| {
        bar.set_position(records);
        true
    };
    let answered = match (&arguments.data, &arguments.export) {
        (None, Some(file)) => {
            asking.rulebooks.folder.clone_from(&arguments.rulebooks);
            ask_export(file, &asking, &progress)
        }
        (dir, _) => {
            let dir = dir.clone().unwrap_or_default();
            asking.rulebooks = Rulebooks::of(&dir);
            ask_folder(&dir, &asking, &progress)
        }
    };
    bar.finish_and_clear();
    answered.map(|answered| of_log(&answered))
}

fn of_log(answered: &Answered) -> Answer {
    let finding = |finding: &crate::domain::questions::Finding| {
        let pseudonym = finding.pseudonym.map(|pseudonym| pseudonym.to_string());
        vec![
            json!(finding.position.0),
            json!(finding.question),
            json!(pseudonym),
            json!(finding.wrong),
        ]
    };
    let question = |question: &&'static StandingQuestion| {
        row(question, answered.found_by(question.name) as u64)
    };
    Answer {
        to: answered.to,
        customers: answered.customers,
        more: answered.more,
        questions: answered.questions.iter().map(question).collect(),
        findings: answered.findings.iter().map(finding).collect(),
    }
}

fn row(question: &StandingQuestion, findings: u64) -> Vec<Value> {
    vec![
        json!(question.name),
        json!(findings),
        json!(kind(question.kind == Kind::Duty)),
        json!(question.asks),
        json!(question.clauses),
        json!(question.requirements),
    ]
}

/// What a finding means.
const fn kind(duty: bool) -> &'static str {
    match duty {
        true => "duty",
        false => "rule",
    }
}

async fn ask_server(
    arguments: &Arguments,
    questions: &[&'static StandingQuestion],
) -> Result<Answer, Failed> {
    let unreachable = |problem: String| Failed::Live(Ended::Unreachable, problem);
    let server = &arguments.server;
    let refused = |status: tonic::Status| match status.code() {
        tonic::Code::InvalidArgument | tonic::Code::NotFound => {
            Failed::Live(Ended::Usage, status.message().to_owned())
        }
        _ => unreachable(status.message().to_owned()),
    };
    let mut client = AuditServiceClient::connect(server.clone())
        .await
        .map_err(|error| unreachable(format!("no ledger answers at {server}: {error}")))?;
    let request = wire::AskStandingQuestionsRequest {
        names: questions
            .iter()
            .map(|question| question.name.to_owned())
            .collect(),
        to_position: arguments.to,
        duties: false,
    };
    let asked = client.ask_standing_questions(request).await;
    let mut parts = asked.map_err(refused)?.into_inner();
    let (bar, mut findings) = (output::counter("asking"), Vec::new());
    while let Some(message) = parts.message().await.map_err(refused)? {
        match message.part {
            Some(Part::Progress(progress)) => bar.set_position(progress.records),
            Some(Part::Finding(finding)) => findings.push(vec![
                json!(finding.position),
                json!(finding.question),
                json!(Some(finding.pseudonym).filter(|pseudonym| !pseudonym.is_empty())),
                json!(finding.wrong),
            ]),
            Some(Part::Answered(answered)) => {
                bar.finish_and_clear();
                return Ok(of_server(answered, findings));
            }
            None => {}
        }
    }
    Err(unreachable("the ledger ended its answer early".to_owned()))
}

fn of_server(answered: wire::StandingAnswer, findings: Vec<Vec<Value>>) -> Answer {
    let question = |question: wire::StandingQuestion| {
        vec![
            json!(question.name),
            json!(question.findings),
            json!(kind(question.duty)),
            json!(question.asks),
            json!(question.clauses),
            json!(question.requirements),
        ]
    };
    Answer {
        to: answered.to_position,
        customers: answered.customers,
        more: answered.more,
        questions: answered.questions.into_iter().map(question).collect(),
        findings,
    }
}

fn show(global: &Global, answer: Answer) -> Ended {
    let empty = answer.findings.is_empty();
    let report = Report {
        facts: vec![
            ("to_position", json!(answer.to)),
            ("customers", json!(answer.customers)),
            ("empty", json!(empty)),
            ("more", json!(answer.more)),
        ],
        tables: vec![
            (
                "questions",
                Table::of(QUESTIONS, answer.questions),
                "no question was asked",
            ),
            (
                "findings",
                Table::of(FINDINGS, answer.findings),
                "every question came back empty",
            ),
        ],
    };
    match (report.print(global.output), empty) {
        (Ended::Well, false) => Ended::Wrong,
        (ended, _) => ended,
    }
}

fn listed(questions: &[&'static StandingQuestion]) -> Table {
    let row = |question: &&'static StandingQuestion| {
        vec![
            json!(question.name),
            json!(kind(question.kind == Kind::Duty)),
            json!(question.asks),
            json!(question.clauses),
            json!(question.requirements),
        ]
    };
    Table::of(LISTED, questions.iter().map(row).collect())
}
