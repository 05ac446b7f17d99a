//! `check`: the question, from a shell.

use serde_json::json;

use super::question::Asked;
use super::{Ended, Global, output};
use crate::proto::v1 as wire;
use wire::check_service_client::CheckServiceClient;

/// Ask a running ledger: may we?
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger check --customer K-1001 --class billing --purpose marketing_comms --target interexchange
  consent-ledger check --customer K-1001 --class amount_of_use --recipient affiliate --entity acme --output json
  consent-ledger check --customer K-1001 --class billing --target cmrs --as-of 2026-03-02T11:00:00Z --hindsight

The exit code is 0 for yes and 3 for no.")]
pub struct Arguments {
    /// The ledger's gRPC address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400", value_parser = crate::cli::server_url)]
    server: String,
    /// The company's id of the account.
    #[arg(long, value_name = "ID")]
    customer: String,
    #[command(flatten)]
    asked: Asked,
    /// The call in which it is asked.
    #[arg(long, value_name = "CALL", default_value = "")]
    call: String,
    /// Wait until the ledger shows this position.
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    /// Answer from the past: an instant such as 2026-03-02T11:00:00Z, or a position.
    #[arg(long, value_name = "TIME|POSITION", value_parser = super::moment)]
    as_of: Option<wire::as_of::Moment>,
    /// With --as-of: from all of today's records, where what narrows counts from when it happened.
    #[arg(long, requires = "as_of")]
    hindsight: bool,
}

pub async fn run(global: Global, arguments: Arguments) -> Ended {
    if arguments.asked.is_nothing() {
        return output::complain(Ended::Usage, "say what is used: give --class");
    }
    let mut client = match CheckServiceClient::connect(arguments.server.clone()).await {
        Ok(client) => client,
        Err(error) => {
            return output::complain(
                Ended::Unreachable,
                &format!("no ledger answers at {}: {error}", arguments.server),
            );
        }
    };
    let question = wire::Question {
        call_id: arguments.call,
        ..arguments.asked.message()
    };
    let request = wire::CheckUseRequest {
        customer: Some(wire::CustomerRef {
            customer: Some(wire::customer_ref::Customer::Id(arguments.customer)),
        }),
        question: Some(question),
        as_of: arguments.as_of.map(|moment| wire::AsOf {
            moment: Some(moment),
        }),
        hindsight: arguments.hindsight,
        min_position: arguments.min_position,
        ..wire::CheckUseRequest::default()
    };
    match client
        .check_use(request)
        .await
        .map(|answer| answer.into_inner().ruling)
    {
        Ok(Some(ruling)) => show(&global, &ruling),
        Ok(None) => output::complain(Ended::Unreachable, "the ledger answered without a ruling"),
        Err(status)
            if matches!(
                status.code(),
                tonic::Code::InvalidArgument | tonic::Code::OutOfRange
            ) =>
        {
            output::complain(Ended::Usage, status.message())
        }
        Err(status) => output::complain(Ended::Unreachable, status.message()),
    }
}

fn show(global: &Global, ruling: &wire::Ruling) -> Ended {
    let ended = if ruling.allowed {
        Ended::Well
    } else {
        Ended::No
    };
    if global.output == output::Format::Json {
        output::json(&as_json(ruling));
        return ended;
    }
    let (style, word) = if ruling.allowed {
        (anstyle::AnsiColor::Green.on_default().bold(), "yes")
    } else {
        (anstyle::AnsiColor::Red.on_default().bold(), "no")
    };
    output::line(&format!(
        "{style}{word}{style:#}  state: {}",
        state(ruling.state())
    ));
    for reason in &ruling.reasons {
        output::line(&format!(
            "  {}{}",
            code(reason.code()),
            at(&reason.positions)
        ));
        for clause in &reason.clauses {
            output::line(&format!(
                "    {} {}: {}",
                clause.source, clause.reference, clause.text
            ));
        }
    }
    for remedy in &ruling.remedies {
        output::line(&format!("  would be yes by: {}", remedy_text(remedy)));
    }
    if let Some(at) = &ruling.evaluated_at {
        output::line(&format!("  at {at}"));
    }
    if let Some(until) = &ruling.valid_until {
        output::line(&format!("  holds until {until}"));
    }
    if let Some(rulebook) = &ruling.rulebook {
        output::line(&format!(
            "  by {} {}, at position {}",
            rulebook.name, rulebook.version, ruling.position
        ));
    }
    ended
}

pub(super) fn as_json(ruling: &wire::Ruling) -> serde_json::Value {
    json!({
        "allowed": ruling.allowed,
        "state": state(ruling.state()),
        "reasons": ruling.reasons.iter().map(|reason| json!({
            "code": code(reason.code()),
            "positions": reason.positions,
            "fact": reason.fact,
            "clauses": reason.clauses.iter().map(|clause| json!({
                "source": clause.source, "reference": clause.reference, "text": clause.text,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "remedies": ruling.remedies.iter().map(remedy_text).collect::<Vec<_>>(),
        "evaluated_at": ruling.evaluated_at.as_ref().map(ToString::to_string),
        "valid_until": ruling.valid_until.as_ref().map(ToString::to_string),
        "position": ruling.position,
    })
}

pub(super) fn state(state: wire::CellState) -> String {
    state
        .as_str_name()
        .trim_start_matches("CELL_STATE_")
        .to_ascii_lowercase()
}

pub(super) fn code(code: wire::ReasonCode) -> &'static str {
    code.as_str_name().trim_start_matches("REASON_CODE_")
}

pub(super) fn at(positions: &[u64]) -> String {
    if positions.is_empty() {
        return String::new();
    }
    let list: Vec<String> = positions.iter().map(ToString::to_string).collect();
    format!(" at {}", list.join(", "))
}

fn remedy_text(remedy: &wire::Remedy) -> String {
    use wire::remedy::Remedy;
    match &remedy.remedy {
        Some(Remedy::OpenService(open)) => format!("the customer opening {}", open.category),
        Some(Remedy::OptIn(_)) => "the customer opting in".to_owned(),
        Some(Remedy::Lift(lift)) => {
            format!("the customer lifting the block{}", at(&lift.positions))
        }
        Some(Remedy::SupplyFact(fact)) => format!("stating {}", fact.fact),
        Some(Remedy::Verify(_)) => "verifying the caller".to_owned(),
        Some(Remedy::GiveNotice(_)) => {
            "an opt-out notice that the customer doesn't object to".to_owned()
        }
        None => "nothing that this release knows".to_owned(),
    }
}
