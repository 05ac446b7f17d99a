//! Log-ins in a storm, and refusals that tell nothing by how they differ (P11 to P13, T5; R22).

use consent_ledger::proto::v1 as wire;
use futures_util::future::{join, join_all};
use prost::Message;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;
use wire::authority::Authority;
use wire::open_verification_request::Means;
use wire::{ContactPermission, CredentialKind};

use crate::callers::{CHANGES, INFO, PIN, identified, on};
use crate::contacts::{letter, named};
use crate::house::*;

/// Log-ins that are never turned away: one at work, and 32 that wait for it.
const SEATS: usize = 33;

#[tokio::test]
async fn t5_p11_while_log_ins_storm_each_consent_is_recorded_and_each_log_in_is_answered() {
    let (house, _) = House::aged().await;
    let other = wire::OpenAccountRequest {
        header: dated(),
        ..open_account("K-2", &["local"])
    };
    house.accounts().open_account(other).await.unwrap();
    let log_ins = (0..3 * SEATS).map(|index| {
        let (house, call) = (&house, format!("storm-{index}"));
        async move { house.verify(PIN, INFO, &call).await }
    });
    let consents = (0..SEATS).map(|_| {
        let mut request = consent("K-2", None, vec![denial(everything())]);
        request.header = dated();
        let mut client = house.consents();
        async move { client.record_consent(request).await }
    });
    let (log_ins, consents) = join(join_all(log_ins), join_all(consents)).await;

    let recorded = consents.into_iter().map(|consent| {
        let receipt = consent.unwrap().into_inner().receipt.unwrap();
        (receipt.first_position, receipt.position)
    });
    let recorded: Vec<_> = recorded.collect();
    let (verified, turned_away): (Vec<_>, Vec<_>) = log_ins.into_iter().partition(Result::is_ok);
    assert!(verified.len() >= SEATS, "{} were answered", verified.len());
    assert!(verified.iter().flatten().all(|answer| answer.verified));
    for status in turned_away.into_iter().filter_map(Result::err) {
        let retry = status.get_details_retry_info().unwrap();
        assert!(retry.retry_delay.is_some());
        let full = (Code::ResourceExhausted, "QUEUE_FULL".to_owned());
        assert_eq!(refusal::<()>(Err(status)), full);
    }

    let opened = history(&house, "K-1", "verification.opened").await;
    assert_eq!(
        opened.len(),
        verified.len(),
        "who was turned away left none"
    );
    assert!(!house.status().await.locked, "nor is it an attempt");
    let said = history(&house, "K-2", "consent").await;
    let mut positions: Vec<_> = recorded.iter().flat_map(|(from, to)| *from..=*to).collect();
    positions.sort_unstable();
    assert!(said.iter().all(|position| positions.contains(position)));
    assert_eq!(said.len(), recorded.len());
}

/// The positions of the customer's records of that type.
async fn history(house: &House, id: &str, of_type: &str) -> Vec<u64> {
    let request = wire::GetHistoryRequest {
        customer: customer(id),
        types: vec![of_type.into()],
        page_size: 500,
        ..wire::GetHistoryRequest::default()
    };
    let history = house.queries().get_history(request).await.unwrap();
    let history = history.into_inner();
    assert!(history.next_page_token.is_empty());
    history.entries.iter().map(|entry| entry.position).collect()
}

/// All that a refusal says.
fn whole<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String, Vec<u8>) {
    let status = answer.unwrap_err();
    let details = status.details().to_vec();
    (status.code(), status.message().to_owned(), details)
}

/// Asserts that all are alike, and that there are some.
fn alike<T: PartialEq + std::fmt::Debug>(all: &[T]) {
    assert!(all.len() > 1);
    for one in all {
        assert_eq!(*one, all[0]);
    }
}

/// What the answer says, but where and when it was recorded; and how much was.
fn said<T>(
    answer: Response<T>,
    receipt: fn(&mut T) -> &mut Option<wire::CommandReceipt>,
) -> (u64, u64, Vec<u8>, Vec<String>)
where
    T: Message,
{
    let headers = answer.metadata().keys();
    let headers = headers.map(|key| format!("{key:?}")).collect();
    let mut answer = answer.into_inner();
    let taken = receipt(&mut answer).take().unwrap();
    let records = taken.position - taken.first_position;
    (
        records,
        taken.customer_version,
        answer.encode_to_vec(),
        headers,
    )
}

#[tokio::test]
async fn p12_a_refused_password_or_pin_is_answered_alike_for_each_rule_that_failed() {
    use CredentialKind::{Password, Pin};

    let house = House::open().await;
    let known = wire::KnownValues {
        social_security_number: "123-45-6789".into(),
        mothers_maiden_name: "Novák".into(),
        telephone_numbers: vec![crate::callers::KNOWN_NUMBER.into()],
        pet_names: vec!["Rex".into()],
    };
    let mut refusals = Vec::new();
    for (index, (kind, secret)) in [
        // The social security number, in a row and with separators.
        (Pin, "456791"),
        (Password, "tr45-67ombone"),
        // The mother's maiden name, with and without its mark.
        (Password, "trombonenov"),
        (Password, "tromboneVÁK"),
        // The telephone number.
        (Pin, "930147"),
        // The pet's name.
        (Password, "trombone-rex"),
        // The form.
        (Pin, "777777"),
        (Pin, "9"),
        (Pin, "trombone"),
        (Password, "t"),
        // Each of them.
        (Password, "4567novrex0147"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("K-{index}");
        house.opened(&id, &["local"]).await;
        let request = wire::EstablishCredentialRequest {
            header: header(),
            customer: customer(&id),
            kind: kind.into(),
            secret: secret.into(),
            known: Some(known.clone()),
            authority: on(Authority::StartOfService(true)),
        };
        let answer = house.callers().establish_credential(request).await.unwrap();
        assert!(!answer.get_ref().accepted, "{secret}");
        refusals.push(said(answer, |answer| &mut answer.receipt));
    }
    alike(&refusals);
}

#[tokio::test]
async fn p13_under_a_lock_and_when_a_new_pin_is_due_a_right_secret_is_answered_like_a_wrong_one() {
    let (house, _) = House::aged().await;
    for _ in 0..5 {
        house.verify("00000", INFO, "c-1").await.unwrap();
    }
    let mut locked = Vec::new();
    for secret in [PIN, "00000", "9", "not a number"] {
        for purpose in [INFO, CHANGES] {
            locked.push(whole(house.verify(secret, purpose, "c-1").await));
        }
    }
    alike(&locked);
    let authority = house.verified_online("c-2").await;
    let mut locked = Vec::new();
    for secret in ["86420", "777777", "0147"] {
        let known = wire::KnownValues {
            telephone_numbers: vec![crate::callers::KNOWN_NUMBER.into()],
            ..wire::KnownValues::default()
        };
        let set = house.establish(secret, known, authority.clone()).await;
        locked.push(whole(set));
    }
    alike(&locked);

    let (house, _) = House::aged().await;
    let right = [("first_concert", "Oz"), ("first_job_town", "Provo")];
    let authority = house.verified_online("c-1").await;
    house.set_questions(&right, authority).await.unwrap();
    assert!(house.answer("c-2", &right).await.unwrap().passed);
    let mut due = Vec::new();
    for secret in [PIN, "00000", "9"] {
        due.push(whole(house.verify(secret, INFO, "c-2").await));
    }
    alike(&due);
}

#[tokio::test]
async fn p13_wrong_answers_are_answered_alike_however_many_of_them_are_right() {
    let (house, _) = House::aged().await;
    let right = [("first_concert", "Oz"), ("first_job_town", "Provo")];
    let authority = house.verified_online("c-1").await;
    house.set_questions(&right, authority).await.unwrap();
    let wrong: [&[(&str, &str)]; 4] = [
        &[right[0], ("first_job_town", "Ogden")],
        &[("first_concert", "Ozz"), ("first_job_town", "Ogden")],
        &right[..1],
        &[right[0], ("favorite_book", "Provo")],
    ];
    let mut failures = Vec::new();
    for answers in wrong {
        let mut answer = house.answer("c-2", answers).await.unwrap();
        let receipt = answer.receipt.take().unwrap();
        failures.push((receipt.position - receipt.first_position, answer));
    }
    alike(&failures);
    let mut guesses = Vec::new();
    for secret in ["95138", "9", "not a number"] {
        let mut answer = house.verify(secret, INFO, "c-3").await.unwrap();
        let receipt = answer.receipt.take().unwrap();
        guesses.push((receipt.position - receipt.first_position, answer));
    }
    alike(&guesses);
}

#[tokio::test]
async fn p9_who_is_not_on_the_list_any_more_or_lacks_the_permission_is_refused_like_a_stranger() {
    let (house, _) = House::aged().await;
    let support = ContactPermission::TechnicalSupport;
    for person in ["emp-1", "emp-2"] {
        let listed = wire::AddContactRequest {
            header: dated(),
            customer: customer("K-1"),
            contact: Some(named(person, &[support])),
            basis: letter(wire::Channel::Post),
        };
        house.contacts().add_contact(listed).await.unwrap();
    }
    let removed = wire::RemoveContactRequest {
        header: dated(),
        customer: customer("K-1"),
        person: "emp-2".into(),
        basis: letter(wire::Channel::Post),
    };
    house.contacts().remove_contact(removed).await.unwrap();
    let mut refusals = Vec::new();
    for person in ["emp-1", "emp-2", "emp-3"] {
        let mut identified = identified(INFO, "c-1");
        identified.as_mut().unwrap().caller = Some(wire::Caller {
            caller: Some(wire::caller::Caller::Contact(person.into())),
        });
        let open = wire::OpenVerificationRequest {
            header: dated(),
            customer: customer("K-1"),
            identified: identified.clone(),
            means: Some(Means::OnlineAccount(true)),
        };
        refusals.push(whole(house.callers().open_verification(open).await));
        for secret in [PIN, "00000"] {
            let check = wire::VerifySecretRequest {
                header: dated(),
                customer: customer("K-1"),
                identified: identified.clone(),
                secret: secret.into(),
                prompted: false,
            };
            refusals.push(whole(house.callers().verify_secret(check).await));
        }
    }
    alike(&refusals);
}
