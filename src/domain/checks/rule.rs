//! The rule: from a question to its answer (C3, C9, R1, R18, R20).

use super::approval;
use super::question::Question;
use super::ruling::{Basis, CellState, ReasonCode, Remedy, Ruling, State};
use crate::domain::authentication::telling::Teller;
use crate::domain::company::Company;
use crate::domain::consent::precedence::{Weighed, weigh};
use crate::domain::consent::word::Said;
use crate::domain::customer::{Customer, World};
use crate::domain::disclosures::Ground;
use crate::domain::disclosures::grounds::{self, SELF_EVIDENT};
use crate::domain::ids::EntityId;
use crate::domain::rulebook::Rulebook;
use crate::domain::scope::CellRef;
use crate::domain::time::Time;
use crate::domain::vocabulary::{CpniClass, Purpose};

/// The answer to `question` about `customer` at `at`; `None` is a customer whom the ledger doesn't know (R16).
///
/// `at` must not lie before the customer's last record: a grant recorded after `at` doesn't count (R5).
pub fn rule(
    customer: Option<&Customer>,
    world: World<'_>,
    question: &Question,
    at: Time,
) -> Ruling {
    let Some(customer) = customer else {
        return unknown_customer(question);
    };
    let case = Case {
        customer,
        rulebook: world.rulebook,
        company: world.company,
        question,
        disclosing: false,
    };
    case.answer_with_end(at)
}

/// The answer for a disclosure: as for a question, and the recipient must be named (R12).
pub(in crate::domain) fn rule_disclosure(
    customer: &Customer,
    world: World<'_>,
    question: &Question,
    at: Time,
) -> Ruling {
    let case = Case {
        customer,
        rulebook: world.rulebook,
        company: world.company,
        question,
        disclosing: true,
    };
    case.answer_with_end(at)
}

/// One question about one customer.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) customer: &'a Customer,
    pub(super) rulebook: &'a Rulebook,
    pub(super) company: &'a Company,
    pub(super) question: &'a Question,
    pub(super) disclosing: bool,
}

/// A class asked for, and what was said about it.
pub(super) struct Asked<'a> {
    pub(super) cell: CellRef<'a>,
    pub(super) weighed: Weighed<'a>,
}

fn unknown_customer(question: &Question) -> Ruling {
    let cells = (question.asked_classes().members())
        .map(|class| CellState {
            cell: cell_of(question, class).to_cell(),
            state: State::Unknown,
            positions: Vec::new(),
        })
        .collect();
    let mut ruling = Ruling::no(State::Unknown, cells);
    ruling.give(ReasonCode::CustomerUnknown, [], None);
    ruling
}

fn cell_of(question: &Question, class: CpniClass) -> CellRef<'_> {
    CellRef {
        kind: question.recipient,
        entity: question.entity.as_ref(),
        class,
        purpose: question.purpose,
    }
}

impl<'a> Case<'a> {
    fn answer_with_end(self, at: Time) -> Ruling {
        let mut ruling = self.answer(at);
        ruling.valid_until = self.valid_until(&ruling, at);
        ruling
    }

    /// The first of the known ends at which the answer, its state or its basis differs (R18).
    fn valid_until(self, ruling: &Ruling, at: Time) -> Option<Time> {
        let services = (self.customer.services.held.iter()).filter_map(|service| service.ends_at);
        let approvals = (self.customer.one_time.iter())
            .filter(|one| Some(one.call) == self.question.call)
            .map(|one| one.ends_at);
        let verification = (self.question.ground.iter()).flat_map(|ground| {
            let teller = Teller {
                customer: self.customer,
                rulebook: self.rulebook,
                question: self.question,
                ground,
            };
            teller.changes_at()
        });
        let mut ends: Vec<Time> = services
            .chain(approvals)
            .chain(verification)
            .filter(|end| *end > at)
            .collect();
        ends.sort_unstable();
        let read = |ruling: &Ruling| (ruling.allowed, ruling.state, ruling.basis);
        (ends.into_iter()).find(|end| read(&self.answer(*end)) != read(ruling))
    }

    fn answer(self, at: Time) -> Ruling {
        let question = self.question;
        let asked = self.asked(at);
        let state = (asked.iter().map(|asked| asked.weighed.state)).max();
        let cells = asked.iter().map(Asked::cell_state).collect();
        let mut ruling = Ruling::no(state.unwrap_or(State::Unknown), cells);

        if question.purpose == Purpose::CompetitorTracking {
            ruling.give(ReasonCode::Prohibited, [], None);
        } else if !question.asks_something() {
            ruling.lack((ReasonCode::FactsRequired, Some("classes")));
        } else if asked.is_empty() && !self.lists_what_may_leave() {
            ruling.allow(Basis::NotCpni);
            ruling.give(ReasonCode::NotCpni, [], None);
        } else {
            match &question.ground {
                None | Some(Ground::Approval { .. }) => {
                    approval::answer(self, &asked, at, &mut ruling);
                }
                Some(ground) => self.answer_on(ground, &asked, at, &mut ruling),
            }
        }
        self.require_recipient(&mut ruling);
        ruling
    }

    /// Whether the ground says which information may leave that isn't CPNI.
    fn lists_what_may_leave(self) -> bool {
        matches!(
            self.question.ground,
            Some(Ground::Directory { .. } | Ground::PicFreeze { .. })
        )
    }

    /// On a ground other than approval; blocks don't matter to it (R14), save to a written request, which
    /// is a form of approval.
    fn answer_on(self, ground: &Ground, asked: &[Asked<'a>], at: Time, ruling: &mut Ruling) {
        for lack in grounds::lacks(ground, self.customer, self.rulebook, self.question, at) {
            ruling.lack(lack);
        }
        if matches!(ground, Ground::WrittenRequest { .. }) {
            for asked in asked {
                asked.object(ruling);
            }
            if !self.customer.services.any_held(at) {
                ruling.give(ReasonCode::Lapsed, [], None);
            }
        }
        if ruling.reasons.is_empty() {
            ruling.allow(Basis::Ground);
            ruling.give(ReasonCode::GroundMet, [], None);
        }
    }

    fn require_recipient(self, ruling: &mut Ruling) {
        let question = self.question;
        let named_by_ground = (question.ground.as_ref()).and_then(Ground::recipient);
        if self.disclosing
            && question.entity.is_none()
            && !SELF_EVIDENT.contains(&question.recipient)
            && named_by_ground.is_none()
        {
            if ruling.allowed {
                ruling.refuse();
            }
            ruling.lack((ReasonCode::RecipientRequired, Some("entity")));
        }
    }

    fn asked(self, at: Time) -> Vec<Asked<'a>> {
        let entities = self.entities_spoken_of(at);
        (self.question.asked_classes().members())
            .map(|class| {
                let cell = cell_of(self.question, class);
                Asked {
                    cell,
                    weighed: self.weigh(cell, &entities, at),
                }
            })
            .collect()
    }

    /// A question that names no entity means every entity of the kind: it is as bad as the worst of the kind
    /// itself and of those that words name (R12).
    fn weigh(self, cell: CellRef<'a>, entities: &[&'a EntityId], at: Time) -> Weighed<'a> {
        let customer = self.customer;
        let mut worst = weigh(&customer.words, &customer.services, cell, at);
        for entity in entities {
            let named = CellRef {
                entity: Some(entity),
                ..cell
            };
            worst.or_worse(weigh(&customer.words, &customer.services, named, at));
        }
        worst
    }

    /// Entities in whose cells something else may hold than in the kind's: those that blocks name and, while the
    /// services are lapsed, those that grants name.
    fn entities_spoken_of(self, at: Time) -> Vec<&'a EntityId> {
        let mut entities = Vec::new();
        if self.question.entity.is_some() {
            return entities;
        }
        let kind = self.question.recipient;
        let lapsed = self.customer.services.lapsed(at);
        for word in &self.customer.words {
            match &word.said {
                Said::Block(block) => entities.extend(block.named_in(kind)),
                Said::Grant { scope, .. } if lapsed => {
                    let named = scope.recipients.named.iter();
                    entities.extend(named.filter(|one| one.kind == kind).map(|one| &one.entity));
                }
                Said::Grant { .. } => {}
            }
        }
        entities.sort_unstable();
        entities.dedup();
        entities
    }
}

impl Asked<'_> {
    fn cell_state(&self) -> CellState {
        let weighed = &self.weighed;
        let positions = match weighed.state {
            State::Granted => weighed.grant.iter().map(|word| word.position).collect(),
            State::Lapsed => weighed.spoken.clone(),
            _ => weighed.blocks.iter().map(|word| word.position).collect(),
        };
        CellState {
            cell: self.cell.to_cell(),
            state: weighed.state,
            positions,
        }
    }

    /// Gives the reasons that what was said, and not what wasn't, holds against a yes.
    pub(super) fn object(&self, ruling: &mut Ruling) {
        if self.weighed.state == State::Lapsed {
            ruling.give(
                ReasonCode::Lapsed,
                self.weighed.spoken.iter().copied(),
                None,
            );
            return;
        }
        for word in &self.weighed.blocks {
            ruling.give(approval::reason_of(word), [word.position], None);
        }
        if !self.weighed.blocks.is_empty() {
            let positions = self.weighed.blocks.iter().map(|word| word.position);
            ruling.remedy(Remedy::Lift(positions.collect()));
        }
    }
}
