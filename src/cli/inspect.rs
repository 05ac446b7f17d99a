//! `inspect`: one record or one customer, for people.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Ended, Global, output};
use crate::audit::{AuditError, lines_of_folder};
use crate::domain::ids::Pseudonym;
use crate::ledger::{Envelope, Subject, leaf_hash};
use crate::proto::v1 as wire;
use wire::audit_service_client::AuditServiceClient;
use wire::query_service_client::QueryServiceClient;

/// Show one record or one customer for people.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger inspect --position 42
  consent-ledger inspect --customer K-1001
  consent-ledger inspect --data data --position 0
  consent-ledger inspect --data data --customer 6b1f0c3a9d5e4f7281b0c3d4e5f60718

Without --data a running ledger is asked. Offline a customer is named by pseudonym: the vault alone knows account ids.")]
pub struct Arguments {
    /// The ledger's gRPC address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400", value_parser = crate::cli::server_url)]
    server: String,
    /// Data folder to read instead, offline, from a copy.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The record at this position.
    #[arg(long, value_name = "N", required_unless_present = "customer")]
    position: Option<u64>,
    /// The records about this customer.
    #[arg(long, value_name = "ID", conflicts_with = "position")]
    customer: Option<String>,
}

struct Shown {
    line: Vec<u8>,
}

pub async fn run(global: Global, arguments: Arguments) -> Ended {
    let found = match (&arguments.data, arguments.position, &arguments.customer) {
        (Some(dir), Some(position), _) => offline(dir, &|envelope| envelope.position == position),
        (Some(dir), None, Some(customer)) => match Pseudonym::parse(customer) {
            Some(Pseudonym(id)) => {
                offline(dir, &|envelope| envelope.subject == Subject::Customer(id))
            }
            None => {
                return output::complain(
                    Ended::Usage,
                    "offline, --customer takes a pseudonym of 32 hex digits; ask a running ledger for an account id",
                );
            }
        },
        (None, Some(position), _) => record(&arguments.server, position).await,
        (None, None, Some(customer)) => history(&arguments.server, customer).await,
        // The command line demands one of the two.
        (_, None, None) => return output::complain(Ended::Usage, "give --position or --customer"),
    };
    match found {
        Ok(lines) if lines.is_empty() => output::complain(Ended::Wrong, "there is no such record"),
        Ok(lines) => show(&global, &lines, arguments.position.is_some()),
        Err(problem) => output::complain(Ended::Unreachable, &problem),
    }
}

fn offline(dir: &Path, wanted: &dyn Fn(&Envelope<'_>) -> bool) -> Result<Vec<Shown>, String> {
    let mut found = Vec::new();
    let take = |line: &[u8]| {
        if Envelope::parse(line).is_ok_and(|envelope| wanted(&envelope)) {
            found.push(Shown {
                line: line.to_vec(),
            });
        }
    };
    lines_of_folder(dir, take).map_err(|error: AuditError| error.to_string())?;
    Ok(found)
}

async fn record(server: &str, position: u64) -> Result<Vec<Shown>, String> {
    let mut client = AuditServiceClient::connect(server.to_owned())
        .await
        .map_err(|error| format!("no ledger answers at {server}: {error}"))?;
    let found = client
        .get_record(wire::GetRecordRequest { position })
        .await
        .map_err(|status| status.message().to_owned())?;
    Ok(vec![Shown {
        line: found.into_inner().line.to_vec(),
    }])
}

async fn history(server: &str, customer: &str) -> Result<Vec<Shown>, String> {
    let mut client = QueryServiceClient::connect(server.to_owned())
        .await
        .map_err(|error| format!("no ledger answers at {server}: {error}"))?;
    let mut audit = AuditServiceClient::connect(server.to_owned())
        .await
        .map_err(|error| format!("no ledger answers at {server}: {error}"))?;
    let (mut lines, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = wire::GetHistoryRequest {
            customer: Some(wire::CustomerRef {
                customer: Some(wire::customer_ref::Customer::Id(customer.to_owned())),
            }),
            page_size: 500,
            page_token,
            ..wire::GetHistoryRequest::default()
        };
        let page = client
            .get_history(request)
            .await
            .map_err(|status| status.message().to_owned())?
            .into_inner();
        for entry in page.entries {
            let request = wire::GetRecordRequest {
                position: entry.position,
            };
            let found = audit
                .get_record(request)
                .await
                .map_err(|status| status.message().to_owned())?;
            lines.push(Shown {
                line: found.into_inner().line.to_vec(),
            });
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(lines);
        }
    }
}

fn show(global: &Global, records: &[Shown], one: bool) -> Ended {
    let parsed: Vec<(Value, String)> = records
        .iter()
        .map(|shown| {
            let value = serde_json::from_slice(&shown.line).unwrap_or(Value::Null);
            (value, leaf_hash(&shown.line).to_string())
        })
        .collect();
    if global.output == output::Format::Json {
        let all = parsed
            .iter()
            .map(|(record, hash)| json!({ "record": record, "hash": hash }));
        output::json(&all.collect());
    } else if one {
        for (record, hash) in &parsed {
            output::line(&format!("{record:#}\nhash {hash}"));
        }
    } else {
        output::line(&table(&parsed));
    }
    Ended::Well
}

fn table(records: &[(Value, String)]) -> String {
    let mut table = output::drawn(["position", "version", "recorded at", "type", "by", "what"]);
    for (record, _) in records {
        let text = |name: &str| record.get(name).map(plain).unwrap_or_default();
        let actor = record
            .get("actor")
            .and_then(|actor| actor.get("service"))
            .map(plain);
        table.add_row([
            text("position"),
            text("version"),
            text("recorded_at"),
            text("type"),
            actor.unwrap_or_default(),
            text("data"),
        ]);
    }
    table.to_string()
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
