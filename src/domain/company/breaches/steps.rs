//! What may be told of a breach, and what was recorded of it (F18).

use serde::{Deserialize, Serialize};

use super::owed::Owed;
use crate::domain::company::register::{Document, ItemId, OwnWords};
use crate::domain::ids::EntityId;
use crate::domain::time::Time;
use crate::domain::vocabulary::CpniClasses;

/// What can be asked of breaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreachCommand {
    /// Something looks like one.
    Suspect(BreachSuspected),
    /// It is one, by a reasonable determination.
    Determine {
        /// What was found.
        found: Findings,
        /// When it was determined; none: when the command says that it occurred. As far back as it was.
        determined_at: Option<Time>,
    },
    /// Law enforcement was notified.
    NotifyLawEnforcement(AgencyNotified),
    /// The Commission was notified (text of 2023).
    NotifyCommission(AgencyNotified),
    /// An agency holds notices back, or longer, until then.
    Hold(NoticesHeld),
    /// The agency no longer holds them back.
    Release(AgencySaid),
    /// The agency was consulted about an urgent need to tell customers at once.
    AgreeUrgency(AgencySaid),
    /// Customers were told.
    NotifyCustomers(CustomersNotified),
    /// The yearly summary of small breaches was filed (text of 2023).
    FileSummary(SummaryFiled),
    /// It is done with.
    Close(BreachClosed),
}

/// What was recorded of breaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreachEvent {
    /// Something looks like a breach.
    Suspected(BreachSuspected),
    /// It is one.
    Determined(BreachDetermined),
    /// Law enforcement was notified.
    LawEnforcementNotified(AgencyNotified),
    /// The Commission was notified.
    CommissionNotified(AgencyNotified),
    /// An agency holds notices back.
    NoticesHeld(NoticesHeld),
    /// The agency no longer does.
    NoticesReleased(AgencySaid),
    /// The agency was consulted about an urgent need.
    UrgencyAgreed(AgencySaid),
    /// Customers were told.
    CustomersNotified(CustomersNotified),
    /// The yearly summary was filed.
    SummaryFiled(SummaryFiled),
    /// It is done with.
    Closed(BreachClosed),
}

/// Something looks like a breach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreachSuspected {
    /// The company's id of it.
    pub breach: ItemId,
    /// What was seen, in the company's own words.
    pub description: OwnWords,
    /// The CPNI that it seems to be about; may be none yet.
    pub classes: CpniClasses,
}

/// What a determination found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    /// The breach.
    pub breach: ItemId,
    /// The CPNI that was accessed, used or disclosed.
    pub classes: CpniClasses,
    /// Customers affected, as far as known.
    pub customers: u64,
    /// Whether somebody did it on purpose: the text of 2007 knows no other breach.
    pub intentional: bool,
    /// Whether harm to customers is not reasonably likely (text of 2023).
    pub harmless: bool,
    /// The circumstances, in the company's own words (64.2011(d)).
    pub circumstances: OwnWords,
}

/// A breach was determined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreachDetermined {
    /// What was found.
    pub found: Findings,
    /// When; the due dates count from it.
    pub determined_at: Time,
    /// What is owed for it, by which text.
    pub owed: Owed,
}

/// An agency was notified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgencyNotified {
    /// The breach.
    pub breach: ItemId,
    /// The notice, by the reporting facility's reference.
    pub notice: Document,
}

/// An agency holds notices back until then, in writing (64.2011(b)(3)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticesHeld {
    /// The breach.
    pub breach: ItemId,
    /// The agency.
    pub agency: EntityId,
    /// Its writing.
    pub writing: Document,
    /// The first instant at which it no longer does.
    pub until: Time,
}

/// An agency said something in writing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgencySaid {
    /// The breach.
    pub breach: ItemId,
    /// The agency.
    pub agency: EntityId,
    /// Its writing, or the note of the consultation.
    pub writing: Document,
}

/// Customers were told of the breach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomersNotified {
    /// The breach.
    pub breach: ItemId,
    /// How many, by this notice.
    pub customers: u64,
    /// Whether all who are affected are told now.
    pub complete: bool,
    /// The notice's text.
    pub notice: Document,
}

/// The summary of a year's small breaches was filed (text of 2023).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryFiled {
    /// The calendar year.
    pub year: i16,
    /// The summary.
    pub summary: Document,
}

/// The breach, or the suspicion, is done with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreachClosed {
    /// The breach.
    pub breach: ItemId,
    /// How it ended, in the company's own words; a suspicion that was none says why.
    pub outcome: OwnWords,
}
