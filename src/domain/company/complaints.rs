//! Complaints about the release of CPNI, and what was done against data brokers: what the yearly certificate sums up
//! (F12, 47 CFR 64.2009(e)).

use serde::{Deserialize, Serialize};

use super::register::{
    Document, Item, ItemId, OwnWords, Register, Step, happens_at, out_of_order, require_past,
};
use crate::domain::customer::Context;
use crate::domain::event::Placed;
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;
use crate::domain::vocabulary::named_list;

named_list! {
    /// What a customer complains of (64.2009(e)): the categories of the Commission's own template.
    ComplaintCategory {
        /// An employee looked at CPNI without need.
        EmployeeAccess = "employee_access",
        /// CPNI was told to somebody who may not have it.
        UnauthorizedDisclosure = "unauthorized_disclosure",
        /// Somebody got at it online.
        OnlineAccess = "online_access",
        /// Somebody pretended to be the customer: a data broker, a pretexter.
        Pretexting = "pretexting",
        /// CPNI was used for marketing without approval.
        UnauthorizedMarketing = "unauthorized_marketing",
    }
}

named_list! {
    /// What was done against a data broker (64.2009(e)).
    BrokerMeasure {
        /// Proceedings before a court.
        Court = "court",
        /// A petition to a state commission.
        StateCommission = "state_commission",
        /// A petition to the Commission.
        Commission = "commission",
        /// A report to law enforcement.
        LawEnforcement = "law_enforcement",
        /// A demand to stop.
        Demand = "demand",
    }
}

/// What can be asked of complaints and data brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComplaintCommand {
    /// A customer complained.
    Receive {
        /// The company's id of the complaint.
        complaint: ItemId,
        /// What of.
        category: ComplaintCategory,
        /// When it was received; none: when the command says that it occurred. As far back as it was.
        received_at: Option<Time>,
    },
    /// It was looked into.
    Resolve(ComplaintResolved),
    /// Something was done against a data broker.
    ActAgainstBroker {
        /// The company's id of the action.
        action: ItemId,
        /// What was done.
        measure: BrokerMeasure,
        /// In the company's own words.
        description: OwnWords,
        /// The filing, where there is one.
        filing: Option<Document>,
        /// When; none: when the command says that it occurred. As far back as it was.
        taken_at: Option<Time>,
    },
}

/// What was recorded of complaints and data brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComplaintEvent {
    /// A customer complained.
    Received(ComplaintReceived),
    /// It was looked into.
    Resolved(ComplaintResolved),
    /// Something was done against a data broker.
    BrokerActedAgainst(BrokerActedAgainst),
}

/// A customer complained. Who it was stays with the complaint itself, not here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintReceived {
    /// The company's id of the complaint.
    pub complaint: ItemId,
    /// What of.
    pub category: ComplaintCategory,
    /// When it was received: the year in which it counts.
    pub received_at: Time,
}

/// The complaint was looked into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintResolved {
    /// The complaint.
    pub complaint: ItemId,
    /// Whether it was right.
    pub substantiated: bool,
    /// What came of it, in the company's own words.
    pub outcome: OwnWords,
}

/// Something was done against a data broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerActedAgainst {
    /// The company's id of the action.
    pub action: ItemId,
    /// What was done.
    pub measure: BrokerMeasure,
    /// In the company's own words.
    pub description: OwnWords,
    /// The filing, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filing: Option<Document>,
    /// When: the year in which it counts.
    pub taken_at: Time,
}

/// Complaints and actions against data brokers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaints {
    /// The complaints.
    pub complaints: Register<Complaint>,
    /// What was done against data brokers.
    pub broker_actions: Register<BrokerAction>,
}

/// A complaint and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// What of.
    pub category: ComplaintCategory,
    /// The record, and when it was received.
    pub received: Step,
    /// Whether it was right, once it was looked into.
    pub resolved: Option<(Step, bool)>,
}

/// Something done against a data broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerAction {
    /// What was done.
    pub measure: BrokerMeasure,
    /// The record, and when it was done.
    pub taken: Step,
}

impl Item for Complaint {
    const MOST: usize = 10_000;
    const NAME: &'static str = "complaint";

    fn ended_at(&self) -> Option<Time> {
        self.resolved.map(|(step, _)| step.at)
    }
}

impl Item for BrokerAction {
    const MOST: usize = 1_000;
    const NAME: &'static str = "action";

    fn ended_at(&self) -> Option<Time> {
        Some(self.taken.at)
    }
}

impl Complaints {
    pub(super) fn decide(
        &self,
        command: &ComplaintCommand,
        context: &Context<'_>,
    ) -> Result<Vec<ComplaintEvent>, Refusal> {
        let event = match command {
            ComplaintCommand::Receive {
                complaint,
                category,
                received_at,
            } => {
                self.complaints.require_room(complaint, context.now)?;
                let received_at = received_at.unwrap_or_else(|| happens_at(context));
                require_past(received_at, "received.received_at", context)?;
                ComplaintEvent::Received(ComplaintReceived {
                    complaint: complaint.clone(),
                    category: *category,
                    received_at,
                })
            }
            ComplaintCommand::Resolve(resolved) => {
                let complaint = self.complaints.registered(&resolved.complaint)?;
                if complaint.resolved.is_some() {
                    return Err(out_of_order("complaint_id", "it was resolved already"));
                }
                ComplaintEvent::Resolved(resolved.clone())
            }
            ComplaintCommand::ActAgainstBroker {
                action,
                measure,
                description,
                filing,
                taken_at,
            } => {
                self.broker_actions.require_room(action, context.now)?;
                let taken_at = taken_at.unwrap_or_else(|| happens_at(context));
                require_past(taken_at, "taken_at", context)?;
                ComplaintEvent::BrokerActedAgainst(BrokerActedAgainst {
                    action: action.clone(),
                    measure: *measure,
                    description: description.clone(),
                    filing: filing.clone(),
                    taken_at,
                })
            }
        };
        Ok(vec![event])
    }

    pub(super) fn follow(&mut self, placed: &Placed<'_, ComplaintEvent>) {
        let step = Step::of(placed);
        match placed.event {
            ComplaintEvent::Received(event) => {
                let complaint = Complaint {
                    category: event.category,
                    received: Step {
                        at: event.received_at,
                        ..step
                    },
                    resolved: None,
                };
                (self.complaints).enter(&event.complaint, complaint, placed.recorded_at);
            }
            ComplaintEvent::Resolved(event) => {
                (self.complaints).change(&event.complaint, |one| {
                    one.resolved = Some((step, event.substantiated));
                });
            }
            ComplaintEvent::BrokerActedAgainst(event) => {
                let action = BrokerAction {
                    measure: event.measure,
                    taken: Step {
                        at: event.taken_at,
                        ..step
                    },
                };
                (self.broker_actions).enter(&event.action, action, placed.recorded_at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::company::CompanyCommand;
    use crate::domain::company::testing::*;
    use crate::domain::refusal::RefusalCode;

    fn receive(complaint: &str, received_at: Option<Time>) -> CompanyCommand {
        CompanyCommand::Complaints(ComplaintCommand::Receive {
            complaint: item(complaint),
            category: ComplaintCategory::Pretexting,
            received_at,
        })
    }

    fn resolve(complaint: &str) -> CompanyCommand {
        CompanyCommand::Complaints(ComplaintCommand::Resolve(ComplaintResolved {
            complaint: item(complaint),
            substantiated: true,
            outcome: words("the password was changed"),
        }))
    }

    #[test]
    fn f12_a_complaint_counts_when_it_was_received_however_late_it_is_recorded() {
        let mut house = Office::new();
        let last_year = house.now.minus_hours(24 * 40);
        house.act(receive("c-1", Some(last_year)));
        let complaint = house
            .company
            .complaints
            .complaints
            .get(&item("c-1"))
            .unwrap();
        assert_eq!(
            (complaint.received.at, complaint.received.position.0),
            (last_year, 1)
        );
        let ahead = house.now.plus_hours(1);
        assert_eq!(
            house.refused(receive("c-2", Some(ahead))),
            RefusalCode::OccurredAt
        );
    }

    #[test]
    fn f12_a_complaint_is_received_once_and_resolved_once() {
        let mut house = Office::new();
        assert_eq!(house.refused(resolve("c-1")), RefusalCode::NotRegistered);
        house.act(receive("c-1", None));
        assert_eq!(
            house.refused(receive("c-1", None)),
            RefusalCode::RegisteredAlready
        );
        house.act(resolve("c-1"));
        assert_eq!(house.refused(resolve("c-1")), RefusalCode::StepOrder);
        let complaint = house
            .company
            .complaints
            .complaints
            .get(&item("c-1"))
            .unwrap();
        assert!(complaint.resolved.is_some_and(|(_, right)| right));
    }

    #[test]
    fn f12_what_was_done_against_a_data_broker_is_kept_with_its_filing() {
        let mut house = Office::new();
        house.act(CompanyCommand::Complaints(
            ComplaintCommand::ActAgainstBroker {
                action: item("a-1"),
                measure: BrokerMeasure::Court,
                description: words("suit against a seller of call records"),
                filing: Some(document("2:26-cv-00117")),
                taken_at: None,
            },
        ));
        let actions: Vec<_> = house.company.complaints.broker_actions.all().collect();
        assert_eq!(actions.len(), 1);
        assert_eq!(actions[0].1.measure, BrokerMeasure::Court);
    }
}
