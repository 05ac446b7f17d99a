//! What the company owes about one customer, when, by which rule, and what was done (F6, F16, F19, P4): a projection, and
//! nothing that anybody records.
//!
//! What the company owes by its registers is in [`deadlines`](super::company::deadlines).

use super::authentication::change_notices::{AccountChange, DueNotice};
use super::company::deadlines::Standing;
use super::company::register::Step;
use super::customer::{Customer, World};
use super::ids::Position;
use super::notices::opt_out::Repeat;
use super::notices::repeat::repeats;
use super::time::Time;
use super::vocabulary::named_list;

named_list! {
    /// What the company owes about a customer by a date.
    CustomerDuty {
        /// An opt-out notice on which approvals rest is repeated (F6).
        OptOutRepeat = "opt_out_repeat",
        /// The customer is told of a change to the account (F16).
        ChangeNotice = "change_notice",
        /// The customer is told of a request to change a SIM, before it is changed (64.2010(h)).
        SimChangeNotice = "sim_change_notice",
        /// The digest of a one-time approval's recording is supplied (P4).
        RecordingDigest = "recording_digest",
    }
}

impl CustomerDuty {
    /// The rule that it stands in.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::OptOutRepeat => "47 CFR 64.2008(d)(2)",
            Self::ChangeNotice => "47 CFR 64.2010(f)",
            Self::SimChangeNotice => "47 CFR 64.2010(h)",
            Self::RecordingDigest => "47 CFR 64.2007(a)(1)",
        }
    }
}

/// A duty about one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// What is owed.
    pub duty: CustomerDuty,
    /// The record on which it rests: the notice to repeat, the change to tell of, the approval to prove.
    pub caused_by: Position,
    /// Since when it is owed, and can be done.
    pub from: Time,
    /// The last instant at which it is in time.
    pub due_by: Time,
    /// Where it stands.
    pub standing: Standing,
    /// When it was done, and by which record.
    pub done: Option<Step>,
}

/// Which duties are looked for.
#[derive(Clone, Debug)]
pub struct Horizon {
    /// Only these.
    pub duties: Vec<CustomerDuty>,
    /// Only those that stand so.
    pub standings: Vec<Standing>,
    /// Only those whose last instant in time is not after this one.
    pub until: Time,
}

impl Horizon {
    /// All duties that are still to be done, until then.
    pub fn open(until: Time) -> Self {
        Self {
            duties: CustomerDuty::EVERY.to_vec(),
            standings: vec![Standing::NotYet, Standing::Due, Standing::Late],
            until,
        }
    }

    fn holds(&self, owed: &Owed) -> bool {
        owed.due_by <= self.until && self.standings.contains(&owed.standing)
    }
}

/// What is owed about the customer within the horizon, the earliest first. Of what was done, the state keeps the newest.
pub fn owed(customer: &Customer, world: World<'_>, now: Time, horizon: &Horizon) -> Vec<Owed> {
    let mut all = Vec::new();
    for duty in &horizon.duties {
        match duty {
            CustomerDuty::OptOutRepeat => {
                // In time is what comes before it is overdue.
                let until = Time(horizon.until.0.saturating_add(1));
                let repeats = repeats(customer, world, now, until).into_iter();
                all.extend(repeats.map(|repeat| opt_out_repeat(repeat, now)));
            }
            CustomerDuty::ChangeNotice | CustomerDuty::SimChangeNotice => {
                change_notices(customer, *duty, now, &mut all);
            }
            CustomerDuty::RecordingDigest => digests(customer, world, now, &mut all),
        }
    }
    all.retain(|owed| horizon.holds(owed));
    all.sort_by_key(|owed| (owed.due_by, owed.duty, owed.caused_by));
    all
}

fn opt_out_repeat(repeat: Repeat, now: Time) -> Owed {
    let done = repeat.by.map(|(position, at)| Step { position, at });
    let due_by = Time(repeat.overdue_at.0.saturating_sub(1));
    Owed::new(
        CustomerDuty::OptOutRepeat,
        repeat.notice,
        repeat.since,
        due_by,
    )
    .standing(done, now)
}

fn change_notices(customer: &Customer, wanted: CustomerDuty, now: Time, all: &mut Vec<Owed>) {
    let Some(state) = customer.authentication.as_deref() else {
        return;
    };
    let due = state.due.iter().map(|due| (due, None));
    let sent = (state.sent.iter()).map(|sent| (&sent.due, Some(sent.done)));
    let all_of_it = due.chain(sent).filter(|(due, _)| duty_of(due) == wanted);
    all.extend(all_of_it.map(|(due, done)| {
        Owed::new(wanted, due.change, due.changed_at, due.due_at).standing(done, now)
    }));
}

fn duty_of(due: &DueNotice) -> CustomerDuty {
    match due.what {
        AccountChange::SimChange => CustomerDuty::SimChangeNotice,
        _ => CustomerDuty::ChangeNotice,
    }
}

fn digests(customer: &Customer, world: World<'_>, now: Time, all: &mut Vec<Owed>) {
    let Some(evidence) = customer.evidence.as_deref() else {
        return;
    };
    let duty = |approval, since, due_by, done| {
        Owed::new(CustomerDuty::RecordingDigest, approval, since, due_by).standing(done, now)
    };
    let open = evidence.owed().iter();
    all.extend(open.map(|one| duty(one.approval, one.since, one.due_by(world.rulebook), None)));
    all.extend((evidence.supplied().iter()).map(|one| {
        let owed = one.owed;
        duty(owed.approval, owed.since, one.due_by, Some(one.done))
    }));
}

impl Owed {
    fn new(duty: CustomerDuty, caused_by: Position, from: Time, due_by: Time) -> Self {
        Self {
            duty,
            caused_by,
            from,
            due_by,
            standing: Standing::Due,
            done: None,
        }
    }

    fn standing(self, done: Option<Step>, now: Time) -> Self {
        let done_at = done.map(|step| step.at);
        Self {
            standing: Standing::of(Some(self.due_by), done_at, false, now),
            done,
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
