//! `audit hindsight`: uses that today's records don't bear out, a customer's or everybody's (C4, F7).

use serde_json::json;
use tonic::Status;
use tonic::transport::Channel;

use crate::cli::basis::AsOf;
use crate::cli::check::{as_json, at, code};
use crate::cli::{Ended, Global, output};
use crate::proto::v1 as wire;
use wire::audit_service_client::AuditServiceClient;
use wire::list_all_voided_uses_response::Part;

/// Lists disclosures and recorded rulings that today's records don't bear out: a customer's, or everybody's (C4, F7).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger audit hindsight --customer K-1001
  consent-ledger audit hindsight --all --output csv
  consent-ledger audit hindsight --customer K-1001 --as-of 2026-01-31T00:00:00Z

The exit code is 0 when there are none and 1 when there are some.")]
pub struct Arguments {
    /// The ledger's gRPC address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400", value_parser = crate::cli::server_url)]
    server: String,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    as_of: AsOf,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// The company's id of the account.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Every customer: each is looked at, as after a mailing that bounced.
    #[arg(long)]
    all: bool,
}

/// A use and whose it is.
struct Found {
    customer: String,
    used: wire::VoidedUse,
}

/// The uses, up to a record, of so many customers.
struct Listed {
    uses: Vec<Found>,
    position: u64,
    customers: u64,
}

pub async fn run(global: &Global, arguments: Arguments) -> Ended {
    let client = match AuditServiceClient::connect(arguments.server.clone()).await {
        Ok(client) => client,
        Err(error) => {
            return output::complain(
                Ended::Unreachable,
                &format!("no ledger answers at {}: {error}", arguments.server),
            );
        }
    };
    let as_of = arguments.as_of.message();
    let listed = match arguments.whose.customer {
        Some(customer) => of_one(client, customer, as_of).await,
        None => of_all(client, as_of).await,
    };
    match listed {
        Ok(listed) => show(global, &listed),
        Err(status)
            if matches!(
                status.code(),
                tonic::Code::NotFound | tonic::Code::OutOfRange
            ) =>
        {
            output::complain(Ended::Usage, status.message())
        }
        Err(status) => output::complain(Ended::Unreachable, status.message()),
    }
}

async fn of_one(
    mut client: AuditServiceClient<Channel>,
    customer: String,
    as_of: Option<wire::AsOf>,
) -> Result<Listed, Status> {
    let mut request = wire::ListVoidedUsesRequest {
        customer: Some(wire::CustomerRef {
            customer: Some(wire::customer_ref::Customer::Id(customer.clone())),
        }),
        as_of,
        ..wire::ListVoidedUsesRequest::default()
    };
    let mut uses = Vec::new();
    loop {
        let page = client.list_voided_uses(request.clone()).await?.into_inner();
        uses.extend(found(&customer, page.uses));
        if page.next_page_token.is_empty() {
            return Ok(Listed {
                uses,
                position: page.position,
                customers: 1,
            });
        }
        request.page_token = page.next_page_token;
        // All pages of one moment.
        let position = wire::as_of::Moment::Position(page.position);
        request.as_of.get_or_insert(wire::AsOf {
            moment: Some(position),
        });
    }
}

/// A customer's uses.
fn found(customer: &str, uses: Vec<wire::VoidedUse>) -> impl Iterator<Item = Found> {
    uses.into_iter().map(|used| Found {
        customer: customer.to_owned(),
        used,
    })
}

async fn of_all(
    mut client: AuditServiceClient<Channel>,
    as_of: Option<wire::AsOf>,
) -> Result<Listed, Status> {
    let request = wire::ListAllVoidedUsesRequest {
        as_of,
        ..wire::ListAllVoidedUsesRequest::default()
    };
    let mut parts = client.list_all_voided_uses(request).await?.into_inner();
    let bar = output::progress("looking at customers");
    let mut uses = Vec::new();
    while let Some(message) = parts.message().await? {
        match message.part {
            Some(Part::Progress(progress)) => {
                bar.set_length(progress.expected);
                bar.set_position(progress.customers);
            }
            Some(Part::Customer(one)) => {
                let customer = match one.customer_id.is_empty() {
                    true => one.pseudonym,
                    false => one.customer_id,
                };
                uses.extend(found(&customer, one.uses));
            }
            Some(Part::Summary(end)) => {
                bar.finish_and_clear();
                uses.sort_by_key(|found| found.used.position);
                return Ok(Listed {
                    uses,
                    position: end.position,
                    customers: end.customers,
                });
            }
            None => {}
        }
    }
    bar.finish_and_clear();
    Err(Status::aborted("the list broke off before its end"))
}

fn show(global: &Global, listed: &Listed) -> Ended {
    let uses = &listed.uses;
    if global.output == output::Format::Json {
        let uses: Vec<_> = uses.iter().map(use_as_json).collect();
        output::json(&json!({
            "position": listed.position,
            "customers": listed.customers,
            "uses": uses,
        }));
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
    output::progress_note(&format!(
        "{} customers looked at; {} uses are not borne out by the records up to position {}",
        listed.customers,
        uses.len(),
        listed.position
    ));
    match uses.is_empty() {
        true => Ended::Well,
        false => Ended::Wrong,
    }
}

/// One row a use.
fn table(uses: &[Found]) -> output::Table {
    let mut table = output::Table::new(&[
        "position",
        "customer",
        "happened_at",
        "cause",
        "reasons",
        "records",
    ]);
    for Found { customer, used } in uses {
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
            customer.clone().into(),
            when.into(),
            cause(used.cause()).into(),
            codes.join(" ").into(),
            records.join(" ").into(),
        ]);
    }
    table
}

fn show_use(Found { customer, used }: &Found) {
    let when = used.happened_at.as_ref().map(ToString::to_string);
    output::line(&format!(
        "position {}, {customer}, {}: {}",
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

fn use_as_json(Found { customer, used }: &Found) -> serde_json::Value {
    json!({
        "position": used.position,
        "customer": customer,
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
