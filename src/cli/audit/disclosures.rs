//! `audit disclosures`: the accounting of one customer's disclosures (P8).

use serde_json::{Value, json};

use crate::cli::output::{Report, Table};
use crate::cli::{Ended, Global, output};
use crate::proto::v1 as wire;
use wire::disclosure_service_client::DisclosureServiceClient;

/// Disclosures that one call fetches.
const PAGE: i32 = 500;

/// Account for the disclosures of one customer.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger audit disclosures --customer K-1001
  consent-ledger audit disclosures --customer K-1001 --from 2026-01-01 --to 2027-01-01 --refused --output csv
  consent-ledger audit disclosures --customer K-1001 --sealed --output json
  consent-ledger audit disclosures --customer K-1001 --as-of 2026-03-02T11:00:00Z

A day begins at midnight of --zone. Disclosures under a gag order are left out, without a mark, unless --sealed asks for
them, which auditors may. Customers are not told positions.")]
pub struct Arguments {
    /// The ledger's gRPC address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400", value_parser = crate::cli::server_url)]
    server: String,
    /// The company's id of the account.
    #[arg(long, value_name = "ID")]
    customer: String,
    /// Recorded at or after this day or instant, e.g. `2026-01-01` or `2026-01-01T07:00:00Z`.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Recorded before this day or instant.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The zone of days: that of the policy's customers.
    #[arg(long, value_name = "ZONE", default_value = "America/Denver")]
    zone: String,
    /// Also what was asked for and refused.
    #[arg(long)]
    refused: bool,
    /// Also what is under a gag order. For auditors.
    #[arg(long)]
    sealed: bool,
    /// The accounting as it was: at an instant such as 2026-03-02T11:00:00Z, or at a position.
    #[arg(long, value_name = "TIME|POSITION", value_parser = crate::cli::moment)]
    as_of: Option<wire::as_of::Moment>,
    /// Wait until the ledger shows this position.
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
}

pub async fn run(global: &Global, arguments: Arguments) -> Ended {
    let request = match request(&arguments) {
        Ok(request) => request,
        Err(problem) => return output::complain(Ended::Usage, &problem),
    };
    match fetch(&arguments.server, request).await {
        Ok((position, disclosures)) => {
            report(&arguments, position, &disclosures).print(global.output)
        }
        Err((ended, problem)) => output::complain(ended, &problem),
    }
}

fn request(arguments: &Arguments) -> Result<wire::ListDisclosuresRequest, String> {
    let instant = |text: &Option<String>| {
        (text.as_deref())
            .map(|text| instant(text, &arguments.zone))
            .transpose()
    };
    Ok(wire::ListDisclosuresRequest {
        customer: Some(wire::CustomerRef {
            customer: Some(wire::customer_ref::Customer::Id(arguments.customer.clone())),
        }),
        recorded_from: instant(&arguments.from)?,
        recorded_until: instant(&arguments.to)?,
        include_refused: arguments.refused,
        include_sealed: arguments.sealed,
        min_position: arguments.min_position,
        page_size: PAGE,
        page_token: String::new(),
        as_of: arguments.as_of.map(|moment| wire::AsOf {
            moment: Some(moment),
        }),
    })
}

/// An instant as it is written, or midnight of a day.
fn instant(text: &str, zone: &str) -> Result<prost_types::Timestamp, String> {
    let at: jiff::Timestamp = match text.parse::<jiff::Timestamp>() {
        Ok(at) => at,
        Err(_) => {
            let day: jiff::civil::Date = text
                .parse()
                .map_err(|_| format!("`{text}` is no day and no instant, such as 2026-01-01"))?;
            day.in_tz(zone)
                .map_err(|error| format!("{zone}: {error}"))?
                .timestamp()
        }
    };
    Ok(prost_types::Timestamp {
        seconds: at.as_second(),
        nanos: at.subsec_nanosecond(),
    })
}

async fn fetch(
    server: &str,
    mut request: wire::ListDisclosuresRequest,
) -> Result<(u64, Vec<wire::Disclosure>), (Ended, String)> {
    let mut client = DisclosureServiceClient::connect(server.to_owned())
        .await
        .map_err(|error| {
            let problem = format!("no ledger answers at {server}: {error}");
            (Ended::Unreachable, problem)
        })?;
    let (mut disclosures, mut position) = (Vec::new(), None);
    loop {
        let page = client.list_disclosures(request.clone()).await;
        let page = page.map_err(refused)?.into_inner();
        disclosures.extend(page.disclosures);
        // Every page reflects at least what the first did.
        position = position.or(Some(page.position));
        if page.next_page_token.is_empty() {
            return Ok((position.unwrap_or_default(), disclosures));
        }
        request.page_token = page.next_page_token;
    }
}

fn refused(status: tonic::Status) -> (Ended, String) {
    use tonic::Code::{InvalidArgument, NotFound, PermissionDenied};
    let ended = match status.code() {
        InvalidArgument | NotFound | PermissionDenied => Ended::Usage,
        _ => Ended::Unreachable,
    };
    (ended, status.message().to_owned())
}

const COLUMNS: &[&str] = &[
    "position",
    "recorded_at",
    "occurred_at",
    "recipient",
    "entity",
    "purpose",
    "classes",
    "ground",
    "relied_on",
    "refused_for",
    "under_gag_order",
    "asserted",
    "service",
    "role",
    "channel",
    "person",
];

fn report(arguments: &Arguments, position: u64, disclosures: &[wire::Disclosure]) -> Report {
    Report {
        facts: vec![
            ("customer", json!(arguments.customer)),
            ("from", json!(arguments.from)),
            ("to", json!(arguments.to)),
            ("to_position", json!(position)),
            ("disclosures", json!(disclosures.len())),
        ],
        tables: vec![(
            "rows",
            Table::of(COLUMNS, disclosures.iter().map(row).collect()),
            "no disclosure is recorded",
        )],
    }
}

fn row(disclosure: &wire::Disclosure) -> Vec<Value> {
    let recorded = disclosure.question.clone().unwrap_or_default();
    let question = recorded.question.unwrap_or_default();
    let actor = disclosure.actor.clone().unwrap_or_default();
    let text = |text: &str| json!(Some(text).filter(|text| !text.is_empty()));
    vec![
        json!(disclosure.position),
        json!(disclosure.recorded_at.as_ref().map(ToString::to_string)),
        json!(disclosure.occurred_at.as_ref().map(ToString::to_string)),
        name(question.recipient_kind().as_str_name(), "RECIPIENT_KIND_"),
        text(&question.entity),
        name(question.purpose().as_str_name(), "PURPOSE_"),
        classes(&question),
        json!(question.ground.as_ref().map(ground)),
        json!(disclosure.relied_on),
        (disclosure.refused_for())
            .map(|reason| reason.as_str_name().trim_start_matches("REASON_CODE_"))
            .collect(),
        json!(disclosure.sealed),
        json!(disclosure.asserted),
        text(&disclosure.service),
        text(&actor.role),
        name(actor.channel().as_str_name(), "CHANNEL_"),
        text(&actor.person_token),
    ]
}

/// A member of a closed list as records name it.
fn name(constant: &str, prefix: &str) -> Value {
    json!(constant.trim_start_matches(prefix).to_ascii_lowercase())
}

/// What left: classes of CPNI, those by which the customer was selected, and what isn't CPNI.
fn classes(question: &wire::Question) -> Value {
    let classes = (question.classes().chain(question.selected_by()))
        .map(|class| name(class.as_str_name(), "CPNI_CLASS_"));
    let other = (question.not_cpni()).map(|item| name(item.as_str_name(), "NOT_CPNI_ITEM_"));
    let mut all: Vec<Value> = Vec::new();
    for one in classes.chain(other) {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all.into()
}

fn ground(ground: &wire::question::Ground) -> &'static str {
    use wire::question::Ground;
    match ground {
        Ground::Approval(_) => "approval",
        Ground::WrittenRequest(_) => "written_request",
        Ground::Legal(_) => "legal",
        Ground::Rights(_) => "rights",
        Ground::PicFreeze(_) => "pic_freeze",
        Ground::Directory(_) => "directory",
        Ground::Service(_) => "service",
        Ground::Billing(_) => "billing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p8_a_day_begins_at_midnight_of_the_zone() {
        let at = |text| instant(text, "America/Denver").unwrap().seconds;
        assert_eq!(at("2026-01-01"), at("2026-01-01T07:00:00Z"));
        assert_eq!(at("2026-07-01"), at("2026-07-01T06:00:00Z"));
        assert!(instant("yesterday", "America/Denver").is_err());
        assert!(instant("2026-01-01", "America/Nowhere").is_err());
    }
}
