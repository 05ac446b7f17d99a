//! SIM changes (F18; 64.2010(h), adopted in 2023): who asks for one is securely authenticated, the customer is told before
//! it is made, and an account can be locked against it.
//!
//! What the FCC demands is demanded while the rulebook's rule `sim_change` is in force, and never else; what is asked for
//! and made is recorded all the same. A lock is the customer's own word, set and lifted at no cost: it holds whether or
//! not the rule is in force. A request that is refused is an answer on record, so that failed attempts can be counted.

use serde::{Deserialize, Serialize};

use super::authority::{Authority, unverified};
use super::change_notices::{self, AccountChange, ChangeNoticeSent, NoticeTarget};
use super::of_record::{Reach, ReachKind};
use super::{Authentication, AuthenticationEvent};
use crate::domain::calendar;
use crate::domain::customer::{Context, Customer};
use crate::domain::event::Placed;
use crate::domain::ids::{Position, Token};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::rulebook::{Number, RuleName, Rulebook};
use crate::domain::time::Time;
use crate::domain::vocabulary::named_list;

/// SIM changes of one customer that the state keeps: the newest. Beyond them the oldest that is over is forgotten, and
/// while all are open none is asked for.
pub const SIM_CHANGES_MAX: usize = 16;

named_list! {
    /// What became of a SIM change that was asked for.
    SimStep {
        /// It was made.
        Effected = "effected",
        /// The customer took the request back.
        Withdrawn = "withdrawn",
        /// The company made none, e.g. on suspicion.
        TurnedDown = "turned_down",
        /// Once made, it was reported as fraudulent.
        FraudReported = "fraud_reported",
        /// What the fraud did was put right.
        Remediated = "remediated",
    }
}

impl SimStep {
    /// The step that it follows; none: the request.
    const fn after(self) -> Option<Self> {
        match self {
            Self::Effected | Self::Withdrawn | Self::TurnedDown => None,
            Self::FraudReported => Some(Self::Effected),
            Self::Remediated => Some(Self::FraudReported),
        }
    }
}

named_list! {
    /// Why a SIM change isn't made.
    SimRefusal {
        /// Nobody was securely authenticated for it in that call.
        NotAuthenticated = "not_authenticated",
        /// The customer locked the account against it.
        Locked = "locked",
        /// The number isn't one of the account's, whose verification and lock say nothing about it.
        NotOfAccount = "not_of_account",
    }
}

/// Asks for a SIM change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestSimChange {
    /// The number whose SIM is to be changed.
    pub number: Token,
    /// On what. None: nobody was verified.
    pub authority: Option<Authority>,
}

/// A SIM change was asked for, and may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimChangeRequested {
    /// The number whose SIM is to be changed.
    pub number: Token,
    /// The verification that carries it. None: nobody was verified, and nothing demanded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
    /// By when the customer must be told, and in any case before the change. None: nothing demands it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_due_at: Option<Time>,
}

/// A SIM change was asked for and refused: a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimChangeRefused {
    /// The number whose SIM was to be changed.
    pub number: Token,
    /// Why.
    pub why: SimRefusal,
}

/// What became of a SIM change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimStepTaken {
    /// The record that asked for it.
    pub request: Position,
    /// What became of it.
    pub step: SimStep,
}

/// The account is locked against SIM changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimLockSet {
    /// On what.
    pub authority: Authority,
}

/// The lock against SIM changes is lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimLockLifted {
    /// On what.
    pub authority: Authority,
}

/// What the ledger knows of an account's SIM changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimChanges {
    /// The record of the lock that stands.
    pub lock: Option<Position>,
    /// The record of the newest lock, lifted or not: what was asked for before it is asked for anew.
    pub locked_last: Option<Position>,
    /// Those asked for, oldest first, bounded.
    pub changes: Vec<SimChange>,
    /// Requests that were refused.
    pub refused: u32,
    /// The newest record about SIM changes: records are kept for years after it.
    pub last_at: Time,
}

/// A SIM change that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimChange {
    /// The record that asked for it.
    pub request: Position,
    /// The number whose SIM it is about.
    pub number: Token,
    /// When it was asked for.
    pub requested_at: Time,
    /// On what.
    pub authority: Option<Authority>,
    /// When the customer was told of the request.
    pub told_at: Option<Time>,
    /// What became of it; none: it is open.
    pub step: Option<SimStep>,
}

impl SimChanges {
    /// The SIM change that the record asked for.
    pub fn asked_for(&self, request: Position) -> Option<&SimChange> {
        self.changes.iter().find(|one| one.request == request)
    }

    fn add(&mut self, change: SimChange) {
        if self.changes.len() >= SIM_CHANGES_MAX
            && let Some(over) = self.to_forget()
        {
            self.changes.remove(over);
        }
        self.changes.push(change);
    }

    /// The oldest to which nothing can happen any more; else the oldest that was made. One that is open, or a fraud that
    /// isn't put right, is never forgotten.
    fn to_forget(&self) -> Option<usize> {
        let closed = |one: &SimChange| {
            use SimStep::{Remediated, TurnedDown, Withdrawn};
            matches!(one.step, Some(Withdrawn | TurnedDown | Remediated))
        };
        let made = |one: &SimChange| one.step == Some(SimStep::Effected);
        let place = |wanted: &dyn Fn(&SimChange) -> bool| self.changes.iter().position(wanted);
        place(&closed).or_else(|| place(&made))
    }

    /// Whether the number's SIM was changed so lately, or by a fraud not put right, that who answers there may be another.
    pub fn is_doubtful(&self, number: Token, at: Time, days: u32) -> bool {
        self.changes.iter().any(|one| {
            let lately = at < one.requested_at.plus_hours(days.saturating_mul(24));
            one.number == number
                && match one.step {
                    Some(SimStep::Effected | SimStep::Remediated) => lately,
                    Some(SimStep::FraudReported) => true,
                    Some(SimStep::Withdrawn | SimStep::TurnedDown) | None => false,
                }
        })
    }

    fn change_mut(&mut self, request: Position) -> Option<&mut SimChange> {
        self.changes.iter_mut().find(|one| one.request == request)
    }
}

impl Authentication {
    /// Whether it is a number whose SIM was changed lately, or by a fraud not put right.
    pub(super) fn is_swapped(&self, reach: Reach, at: Time, days: u32) -> bool {
        let doubtful = |sim: &SimChanges| sim.is_doubtful(reach.value, at, days);
        reach.kind == ReachKind::TelephoneNumber && self.sim.as_deref().is_some_and(doubtful)
    }

    /// Whether the customer locked the account against SIM changes.
    pub fn is_sim_locked(&self) -> bool {
        self.sim.as_ref().is_some_and(|sim| sim.lock.is_some())
    }

    pub(super) fn sim_requested(&mut self, placed: &Placed<'_, SimChangeRequested>) {
        let event = placed.event;
        self.sim_at(placed.recorded_at).add(SimChange {
            request: placed.position,
            number: event.number,
            requested_at: placed.recorded_at,
            authority: event.authority,
            told_at: None,
            step: None,
        });
        self.owe(AccountChange::SimChange, None, event.notice_due_at, placed);
    }

    pub(super) fn sim_refused(&mut self, placed: &Placed<'_, SimChangeRefused>) {
        let sim = self.sim_at(placed.recorded_at);
        sim.refused = sim.refused.saturating_add(1);
    }

    pub(super) fn sim_step_taken(&mut self, placed: &Placed<'_, SimStepTaken>) {
        let SimStepTaken { request, step } = *placed.event;
        if let Some(change) = self.sim_at(placed.recorded_at).change_mut(request) {
            change.step = Some(step);
        }
    }

    pub(super) fn sim_lock_set(&mut self, placed: &Placed<'_, SimLockSet>) {
        let sim = self.sim_at(placed.recorded_at);
        (sim.lock, sim.locked_last) = (Some(placed.position), Some(placed.position));
    }

    pub(super) fn sim_lock_lifted(&mut self, placed: &Placed<'_, SimLockLifted>) {
        self.sim_at(placed.recorded_at).lock = None;
    }

    /// Takes note that the customer was told of a request. To nobody is told nothing.
    pub(super) fn sim_told(&mut self, placed: &Placed<'_, ChangeNoticeSent>) {
        let sent = placed.event;
        if sent.what == AccountChange::SimChange
            && sent.to != NoticeTarget::Nobody
            && let Some(change) = self.sim_at(placed.recorded_at).change_mut(sent.change)
        {
            change.told_at = Some(placed.happened_at());
        }
    }

    fn sim_at(&mut self, at: Time) -> &mut SimChanges {
        let sim = self.sim.get_or_insert_default();
        sim.last_at = at;
        sim
    }
}

/// Whether the rulebook demands at that instant what 64.2010(h) does.
pub fn is_demanded(rulebook: &Rulebook, at: Time) -> bool {
    rulebook.rule(RuleName::SimChange).in_force(at)
}

/// The first instant at which the records about SIM changes need be kept no longer; none where there are none, or none
/// since the rule began.
pub fn kept_until(customer: &Customer, rulebook: &Rulebook) -> Option<Time> {
    let last_at = customer.authentication.as_ref()?.sim.as_ref()?.last_at;
    let rule = rulebook.rule(RuleName::SimChange);
    let years = rule.number(Number::RecordYears);
    (rule.has_begun(last_at))
        .then(|| calendar::after_years_in(last_at, years, rulebook.time_zone()))
}

/// Whether the verification is live, of this call, for account changes, and by a method that the rulebook takes for one.
fn is_secure(authority: &Authority, customer: &Customer, context: &Context<'_>) -> bool {
    let Authority::Verification { record, .. } = authority else {
        return false;
    };
    let verified = (customer.authentication.as_ref())
        .and_then(|state| (state.verifications.iter()).find(|one| one.position == *record));
    let methods = context.rulebook.live_methods();
    let takes = verified.is_some_and(|one| {
        one.by
            .method()
            .is_some_and(|method| methods.contains(method))
    });
    takes && authority.require(customer, context).is_ok()
}

pub(super) fn request(
    customer: &Customer,
    command: &RequestSimChange,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    let RequestSimChange { number, authority } = *command;
    let authority = authority.filter(|authority| is_secure(authority, customer, context));
    let is_demanded = is_demanded(context.rulebook, context.now);
    let state = customer.authentication.as_deref();
    let why = match state.is_some_and(|state| state.is_sim_locked()) {
        true => Some(SimRefusal::Locked),
        false if !is_demanded => None,
        false if authority.is_none() => Some(SimRefusal::NotAuthenticated),
        false => (!is_of_account(number, state, context)).then_some(SimRefusal::NotOfAccount),
    };
    if let Some(why) = why {
        let refused = SimChangeRefused { number, why };
        return Ok(vec![AuthenticationEvent::SimChangeRefused(refused)]);
    }
    let sim = state.and_then(|state| state.sim.as_ref());
    let is_open = |one: &&SimChange| matches!(one.step, None | Some(SimStep::FraudReported));
    let open = |sim: &SimChanges| sim.changes.iter().filter(is_open).count();
    if sim.map_or(0, |sim| open(sim)) >= SIM_CHANGES_MAX {
        return Err(Refusal::new(
            RefusalCode::Limit,
            "",
            format!(
                "{SIM_CHANGES_MAX} SIM changes are open, or frauds not put right; say first what became of them"
            ),
        ));
    }
    let notice_due_at = match is_demanded {
        true => Some(change_notices::owed_at(customer, context)?),
        false => None,
    };
    Ok(vec![AuthenticationEvent::SimChangeRequested(
        SimChangeRequested {
            number,
            authority,
            notice_due_at,
        },
    )])
}

/// Whether the number belongs to the account now.
fn is_of_account(number: Token, state: Option<&Authentication>, context: &Context<'_>) -> bool {
    let reach = Reach {
        kind: ReachKind::TelephoneNumber,
        value: number,
    };
    state.is_some_and(|state| state.belonging(reach, context.now).is_some())
}

pub(super) fn take_step(
    customer: &Customer,
    command: &SimStepTaken,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    let asked_for = (customer.authentication.as_ref()).and_then(|state| {
        let change = state.sim.as_ref()?.asked_for(command.request)?;
        Some((state, change))
    });
    let Some((state, change)) = asked_for else {
        return Err(not_so(
            "request_position",
            "the record asked for no SIM change of this account, or for one long over",
        ));
    };
    if change.step != command.step.after() {
        let stands = change.step.map_or("open", SimStep::name);
        return Err(not_so(
            "step",
            format!(
                "the SIM change is {stands}: an open one is effected, withdrawn or turned down; one effected is reported as fraud; a fraud is remediated"
            ),
        ));
    }
    if command.step == SimStep::Effected {
        require_effectable(state, change, context)?;
    }
    Ok(vec![AuthenticationEvent::SimStepTaken(*command)])
}

/// Before a SIM is changed the customer lifts the lock; while the rule is in force, who asked was securely authenticated
/// and the customer was told.
fn require_effectable(
    state: &Authentication,
    change: &SimChange,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    if state.is_sim_locked() {
        return Err(Refusal::new(
            RefusalCode::SimLocked,
            "",
            "the customer locked the account against SIM changes; only the customer lifts the lock (64.2010(h))",
        ));
    }
    let locked_since = (state.sim.as_ref()).and_then(|sim| sim.locked_last);
    if locked_since.is_some_and(|lock| lock > change.request) {
        return Err(not_so(
            "request_position",
            "the account was locked against SIM changes after this one was asked for; it is asked for anew",
        ));
    }
    let at = context.occurred_at.unwrap_or(context.now);
    if at < change.requested_at {
        return Err(Refusal::new(
            RefusalCode::OccurredAt,
            "occurred_at",
            "it lies before the request",
        ));
    }
    if !is_demanded(context.rulebook, at) {
        return Ok(());
    }
    if change.authority.is_none() {
        return Err(unverified(
            "request_position",
            "who asked was not securely authenticated; verify the caller and ask anew (64.2010(h))",
        ));
    }
    match change.told_at {
        Some(told_at) if told_at <= at => Ok(()),
        _ => Err(not_so(
            "request_position",
            "the customer is told of the request before the SIM is changed; send the notification, and where the account has nothing to which it may go, add a number or an address and ask anew (64.2010(h))",
        )),
    }
}

pub(super) fn lock(
    customer: &Customer,
    authority: &Authority,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    // It takes nothing away but from a thief: too many wrong passwords don't bar it.
    authority.require_identity(customer, context)?;
    if (customer.authentication.as_ref()).is_some_and(|state| state.is_sim_locked()) {
        return Err(not_so(
            "",
            "the account is locked against SIM changes already",
        ));
    }
    Ok(vec![AuthenticationEvent::SimLockSet(SimLockSet {
        authority: *authority,
    })])
}

pub(super) fn lift_lock(
    customer: &Customer,
    authority: &Authority,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    if !(customer.authentication.as_ref()).is_some_and(|state| state.is_sim_locked()) {
        return Err(not_so("", "the account isn't locked against SIM changes"));
    }
    authority.require(customer, context)?;
    if !is_secure(authority, customer, context) {
        return Err(unverified(
            "authority",
            "a lock against SIM changes is lifted by the customer, on a live verification",
        ));
    }
    Ok(vec![AuthenticationEvent::SimLockLifted(SimLockLifted {
        authority: *authority,
    })])
}

fn not_so(field: &str, why: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::SimChangeState, field, why)
}
