//! `deadlines`, `campaigns`: the company's registers, from a shell, now or as of a past moment.

use serde_json::{Value, json};
use tonic::Status;
use tonic::transport::Channel;

use super::basis::{AsOf, Basis, Dated};
use super::output::Table;
use super::{Ended, Global, output, owed};
use crate::domain::calendar::{self, HolidaysReach};
use crate::proto::v1 as wire;
use wire::campaign_service_client::CampaignServiceClient;
use wire::compliance_service_client::ComplianceServiceClient;

/// Where the ledger is.
#[derive(Debug, clap::Args)]
pub(super) struct Server {
    /// The ledger's gRPC address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400", value_parser = crate::cli::server_url)]
    server: String,
}

/// List what is due, when, by which rule, what is late and what was done.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger deadlines
  consent-ledger deadlines --standing due --standing late --output csv
  consent-ledger deadlines --as-of 2026-03-02T00:00:00Z --output json
  consent-ledger deadlines --customers --within 30d --duty opt_out_repeat --output csv > notices-due.csv

The exit code is 1 when something listed is late.")]
pub struct Deadlines {
    #[command(flatten)]
    server: Server,
    /// Only what stands so, may be repeated: not_yet, due, late, done, done_late [default: all; with --customers what is
    /// still to be done].
    #[arg(long = "standing", value_name = "STANDING", value_parser = standing)]
    standings: Vec<wire::DutyStanding>,
    #[command(flatten)]
    as_of: AsOf,
    #[command(flatten)]
    owed: owed::Wanted,
}

/// List the register of campaigns.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger campaigns
  consent-ledger campaigns --year 2025 --output csv > campaigns-2025.csv
  consent-ledger campaigns --as-of 4711
  consent-ledger campaigns --campaign spring-2026 --output json")]
pub struct Campaigns {
    #[command(flatten)]
    server: Server,
    /// Only this campaign.
    #[arg(long, value_name = "ID", default_value = "")]
    campaign: String,
    /// Only campaigns with a day in that calendar year.
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i16).range(1..=9998))]
    year: Option<i16>,
    #[command(flatten)]
    as_of: AsOf,
}

fn standing(name: &str) -> Result<wire::DutyStanding, String> {
    let full = format!("DUTY_STANDING_{}", name.to_ascii_uppercase());
    wire::DutyStanding::from_str_name(&full)
        .filter(|one| *one != wire::DutyStanding::Unspecified)
        .ok_or_else(|| format!("`{name}` is none of not_yet, due, late, done, done_late"))
}

impl Server {
    pub(super) async fn reach(&self) -> Result<Channel, Ended> {
        let endpoint = Channel::from_shared(self.server.clone());
        let endpoint = endpoint.map_err(|error| output::fail(Ended::Usage, &error))?;
        endpoint.connect().await.map_err(|error| {
            let why = format!("no ledger answers at {}: {error}", self.server);
            output::complain(Ended::Unreachable, &why)
        })
    }
}

pub(super) fn complain(status: &Status) -> Ended {
    let ended = match status.code() {
        tonic::Code::InvalidArgument | tonic::Code::OutOfRange => Ended::Usage,
        _ => Ended::Unreachable,
    };
    output::complain(ended, status.message())
}

/// Lists what is due.
pub async fn deadlines(global: Global, arguments: Deadlines) -> Ended {
    let as_of = arguments.as_of.message();
    let channel = match arguments.server.reach().await {
        Ok(channel) => channel,
        Err(ended) => return ended,
    };
    if arguments.owed.customers {
        let request = arguments.owed.request(arguments.standings, as_of);
        return owed::list(&global, channel, request).await;
    }
    let request = wire::ListDeadlinesRequest {
        standings: arguments.standings.into_iter().map(i32::from).collect(),
        min_position: 0,
        as_of,
    };
    let answer = ComplianceServiceClient::new(channel)
        .list_deadlines(request)
        .await;
    let answer = match answer {
        Ok(answer) => answer.into_inner(),
        Err(status) => return complain(&status),
    };
    let holidays = warning_of(&answer);
    let (table, empty) = (
        deadline_table(&answer.deadlines),
        "nothing is due, and nothing was",
    );
    let basis = Basis::of(
        answer.position,
        answer.at,
        answer.rulebook,
        answer.rulebook_digest,
    );
    let printed = Dated::of("deadlines", table, empty, basis).print(global.output);
    if answer.deadlines.iter().any(|one| one.holidays_unknown) {
        output::progress_note(&format!(
            "a date lies beyond the holidays that the server knows; {}",
            calendar::BEYOND_HOLIDAYS
        ));
    }
    if let Some(warning) = holidays {
        output::progress_note(&warning);
    }
    let late = wire::DutyStanding::Late;
    match answer.deadlines.iter().any(|one| one.standing() == late) {
        true if printed == Ended::Well => Ended::Wrong,
        _ => printed,
    }
}

fn deadline_table(deadlines: &[wire::Deadline]) -> Table {
    let mut table = Table::new(&[
        "standing",
        "due",
        "from",
        "duty",
        "about",
        "rule",
        "waits_for",
        "caused_by",
        "done_at",
        "done_by",
    ]);
    for one in deadlines {
        let done = one.done.as_ref();
        table.row(vec![
            json!(named(one.standing().as_str_name(), "DUTY_STANDING_")),
            text(&one.due_day),
            json!(one.from.as_ref().map(ToString::to_string)),
            json!(named(one.duty().as_str_name(), "DUTY_")),
            json!(one.about),
            json!(one.rule),
            text(&one.waits_for),
            json!(one.caused_by),
            json!(
                done.and_then(|step| step.at.as_ref())
                    .map(ToString::to_string)
            ),
            json!(done.map(|step| step.position)),
        ]);
    }
    table
}

/// What to say where the holidays that the server knows reach no further.
fn warning_of(answer: &wire::ListDeadlinesResponse) -> Option<String> {
    let reach = match answer.holidays_reach() {
        // An older server doesn't say.
        wire::HolidaysReach::Unspecified | wire::HolidaysReach::Enough => HolidaysReach::Enough,
        wire::HolidaysReach::RunningOut => HolidaysReach::RunningOut,
        wire::HolidaysReach::Over => HolidaysReach::Over,
    };
    calendar::holidays_warning(reach, &answer.holidays_known_through)
}

/// Lists the register of campaigns.
pub async fn campaigns(global: Global, arguments: Campaigns) -> Ended {
    let channel = match arguments.server.reach().await {
        Ok(channel) => channel,
        Err(ended) => return ended,
    };
    let request = wire::ListCampaignsRequest {
        campaign_id: arguments.campaign,
        min_position: 0,
        from: arguments.year.map(first_instant),
        until: (arguments.year).map(|year| first_instant(year.saturating_add(1))),
        as_of: arguments.as_of.message(),
    };
    let answer = CampaignServiceClient::new(channel)
        .list_campaigns(request)
        .await;
    let answer = match answer {
        Ok(answer) => answer.into_inner(),
        Err(status) => return complain(&status),
    };
    let mut table = Table::new(&[
        "campaign",
        "state",
        "starts_at",
        "ends_at",
        "recipient",
        "classes",
        "selected_by",
        "products",
        "lists",
        "proposed_by",
        "decided_by",
        "description",
    ]);
    for one in &answer.campaigns {
        table.row(campaign_row(one));
    }
    let basis = Basis::of(
        answer.position,
        answer.at,
        answer.rulebook,
        answer.rulebook_digest,
    );
    Dated::of("campaigns", table, "no campaign is registered", basis).print(global.output)
}

/// The first instant of a calendar year in Washington.
fn first_instant(year: i16) -> prost_types::Timestamp {
    let micros = calendar::year_of_calendar(year).0.0;
    prost_types::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: 0,
    }
}

fn campaign_row(campaign: &wire::Campaign) -> Vec<Value> {
    let plan = campaign.plan.clone().unwrap_or_default();
    let recipient = named(plan.recipient_kind().as_str_name(), "RECIPIENT_KIND_");
    let recipient = match plan.entity.as_str() {
        "" => recipient,
        entity => format!("{recipient}/{entity}"),
    };
    let classes = |classes: &mut dyn Iterator<Item = wire::CpniClass>| -> Vec<String> {
        classes
            .map(|class| named(class.as_str_name(), "CPNI_CLASS_"))
            .collect()
    };
    let decided = campaign.approved.as_ref().or(campaign.rejected.as_ref());
    vec![
        json!(campaign.campaign_id),
        json!(state(campaign)),
        json!(plan.starts_at.as_ref().map(ToString::to_string)),
        json!(plan.ends_at.as_ref().map(ToString::to_string)),
        json!(recipient),
        json!(classes(&mut plan.classes())),
        json!(classes(&mut plan.selected_by())),
        json!(plan.products),
        json!(campaign.lists),
        json!(campaign.proposed.as_ref().map(|step| step.position)),
        json!(decided.map(|step| step.position)),
        json!(plan.description),
    ]
}

fn state(campaign: &wire::Campaign) -> &'static str {
    let steps = [
        (campaign.closed.is_some(), "closed"),
        (campaign.rejected.is_some(), "rejected"),
        (campaign.started.is_some(), "started"),
        (campaign.approved.is_some(), "approved"),
    ];
    let reached = steps.into_iter().find(|(reached, _)| *reached);
    reached.map_or("proposed", |(_, state)| state)
}

pub(super) fn named(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_ascii_lowercase()
}

/// A text, or nothing where it is empty.
pub(super) fn text(text: &str) -> Value {
    match text {
        "" => Value::Null,
        text => json!(text),
    }
}
