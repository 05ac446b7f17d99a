//! The rule: from a question to its answer (C3, C9, R1, R18, R20).

use super::approval;
use super::question::Question;
use super::ruling::{Basis, CellState, ReasonCode, Remedy, Ruling, State};
use crate::domain::authentication::telling::Teller;
use crate::domain::company::entities::Entity;
use crate::domain::company::standing::Standing;
use crate::domain::consent::block::with_parents;
use crate::domain::consent::precedence::{Weighed, weigh};
use crate::domain::consent::word::Said;
use crate::domain::customer::{Customer, World};
use crate::domain::disclosures::Ground;
use crate::domain::disclosures::grounds::{self, SELF_EVIDENT};
use crate::domain::ids::EntityId;
use crate::domain::notices::opt_out::{Look, Reading};
use crate::domain::retention::erasure::Erasure;
use crate::domain::rulebook::RuleName;
use crate::domain::scope::{CellRef, NamedRecipient, Scope};
use crate::domain::time::Time;
use crate::domain::vocabulary::{CpniClass, Purpose, RecipientKinds};

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
        world,
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
        world,
        question,
        disclosing: true,
    };
    case.answer_with_end(at)
}

/// One question about one customer.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) customer: &'a Customer,
    pub(super) world: World<'a>,
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

/// Whoever was erased is asked about no more, and what was denied stays denied (R16).
fn erased_customer(question: &Question, erasure: &Erasure) -> Ruling {
    let cells = (question.asked_classes().members())
        .map(|class| CellState {
            cell: cell_of(question, class).to_cell(),
            state: State::Denied,
            positions: vec![erasure.requested],
        })
        .collect();
    let mut ruling = Ruling::no(State::Denied, cells);
    ruling.give(ReasonCode::Erased, [erasure.requested], None);
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

/// Of two answers to one question the one that says no, or is in the more blocking state, until either may change.
fn stricter(one: Ruling, other: Ruling) -> Ruling {
    let valid_until = one.valid_until.into_iter().chain(other.valid_until).min();
    let strictness = |ruling: &Ruling| (!ruling.allowed, ruling.state);
    let stricter = match strictness(&other) > strictness(&one) {
        true => other,
        false => one,
    };
    Ruling {
        valid_until,
        ..stricter
    }
}

impl<'a> Case<'a> {
    fn answer_with_end(self, at: Time) -> Ruling {
        if let Some(erasure) = self.customer.erased.as_deref() {
            return erased_customer(self.question, erasure);
        }
        let mut ruling = self.answer(at);
        ruling.valid_until = self.valid_until(&ruling, at);
        let Some(known) = self.world.known else {
            return ruling;
        };
        let as_known = Case {
            world: World {
                company: known,
                known: None,
                ..self.world
            },
            ..self
        };
        stricter(ruling, as_known.answer_with_end(at))
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
                rulebook: self.world.rulebook,
                question: self.question,
                ground,
            };
            teller.changes_at()
        });
        let mut ends: Vec<Time> = services
            .chain(approvals)
            .chain(verification)
            .chain(self.ends_of_recipients(at))
            .chain(self.turns_of_clocks())
            .filter(|end| *end > at)
            .collect();
        ends.sort_unstable();
        let read = |ruling: &Ruling| (ruling.allowed, ruling.state, ruling.basis);
        (ends.into_iter()).find(|end| read(&self.answer(*end)) != read(ruling))
    }

    /// Ends of what entities are to the company, and of an affiliate's own service to the customer.
    fn ends_of_recipients(self, at: Time) -> impl Iterator<Item = Time> {
        let (customer, question) = (self.customer, self.question);
        let by_ground = question.ground.as_ref().and_then(Ground::recipient);
        let named = question.entity.as_ref();
        let of_named = named
            .or(by_ground)
            .map(|entity| self.world.company.entities.ends_after(entity, at));
        let of_kind = match (named, &customer.opt_out) {
            (None, Some(_)) => self.world.company.entities.all(),
            _ => &[],
        };
        let several = (self.world.company.entities.several())
            .filter(move |_| named.is_none() && !customer.words.is_empty());
        let ends = |entity: &'a Entity| entity.memberships.iter().filter_map(|held| held.ends_at);
        // Whom a block keeps from the whole kind's yes, keeps it no longer once it has left.
        let spoken_of = (self.entities_spoken_of(at).into_iter())
            .filter_map(|id| self.world.company.entities.get(id))
            .flat_map(ends);
        let served = customer.served_by.iter().filter_map(|one| one.ends_at);
        (of_named.into_iter().flatten())
            .chain(several.flat_map(ends))
            .chain(of_kind.iter().flat_map(ends))
            .chain(spoken_of)
            .chain(served)
    }

    /// Turns of opt-out clocks, and of the rule by which they run.
    fn turns_of_clocks(self) -> impl Iterator<Item = Time> {
        let rule = self.world.rulebook.rule(RuleName::OptOut);
        (self.customer.opt_out.as_deref().into_iter())
            .flat_map(move |opt_out| opt_out.turns().chain(rule.turns()))
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
        for lack in grounds::lacks(ground, self.customer, self.world, self.question, at) {
            ruling.lack(lack);
        }
        let recipient = self.question.entity.as_ref().or(ground.recipient());
        if !Standing::of(self.world.company, self.question.recipient, recipient, at).has_kind() {
            ruling.lack((ReasonCode::RecipientNotCovered, Some("entity")));
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
        let mut worst = self.weigh_one(cell, at);
        for entity in entities {
            let named = CellRef {
                entity: Some(entity),
                ..cell
            };
            worst.or_worse(self.weigh_one(named, at));
        }
        worst
    }

    /// Weighs the words about one cell, and the opt-out notices where words say nothing.
    fn weigh_one(self, cell: CellRef<'a>, at: Time) -> Weighed<'a> {
        let customer = self.customer;
        let standing = Standing::of(self.world.company, cell.kind, cell.entity, at);
        let mut weighed = weigh(&customer.words, &customer.services, cell, &standing, at);
        let Some(opt_out) = &customer.opt_out else {
            return weighed;
        };
        if !matches!(weighed.state, State::Unknown | State::Lapsed) {
            return weighed;
        }
        let reading = opt_out.read(Look {
            customer,
            world: self.world,
            standing,
            cell,
            source: self.question.source_category.as_ref(),
            at,
        });
        match &reading {
            Reading::Clock(_, positions) if customer.services.lapsed(at) => {
                weighed.lapse(positions);
            }
            Reading::Clock(state, _) => weighed.state = *state,
            _ => {}
        }
        weighed.opt_out = reading;
        weighed
    }

    /// Entities in whose cells something else may hold than in the kind's: those that blocks name, those that are or
    /// were several things and, while the services are lapsed, those that grants name.
    fn entities_spoken_of(self, at: Time) -> Vec<&'a EntityId> {
        let (customer, kind) = (self.customer, self.question.recipient);
        let mut entities = Vec::new();
        if self.question.entity.is_some() || customer.words.is_empty() && customer.opt_out.is_none()
        {
            return entities;
        }
        let lapsed = customer.services.lapsed(at);
        for word in &customer.words {
            match &word.said {
                Said::Block(block) => entities.extend(self.of_kind(&block.scope, at)),
                Said::Grant { scope, .. } if lapsed => entities.extend(self.of_kind(scope, at)),
                Said::Grant { .. } => {}
            }
        }
        if lapsed {
            let noticed = customer.opt_out.iter().flat_map(|opt_out| opt_out.covers());
            entities.extend(noticed.flat_map(|scope| self.of_kind(scope, at)));
        }
        // Of a kind whose e-mailed notices failed, who was named in one stands apart (R10). Only the registered do: nobody
        // else is ever approved by opt-out, or is of a kind because a notice says so (R12).
        let failed = customer.opt_out.iter().flat_map(|opt_out| opt_out.failed());
        let failed = failed.flat_map(|(_, scope)| self.of_kind(scope, at));
        entities.extend(failed.filter(|id| self.world.company.entities.get(id).is_some()));
        let several = self.world.company.entities.several();
        let of_kind = several.filter(|entity| entity.kinds(at).contains(kind));
        entities.extend(of_kind.map(|entity| &entity.id));
        entities.sort_unstable();
        entities.dedup();
        entities
    }

    /// The entities that a scope names and that are of the asked kind: by the register, or else as they were named.
    fn of_kind(self, scope: &'a Scope, at: Time) -> impl Iterator<Item = &'a EntityId> {
        let (entities, kind) = (&self.world.company.entities, self.question.recipient);
        let is_of_kind = move |named: &&NamedRecipient| match entities.get(&named.entity) {
            Some(entity) => entity.kinds(at).contains(kind),
            None => with_parents(RecipientKinds::of(named.kind)).contains(kind),
        };
        (scope.recipients.named.iter().filter(is_of_kind)).map(|named| &named.entity)
    }
}

impl Asked<'_> {
    fn cell_state(&self) -> CellState {
        let weighed = &self.weighed;
        let positions = match weighed.state {
            State::OptOutApproved | State::Waiting | State::RefreshOverdue => {
                weighed.notices().to_vec()
            }
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
