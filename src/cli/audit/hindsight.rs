//! `audit hindsight`: a customer's uses that today's records don't bear out (C4).

use serde_json::json;

use crate::cli::check::{as_json, at, code};
use crate::cli::{Ended, Global, output};
use crate::proto::v1 as wire;
use wire::audit_service_client::AuditServiceClient;

/// Lists a customer's disclosures and recorded rulings that today's records don't bear out (C4).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger audit hindsight --customer K-1001
  consent-ledger audit hindsight --customer K-1001 --output json

The exit code is 0 when there are none and 1 when there are some.")]
pub struct Arguments {
    /// The ledger's gRPC address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400", value_parser = crate::cli::server_url)]
    server: String,
    /// The company's id of the account.
    #[arg(long, value_name = "ID")]
    customer: String,
}

pub async fn run(global: &Global, arguments: Arguments) -> Ended {
    let mut client = match AuditServiceClient::connect(arguments.server.clone()).await {
        Ok(client) => client,
        Err(error) => {
            return output::complain(
                Ended::Unreachable,
                &format!("no ledger answers at {}: {error}", arguments.server),
            );
        }
    };
    let mut request = wire::ListVoidedUsesRequest {
        customer: Some(wire::CustomerRef {
            customer: Some(wire::customer_ref::Customer::Id(arguments.customer)),
        }),
        ..wire::ListVoidedUsesRequest::default()
    };
    let mut uses = Vec::new();
    loop {
        let page = match client.list_voided_uses(request.clone()).await {
            Ok(page) => page.into_inner(),
            Err(status) if status.code() == tonic::Code::NotFound => {
                return output::complain(Ended::Usage, status.message());
            }
            Err(status) => return output::complain(Ended::Unreachable, status.message()),
        };
        uses.extend(page.uses);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    show(global, &uses)
}

fn show(global: &Global, uses: &[wire::VoidedUse]) -> Ended {
    if global.output == output::Format::Json {
        let uses: Vec<_> = uses.iter().map(use_as_json).collect();
        output::json(&json!({ "uses": uses }));
    } else if global.output == output::Format::Csv {
        let printed = table(uses).print(global.output, "");
        if printed != Ended::Well {
            return printed;
        }
    } else if uses.is_empty() {
        output::line("every use is borne out");
    } else {
        uses.iter().for_each(show_use);
    }
    match uses.is_empty() {
        true => Ended::Well,
        false => Ended::Wrong,
    }
}

/// One row a use.
fn table(uses: &[wire::VoidedUse]) -> output::Table {
    let mut table = output::Table::new(&["position", "happened_at", "cause", "reasons", "records"]);
    for used in uses {
        let when = used.happened_at.as_ref().map(ToString::to_string);
        let reasons: Vec<_> = used
            .hindsight
            .iter()
            .flat_map(|ruling| &ruling.reasons)
            .collect();
        let codes: Vec<_> = reasons.iter().map(|reason| code(reason.code())).collect();
        let records = reasons.iter().flat_map(|reason| &reason.positions);
        let records: Vec<_> = records.map(ToString::to_string).collect();
        table.row(vec![
            used.position.into(),
            when.into(),
            cause(used.cause()).into(),
            codes.join(" ").into(),
            records.join(" ").into(),
        ]);
    }
    table
}

fn show_use(used: &wire::VoidedUse) {
    let when = used.happened_at.as_ref().map(ToString::to_string);
    output::line(&format!(
        "position {}, {}: {}",
        used.position,
        when.unwrap_or_default(),
        cause(used.cause())
    ));
    let reasons = used.hindsight.iter().flat_map(|ruling| &ruling.reasons);
    for reason in reasons {
        output::line(&format!(
            "  {}{}",
            code(reason.code()),
            at(&reason.positions)
        ));
    }
}

fn use_as_json(used: &wire::VoidedUse) -> serde_json::Value {
    json!({
        "position": used.position,
        "happened_at": used.happened_at.as_ref().map(ToString::to_string),
        "cause": cause(used.cause()),
        "hindsight": used.hindsight.as_ref().map(as_json),
    })
}

fn cause(cause: wire::VoidedUseCause) -> &'static str {
    match cause {
        wire::VoidedUseCause::AfterDenial => "used after a denial",
        wire::VoidedUseCause::VoidedApproval => "used on an approval that was void",
        wire::VoidedUseCause::Unspecified => "not borne out",
    }
}
