//! Which changes of the list are taken, and on what (P9, P10, P15).

use super::{
    Basis, CONTACTS_MAX, Contact, ContactCommand, ContactEvent, ContactListed, ContactPermission,
    ContactPermissions, ContactRemoved, ContactUnreachable, Contacts, ContactsRequested, ListGiven,
    NewContact,
};
use crate::domain::authentication::change_notices;
use crate::domain::customer::{Context, Customer};
use crate::domain::event::Event;
use crate::domain::ids::Token;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;
use crate::domain::vocabulary::Channel;

/// The events that `command` leads to, or why it changes nothing.
pub(in crate::domain) fn decide(
    customer: &Customer,
    command: &ContactCommand,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let none = Contacts::default();
    let desk = Desk {
        customer,
        list: customer.contacts.as_deref().unwrap_or(&none),
        context,
    };
    let events = match command {
        ContactCommand::Request => vec![ContactEvent::Requested(ContactsRequested {})],
        ContactCommand::Set { contacts, basis } => desk.set(contacts, basis)?,
        ContactCommand::Add { contact, basis } => desk.add(contact, basis)?,
        ContactCommand::Remove { person, basis } => desk.remove(*person, basis)?,
        ContactCommand::Unreachable(event) => desk.unreachable(event)?,
    };
    Ok(events.into_iter().map(Event::Contacts).collect())
}

struct Desk<'a> {
    customer: &'a Customer,
    list: &'a Contacts,
    context: &'a Context<'a>,
}

impl Desk<'_> {
    fn set(&self, contacts: &[NewContact], basis: &Basis) -> Result<Vec<ContactEvent>, Refusal> {
        require_list(contacts)?;
        let names = |person| contacts.iter().any(|contact| contact.person == person);
        let gone = self.list.listed.iter().filter(|one| !names(one.person));
        let gone: Vec<_> = gone.collect();
        let changed = contacts.iter().filter(|contact| self.changes(contact));
        let changed: Vec<_> = changed.collect();
        let administrative = gone.iter().any(|contact| contact.is_administrative())
            || (changed.iter()).any(|contact| self.touches_administrator(contact));
        self.require(basis, administrative)?;
        if !(contacts.iter()).any(|contact| is_administrative(contact.permissions)) {
            self.require_administrator_beside(None)?;
        }
        let mut events = vec![ContactEvent::ListGiven(ListGiven {
            contacts: u32::try_from(contacts.len()).unwrap_or(u32::MAX),
            basis: *basis,
        })];
        for contact in gone {
            events.push(self.removed(contact, basis)?);
        }
        for contact in changed {
            events.push(self.listed(contact, basis)?);
        }
        Ok(events)
    }

    fn add(&self, contact: &NewContact, basis: &Basis) -> Result<Vec<ContactEvent>, Refusal> {
        require_permissions(contact, "contact")?;
        if !self.changes(contact) {
            return Err(Refusal::new(
                RefusalCode::ContactState,
                "contact.person",
                "the person is on the list with these permissions already",
            ));
        }
        self.require(basis, self.touches_administrator(contact))?;
        if !is_administrative(contact.permissions) {
            self.require_administrator_beside(Some(contact.person))?;
        }
        if self.list.get(contact.person).is_none() && self.list.listed.len() >= CONTACTS_MAX {
            return Err(full());
        }
        Ok(vec![self.listed(contact, basis)?])
    }

    fn remove(&self, person: Token, basis: &Basis) -> Result<Vec<ContactEvent>, Refusal> {
        let Some(contact) = self.list.get(person) else {
            return Err(Refusal::new(
                RefusalCode::ContactState,
                "person",
                "the person is not on the list",
            ));
        };
        self.require(basis, contact.is_administrative())?;
        self.require_administrator_beside(Some(person))?;
        Ok(vec![self.removed(contact, basis)?])
    }

    fn unreachable(&self, event: &ContactUnreachable) -> Result<Vec<ContactEvent>, Refusal> {
        if !self.list.versions.contains(&event.list) {
            return Err(Refusal::new(
                RefusalCode::ContactState,
                "list",
                "no such version of the list, or too old a one; name the one that the notice went by",
            ));
        }
        Ok(vec![ContactEvent::Unreachable(event.clone())])
    }

    /// Whether the list isn't so already.
    fn changes(&self, contact: &NewContact) -> bool {
        (self.list.get(contact.person))
            .is_none_or(|known| known.permissions != contact.permissions || contact.name.is_some())
    }

    /// Whether the contact becomes an administrative one, is it no longer, or gets another name as it.
    fn touches_administrator(&self, contact: &NewContact) -> bool {
        let was = (self.list.get(contact.person)).is_some_and(Contact::is_administrative);
        let is = is_administrative(contact.permissions);
        was != is || (is && contact.name.is_some())
    }

    /// Letterhead for an administrative contact, once there is one; else a verified caller will do (P10). To name the
    /// first one changes none.
    fn require(&self, basis: &Basis, administrative: bool) -> Result<(), Refusal> {
        let had_one = self.list.listed.iter().any(Contact::is_administrative);
        match *basis {
            Basis::Letterhead { medium, .. } if is_letter(medium) => Ok(()),
            Basis::Caller(authority) if !(administrative && had_one) => {
                // Who was never verified gives the first list, and changes none (P9, P11).
                let is_first = !self.list.is_listed();
                authority.require_for(is_first, self.customer, self.context)
            }
            _ => Err(Refusal::new(
                RefusalCode::LetterheadRequired,
                "basis",
                "the administrative contact is changed by e-mail or post on the client's letterhead only; \
                 send the letter's SHA-256 and the medium",
            )),
        }
    }

    /// An account that has had an administrative contact is never without (P10): some other one must be there.
    fn require_administrator_beside(&self, person: Option<Token>) -> Result<(), Refusal> {
        let mut all = self
            .list
            .listed
            .iter()
            .filter(|one| one.is_administrative());
        let had_one = all.clone().next().is_some();
        let leaves = match person {
            None => had_one,
            Some(person) => had_one && !all.any(|contact| contact.person != person),
        };
        match leaves {
            false => Ok(()),
            true => Err(Refusal::new(
                RefusalCode::AdministratorRequired,
                "contacts",
                "the account would be left without an administrative contact; name another one first, or in the same list",
            )),
        }
    }

    fn removed(&self, contact: &Contact, basis: &Basis) -> Result<ContactEvent, Refusal> {
        Ok(ContactEvent::Removed(ContactRemoved {
            person: contact.person,
            basis: *basis,
            notice_due_at: self.owed_to(contact.permissions, ContactPermissions::NONE)?,
        }))
    }

    fn listed(&self, contact: &NewContact, basis: &Basis) -> Result<ContactEvent, Refusal> {
        let known = self.list.get(contact.person);
        let before = known.map_or(ContactPermissions::NONE, |known| known.permissions);
        Ok(ContactEvent::Listed(ContactListed {
            person: contact.person,
            name: contact.name.clone(),
            permissions: contact.permissions,
            basis: *basis,
            notice_due_at: self.owed_to(before, contact.permissions)?,
        }))
    }

    /// Who is the administrative contact no longer is told, at the start of service too: a letter is easily forged.
    fn owed_to(
        &self,
        before: ContactPermissions,
        after: ContactPermissions,
    ) -> Result<Option<Time>, Refusal> {
        match is_administrative(before) && !is_administrative(after) {
            true => change_notices::owed_at(self.customer, self.context).map(Some),
            false => Ok(None),
        }
    }
}

fn is_administrative(permissions: ContactPermissions) -> bool {
    permissions.contains(ContactPermission::Administrative)
}

fn is_letter(medium: Channel) -> bool {
    matches!(medium, Channel::Email | Channel::Post)
}

fn require_list(contacts: &[NewContact]) -> Result<(), Refusal> {
    if contacts.len() > CONTACTS_MAX {
        return Err(full());
    }
    for (index, contact) in contacts.iter().enumerate() {
        let field = format!("contacts[{index}]");
        require_permissions(contact, &field)?;
        let mut before = contacts.iter().take(index);
        if before.any(|other| other.person == contact.person) {
            return Err(Refusal::new(
                RefusalCode::Invalid,
                format!("{field}.person"),
                "the person is named twice",
            ));
        }
    }
    Ok(())
}

fn require_permissions(contact: &NewContact, field: &str) -> Result<(), Refusal> {
    match contact.permissions.is_empty() {
        false => Ok(()),
        true => Err(Refusal::new(
            RefusalCode::Invalid,
            format!("{field}.permissions"),
            "a contact may do something; name what, or remove the contact",
        )),
    }
}

fn full() -> Refusal {
    let why = format!("an account has {CONTACTS_MAX} contacts at most");
    Refusal::new(RefusalCode::Limit, "contacts", why)
}
