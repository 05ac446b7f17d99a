//! `receipt`: a customer's signed receipt of one consent, fetched from a running ledger or verified offline (C8).

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::failed::{self, Failed, key_of};
use super::{Ended, Global, output};
use crate::ledger::open_document;
use crate::proto::v1 as wire;
use wire::receipt_service_client::ReceiptServiceClient;

/// Get a customer's signed receipt of one consent, or verify one.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  consent-ledger receipt --customer K-1001 --position 42 --out receipt.txt
  consent-ledger receipt verify receipt.txt --key receipt.txt.key
  consent-ledger receipt schema > receipt.schema.json
  head -1 receipt.txt | jq .services

Beside FILE comes FILE.key, the key that verifies it. A receipt says what was said; `check` says what holds now."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The ledger's gRPC address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400", value_parser = crate::cli::server_url)]
    server: String,
    /// The company's id of the account.
    #[arg(long, value_name = "ID", required = true)]
    customer: Option<String>,
    /// The record of the consent.
    #[arg(long, value_name = "N", required = true)]
    position: Option<u64>,
    /// The file to write.
    #[arg(long, value_name = "FILE", required = true)]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Verify a receipt offline, and show what it says.
    Verify(VerifyArguments),
    /// Print the structure of receipts as a JSON Schema.
    #[command(after_help = "\
Examples:
  consent-ledger receipt schema > receipt.schema.json
  head -1 receipt.txt > receipt.json && check-jsonschema --schemafile receipt.schema.json receipt.json")]
    Schema,
}

/// What Kantara's Consent Receipt 1.1 and ISO/IEC TS 27560:2023 demand of a receipt, and what is ours.
const STRUCTURE: &str = include_str!("../../docs/receipt.schema.json");

/// Verify a receipt offline, and show what it says.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger receipt verify receipt.txt --key receipt.txt.key
  consent-ledger receipt verify receipt.txt --key 'ledger.example+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'")]
struct VerifyArguments {
    /// The receipt.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The key, or a file that holds it: take it from where you trust it, not from whoever gave you the receipt.
    #[arg(long, value_name = "KEY")]
    key: String,
}

pub async fn run(global: Global, arguments: Arguments) -> Ended {
    match (
        arguments.command,
        arguments.customer,
        arguments.position,
        arguments.out,
    ) {
        (Some(Command::Verify(arguments)), ..) => verify(&global, &arguments),
        (Some(Command::Schema), ..) => output::bytes(STRUCTURE.as_bytes()),
        (None, Some(customer), Some(position), Some(out)) => {
            match fetch(&arguments.server, customer, position).await {
                Ok(found) => write(&global, &out, &found),
                Err(problem) => output::complain(Ended::Unreachable, &problem),
            }
        }
        // The command line demands them.
        _ => output::complain(Ended::Usage, "give --customer, --position and --out"),
    }
}

async fn fetch(
    server: &str,
    customer: String,
    position: u64,
) -> Result<wire::GetReceiptResponse, String> {
    let mut client = ReceiptServiceClient::connect(server.to_owned())
        .await
        .map_err(|error| format!("no ledger answers at {server}: {error}"))?;
    let request = wire::GetReceiptRequest {
        customer: Some(wire::CustomerRef {
            customer: Some(wire::customer_ref::Customer::Id(customer)),
        }),
        position,
        min_position: 0,
    };
    let response = client.get_receipt(request).await;
    response
        .map(tonic::Response::into_inner)
        .map_err(|status| status.message().to_owned())
}

fn write(global: &Global, out: &Path, found: &wire::GetReceiptResponse) -> Ended {
    let key = PathBuf::from(format!("{}.key", out.display()));
    let files = [
        (out, found.note.clone()),
        (&*key, format!("{}\n", found.verifier_key)),
    ];
    for (path, text) in files {
        if let Err(Failed(ended, problem)) = failed::write(path, text.as_bytes()) {
            return output::complain(ended, &problem);
        }
    }
    match global.output {
        output::Format::Json => output::json(&json!({
            "ok": true,
            "file": out.display().to_string(),
            "key": key.display().to_string(),
        })),
        output::Format::Text | output::Format::Csv => output::line(&format!(
            "receipt in {}, its key in {}",
            out.display(),
            key.display()
        )),
    }
    Ended::Well
}

fn verify(global: &Global, arguments: &VerifyArguments) -> Ended {
    let note = match std::fs::read_to_string(&arguments.file) {
        Ok(note) => note,
        Err(error) => {
            let problem = format!("{}: {error}", arguments.file.display());
            return output::complain(Ended::Unreachable, &problem);
        }
    };
    let key = match key_of(&arguments.key) {
        Ok(key) => key,
        Err(Failed(ended, problem)) => return output::complain(ended, &problem),
    };
    let opened = open_document(&note, &key).map_err(|error| error.to_string());
    let read = opened.and_then(|json| {
        serde_json::from_str::<Value>(json).map_err(|error| format!("it is no JSON: {error}"))
    });
    match (read, global.output) {
        (Ok(receipt), output::Format::Json) => {
            output::json(&json!({ "ok": true, "receipt": receipt }));
            Ended::Well
        }
        (Ok(receipt), _) => {
            output::line(&format!("signed by {key}\n"));
            show(&receipt);
            Ended::Well
        }
        (Err(problem), output::Format::Json) => {
            output::json(&json!({ "ok": false, "problem": problem }));
            Ended::Wrong
        }
        (Err(problem), _) => output::complain(Ended::Wrong, &problem),
    }
}

/// What a customer reads.
fn show(receipt: &Value) {
    let text = |pointer: &str| match receipt.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(all)) => {
            let all = all.iter().filter_map(Value::as_str);
            all.collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let rows = [
        ("receipt", "/consentReceiptID"),
        ("given at", "/event/0/event_time"),
        ("how", "/collectionMethod"),
        ("by the customer", "/piiPrincipalId"),
        ("to", "/piiControllers/0/piiController"),
        ("contact", "/piiControllers/0/contact"),
        ("notice", "/pii_processing/privacy_notice/version"),
        ("who may use it", "/cpni/recipient_kinds"),
        ("which classes", "/cpni/classes"),
        ("what for", "/cpni/purposes"),
        ("third parties", "/services/0/purposes/0/thirdPartyName"),
        ("until", "/event/0/validity_duration"),
    ];
    for (what, pointer) in rows {
        output::line(&format!("{what:>16}  {}", text(pointer)));
    }
    output::line(&format!("\n{}", text("/note")));
}
