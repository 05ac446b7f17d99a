//! `deadlines --customers`: what is owed about single customers, from a shell.

use serde_json::{Value, json};
use tonic::Status;
use tonic::transport::Channel;

use super::basis::{Basis, Dated};
use super::output::{self, Table};
use super::registers::{complain, named};
use super::{Ended, Global};
use crate::proto::v1 as wire;
use wire::compliance_service_client::ComplianceServiceClient;
use wire::list_customer_deadlines_response::Part;

/// Which duties about customers are listed.
#[derive(Debug, clap::Args)]
pub struct Wanted {
    /// List what is owed about single customers instead: every customer is looked at.
    #[arg(long)]
    pub customers: bool,
    /// With --customers: only what is due within so many days, and what is late [default: 90d].
    #[arg(long, value_name = "DAYS", requires = "customers", value_parser = days)]
    within: Option<u32>,
    /// With --customers: only these, may be repeated: opt_out_repeat, change_notice, sim_change_notice,
    /// recording_digest.
    #[arg(long = "duty", value_name = "DUTY", requires = "customers", value_parser = duty)]
    duties: Vec<wire::CustomerDuty>,
}

/// `90d`, or `90`.
fn days(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('d').unwrap_or(text);
    match number.parse() {
        Ok(days @ 1..=3660) => Ok(days),
        _ => Err(format!("`{text}` is no number of days; write 1d to 3660d")),
    }
}

fn duty(name: &str) -> Result<wire::CustomerDuty, String> {
    let full = format!("CUSTOMER_DUTY_{}", name.to_ascii_uppercase());
    wire::CustomerDuty::from_str_name(&full)
        .filter(|one| *one != wire::CustomerDuty::Unspecified)
        .ok_or_else(|| {
            format!("`{name}` is none of opt_out_repeat, change_notice, sim_change_notice, recording_digest")
        })
}

/// A duty and whose it is.
struct Found {
    customer: String,
    pseudonym: String,
    deadline: wire::CustomerDeadline,
}

impl Wanted {
    /// The request; an empty list of standings means what is still to be done.
    pub fn request(
        self,
        standings: Vec<wire::DutyStanding>,
        as_of: Option<wire::AsOf>,
    ) -> wire::ListCustomerDeadlinesRequest {
        wire::ListCustomerDeadlinesRequest {
            duties: self.duties.into_iter().map(i32::from).collect(),
            standings: standings.into_iter().map(i32::from).collect(),
            within_days: self.within.unwrap_or_default(),
            as_of,
            ..wire::ListCustomerDeadlinesRequest::default()
        }
    }
}

/// Lists what is owed about customers.
pub async fn list(
    global: &Global,
    channel: Channel,
    request: wire::ListCustomerDeadlinesRequest,
) -> Ended {
    let bar = output::progress("looking at customers");
    let answer = ask(channel, request, &bar).await;
    bar.finish_and_clear();
    let (mut found, summary) = match answer {
        Ok((found, Some(summary))) => (found, summary),
        Ok((_, None)) => {
            return output::complain(Ended::Unreachable, "the list broke off before its end");
        }
        Err(status) => return complain(&status),
    };
    let due = |one: &Found| {
        let due_by = one.deadline.due_by.as_ref();
        due_by.map(|at| (at.seconds, at.nanos))
    };
    found.sort_by(|one, other| {
        due(one)
            .cmp(&due(other))
            .then(one.pseudonym.cmp(&other.pseudonym))
    });
    let mut table = Table::new(&[
        "standing",
        "due",
        "due_by",
        "from",
        "duty",
        "customer",
        "pseudonym",
        "rule",
        "caused_by",
        "done_at",
        "done_by",
    ]);
    for one in &found {
        table.row(row(one));
    }
    let empty = "nothing is due about any customer";
    let basis = Basis::of(
        summary.position,
        summary.at,
        summary.rulebook,
        summary.rulebook_digest,
    );
    let printed = Dated::of("deadlines", table, empty, basis).print(global.output);
    output::progress_note(&format!(
        "{} customers looked at; {} duties listed about {} of them, {} late",
        summary.customers, summary.deadlines, summary.listed, summary.late
    ));
    match summary.late {
        1.. if printed == Ended::Well => Ended::Wrong,
        _ => printed,
    }
}

async fn ask(
    channel: Channel,
    request: wire::ListCustomerDeadlinesRequest,
    bar: &indicatif::ProgressBar,
) -> Result<(Vec<Found>, Option<wire::CustomerDeadlinesSummary>), Status> {
    let mut client = ComplianceServiceClient::new(channel);
    let mut parts = client.list_customer_deadlines(request).await?.into_inner();
    let (mut found, mut summary) = (Vec::new(), None);
    while let Some(message) = parts.message().await? {
        match message.part {
            Some(Part::Progress(progress)) => {
                bar.set_length(progress.expected);
                bar.set_position(progress.customers);
            }
            Some(Part::Customer(customer)) => {
                found.extend(customer.deadlines.into_iter().map(|deadline| Found {
                    customer: customer.customer_id.clone(),
                    pseudonym: customer.pseudonym.clone(),
                    deadline,
                }));
            }
            Some(Part::Summary(end)) => summary = Some(end),
            None => {}
        }
    }
    Ok((found, summary))
}

fn row(found: &Found) -> Vec<Value> {
    let one = &found.deadline;
    let at = |at: Option<&prost_types::Timestamp>| json!(at.map(ToString::to_string));
    let done = one.done.as_ref();
    vec![
        json!(named(one.standing().as_str_name(), "DUTY_STANDING_")),
        json!(one.due_day),
        at(one.due_by.as_ref()),
        at(one.from.as_ref()),
        json!(named(one.duty().as_str_name(), "CUSTOMER_DUTY_")),
        super::registers::text(&found.customer),
        json!(found.pseudonym),
        json!(one.rule),
        json!(one.caused_by),
        at(done.and_then(|step| step.at.as_ref())),
        json!(done.map(|step| step.position)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f19_a_horizon_is_a_number_of_days() {
        assert_eq!(days("90d"), Ok(90));
        assert_eq!(days("3660"), Ok(3660));
        for wrong in ["", "d", "0d", "3661d", "-1d", "2w"] {
            assert!(days(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn f19_a_duty_goes_by_its_name() {
        assert_eq!(duty("opt_out_repeat"), Ok(wire::CustomerDuty::OptOutRepeat));
        for wrong in ["unspecified", "certificate", ""] {
            assert!(duty(wrong).is_err(), "{wrong}");
        }
    }
}
