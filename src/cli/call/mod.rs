//! `call`: any method of the contract from a shell, with requests and answers in JSON.

mod contract;
mod dynamic;
mod form;
mod rows;

use std::io::{IsTerminal, Read};

use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde::Serialize;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use self::contract::Contract;
use self::dynamic::Dynamic;
use self::form::{AsJson, Blank, DigestOf};
use super::failed::{self, Failed};
use super::output::{self, Format};
use super::registers::Server;
use super::{Ended, Global};

/// Call any method of the contract: what the other commands leave out, such as breaches, complaints, training and holds.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger call                                    # every method, by service
  consent-ledger call RecordBreach --describe            # what it is for, and each field
  consent-ledger call RecordBreach --form > breach.json  # a form to fill in
  consent-ledger call RecordBreach breach.json
  consent-ledger call RecordCertificate draft.json --digest drafted.statement.digest=certificate-2025.pdf
  consent-ledger call ListBreaches --output csv > breaches.csv

Requests and answers are Protocol Buffers' JSON: enumerations by name, instants as RFC 3339, bytes in base64. A command whose
header leaves the request id empty gets a new one.
The exit code is 3 when the ledger refuses.")]
pub struct Arguments {
    /// The method, such as `RecordBreach` or `IncidentService.RecordBreach`; none lists all.
    method: Option<String>,
    /// The request: JSON, a file, or `-` for standard input. Where the method takes a stream: several, one after the other.
    /// None is an empty request.
    #[arg(conflicts_with_all = ["describe", "form"])]
    request: Option<String>,
    /// Show what the method is for, what it takes and what it answers.
    #[arg(long, requires = "method", conflicts_with = "form")]
    describe: bool,
    /// Print the request as a form to fill in; null is unset.
    #[arg(long, requires = "method")]
    form: bool,
    /// Fill a field with the SHA-256 of a file; may be repeated.
    #[arg(long = "digest", value_name = "FIELD=FILE", requires = "request")]
    digests: Vec<DigestOf>,
    #[command(flatten)]
    server: Server,
}

/// Runs the command.
pub async fn run(global: Global, arguments: Arguments) -> Ended {
    match answer(&global, arguments).await {
        Ok(ended) => ended,
        Err(Failed(ended, why)) => output::complain(ended, &why),
    }
}

async fn answer(global: &Global, arguments: Arguments) -> Result<Ended, Failed> {
    let contract = Contract::compiled().map_err(Failed::unreachable)?;
    let Some(named) = &arguments.method else {
        list(&contract);
        return Ok(Ended::Well);
    };
    let Some(method) = contract.method(named) else {
        let why = format!("the contract has no method `{named}`; `consent-ledger call` lists them");
        return Err(Failed(Ended::Usage, why));
    };
    if arguments.describe {
        output::line(contract.described(&method).trim_end());
        return Ok(Ended::Well);
    }
    if arguments.form {
        print(&Blank::of(&method.input()))?;
        return Ok(Ended::Well);
    }
    let list = rows::list_of(&method.output());
    if global.output == Format::Csv && list.is_none() {
        let why = format!("{} answers with no list: take --output json", method.name());
        return Err(Failed(Ended::Usage, why));
    }
    let text = arguments.request.as_deref().map(text_of).transpose()?;
    let text = text.unwrap_or_default();
    let requests = form::messages(&text, &method.input(), &arguments.digests)?;
    if requests.len() != 1 && !method.is_client_streaming() {
        let (name, given) = (method.name(), requests.len());
        let why = format!("{name} takes one request, and {given} are given");
        return Err(Failed(Ended::Usage, why));
    }
    let channel = match arguments.server.reach().await {
        Ok(channel) => channel,
        Err(ended) => return Ok(ended),
    };
    match (global.output, list) {
        (Format::Csv, Some(list)) => {
            let mut answers = Vec::new();
            let keep = |answer: DynamicMessage| {
                answers.push(serde_json::to_value(AsJson(&answer)).map_err(Failed::unreachable)?);
                Ok(())
            };
            send(channel, &method, requests, keep).await?;
            Ok(rows::table(&list, &answers).print(Format::Csv, ""))
        }
        _ => {
            let show = |answer: DynamicMessage| print(&AsJson(&answer));
            send(channel, &method, requests, show).await?;
            Ok(Ended::Well)
        }
    }
}

fn print(value: &impl Serialize) -> Result<(), Failed> {
    let text = serde_json::to_string_pretty(value).map_err(Failed::unreachable)?;
    output::line(&text);
    Ok(())
}

/// Every method, each with the first sentence of what is said of it.
fn list(contract: &Contract) {
    for service in contract.services() {
        let style = anstyle::Style::new().bold();
        let said = contract.of_service(&service).replace('\n', " ");
        output::line(&format!("{style}{}{style:#}  {said}", service.name()));
        for method in service.methods() {
            let said = contract.of_method(&method).replace('\n', " ");
            let first = said.split(". ").next().unwrap_or_default();
            let first = first.trim_end_matches('.');
            output::line(&format!("  {:28} {first}", method.name()));
        }
    }
}

/// The text of a request that is given as itself, by a file's name, or on standard input.
fn text_of(given: &str) -> Result<String, Failed> {
    if given.trim_start().starts_with('{') {
        return Ok(given.to_owned());
    }
    let bytes = match given {
        "-" => {
            let mut bytes = Vec::new();
            let mut input = std::io::stdin().lock();
            if input.is_terminal() {
                output::progress_note("the request, as JSON; end it with Ctrl-D:");
            }
            input.read_to_end(&mut bytes).map_err(Failed::unreachable)?;
            bytes
        }
        file => failed::read(file.as_ref())?,
    };
    String::from_utf8(bytes).map_err(|error| Failed(Ended::Usage, format!("{given}: {error}")))
}

/// Sends the requests and hands over each answer as it comes.
async fn send(
    channel: Channel,
    method: &MethodDescriptor,
    requests: Vec<DynamicMessage>,
    mut each: impl FnMut(DynamicMessage) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let path = PathAndQuery::try_from(path).map_err(Failed::unreachable)?;
    let mut client = Grpc::new(channel);
    client.ready().await.map_err(Failed::unreachable)?;
    let requests = Request::new(tokio_stream::iter(requests));
    let codec = Dynamic {
        answers: method.output(),
    };
    let answers = client.streaming(requests, path, codec).await;
    let mut answers = answers.map_err(|status| refused(&status))?.into_inner();
    while let Some(answer) = answers.message().await.map_err(|status| refused(&status))? {
        each(answer)?;
    }
    Ok(())
}

/// What the ledger said, with the reason's code and the fields.
fn refused(status: &Status) -> Failed {
    let ended = match status.code() {
        Code::InvalidArgument | Code::OutOfRange | Code::NotFound => Ended::Usage,
        Code::FailedPrecondition
        | Code::Aborted
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::Unauthenticated => Ended::No,
        _ => Ended::Unreachable,
    };
    let mut said = status.message().to_owned();
    if let Some(info) = status.get_details_error_info() {
        said = format!("{}: {said}", info.reason);
    }
    let request = status.get_details_bad_request();
    let fields = request.into_iter().flat_map(|wrong| wrong.field_violations);
    let fields = fields.map(|wrong| (wrong.field, wrong.description));
    let state = status.get_details_precondition_failure();
    let facts = state.into_iter().flat_map(|wrong| wrong.violations);
    let facts = facts.map(|wrong| (wrong.subject, wrong.description));
    for (what, why) in fields.chain(facts) {
        said = match why == status.message() {
            true => format!("{said} ({what})"),
            false => format!("{said}\n  {what}: {why}"),
        };
    }
    Failed(ended, said)
}

#[cfg(test)]
mod tests;
