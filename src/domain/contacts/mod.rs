//! Authorised contacts: who, besides the holder, may speak for an account, and about what (P9, P10, P15; policy clause 4).
//!
//! The company asks the client for the list; only those on it are discussed with. A change of the administrative contact
//! takes the company's letterhead, by e-mail or post, whoever asks and however verified; an account that has had one is
//! never without, and the one who was is told. The list's version is the position of the command that made it.

mod desk;

use serde::{Deserialize, Serialize};

use super::authentication::authority::Authority;
use super::authentication::change_notices::AccountChange;
use super::customer::Customer;
use super::event::Placed;
use super::ids::{Personal, Position, Sha256Digest, Token};
use super::time::Time;
use super::vocabulary::{Channel, closed_list};

pub(super) use desk::decide;

/// Contacts of one account.
pub const CONTACTS_MAX: usize = 64;
/// Versions of the list that can be cited: the newest.
pub const VERSIONS_MAX: usize = 16;

closed_list! {
    /// What a contact may do for the account (P9).
    ContactPermission,
    /// A set of permissions.
    ContactPermissions {
        /// Request technical support.
        TechnicalSupport = "technical_support",
        /// Request information about the account.
        AccountInformation = "account_information",
        /// Change the account, and this list.
        Administrative = "administrative",
    }
}

/// What can be asked about contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactCommand {
    /// The client was asked for the list (P9).
    Request,
    /// The client gave the whole list; an empty one says that nobody is authorised.
    Set {
        /// Whoever is not among them is removed.
        contacts: Vec<NewContact>,
        /// On what.
        basis: Basis,
    },
    /// The client added a contact, or gave one other permissions.
    Add {
        /// The contact.
        contact: NewContact,
        /// On what.
        basis: Basis,
    },
    /// The client removed a contact.
    Remove {
        /// Who.
        person: Token,
        /// On what.
        basis: Basis,
    },
    /// A notice did not reach a contact, who is out of date (P15).
    Unreachable(ContactUnreachable),
}

/// A contact as the client names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewContact {
    /// The person, by the company's identifier.
    pub person: Token,
    /// The name, where the company wants it in the record. For an administrative contact a name is a change: leave it
    /// out where nothing changes.
    pub name: Option<Personal>,
    /// What the person may do; never nothing.
    pub permissions: ContactPermissions,
}

/// On what the list is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Basis {
    /// A letter on the client's letterhead: all that changes an administrative contact (P10).
    Letterhead {
        /// By e-mail or post.
        medium: Channel,
        /// SHA-256 of the letter.
        digest: Sha256Digest,
    },
    /// A caller verified for account changes; or the start of service, for the first list.
    Caller(Authority),
}

/// What was recorded of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactEvent {
    /// The client was asked for the list.
    Requested(ContactsRequested),
    /// The client gave the whole list; its changes follow.
    ListGiven(ListGiven),
    /// A contact is on the list from now on, with these permissions.
    Listed(ContactListed),
    /// A contact is no longer on the list.
    Removed(ContactRemoved),
    /// A notice did not reach a contact.
    Unreachable(ContactUnreachable),
}

/// The client was asked for the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactsRequested {}

/// The client gave the whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListGiven {
    /// How many contacts it names; none: nobody is authorised.
    pub contacts: u32,
    /// On what.
    pub basis: Basis,
}

/// A contact is on the list from now on (what it widens counts from the record, what the contact loses from when it
/// happened: R5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactListed {
    /// The person.
    pub person: Token,
    /// The name.
    #[serde(skip)]
    pub name: Option<Personal>,
    /// What the person may do.
    pub permissions: ContactPermissions,
    /// On what.
    pub basis: Basis,
    /// By when the person must be told that he or she is no longer the administrative contact, where so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_due_at: Option<Time>,
}

/// A contact is no longer on the list; what he or she was verified for ends (R19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactRemoved {
    /// The person.
    pub person: Token,
    /// On what.
    pub basis: Basis,
    /// By when the person must be told, where he or she was the administrative contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_due_at: Option<Time>,
}

/// A notice did not reach a contact, who is out of date; keeping the list is the client's responsibility (P15). What the
/// FCC's rules owe the customer is owed all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactUnreachable {
    /// The person.
    pub person: Token,
    /// The version of the list that was used.
    pub list: Position,
    /// By what it was sent.
    pub channel: Channel,
    /// The notice's reference.
    #[serde(skip)]
    pub notice: Option<Personal>,
}

/// The list of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contacts {
    /// Those on it, in the order of their records.
    pub listed: Vec<Contact>,
    /// Its versions, oldest first, bounded; none: the client gave none yet.
    pub versions: Vec<Position>,
    /// The open request for it.
    pub requested: Option<Position>,
    /// Notices that did not reach a contact since the newest version.
    pub unreached: u32,
}

/// A contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The person.
    pub person: Token,
    /// What the person may do.
    pub permissions: ContactPermissions,
    /// The record that says so.
    pub position: Position,
    /// Since when.
    pub since: Time,
}

impl Contact {
    /// Whether it is an administrative contact.
    pub fn is_administrative(&self) -> bool {
        self.permissions.contains(ContactPermission::Administrative)
    }
}

impl Contacts {
    /// Whether the client has given a list, be it empty.
    pub fn is_listed(&self) -> bool {
        !self.versions.is_empty()
    }

    /// The list's version; none before the client gave one.
    pub fn version(&self) -> Option<Position> {
        self.versions.last().copied()
    }

    /// The contact, if the person is one.
    pub fn get(&self, person: Token) -> Option<&Contact> {
        self.listed.iter().find(|contact| contact.person == person)
    }

    /// Whether the person is on the list with that permission.
    pub fn permits(&self, person: Token, permission: ContactPermission) -> bool {
        (self.get(person)).is_some_and(|contact| contact.permissions.contains(permission))
    }

    fn versioned(&mut self, command: Position) {
        self.requested = None;
        if self.version() != Some(command) {
            self.unreached = 0;
            self.versions.push(command);
            if self.versions.len() > VERSIONS_MAX {
                self.versions.remove(0);
            }
        }
    }
}

/// Whether the account has neither a list nor an open request for one: a report lists it (P9).
pub fn is_unasked(customer: &Customer) -> bool {
    (customer.contacts.as_ref()).is_none_or(|list| !list.is_listed() && list.requested.is_none())
}

/// The customer after the event.
pub(super) fn follow(customer: &mut Customer, placed: &Placed<'_, ContactEvent>) {
    let list = customer.contacts.get_or_insert_default();
    match placed.event {
        ContactEvent::Requested(_) => list.requested = Some(placed.position),
        ContactEvent::ListGiven(_) => list.versioned(placed.command),
        ContactEvent::Listed(event) => {
            list.versioned(placed.command);
            list.listed.retain(|contact| contact.person != event.person);
            list.listed.push(Contact {
                person: event.person,
                permissions: event.permissions,
                position: placed.position,
                since: placed.recorded_at,
            });
            owe(customer, event.person, event.notice_due_at, placed);
        }
        ContactEvent::Removed(event) => {
            list.versioned(placed.command);
            list.listed.retain(|contact| contact.person != event.person);
            if let Some(state) = &mut customer.authentication {
                state.end_contact(event.person);
            }
            owe(customer, event.person, event.notice_due_at, placed);
        }
        ContactEvent::Unreachable(_) => list.unreached = list.unreached.saturating_add(1),
    }
}

/// The customer in hindsight, at a time before the record and after the event: the contact had lost what is no longer
/// permitted, and gained nothing (R5).
pub(super) fn narrow(customer: &mut Customer, event: &ContactListed) {
    let listed = (customer.contacts.as_mut())
        .into_iter()
        .flat_map(|list| &mut list.listed);
    for contact in listed.filter(|contact| contact.person == event.person) {
        contact.permissions = (ContactPermission::EVERY.iter().copied())
            .filter(|one| contact.permissions.contains(*one) && event.permissions.contains(*one))
            .collect();
    }
}

/// The contact who was the administrative one is owed a notification (P10).
fn owe(
    customer: &mut Customer,
    person: Token,
    due_at: Option<Time>,
    placed: &Placed<'_, ContactEvent>,
) {
    if due_at.is_some() {
        let state = customer.authentication.get_or_insert_default();
        let what = AccountChange::AdministrativeContact;
        state.owe(what, Some(person), due_at, placed);
    }
}

#[cfg(test)]
mod tests;
