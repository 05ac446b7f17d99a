//! Sending a notice by an approved template, and what became of it (F4, F5, F7, F11, R10).
//!
//! Every notice asks for approval. One that goes out of the company's own accord names the campaign by which a supervisor
//! approved that (64.2009(d)). The review of the template's text is another thing: whoever did it may have proposed the
//! campaign. What is recorded as given ([`super::GiveNotice`]) was shown, handed over or said to a customer who came,
//! called or logged in, by the word of whoever records it.
//!
//! A notice *widens*, so that its clock starts when the ledger records it (R5); the next notice is owed two years after
//! the day on which it was sent (R17: the earlier reading for what we owe).

use serde::{Deserialize, Serialize};

use super::by_template::{self, Cited};
use super::{GivenNotice, NoticeEvent, clock, email, keep};
use crate::domain::company::campaigns::Outbound;
use crate::domain::company::register::ItemId;
use crate::domain::customer::{Context, Customer, rule};
use crate::domain::event::Placed;
use crate::domain::ids::{EntityId, Position, Sha256Digest};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::rulebook::{Number, RuleName};
use crate::domain::scope::Scope;
use crate::domain::time::Time;
use crate::domain::vocabulary::{Medium, named_list};

named_list! {
    /// The way in which a notice is given.
    Delivery {
        /// By post.
        Post = "post",
        /// By e-mail.
        Email = "email",
        /// Electronically, but not by e-mail: in the online account, by text message.
        Electronic = "electronic",
        /// Handed over on paper.
        InPerson = "in_person",
        /// By voice.
        Oral = "oral",
    }
}

impl Delivery {
    /// Whether it goes out to the customer, who didn't come or call for it (64.2009(d)).
    pub const fn is_outbound(self) -> bool {
        matches!(self, Self::Post | Self::Email | Self::Electronic)
    }

    /// The form of the text that goes with it.
    pub const fn form(self) -> Medium {
        match self {
            Self::Post | Self::InPerson => Medium::Written,
            Self::Email | Self::Electronic => Medium::Electronic,
            Self::Oral => Medium::Oral,
        }
    }
}

/// Sends a notice by an approved template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendNotice {
    /// The template's version.
    pub template: EntityId,
    /// SHA-256 of the text as sent; it must be the template's.
    pub text_digest: Sha256Digest,
    /// The way.
    pub delivery: Delivery,
    /// What it covers; within what the template covers.
    pub covers: Scope,
    /// The campaign by which a supervisor approved it. What goes out names one; what is handed over or said may.
    pub campaign: Option<ItemId>,
}

/// Says what became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportDelivery {
    /// The record of the notice.
    pub notice: Position,
    /// What became of it.
    pub outcome: Outcome,
}

named_list! {
    /// What became of a notice.
    Outcome {
        /// It was delivered.
        Delivered = "delivered",
        /// It bounced.
        Bounced = "bounced",
        /// It came back by post.
        Returned = "returned",
    }
}

/// A notice was sent by an approved template (widens: counts from `recorded_at`, R5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeSent {
    /// The template's version.
    pub template: EntityId,
    /// The record that approved the template.
    pub approved: Position,
    /// SHA-256 of the text.
    pub text_digest: Sha256Digest,
    /// The way.
    pub delivery: Delivery,
    /// What it covers.
    pub covers: Scope,
    /// The consent to e-mail that it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_consent: Option<Position>,
    /// Its clock, where it asks for opt-out approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_out: Option<OptOutClock>,
    /// The campaign by which a supervisor approved it (F11). None where none was named, and in records from before what
    /// goes out had to name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<ItemId>,
}

/// The clock of a notice that asks for opt-out approval, as the rulebook counted it when the notice was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptOutClock {
    /// The days that the customer has.
    pub days: u32,
    /// Whether opt-out approval was enabled when it was sent and until it was recorded; otherwise nothing ever matures
    /// (R10, R24).
    pub enabled: bool,
    /// The end of the period: unless the customer objects, approved from then on.
    pub matures_at: Time,
    /// From when on the notice must have been repeated.
    pub refresh_at: Time,
}

/// A notice was delivered. Nothing depends on it; it is evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeDelivered {
    /// The record of the notice.
    pub notice: Position,
}

/// A notice bounced or came back: none was given, whenever that becomes known (R10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeFailed {
    /// The record of the notice.
    pub notice: Position,
    /// How it failed: bounced or returned.
    pub outcome: Outcome,
    /// Since when approvals rested on the notice that never were: what was used in between was used without approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voids_since: Option<Time>,
}

impl SendNotice {
    fn cited(&self) -> Cited<'_> {
        Cited {
            template: &self.template,
            text_digest: self.text_digest,
            form: ("delivery", self.delivery.form()),
            language: None,
            covers: &self.covers,
        }
    }

    /// A supervisor had approved it before it was sent, and customers are selected only by CPNI that may be used (F11, R13,
    /// R21): by the rulebook in force when it is recorded, and by no customer's who has denied that by then.
    fn require_campaign(
        &self,
        customer: &Customer,
        sent: Time,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let refuse = |code, why: String| Err(Refusal::new(code, "campaign_id", why));
        let Some(id) = &self.campaign else {
            return match self.delivery.is_outbound() {
                false => Ok(()),
                true => refuse(
                    RefusalCode::CampaignNotApproved,
                    "a request for approval that goes out names the campaign by which a supervisor approved it (64.2009(d))".into(),
                ),
            };
        };
        let campaign = context.company.campaigns.asking(id, sent)?;
        let Some(question) = campaign.question_to_send(Outbound::ApprovalRequest) else {
            return Ok(());
        };
        let ruling = rule(Some(customer), context.world(), &question, sent);
        if ruling.allowed {
            return Ok(());
        }
        let why: Vec<_> = ruling
            .reasons
            .iter()
            .map(|reason| reason.code.name())
            .collect();
        refuse(
            RefusalCode::SelectionNotAllowed,
            format!(
                "campaign {id} selects customers by CPNI, and this customer's may not be used for it: {}",
                why.join(", ")
            ),
        )
    }
}

pub(super) fn decide(
    customer: &Customer,
    command: &SendNotice,
    context: &Context<'_>,
) -> Result<NoticeEvent, Refusal> {
    let sent = context.occurred_at.unwrap_or(context.now);
    super::require_covers(&command.covers, "")?;
    let template = by_template::require(&command.cited(), sent, context)?;
    command.require_campaign(customer, sent, context)?;
    let opt_out = (template.approved.opt_out_days)
        .map(|days| opt_out_clock(command.delivery, days, sent, context))
        .transpose()?;
    let email_consent = match command.delivery {
        Delivery::Email if opt_out.is_some() => Some(email::require(customer, sent)?),
        _ => None,
    };
    Ok(NoticeEvent::Sent(NoticeSent {
        template: command.template.clone(),
        approved: template.position,
        text_digest: command.text_digest,
        delivery: command.delivery,
        covers: command.covers.in_order(),
        email_consent,
        opt_out,
        campaign: command.campaign.clone(),
    }))
}

fn opt_out_clock(
    delivery: Delivery,
    days: u32,
    sent: Time,
    context: &Context<'_>,
) -> Result<OptOutClock, Refusal> {
    let (rulebook, started) = (context.rulebook, context.now);
    let (rule, zone) = (rulebook.rule(RuleName::OptOut), rulebook.time_zone());
    // The template was approved under the minimum of its day, which may have grown since.
    let minimum = rule.number(Number::MinimumDays);
    if days < minimum {
        return Err(Refusal::new(
            RefusalCode::NoticeTemplate,
            "template_version",
            format!(
                "it leaves the customer {days} days; {minimum} are the least now; approve another one (64.2008(d)(1))"
            ),
        ));
    }
    let matures_at = match delivery {
        Delivery::Email | Delivery::Electronic => clock::electronic_ends(started, days, zone),
        Delivery::Post => clock::post_ends(started, days, rule.number(Number::PostBeginsDay), zone),
        Delivery::InPerson | Delivery::Oral => {
            return Err(Refusal::new(
                RefusalCode::NoticeTemplate,
                "delivery",
                "a notice that asks for opt-out approval is sent by post or electronically, never by voice (64.2008(d))",
            ));
        }
    };
    Ok(OptOutClock {
        days,
        enabled: context.opt_out_since <= sent
            && rulebook.opt_out(sent)
            && rulebook.opt_out(started),
        matures_at,
        refresh_at: clock::refresh_due(sent, rule.number(Number::RefreshYears), zone),
    })
}

pub(super) fn decide_report(
    customer: &Customer,
    command: &ReportDelivery,
    context: &Context<'_>,
) -> Result<NoticeEvent, Refusal> {
    let notice = command.notice;
    let opt_out = customer.opt_out.as_deref();
    let asked = opt_out.and_then(|opt_out| opt_out.asked(notice));
    if asked.is_none() && !customer.notices.iter().any(|one| one.position == notice) {
        return Err(Refusal::new(
            RefusalCode::NoticeUnknown,
            "notice",
            format!(
                "record {notice} is none of this customer's newest notices, or it failed already"
            ),
        ));
    }
    Ok(match command.outcome {
        Outcome::Delivered => NoticeEvent::Delivered(NoticeDelivered { notice }),
        outcome => NoticeEvent::Failed(NoticeFailed {
            notice,
            outcome,
            voids_since: opt_out.and_then(|opt_out| opt_out.relied_on_since(notice, context.now)),
        }),
    })
}

pub(super) fn follow(customer: &mut Customer, placed: &Placed<'_, NoticeSent>) {
    let sent = placed.event;
    keep(
        &mut customer.notices,
        GivenNotice {
            position: placed.position,
            recorded_at: placed.recorded_at,
            occurred_at: placed.happened_at(),
            version: sent.template.as_str().into(),
            covers: sent.covers.clone(),
            contents: super::one_call::Contents::Whole,
        },
    );
    if let Some(clock) = &sent.opt_out {
        let opt_out = customer.opt_out.get_or_insert_default();
        opt_out.ask(placed, clock);
    }
}

/// No notice was given: it can't be cited, and no clock ever ran (R10).
pub(super) fn follow_failure(customer: &mut Customer, failed: &NoticeFailed) {
    (customer.notices).retain(|notice| notice.position != failed.notice);
    if let Some(opt_out) = &mut customer.opt_out {
        opt_out.fail(failed.notice);
    }
}
