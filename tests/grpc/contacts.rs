//! Authorised contacts (P9, P10, P15).

use consent_ledger::proto::v1 as wire;
use tonic::transport::Channel;
use tonic::{Code, Status};
use wire::ContactPermission::{AccountInformation, Administrative, TechnicalSupport};
use wire::contact_basis::Basis;
use wire::contact_service_client::ContactServiceClient;

use crate::house::*;

impl House {
    pub fn contacts(&self) -> ContactServiceClient<Channel> {
        ContactServiceClient::new(self.channel.clone())
    }

    /// Adds a contact on a letter by e-mail.
    pub async fn listed(&self, id: &str, person: &str, permission: wire::ContactPermission) -> u64 {
        let contact = named(person, &[permission]);
        let added = self
            .contacts()
            .add_contact(adding(id, contact, letter(wire::Channel::Email)))
            .await;
        added.unwrap().into_inner().receipt.unwrap().position
    }

    async fn list(&self, id: &str) -> wire::GetContactsResponse {
        let request = wire::GetContactsRequest {
            customer: customer(id),
            ..wire::GetContactsRequest::default()
        };
        self.contacts()
            .get_contacts(request)
            .await
            .unwrap()
            .into_inner()
    }
}

pub fn named(person: &str, permissions: &[wire::ContactPermission]) -> wire::NewContact {
    wire::NewContact {
        person: person.into(),
        name: String::new(),
        permissions: permissions.iter().map(|one| (*one).into()).collect(),
    }
}

pub fn letter(medium: wire::Channel) -> Option<wire::ContactBasis> {
    let letter = wire::Letterhead {
        medium: medium.into(),
        digest: vec![5; 32],
    };
    Some(wire::ContactBasis {
        basis: Some(Basis::Letterhead(letter)),
    })
}

fn start_of_service() -> Option<wire::ContactBasis> {
    let authority = wire::Authority {
        authority: Some(wire::authority::Authority::StartOfService(true)),
    };
    Some(wire::ContactBasis {
        basis: Some(Basis::Caller(authority)),
    })
}

fn adding(
    id: &str,
    contact: wire::NewContact,
    basis: Option<wire::ContactBasis>,
) -> wire::AddContactRequest {
    wire::AddContactRequest {
        header: dated(),
        customer: customer(id),
        contact: Some(contact),
        basis,
    }
}

fn removing(
    id: &str,
    person: &str,
    basis: Option<wire::ContactBasis>,
) -> wire::RemoveContactRequest {
    wire::RemoveContactRequest {
        header: header(),
        customer: customer(id),
        person: person.into(),
        basis,
    }
}

fn letterhead_required<T: std::fmt::Debug>(answer: Result<T, Status>) {
    let refused = (Code::FailedPrecondition, "LETTERHEAD_REQUIRED".to_owned());
    assert_eq!(refusal(answer), refused);
}

#[tokio::test]
async fn p9_the_list_is_asked_for_given_and_read_with_its_permissions() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let list = house.list("K-1").await;
    assert!(!list.given && list.requested_position == 0, "to be asked");

    let request = wire::RequestContactsRequest {
        header: header(),
        customer: customer("K-1"),
    };
    let asked = house.contacts().request_contacts(request).await.unwrap();
    let asked = asked.into_inner().receipt.unwrap().position;
    assert_eq!(house.list("K-1").await.requested_position, asked);

    let request = wire::SetContactsRequest {
        header: header(),
        customer: customer("K-1"),
        contacts: vec![
            named("emp-1", &[Administrative]),
            named("emp-2", &[TechnicalSupport, AccountInformation]),
        ],
        basis: start_of_service(),
    };
    let given = house.contacts().set_contacts(request).await.unwrap();
    let given = given.into_inner().receipt.unwrap();
    let list = house.list("K-1").await;
    assert!(list.given && list.requested_position == 0);
    assert_eq!(list.list_position, given.first_position);
    assert_eq!(list.contacts.len(), 2);

    let request = wire::GetContactsRequest {
        customer: customer("K-1"),
        person: "emp-2".into(),
        ..wire::GetContactsRequest::default()
    };
    let one = house
        .contacts()
        .get_contacts(request)
        .await
        .unwrap()
        .into_inner();
    let permissions: Vec<_> = one.contacts[0].permissions().collect();
    assert_eq!(permissions, [TechnicalSupport, AccountInformation]);
    let request = wire::GetContactsRequest {
        customer: customer("K-1"),
        person: "emp-3".into(),
        ..wire::GetContactsRequest::default()
    };
    let none = house
        .contacts()
        .get_contacts(request)
        .await
        .unwrap()
        .into_inner();
    assert!(none.contacts.is_empty(), "not on the list");
}

#[tokio::test]
async fn p10_the_administrative_contact_changes_on_letterhead_by_email_or_post_only() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let first = adding("K-1", named("emp-1", &[Administrative]), start_of_service());
    house.contacts().add_contact(first).await.unwrap();
    let second = || named("emp-2", &[Administrative]);
    for basis in [
        start_of_service(),
        letter(wire::Channel::Phone),
        letter(wire::Channel::Web),
        letter(wire::Channel::InStore),
    ] {
        let added = house
            .contacts()
            .add_contact(adding("K-1", second(), basis.clone()))
            .await;
        letterhead_required(added);
        let removed = house
            .contacts()
            .remove_contact(removing("K-1", "emp-1", basis))
            .await;
        letterhead_required(removed);
    }
    let post = letter(wire::Channel::Post);
    let last = house
        .contacts()
        .remove_contact(removing("K-1", "emp-1", post.clone()))
        .await;
    assert_eq!(refusal(last).1, "ADMINISTRATOR_REQUIRED");
    house
        .contacts()
        .add_contact(adding("K-1", second(), post.clone()))
        .await
        .unwrap();
    house
        .contacts()
        .remove_contact(removing("K-1", "emp-1", post))
        .await
        .unwrap();

    let owed = house.owed("K-1").await;
    assert_eq!(owed.len(), 1, "the old one is told");
    assert_eq!(owed[0].change(), wire::AccountChange::AdministrativeContact);
    assert!(owed[0].targets.is_empty() && !owed[0].contact_token.is_empty());
    let sent = |person: &str| wire::RecordChangeNoticeRequest {
        header: header(),
        customer: customer("K-1"),
        change_position: owed[0].change_position,
        sent_by: wire::Channel::Email.into(),
        to: Some(wire::record_change_notice_request::To::Contact(
            person.into(),
        )),
    };
    let wrong = house.callers().record_change_notice(sent("emp-2")).await;
    assert_eq!(refusal(wrong).1, "OF_RECORD_STATE");
    house
        .callers()
        .record_change_notice(sent("emp-1"))
        .await
        .unwrap();
    assert!(house.owed("K-1").await.is_empty());
}

#[tokio::test]
async fn p15_a_notice_that_missed_a_contact_is_recorded_against_the_lists_version() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let version = house.listed("K-1", "emp-1", TechnicalSupport).await;
    let missed = |list_position| wire::RecordContactUnreachableRequest {
        header: header(),
        customer: customer("K-1"),
        person: "emp-1".into(),
        list_position,
        sent_by: wire::Channel::Email.into(),
        notice: "notice 12".into(),
    };
    house
        .contacts()
        .record_contact_unreachable(missed(version))
        .await
        .unwrap();
    assert_eq!(house.list("K-1").await.unreached, 1);
    let unknown = house
        .contacts()
        .record_contact_unreachable(missed(version + 7))
        .await;
    assert_eq!(refusal(unknown).1, "CONTACT_STATE");
}

#[tokio::test]
async fn c7_what_a_contact_lacks_is_named() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let nobody = adding(
        "K-1",
        named("", &[TechnicalSupport]),
        letter(wire::Channel::Post),
    );
    let refused = house.contacts().add_contact(nobody).await.unwrap_err();
    assert!(refused.message().contains("`contact.person`"), "{refused}");
    let nothing = adding("K-1", named("emp-1", &[]), letter(wire::Channel::Post));
    let refused = house.contacts().add_contact(nothing).await;
    assert_eq!(refusal(refused).0, Code::InvalidArgument);
    let on_nothing = adding("K-1", named("emp-1", &[TechnicalSupport]), None);
    let refused = house.contacts().add_contact(on_nothing).await.unwrap_err();
    assert!(refused.message().contains("`basis`"), "{refused}");
}
