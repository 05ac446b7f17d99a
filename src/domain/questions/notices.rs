//! What a notice says, and to whom it may go (F4, R13, R23; 64.2008(c)).

use super::live::{cells, holds_what_is_marketed, state};
use super::opt_out::sent;
use super::{Kind, Look, Seen, StandingQuestion};
use crate::domain::company::campaigns::Outbound;
use crate::domain::company::templates::{Statement, lacking, lacking_for_one_call};
use crate::domain::event::Event;
use crate::domain::ids::{EntityId, Position, Sha256Digest};
use crate::domain::notices::{NoticeGiven, Shown};
use crate::domain::ruling::State;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::Medium;

pub(super) const WITHOUT_TEMPLATE: StandingQuestion = StandingQuestion {
    name: "notice-without-approved-template",
    requirements: "F4",
    clauses: "47 CFR 64.2008(c)",
    asks: "Which notices cite a template that was not approved before, has another text or form, or covers less?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| unlike_template(seen, &Cited::of(seen)?)),
};

pub(super) const WITHOUT_STATEMENTS: StandingQuestion = StandingQuestion {
    name: "notice-without-required-statements",
    requirements: "F4",
    clauses: "47 CFR 64.2008(c)",
    asks: "Which notices were recorded with a list of statements that leaves out a required one?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let given = given(seen)?;
        let Some(Shown::Statements(found)) = given.shown else {
            return None;
        };
        let form = given.notice.form;
        let in_its_call = form == Medium::Oral && lacking_for_one_call(found).next().is_none();
        if in_its_call && given.call.is_some() {
            return None;
        }
        let lacking: Vec<_> = lacking(found, form, false).map(Statement::name).collect();
        (!lacking.is_empty()).then(|| format!("it lacks {}", lacking.join(", ")))
    }),
};

pub(super) const SELECTED_AGAINST_WORD: StandingQuestion = StandingQuestion {
    name: "notice-to-selected-against-word",
    requirements: "F11, R13",
    clauses: "CPNI policy, clause 2; 47 CFR 64.2007(a)(2)",
    asks: "Which notices went by a campaign that selects by CPNI to a customer who had denied or restricted that?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let id = sent(seen)?.campaign.as_ref()?;
        let campaign = seen.world.company.campaigns.get(id)?;
        let question = campaign.question_to_send(Outbound::ApprovalRequest)?;
        let reaches = seen.world.rulebook.block_reaches_held_categories();
        if !reaches && holds_what_is_marketed(seen, &question) {
            return None;
        }
        let customer = seen.before?;
        let blocked = |state| matches!(state, State::Denied | State::Restricted);
        cells(&question)
            .find(|cell| blocked(state(seen, customer, *cell)))
            .map(|cell| format!("campaign {id} selects by {}, which is blocked", cell.class))
    }),
};

/// What a notice says of the template that it cites.
struct Cited<'a> {
    version: &'a str,
    approved: Position,
    text_digest: Sha256Digest,
    /// None where an opt-out notice was oral: that is asked about by itself.
    form: Option<Medium>,
    covers: &'a Scope,
    /// Whether it may ask for opt-out approval: what is recorded as given starts no clock.
    may_ask_opt_out: bool,
}

impl<'a> Cited<'a> {
    fn of(seen: &Seen<'a>) -> Option<Self> {
        if let Some(sent) = sent(seen) {
            let form = sent.delivery.form();
            let unfit = sent.opt_out.is_some() && form == Medium::Oral;
            return Some(Self {
                version: sent.template.as_str(),
                approved: sent.approved,
                text_digest: sent.text_digest,
                form: (!unfit).then_some(form),
                covers: &sent.covers,
                may_ask_opt_out: true,
            });
        }
        let given = given(seen)?;
        let Some(Shown::Template(approved)) = given.shown else {
            return None;
        };
        Some(Self {
            version: &given.notice.version,
            approved,
            text_digest: Sha256Digest(given.notice.text_digest),
            form: Some(given.notice.form),
            covers: &given.notice.covers,
            may_ask_opt_out: false,
        })
    }
}

fn given<'a>(seen: &Seen<'a>) -> Option<&'a NoticeGiven> {
    match seen.placed.event {
        Event::NoticeGiven(given) => Some(given),
        _ => None,
    }
}

fn unlike_template(seen: &Seen<'_>, cited: &Cited<'_>) -> Option<String> {
    let version = cited.version;
    let known = EntityId::parse(version);
    let known = known.and_then(|version| seen.world.company.templates.get(&version));
    let Some(template) = known else {
        return Some(format!("template {version} was not approved"));
    };
    let approved = &template.approved;
    let wrong = if template.approved_at > seen.placed.happened_at() {
        "was approved after the notice was given"
    } else if template.position != cited.approved {
        "was approved by another record than the notice names"
    } else if approved.text_digest != cited.text_digest {
        "has another text"
    } else if cited.form.is_some_and(|form| form != approved.form) {
        "has another form"
    } else if approved.opt_out_days.is_some() && !cited.may_ask_opt_out {
        "asks for opt-out approval, and the notice starts no clock"
    } else if !approved.covers.covers_all(cited.covers) {
        "covers less"
    } else {
        return None;
    };
    Some(format!("template {version} {wrong}"))
}
