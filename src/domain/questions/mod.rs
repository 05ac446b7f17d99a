//! Standing questions: what auditors ask of the whole log, and must get nothing back (E9).
//!
//! Each looks at every record in order, with what was known before it: the customer's state, the company's, the
//! rulebook in force. It judges from those facts alone and never asks `decide` or `rule`, so that a record that
//! neither would have made is found; what it shares with them is the arithmetic of scopes, words and intervals.
//!
//! One file a clause family. To add a question: write it in its family, list it in [`ALL`], and forge a violation of
//! it in the tests, which fail without one.

mod account_changes;
mod approvals;
mod asserted;
mod breaches;
mod callers;
mod campaigns;
mod disclosures;
mod erasures;
mod evidence;
mod grounds;
mod live;
mod notices;
mod one_time;
mod opt_out;
mod policies;
mod records;
mod sim_changes;
mod trail;

use super::company::CompanyEvent;
use super::customer::{Customer, World};
use super::event::Placed;
use super::ids::{Position, Pseudonym, Token};
use super::time::Time;

pub use trail::Trail;

/// A question that must come back empty.
#[derive(Clone, Copy, Debug)]
pub struct StandingQuestion {
    /// Its stable name, e.g. `grant-without-notice`.
    pub name: &'static str,
    /// The requirements and readings that it watches over.
    pub requirements: &'static str,
    /// The clauses that it rests on.
    pub clauses: &'static str,
    /// What it asks, in one sentence.
    pub asks: &'static str,
    /// What a finding means.
    pub kind: Kind,
    look: Look,
}

/// What a finding of a question means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A record that the rules never make: somebody forged it, or a rule is wrong.
    Rule,
    /// Something that the company owes and hasn't done, or did late: the rules can't make anybody do it in time.
    Duty,
}

/// What a question looks at; it answers with what is wrong there.
#[derive(Clone, Copy, Debug)]
enum Look {
    /// At each record about a customer.
    Customer(fn(&Seen<'_>) -> Option<String>),
    /// At each record about the company.
    Company(fn(&SeenOfCompany<'_>) -> Option<String>),
    /// At each record about a customer or the company: at its circumstances only.
    Record(fn(&Circumstances<'_>) -> Option<String>),
    /// At each customer as the last record left one, with the record at fault.
    Ended(fn(&Ended<'_>) -> Option<(Position, String)>),
}

/// A record about a customer, and what was known before it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The event in its place.
    pub placed: Placed<'a>,
    /// The customer's state before it; `None`: the ledger knew no such customer.
    pub before: Option<&'a Customer>,
    /// What the questions remember beside the state.
    pub trail: &'a Trail,
    /// The rulebook in force and the company, before it.
    pub world: World<'a>,
    /// Who took the command.
    pub person: Option<Token>,
}

/// A customer after the last record that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// The customer.
    pub customer: &'a Customer,
    /// The time of the last record: everything owed by then should be done.
    pub at: Time,
}

/// A record about the company, and what was known before it.
#[derive(Clone, Copy, Debug)]
pub struct SeenOfCompany<'a> {
    /// The event in its place.
    pub placed: Placed<'a, CompanyEvent>,
    /// The rulebook in force and the company, before it.
    pub world: World<'a>,
    /// Who took the command.
    pub person: Option<Token>,
}

/// When a record was made and when things happened by its word.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// When the ledger recorded it.
    pub recorded_at: Time,
    /// When it happened by the caller's word.
    pub occurred_at: Option<Time>,
    /// Since when something ends by it, where it says so.
    pub ends_at: Option<Time>,
    /// The rulebook in force and the company, before it.
    pub world: World<'a>,
}

/// A violation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The record at fault.
    pub position: Position,
    /// The question that found it, by name.
    pub question: &'static str,
    /// Whom the record is about; `None`: the company.
    pub pseudonym: Option<Pseudonym>,
    /// What is wrong. Holds nothing personal.
    pub wrong: String,
}

/// Every standing question, in the order in which reports list them. Names are stable: reports of years are compared.
pub const ALL: &[StandingQuestion] = &[
    // What makes an approval one.
    approvals::WITHOUT_NOTICE,
    approvals::ORAL_WITHOUT_EVIDENCE,
    approvals::UNVERIFIED_SPEAKER,
    approvals::WITHOUT_SERVICE,
    approvals::UNNAMED_SCOPE,
    approvals::LIFTS_NO_BLOCK,
    // One-time approvals.
    one_time::BEYOND_CAP,
    one_time::USED_AFTER_CALL,
    evidence::NOT_OWED,
    evidence::LATE,
    evidence::MISSING,
    // Opt-out approvals.
    opt_out::AFTER_BOUNCE,
    opt_out::YOUNGER_THAN_PERIOD,
    opt_out::REFRESH_OVERDUE,
    opt_out::BEYOND_REACH,
    opt_out::PERIOD_TOO_SHORT,
    opt_out::NOTICE_UNFIT,
    // What a notice says, and to whom it went.
    notices::WITHOUT_TEMPLATE,
    notices::WITHOUT_STATEMENTS,
    notices::SELECTED_AGAINST_WORD,
    // What a yes rested on.
    live::APPROVAL_NOT_LIVE,
    live::RULING_AGAINST_RECORD,
    // What left, to whom, what for.
    disclosures::RECIPIENT_UNNAMED,
    disclosures::MARKETING_ON_OTHER_GROUND,
    disclosures::COMPETITOR_TRACKING,
    disclosures::GAG_ON_OTHER_GROUND,
    disclosures::GAG_LIFTED_THAT_DID_NOT_STAND,
    // Grounds other than approval.
    grounds::FACTS_MISSING,
    grounds::BEYOND_REACH,
    grounds::PIC_FREEZE_MORE_THAN_STATUS,
    grounds::PIC_FREEZE_REQUEST_REUSED,
    // Who was told.
    callers::TOLD_UNVERIFIED,
    callers::CALL_DETAIL_UNFIT_METHOD,
    callers::MAILED_ELSEWHERE,
    // Changes to an account.
    account_changes::WITHOUT_LETTERHEAD,
    account_changes::TOLD_THE_NEW,
    account_changes::TOLD_LATE,
    account_changes::NOT_TOLD,
    account_changes::WITHOUT_CONTACTS,
    sim_changes::UNAUTHENTICATED,
    sim_changes::LOCKED,
    sim_changes::UNTOLD,
    sim_changes::FOREIGN,
    // What an import asserts.
    asserted::GRANT_WITHOUT_EVIDENCE,
    asserted::OPT_OUT_COUNTED,
    asserted::DATE_AHEAD,
    // Campaigns and breaches.
    campaigns::SELF_APPROVED,
    campaigns::UNAPPROVED_DRAWN,
    campaigns::UNAPPROVED_NOTICE,
    campaigns::LIST_KEPT_TOO_LONG,
    breaches::TOLD_TOO_EARLY,
    // The policy itself.
    policies::IN_FORCE_BEFORE_POSTED,
    // Erasures.
    erasures::TOO_EARLY,
    erasures::NOT_THE_LAST,
    erasures::NOT_COMPLETED,
    // What holds of every record.
    records::UNKNOWN_CUSTOMER,
    records::OCCURRED_OUT_OF_BOUNDS,
];

/// The questions that must come back empty whatever the company does: the rules see to it.
pub fn rules() -> impl Iterator<Item = &'static StandingQuestion> {
    ALL.iter().filter(|question| question.kind == Kind::Rule)
}

/// The question of that name.
pub fn named(name: &str) -> Option<&'static StandingQuestion> {
    ALL.iter().find(|question| question.name == name)
}

/// One customer as the questions follow one through the log.
#[derive(Clone, Debug, Default)]
pub struct Followed {
    /// The state after the records seen so far.
    pub customer: Option<Customer>,
    /// What the questions remember beside it.
    pub trail: Trail,
}

impl Followed {
    /// Asks `questions` of a record, tells `found` what each finds, and goes on to the state after it.
    pub fn ask(
        &mut self,
        questions: &[&'static StandingQuestion],
        placed: Placed<'_>,
        world: World<'_>,
        person: Option<Token>,
        mut found: impl FnMut(&'static StandingQuestion, String),
    ) {
        let seen = Seen {
            placed,
            before: self.customer.as_ref(),
            trail: &self.trail,
            world,
            person,
        };
        let circumstances = Circumstances {
            recorded_at: placed.recorded_at,
            occurred_at: placed.occurred_at,
            ends_at: records::customer_end(placed.event),
            world,
        };
        for question in questions {
            let wrong = match question.look {
                Look::Customer(look) => look(&seen),
                Look::Record(look) => look(&circumstances),
                Look::Company(_) | Look::Ended(_) => None,
            };
            if let Some(wrong) = wrong {
                found(question, wrong);
            }
        }
        self.trail.follow(&placed);
        self.customer = super::customer::evolve(self.customer.take(), &placed);
    }

    /// Asks `questions` of the customer as the last record left one, at the time of that record.
    pub fn ask_at_end(
        &self,
        questions: &[&'static StandingQuestion],
        at: Time,
        mut found: impl FnMut(&'static StandingQuestion, Position, String),
    ) {
        let Some(customer) = &self.customer else {
            return;
        };
        let ended = Ended { customer, at };
        for question in questions {
            if let Look::Ended(look) = question.look
                && let Some((position, wrong)) = look(&ended)
            {
                found(question, position, wrong);
            }
        }
    }
}

/// Asks `questions` of a record about the company, before the company follows it.
pub fn ask_company(
    questions: &[&'static StandingQuestion],
    placed: Placed<'_, CompanyEvent>,
    world: World<'_>,
    person: Option<Token>,
    mut found: impl FnMut(&'static StandingQuestion, String),
) {
    let seen = SeenOfCompany {
        placed,
        world,
        person,
    };
    let circumstances = Circumstances {
        recorded_at: placed.recorded_at,
        occurred_at: placed.occurred_at,
        ends_at: records::company_end(placed.event),
        world,
    };
    for question in questions {
        let wrong = match question.look {
            Look::Company(look) => look(&seen),
            Look::Record(look) => look(&circumstances),
            Look::Customer(_) | Look::Ended(_) => None,
        };
        if let Some(wrong) = wrong {
            found(question, wrong);
        }
    }
}

#[cfg(test)]
mod tests;
