//! Changes to an account: who may make them, and the notification that each makes due (P9, P10, F16; 64.2010(f)).

use super::{Ended, Kind, Look, StandingQuestion};
use crate::domain::authentication::AuthenticationEvent;
use crate::domain::authentication::change_notices::{ChangeNoticeSent, DueNotice, NoticeTarget};
use crate::domain::contacts::{Basis, ContactEvent, ContactPermission, is_unasked};
use crate::domain::customer::Customer;
use crate::domain::event::Event;
use crate::domain::ids::{Position, Token};
use crate::domain::vocabulary::Channel;

pub(super) const WITHOUT_LETTERHEAD: StandingQuestion = StandingQuestion {
    name: "administrative-contact-without-letterhead",
    requirements: "P10, R22",
    clauses: "CPNI policy, clause 4",
    asks: "Which administrative contacts were changed otherwise than by e-mail or post on the client's letterhead?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let (person, becomes, renamed, basis) = match seen.placed.event {
            Event::Contacts(ContactEvent::Listed(event)) => {
                let becomes = event
                    .permissions
                    .contains(ContactPermission::Administrative);
                (event.person, becomes, event.name.is_some(), &event.basis)
            }
            Event::Contacts(ContactEvent::Removed(event)) => {
                (event.person, false, false, &event.basis)
            }
            _ => return None,
        };
        let list = seen.before?.contacts.as_ref()?;
        // To name the first ones, in one list, changes none.
        let before = (list.listed.iter())
            .filter(|one| one.is_administrative() && one.position < seen.placed.command);
        let was = before.clone().any(|one| one.person == person);
        let concerned = before.count() > 0 && (was != becomes || becomes && renamed);
        let by_letter = matches!(
            basis,
            Basis::Letterhead {
                medium: Channel::Email | Channel::Post,
                ..
            }
        );
        (concerned && !by_letter).then(|| "changed on no letter of the client's".into())
    }),
};

pub(super) const TOLD_THE_NEW: StandingQuestion = StandingQuestion {
    name: "account-change-told-to-the-new",
    requirements: "F16",
    clauses: "47 CFR 64.2010(f)",
    asks: "Which notifications of an account change went to what the change brought, or to what was never of record?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let Event::Authentication(AuthenticationEvent::ChangeNoticeSent(sent)) = seen.placed.event
        else {
            return None;
        };
        let customer = seen.before?;
        let due = owed(customer, sent.change);
        match due {
            None => Some(format!(
                "no notification was owed for record {}",
                sent.change
            )),
            Some(due) => told_the_new(customer, due, sent),
        }
    }),
};

pub(super) const TOLD_LATE: StandingQuestion = StandingQuestion {
    name: "account-change-told-late",
    requirements: "F16, F18, F19",
    clauses: "47 CFR 64.2010(f), (h)",
    asks: "Which account changes were notified later than they had to be?",
    kind: Kind::Duty,
    look: Look::Customer(|seen| {
        let Event::Authentication(AuthenticationEvent::ChangeNoticeSent(sent)) = seen.placed.event
        else {
            return None;
        };
        (seen.placed.happened_at() > sent.due_at)
            .then(|| format!("it had to be sent by {}", sent.due_at))
    }),
};

pub(super) const NOT_TOLD: StandingQuestion = StandingQuestion {
    name: "account-change-not-told",
    requirements: "F16, F18, F19",
    clauses: "47 CFR 64.2010(f), (h)",
    asks: "Which account changes were not notified yet, though they had to be?",
    kind: Kind::Duty,
    look: Look::Ended(|ended| {
        let state = ended.customer.authentication.as_ref()?;
        let late = state.due.iter().find(|due| due.due_at < ended.at)?;
        let wrong = format!("a notification of this change was due at {}", late.due_at);
        Some((late.change, wrong))
    }),
};

pub(super) const WITHOUT_CONTACTS: StandingQuestion = StandingQuestion {
    name: "account-without-contacts",
    requirements: "P9",
    clauses: "CPNI policy, clause 4",
    asks: "Which accounts have neither a list of authorised contacts nor an open request for one?",
    kind: Kind::Duty,
    look: Look::Ended(|ended: &Ended<'_>| {
        (ended.customer.erased.is_none() && is_unasked(ended.customer)).then(|| {
            let wrong = "neither a list of contacts nor an open request for one".to_owned();
            (ended.customer.last, wrong)
        })
    }),
};

fn owed(customer: &Customer, change: Position) -> Option<&DueNotice> {
    let state = customer.authentication.as_ref()?;
    state.due.iter().find(|due| due.change == change)
}

fn told_the_new(customer: &Customer, due: &DueNotice, sent: &ChangeNoticeSent) -> Option<String> {
    let old_contact = |person: Token| due.contact == Some(person);
    match sent.to {
        NoticeTarget::Contact(person) => (!old_contact(person))
            .then(|| "it went to another contact than the one who was replaced".into()),
        NoticeTarget::Nobody => {
            let mut known = (customer.authentication.iter()).flat_map(|state| &state.of_record);
            let had_one = known.any(|one| {
                let stood = one.until.is_none_or(|end| due.changed_at <= end);
                one.position != due.change && one.since < due.changed_at && stood
            });
            (had_one || due.contact.is_some())
                .then(|| "it went to nobody, though there was whom to tell".into())
        }
        NoticeTarget::OfRecord(reach) => {
            let known = (customer.authentication.iter()).flat_map(|state| &state.of_record);
            let before = known
                .filter(|one| one.reach == reach)
                .any(|one| one.position != due.change && one.since < due.changed_at);
            (!before).then(|| "it went to what the account did not have before the change".into())
        }
    }
}
