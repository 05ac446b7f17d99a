//! Authorised contacts (P9, P10, P15).

use super::callers::{authority, person, wire_authority};
use super::commands::command_requests;
use super::lists::{Listed, member, members, numbers};
use super::scopes::text;
use super::values::{self, at_most, optional_personal, timestamp};
use super::{Malformed, Tokens, Within, answers};
use crate::domain::command::Command;
use crate::domain::contacts::{
    Basis, CONTACTS_MAX, Contact, ContactCommand, ContactEvent, ContactUnreachable, NewContact,
};
use crate::domain::ids::{Position, Sha256Digest};
use crate::domain::rulebook::Rulebook;
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, SubjectRef};

command_requests! {
    RequestContactsRequest => RequestContactsResponse = "/consent.v1.ContactService/RequestContacts":
        request, answers::contacts_requested;
    SetContactsRequest => SetContactsResponse = "/consent.v1.ContactService/SetContacts":
        set, answers::contacts_set;
    AddContactRequest => AddContactResponse = "/consent.v1.ContactService/AddContact":
        add, answers::contact_added;
    RemoveContactRequest => RemoveContactResponse = "/consent.v1.ContactService/RemoveContact":
        remove, answers::contact_removed;
    RecordContactUnreachableRequest => RecordContactUnreachableResponse = "/consent.v1.ContactService/RecordContactUnreachable":
        unreachable, answers::contact_unreachable;
}

fn request(
    given: wire::RequestContactsRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    Ok((customer, Command::Contacts(ContactCommand::Request)))
}

fn set(
    given: wire::SetContactsRequest,
    tokens: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    at_most("contacts", given.contacts.len(), CONTACTS_MAX)?;
    let one = |(index, given)| contact(given, tokens).within_item("contacts", index);
    let contacts = given.contacts.into_iter().enumerate().map(one);
    let command = ContactCommand::Set {
        contacts: contacts.collect::<Result<_, _>>()?,
        basis: basis(given.basis, tokens)?,
    };
    Ok((customer, Command::Contacts(command)))
}

fn add(
    given: wire::AddContactRequest,
    tokens: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let named = given.contact.ok_or_else(|| Malformed::missing("contact"))?;
    let command = ContactCommand::Add {
        contact: contact(named, tokens).within("contact")?,
        basis: basis(given.basis, tokens)?,
    };
    Ok((customer, Command::Contacts(command)))
}

fn remove(
    given: wire::RemoveContactRequest,
    tokens: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let command = ContactCommand::Remove {
        person: person("person", &given.person, tokens)?,
        basis: basis(given.basis, tokens)?,
    };
    Ok((customer, Command::Contacts(command)))
}

fn unreachable(
    given: wire::RecordContactUnreachableRequest,
    tokens: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let command = ContactCommand::Unreachable(ContactUnreachable {
        person: person("person", &given.person, tokens)?,
        list: Position(given.list_position),
        channel: member("sent_by", given.sent_by)?,
        notice: optional_personal("notice", given.notice)?,
    });
    Ok((customer, Command::Contacts(command)))
}

fn contact(given: wire::NewContact, tokens: Tokens<'_>) -> Result<NewContact, Malformed> {
    Ok(NewContact {
        person: person("person", &given.person, tokens)?,
        name: optional_personal("name", given.name)?,
        permissions: members("permissions", &given.permissions)?,
    })
}

fn basis(given: Option<wire::ContactBasis>, tokens: Tokens<'_>) -> Result<Basis, Malformed> {
    use wire::contact_basis::Basis as Given;

    match given.and_then(|basis| basis.basis) {
        None => Err(Malformed::invalid(
            "basis",
            "must name a letter on letterhead or a caller",
        )),
        Some(Given::Caller(caller)) => {
            let authority = authority("caller", Some(caller), tokens).within("basis")?;
            Ok(Basis::Caller(authority))
        }
        Some(Given::Letterhead(letter)) => {
            let parse = || {
                Ok(Basis::Letterhead {
                    medium: member("medium", letter.medium)?,
                    digest: Sha256Digest(values::digest("digest", &letter.digest)?),
                })
            };
            parse().within("basis.letterhead")
        }
    }
}

/// A contact of the list on the wire.
pub fn wire_contact(contact: &Contact) -> wire::ListedContact {
    wire::ListedContact {
        person_token: contact.person.to_string(),
        permissions: numbers(contact.permissions.members()),
        position: contact.position.0,
        since: Some(timestamp(contact.since)),
    }
}

fn wire_basis(basis: &Basis) -> Option<wire::RecordedContactBasis> {
    use wire::recorded_contact_basis::Basis as Wire;

    let basis = match basis {
        Basis::Letterhead { medium, digest } => Wire::Letterhead(wire::Letterhead {
            medium: medium.number(),
            digest: digest.0.to_vec(),
        }),
        Basis::Caller(authority) => Wire::Caller(wire_authority(authority)),
    };
    Some(wire::RecordedContactBasis { basis: Some(basis) })
}

/// An event about contacts on the wire; sealed texts where `texts`.
pub fn wire_event(event: &ContactEvent, texts: bool) -> wire::ContactEvent {
    use wire::contact_event::Event as Wire;

    let event = match event {
        ContactEvent::Requested(_) => Wire::Requested(wire::ContactsRequestedEvent {}),
        ContactEvent::ListGiven(given) => Wire::ListGiven(wire::ContactListGivenEvent {
            contacts: given.contacts,
            basis: wire_basis(&given.basis),
        }),
        ContactEvent::Listed(listed) => Wire::Listed(wire::ContactListedEvent {
            person_token: listed.person.to_string(),
            name: text(listed.name.as_ref(), texts),
            permissions: numbers(listed.permissions.members()),
            basis: wire_basis(&listed.basis),
            notice_due_at: listed.notice_due_at.map(timestamp),
        }),
        ContactEvent::Removed(removed) => Wire::Removed(wire::ContactRemovedEvent {
            person_token: removed.person.to_string(),
            basis: wire_basis(&removed.basis),
            notice_due_at: removed.notice_due_at.map(timestamp),
        }),
        ContactEvent::Unreachable(failed) => Wire::Unreachable(wire::ContactUnreachableEvent {
            person_token: failed.person.to_string(),
            list_position: failed.list.0,
            sent_by: failed.channel.number(),
            notice: text(failed.notice.as_ref(), texts),
        }),
    };
    wire::ContactEvent { event: Some(event) }
}
