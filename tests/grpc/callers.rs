//! How callers are verified, and what they are told (P11 to P14, F14 to F17; V48).

use std::sync::Arc;

use consent_ledger::clock::{Clock, Manual, System};
use consent_ledger::proto::v1 as wire;
use prost::Message;
use tonic::transport::Channel;
use tonic::{Code, Status};
use wire::authentication_service_client::AuthenticationServiceClient;
use wire::authority::Authority;
use wire::disclose_response::Outcome;
use wire::open_verification_request::Means;
use wire::question::Ground;
use wire::record_change_notice_request::To;
use wire::{
    CpniClass, CredentialKind, Purpose, ReachKind, RecipientKind, TicketCondition,
    VerificationPurpose,
};

use crate::house::*;

pub const MINUTE: i64 = 60_000_000;
pub const DAY: i64 = 24 * 60 * MINUTE;
pub const NUMBER: &str = "801-210-1651";
const ADDRESS: &str = "12 Main St, Provo";
pub const PIN: &str = "95137";
pub const KNOWN_NUMBER: &str = "801-555-0147";

impl House {
    pub fn callers(&self) -> AuthenticationServiceClient<Channel> {
        AuthenticationServiceClient::new(self.channel.clone())
    }

    pub async fn owed(&self, id: &str) -> Vec<wire::DueChangeNotice> {
        let request = wire::ListDueChangeNoticesRequest {
            customer: customer(id),
            ..wire::ListDueChangeNoticesRequest::default()
        };
        let listed = self.callers().list_due_change_notices(request).await;
        listed.unwrap().into_inner().notices
    }

    pub async fn status(&self) -> wire::GetAuthenticationResponse {
        let request = wire::GetAuthenticationRequest {
            customer: customer("K-1"),
            ..wire::GetAuthenticationRequest::default()
        };
        self.callers()
            .get_authentication(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub async fn associate(
        &self,
        kind: ReachKind,
        value: &str,
        replaces: &str,
        authority: Authority,
    ) -> Result<u64, Status> {
        let request = wire::AssociateReachRequest {
            header: dated(),
            customer: customer("K-1"),
            reach: reach(kind, value),
            keep_text: true,
            replaces: replaces.into(),
            authority: on(authority),
        };
        let response = self.callers().associate_reach(request).await?;
        Ok(response.into_inner().receipt.unwrap().position)
    }

    pub async fn establish(
        &self,
        secret: &str,
        known: wire::KnownValues,
        authority: Authority,
    ) -> Result<wire::EstablishCredentialResponse, Status> {
        let request = wire::EstablishCredentialRequest {
            header: dated(),
            customer: customer("K-1"),
            kind: CredentialKind::Pin.into(),
            secret: secret.into(),
            known: Some(known),
            authority: on(authority),
        };
        Ok(self
            .callers()
            .establish_credential(request)
            .await?
            .into_inner())
    }

    pub async fn verify(
        &self,
        secret: &str,
        purpose: VerificationPurpose,
        call: &str,
    ) -> Result<wire::VerifySecretResponse, Status> {
        let request = wire::VerifySecretRequest {
            header: dated(),
            customer: customer("K-1"),
            identified: identified(purpose, call),
            secret: secret.into(),
            prompted: false,
        };
        Ok(self.callers().verify_secret(request).await?.into_inner())
    }

    pub async fn verified_by(
        &self,
        purpose: VerificationPurpose,
        call: &str,
        means: Means,
    ) -> Result<u64, Status> {
        let request = wire::OpenVerificationRequest {
            header: dated(),
            customer: customer("K-1"),
            identified: identified(purpose, call),
            means: Some(means),
        };
        let response = self.callers().open_verification(request).await?;
        Ok(response.into_inner().receipt.unwrap().position)
    }

    /// A verification for account changes by the online account, in the call.
    pub async fn verified_online(&self, call: &str) -> Authority {
        let purpose = VerificationPurpose::AccountChanges;
        let position = self
            .verified_by(purpose, call, Means::OnlineAccount(true))
            .await
            .unwrap();
        cited(position, call)
    }

    pub async fn set_questions(
        &self,
        answers: &[(&str, &str)],
        authority: Authority,
    ) -> Result<(), Status> {
        let request = wire::SetChallengeRequest {
            header: dated(),
            customer: customer("K-1"),
            answers: answering(answers),
            authority: on(authority),
        };
        self.callers().set_challenge(request).await.map(drop)
    }

    pub async fn answer(
        &self,
        call: &str,
        answers: &[(&str, &str)],
    ) -> Result<wire::AnswerChallengeResponse, Status> {
        let request = wire::AnswerChallengeRequest {
            header: dated(),
            customer: customer("K-1"),
            caller: holder(),
            call_id: call.into(),
            answers: answering(answers),
        };
        Ok(self.callers().answer_challenge(request).await?.into_inner())
    }

    async fn told(&self, question: wire::Question) -> Outcome {
        let request = wire::DiscloseRequest {
            header: dated(),
            customer: customer("K-1"),
            question: Some(question),
            seal: None,
        };
        let response = self.disclosures().disclose(request).await.unwrap();
        response.into_inner().outcome.unwrap()
    }

    /// An account with a number, an address and a PIN from the start of service, forty days old.
    pub async fn aged() -> (Self, Arc<Manual>) {
        let clock = Arc::new(Manual::at(System::default().wall()));
        let house = Self::at(Arc::clone(&clock)).await;
        house.aged_in(&clock).await;
        (house, clock)
    }

    /// The same by that rulebook.
    pub async fn aged_under(rulebook: &str) -> (Self, Arc<Manual>) {
        let clock = Arc::new(Manual::at(System::default().wall()));
        let house = Self::under(rulebook, &clock).await;
        house.aged_in(&clock).await;
        (house, clock)
    }

    async fn aged_in(&self, clock: &Manual) {
        let house = self;
        house.opened("K-1", &["local"]).await;
        let start = || Authority::StartOfService(true);
        house
            .associate(ReachKind::TelephoneNumber, NUMBER, "", start())
            .await
            .unwrap();
        house
            .associate(ReachKind::PostalAddress, ADDRESS, "", start())
            .await
            .unwrap();
        let set = house
            .establish(PIN, wire::KnownValues::default(), start())
            .await
            .unwrap();
        assert!(set.accepted);
        clock.pass(40 * DAY);
    }
}

pub fn on(authority: Authority) -> Option<wire::Authority> {
    Some(wire::Authority {
        authority: Some(authority),
    })
}

pub fn cited(position: u64, call: &str) -> Authority {
    Authority::Verification(wire::VerificationAuthority {
        position,
        call_id: call.into(),
    })
}

pub fn passed(call: &str) -> Authority {
    Authority::Challenge(wire::ChallengeAuthority {
        call_id: call.into(),
    })
}

pub fn holder() -> Option<wire::Caller> {
    Some(wire::Caller {
        caller: Some(wire::caller::Caller::AccountHolder(true)),
    })
}

pub fn identified(purpose: VerificationPurpose, call: &str) -> Option<wire::Identified> {
    Some(wire::Identified {
        caller: holder(),
        purpose: purpose.into(),
        call_id: call.into(),
    })
}

pub fn reach(kind: ReachKind, value: &str) -> Option<wire::Reach> {
    Some(wire::Reach {
        kind: kind.into(),
        value: value.into(),
    })
}

pub fn answering(answers: &[(&str, &str)]) -> Vec<wire::ChallengeAnswer> {
    let one = |(question, answer): &(&str, &str)| wire::ChallengeAnswer {
        question: (*question).into(),
        answer: (*answer).into(),
    };
    answers.iter().map(one).collect()
}

/// The bill, or single calls, told to the customer in a call.
pub fn bill(class: CpniClass, call: &str, telling: wire::telling::Telling) -> wire::Question {
    let ground = wire::BillingGround {
        invoice: "INV-1".into(),
        verification: None,
        telling: Some(wire::Telling {
            telling: Some(telling),
            address_token: String::new(),
        }),
    };
    wire::Question {
        purpose: Purpose::Billing.into(),
        classes: vec![class.into()],
        recipient_kind: RecipientKind::Customer.into(),
        call_id: call.into(),
        ground: Some(Ground::Billing(ground)),
        ..wire::Question::default()
    }
}

pub fn on_record(position: u64) -> wire::telling::Telling {
    wire::telling::Telling::OnRecord(wire::VerifiedTelling {
        position,
        cited_by_caller: false,
    })
}

fn is_made(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Made(_))
}

pub const INFO: VerificationPurpose = VerificationPurpose::AccountInformation;
pub const CHANGES: VerificationPurpose = VerificationPurpose::AccountChanges;

#[tokio::test]
async fn r15_a_grant_cites_a_verification_on_record_of_its_own_call() {
    let (house, clock) = House::aged().await;
    let notice = wire::RecordNoticeRequest {
        header: dated(),
        customer: customer("K-1"),
        notice_version: "2024-05-29".into(),
        text_digest: vec![7; 32],
        form: wire::Medium::Electronic.into(),
        language: "en-US".into(),
        covers: Some(everything()),
        template_version: String::new(),
        statements: opt_in_statements(),
        call_id: String::new(),
    };
    let notice = house.consents().record_notice(notice).await.unwrap();
    let notice = notice.into_inner().receipt.unwrap().position;
    let right = house.verify(PIN, CHANGES, "c-1").await.unwrap();
    let record = right.receipt.unwrap().first_position;
    let info = house.verify(PIN, INFO, "c-1").await.unwrap();
    let info = info.receipt.unwrap().first_position;
    let say = async |position, call: &str| {
        let words = vec![grant(marketing_by(&[RecipientKind::Company]))];
        let mut request = consent("K-1", Some(notice), words);
        request.header = dated();
        let statement = request.statement.as_mut().unwrap();
        statement.assurance = None;
        statement.verification = Some(wire::VerificationAuthority {
            position,
            call_id: call.into(),
        });
        house.consents().record_consent(request).await
    };
    let required = (Code::FailedPrecondition, "VERIFICATION_REQUIRED".to_owned());
    for (position, call) in [(notice, "c-1"), (record, "c-2"), (info, "c-1")] {
        let refused = say(position, call).await.unwrap_err();
        assert!(
            refused
                .message()
                .contains("no verification of this speaker")
        );
        assert_eq!(
            refusal::<()>(Err(refused)),
            required,
            "{position} in {call}"
        );
    }
    let granted = say(record, "c-1").await.unwrap().into_inner();
    let granted = granted.receipt.unwrap().position;
    let request = wire::GetHistoryRequest {
        customer: customer("K-1"),
        types: vec!["consent".into()],
        min_position: granted,
        ..wire::GetHistoryRequest::default()
    };
    let history = house.queries().get_history(request).await.unwrap();
    let entry = history.into_inner().entries.pop().unwrap();
    let Some(wire::entry::Event::WordSpoken(spoken)) = entry.event else {
        panic!("{:?}", entry.event);
    };
    let cited = spoken.statement.unwrap().verification.unwrap();
    assert_eq!((cited.position, cited.call_id.as_str()), (record, ""));

    clock.pass(31 * MINUTE);
    assert_eq!(refusal(say(record, "c-1").await), required);
}

#[tokio::test]
async fn p11_v48_a_pin_opens_a_verification_that_a_disclosure_cites_for_half_an_hour() {
    let (house, clock) = House::aged().await;
    let wrong = house.verify("00000", INFO, "c-1").await.unwrap();
    assert!(!wrong.verified && !wrong.locked && wrong.ends_at.is_none());
    let right = house.verify(PIN, INFO, "c-1").await.unwrap();
    assert!(right.verified && right.ends_at.is_some());
    let record = right.receipt.unwrap().position;
    let ask = |class, call| bill(class, call, on_record(record));
    assert!(is_made(&house.told(ask(CpniClass::Billing, "c-1")).await));
    assert!(is_made(
        &house.told(ask(CpniClass::CallDetail, "c-1")).await
    ));
    assert!(
        !is_made(&house.told(ask(CpniClass::Billing, "c-2")).await),
        "another call"
    );

    clock.pass(31 * MINUTE);
    let Outcome::Refused(why) = house.told(ask(CpniClass::Billing, "c-1")).await else {
        panic!("31 minutes later");
    };
    let codes: Vec<_> = why.reasons.iter().map(|reason| reason.code()).collect();
    assert_eq!(codes, [wire::ReasonCode::VerificationRequired]);
    let listed = house
        .disclosures()
        .list_disclosures(wire::ListDisclosuresRequest {
            customer: customer("K-1"),
            include_refused: true,
            ..wire::ListDisclosuresRequest::default()
        })
        .await
        .unwrap()
        .into_inner()
        .disclosures;
    assert_eq!(listed.len(), 4, "each is on record");
    let question = listed[3].question.clone().unwrap().question.unwrap();
    let Some(Ground::Billing(ground)) = question.ground else {
        panic!("billing");
    };
    assert_eq!(ground.telling.unwrap().telling, Some(on_record(record)));
}

#[tokio::test]
async fn r19_a_verification_ends_with_its_call() {
    let (house, _) = House::aged().await;
    let record = house
        .verify(PIN, INFO, "c-1")
        .await
        .unwrap()
        .receipt
        .unwrap()
        .position;
    let end = wire::EndCallRequest {
        header: dated(),
        customer: customer("K-1"),
        call_id: "c-1".into(),
    };
    house.consents().end_call(end).await.unwrap();
    let question = bill(CpniClass::Billing, "c-1", on_record(record));
    assert!(!is_made(&house.told(question).await));
    assert!(house.status().await.verifications.is_empty());
    assert_eq!(refusal(house.verify(PIN, INFO, "c-1").await).1, "CALL");
}

#[tokio::test]
async fn p11_a_call_back_goes_at_once_to_a_number_of_record_however_it_is_written() {
    let (house, clock) = House::aged().await;
    let now = || prost_types::Timestamp {
        seconds: clock.wall().0 / 1_000_000,
        nanos: 0,
    };
    let back = |number: &str, asked_at| {
        Means::CallBack(wire::CallBack {
            number: number.into(),
            asked_at: Some(asked_at),
        })
    };
    house
        .verified_by(INFO, "c-1", back("(801) 210 1651", now()))
        .await
        .unwrap();
    let other = house
        .verified_by(INFO, "c-1", back("801-210-9999", now()))
        .await;
    assert_eq!(refusal(other).1, "OF_RECORD_STATE");
    let asked_at = now();
    clock.pass(16 * MINUTE);
    let late = house.verified_by(INFO, "c-1", back(NUMBER, asked_at)).await;
    assert_eq!(refusal(late).1, "VERIFICATION_REQUIRED");
}

#[tokio::test]
async fn p9_r19_a_removed_contacts_verification_ends_at_once() {
    let (house, _) = House::aged().await;
    let contact = || {
        Some(wire::Identified {
            caller: Some(wire::Caller {
                caller: Some(wire::caller::Caller::Contact("emp-2".into())),
            }),
            purpose: INFO.into(),
            call_id: "c-1".into(),
        })
    };
    let open = || wire::OpenVerificationRequest {
        header: dated(),
        customer: customer("K-1"),
        identified: contact(),
        means: Some(Means::OnlineAccount(true)),
    };
    let stranger = house.callers().open_verification(open()).await;
    assert_eq!(refusal(stranger).1, "CONTACT_STATE");
    let permission = wire::ContactPermission::AccountInformation;
    let listed = wire::AddContactRequest {
        header: dated(),
        customer: customer("K-1"),
        contact: Some(crate::contacts::named("emp-2", &[permission])),
        basis: crate::contacts::letter(wire::Channel::Post),
    };
    house.contacts().add_contact(listed).await.unwrap();
    let opened = house.callers().open_verification(open()).await.unwrap();
    let record = opened.into_inner().receipt.unwrap().position;
    let ask = || wire::Question {
        recipient_kind: RecipientKind::AuthorizedContact.into(),
        ..bill(CpniClass::Billing, "c-1", on_record(record))
    };
    assert!(is_made(&house.told(ask()).await));
    let removed = wire::RemoveContactRequest {
        header: dated(),
        customer: customer("K-1"),
        person: "emp-2".into(),
        basis: crate::contacts::letter(wire::Channel::Post),
    };
    house.contacts().remove_contact(removed).await.unwrap();
    assert!(!is_made(&house.told(ask()).await));
}

#[tokio::test]
async fn p12_the_refusal_is_the_same_whatever_rule_failed_and_attempts_are_capped() {
    let (house, _) = House::aged().await;
    let known = wire::KnownValues {
        social_security_number: "123-45-6789".into(),
        mothers_maiden_name: "Novák".into(),
        telephone_numbers: vec![KNOWN_NUMBER.into()],
        pet_names: vec!["72".into()],
    };
    let authority = house.verified_online("c-1").await;
    let mut refusals = Vec::new();
    // The social security number, the telephone number, the pet, the form; then two at once.
    for secret in ["814567", "0147", "9372", "777", "67890147"] {
        let refused = house
            .establish(secret, known.clone(), authority.clone())
            .await
            .unwrap();
        refusals.push(refused);
    }
    for refused in &mut refusals {
        let receipt = refused.receipt.take().unwrap();
        assert!(!receipt.repeated);
        assert!(!refused.accepted);
    }
    let bytes: Vec<_> = refusals.iter().map(Message::encode_to_vec).collect();
    assert!(bytes.iter().all(|other| *other == bytes[0]));
    assert!(house.status().await.locked, "the fifth was one too many");
    let good = house.establish("86420", known, authority).await;
    assert_eq!(refusal(good).1, "CREDENTIAL_LOCKED");
    assert_eq!(
        house.status().await.credential.unwrap().version,
        1,
        "the old one stays"
    );
}

#[tokio::test]
async fn p12_only_verdicts_are_on_record_and_only_for_auditors() {
    let (house, _) = House::aged().await;
    let known = wire::KnownValues {
        telephone_numbers: vec![KNOWN_NUMBER.into()],
        ..wire::KnownValues::default()
    };
    let authority = house.verified_online("c-1").await;
    house.establish("0147", known, authority).await.unwrap();
    let request = wire::GetHistoryRequest {
        customer: customer("K-1"),
        types: vec!["credential.refused".into()],
        ..wire::GetHistoryRequest::default()
    };
    let history = house
        .queries()
        .get_history(request)
        .await
        .unwrap()
        .into_inner();
    let Some(wire::entry::Event::Authentication(event)) = &history.entries[0].event else {
        panic!("{:?}", history.entries);
    };
    let Some(wire::authentication_event::Event::CredentialRefused(refused)) = &event.event else {
        panic!("{event:?}");
    };
    let checks = refused.checks.as_ref().unwrap();
    assert_eq!(checks.telephone_number(), wire::CheckVerdict::Fail);
    assert_eq!(checks.pet_name(), wire::CheckVerdict::NotPerformed);
    assert_eq!(checks.form(), wire::CheckVerdict::Pass);
}

#[tokio::test]
async fn c1_p11_a_repeat_is_answered_yes_only_to_the_same_secret_and_no_to_any() {
    let (house, _) = House::aged().await;
    let request = |secret: &str, header: &Option<wire::CommandHeader>| wire::VerifySecretRequest {
        header: header.clone(),
        customer: customer("K-1"),
        identified: identified(INFO, "c-1"),
        secret: secret.into(),
        prompted: false,
    };
    let once = dated();
    let wrong = house
        .callers()
        .verify_secret(request("1111", &once))
        .await
        .unwrap()
        .into_inner();
    let again = house
        .callers()
        .verify_secret(request(PIN, &once))
        .await
        .unwrap()
        .into_inner();
    assert!(!wrong.verified && !again.verified);
    assert!(
        again.receipt.unwrap().repeated,
        "a no stays one: else a repeat would answer guesses"
    );

    let once = dated();
    for _ in 0..2 {
        let right = house
            .callers()
            .verify_secret(request(PIN, &once))
            .await
            .unwrap();
        assert!(right.into_inner().verified);
    }
    for _ in 0..4 {
        let other = house.callers().verify_secret(request("1111", &once)).await;
        assert_eq!(refusal(other).1, "REQUEST_ID_REUSED");
    }
    assert!(!house.status().await.locked);
    let fifth = house.callers().verify_secret(request("1111", &once)).await;
    assert_eq!(refusal(fifth).1, "REQUEST_ID_REUSED");
    assert!(house.status().await.locked, "each was counted");
    let locked = house.callers().verify_secret(request(PIN, &once)).await;
    assert_eq!(
        refusal(locked).1,
        "REQUEST_ID_REUSED",
        "under a lock no guess is answered"
    );
    let authority = house.verified_online("c-4").await;
    let lift = wire::LiftLockRequest {
        header: dated(),
        customer: customer("K-1"),
        authority: on(authority),
    };
    house.callers().lift_lock(lift).await.unwrap();

    let authority = house.verified_online("c-2").await;
    let once = dated();
    let establish = |secret: &str| wire::EstablishCredentialRequest {
        header: once.clone(),
        customer: customer("K-1"),
        kind: CredentialKind::Pin.into(),
        secret: secret.into(),
        known: None,
        authority: on(authority.clone()),
    };
    let first = house
        .callers()
        .establish_credential(establish("86420"))
        .await
        .unwrap();
    let again = house
        .callers()
        .establish_credential(establish("86420"))
        .await
        .unwrap()
        .into_inner();
    assert!(first.into_inner().accepted && again.accepted);
    assert!(again.receipt.unwrap().repeated);
    let other = house
        .callers()
        .establish_credential(establish("13579"))
        .await;
    assert_eq!(refusal(other).1, "REQUEST_ID_REUSED");
    assert!(house.verify("86420", INFO, "c-3").await.unwrap().verified);
    assert!(!house.verify("13579", INFO, "c-3").await.unwrap().verified);
}

#[tokio::test]
async fn p13_too_many_wrong_pins_lock_and_another_method_lifts_the_lock() {
    let (house, _) = House::aged().await;
    for attempt in 1..=5 {
        let wrong = house.verify("00000", INFO, "c-1").await.unwrap();
        assert_eq!(wrong.locked, attempt == 5);
    }
    assert_eq!(
        refusal(house.verify(PIN, INFO, "c-1").await).1,
        "CREDENTIAL_LOCKED"
    );
    let lift = |authority| wire::LiftLockRequest {
        header: dated(),
        customer: customer("K-1"),
        authority: on(authority),
    };
    let unproven = house
        .callers()
        .lift_lock(lift(Authority::StartOfService(true)))
        .await;
    assert_eq!(refusal(unproven).1, "VERIFICATION_REQUIRED");
    let authority = house.verified_online("c-2").await;
    house.callers().lift_lock(lift(authority)).await.unwrap();
    assert!(house.verify(PIN, INFO, "c-1").await.unwrap().verified);
}

#[tokio::test]
async fn p13_wrong_pins_at_once_are_no_more_guesses_than_one_after_the_other() {
    let (house, _) = House::aged().await;
    let guesses = (0..12).map(|guess| {
        // The right one is among the last.
        let secret = if guess == 11 {
            PIN.to_owned()
        } else {
            format!("4200{guess}")
        };
        let house = &house;
        async move { house.verify(&secret, INFO, "c-1").await }
    });
    let answers = futures_util::future::join_all(guesses).await;
    let wrong = answers.iter().flatten().filter(|answer| !answer.verified);
    assert_eq!(wrong.count(), 5);
    let rest = answers.into_iter().filter_map(Result::err);
    for status in rest {
        assert_eq!(refusal::<()>(Err(status)).1, "CREDENTIAL_LOCKED");
    }
}

#[tokio::test]
async fn p13_f15_a_forgotten_pin_is_replaced_after_questions_and_nothing_else_is_open() {
    let (house, clock) = House::aged().await;
    let right = [
        ("first_concert", "The Café"),
        ("first_job_town", "St. Louis"),
    ];
    for wrong in [
        &right[..1],
        &[right[0], right[0]],
        &[right[0], ("date_of_birth", "1 May")],
        &[right[0], ("mothers_maiden_name", "Novak")],
    ] {
        let authority = house.verified_online("c-1").await;
        let refused = house.set_questions(wrong, authority).await;
        assert_eq!(refusal(refused).1, "QUESTION_NOT_ALLOWED");
    }
    let authority = house.verified_online("c-1").await;
    house.set_questions(&right, authority).await.unwrap();
    assert_eq!(
        house.status().await.questions,
        ["first_concert", "first_job_town"]
    );

    clock.pass(DAY);
    let half = [("first_concert", "the cafe"), ("first_job_town", "Provo")];
    assert!(!house.answer("c-2", &half).await.unwrap().passed);
    assert!(!house.answer("c-2", &right[..1]).await.unwrap().passed);
    let mixed = [
        ("first_job_town", "st louis"),
        ("first_concert", "THE CAFE"),
    ];
    assert!(house.answer("c-2", &mixed).await.unwrap().passed);
    assert!(house.status().await.reset_required);
    assert_eq!(
        refusal(house.verify(PIN, INFO, "c-2").await).1,
        "RESET_REQUIRED"
    );
    let number = ReachKind::TelephoneNumber;
    let moved = house
        .associate(number, "801-555-1111", "", passed("c-2"))
        .await;
    assert_eq!(refusal(moved).1, "RESET_REQUIRED");
    let elsewhere = house
        .establish("86420", wire::KnownValues::default(), passed("c-3"))
        .await;
    assert_eq!(refusal(elsewhere).1, "VERIFICATION_REQUIRED");
    let set = house
        .establish("86420", wire::KnownValues::default(), passed("c-2"))
        .await;
    assert!(set.unwrap().accepted);
    assert!(
        !house.verify(PIN, INFO, "c-2").await.unwrap().verified,
        "the old one is dead"
    );
    assert!(house.verify("86420", INFO, "c-2").await.unwrap().verified);
}

#[tokio::test]
async fn r22_p14_a_lock_stops_no_denial_no_out_of_service_ticket_and_no_mail() {
    let (house, _) = House::aged().await;
    for _ in 0..5 {
        house.verify("00000", INFO, "c-1").await.unwrap();
    }
    let denied = wire::RecordConsentRequest {
        header: dated(),
        ..consent("K-1", None, vec![denial(everything())])
    };
    house.consents().record_consent(denied).await.unwrap();
    let ticket = |condition: TicketCondition| wire::OpenTicketRequest {
        header: dated(),
        customer: customer("K-1"),
        condition: condition.into(),
        ticket: "T-77".into(),
        verification: None,
    };
    let out = house
        .callers()
        .open_ticket(ticket(TicketCondition::OutOfService))
        .await;
    let told = out.unwrap().into_inner();
    let only_a_receipt = wire::OpenTicketResponse {
        receipt: told.receipt.clone(),
    };
    assert_eq!(told, only_a_receipt, "nothing of the account");
    let other = house
        .callers()
        .open_ticket(ticket(TicketCondition::Other))
        .await;
    assert_eq!(refusal(other).1, "CREDENTIAL_LOCKED");
    let mailed = wire::telling::Telling::MailedToPostalAddress(ADDRESS.into());
    assert!(is_made(
        &house.told(bill(CpniClass::CallDetail, "", mailed)).await
    ));
    let elsewhere = wire::telling::Telling::MailedToPostalAddress("1 Other St".into());
    assert!(!is_made(
        &house.told(bill(CpniClass::CallDetail, "", elsewhere)).await
    ));
    let mail = wire::IssueMailRequest {
        header: dated(),
        customer: customer("K-1"),
        address: reach(ReachKind::PostalAddress, ADDRESS),
    };
    house.callers().issue_mail(mail).await.unwrap();
}

#[tokio::test]
async fn f14_a_prompted_password_opens_no_call_detail_but_what_the_caller_named() {
    let (house, _) = House::aged().await;
    let request = wire::VerifySecretRequest {
        header: dated(),
        customer: customer("K-1"),
        identified: identified(INFO, "c-1"),
        secret: PIN.into(),
        prompted: true,
    };
    let verified = house
        .callers()
        .verify_secret(request)
        .await
        .unwrap()
        .into_inner();
    let position = verified.receipt.unwrap().position;
    let asked = bill(CpniClass::CallDetail, "c-1", on_record(position));
    let Outcome::Refused(why) = house.told(asked).await else {
        panic!("call detail on a prompted password");
    };
    assert_eq!(
        why.reasons[0].code(),
        wire::ReasonCode::VerificationRequired
    );
    assert!(
        why.reasons[0]
            .clauses
            .iter()
            .any(|clause| clause.reference == "47 CFR 64.2010(b)"),
        "{why:?}"
    );
    let named = wire::telling::Telling::OnRecord(wire::VerifiedTelling {
        position,
        cited_by_caller: true,
    });
    assert!(is_made(
        &house.told(bill(CpniClass::CallDetail, "c-1", named)).await
    ));
}

#[tokio::test]
async fn f16_a_change_is_owed_a_notification_to_what_was_of_record_and_never_to_the_new() {
    let (house, clock) = House::aged().await;
    assert!(
        house.owed("K-1").await.is_empty(),
        "the start of service owes none"
    );
    let authority = house.verified_online("c-1").await;
    let number = ReachKind::TelephoneNumber;
    let new = "801-555-2222";
    let change = house
        .associate(number, new, NUMBER, authority.clone())
        .await
        .unwrap();
    let owed = house.owed("K-1").await;
    assert_eq!((owed.len(), owed[0].change_position), (1, change));
    assert_eq!(owed[0].change(), wire::AccountChange::NumberOfRecord);
    assert!(!owed[0].late);
    assert_eq!(owed[0].targets.len(), 2, "the old number and the address");
    clock.pass(6 * MINUTE);
    assert!(house.owed("K-1").await[0].late);
    let sent = |value: &str, sent_by: wire::Channel| wire::RecordChangeNoticeRequest {
        header: dated(),
        customer: customer("K-1"),
        change_position: change,
        sent_by: sent_by.into(),
        to: Some(To::Reach(reach(number, value).unwrap())),
    };
    let wrong = house
        .callers()
        .record_change_notice(sent(new, wire::Channel::Text))
        .await;
    assert_eq!(
        refusal(wrong),
        (Code::FailedPrecondition, "OF_RECORD_STATE".to_owned())
    );
    house
        .callers()
        .record_change_notice(sent(NUMBER, wire::Channel::Text))
        .await
        .unwrap();
    assert!(house.owed("K-1").await.is_empty());
}

#[tokio::test]
async fn f16_a_notification_that_can_go_to_nobody_is_recorded_so_and_owed_no_more() {
    let clock = Arc::new(Manual::at(System::default().wall()));
    let house = House::at(Arc::clone(&clock)).await;
    house.opened("K-1", &["local"]).await;
    clock.pass(2 * DAY);
    let online = wire::ChangeOnlineAccountRequest {
        header: dated(),
        customer: customer("K-1"),
        authority: on(house.verified_online("c-1").await),
    };
    house.callers().change_online_account(online).await.unwrap();
    let owed = house.owed("K-1").await;
    assert!(owed.len() == 1 && owed[0].targets.is_empty());
    let to_nobody = |nobody, sent_by: wire::Channel| wire::RecordChangeNoticeRequest {
        header: dated(),
        customer: customer("K-1"),
        change_position: owed[0].change_position,
        sent_by: sent_by.into(),
        to: Some(To::Nobody(nobody)),
    };
    for malformed in [
        to_nobody(false, wire::Channel::Text),
        to_nobody(true, wire::Channel::Text),
    ] {
        let refused = house.callers().record_change_notice(malformed).await;
        assert_eq!(refusal(refused).0, Code::InvalidArgument);
    }
    let recorded = to_nobody(true, wire::Channel::Unspecified);
    house
        .callers()
        .record_change_notice(recorded)
        .await
        .unwrap();
    assert!(house.owed("K-1").await.is_empty());
    let request = wire::GetHistoryRequest {
        customer: customer("K-1"),
        types: vec!["change_notice.sent".into()],
        ..wire::GetHistoryRequest::default()
    };
    let history = house.queries().get_history(request).await.unwrap();
    let Some(wire::entry::Event::Authentication(event)) = &history.into_inner().entries[0].event
    else {
        panic!("a notification");
    };
    let Some(wire::authentication_event::Event::ChangeNoticeSent(sent)) = &event.event else {
        panic!("{event:?}");
    };
    assert!(sent.nobody && sent.reach.is_none());
    assert_eq!(sent.sent_by(), wire::Channel::Unspecified);
}

#[tokio::test]
async fn f17_a_business_customer_has_another_regime_only_while_both_legs_stand() {
    let (house, _) = House::aged().await;
    let regime = || house.verified_by(INFO, "c-1", Means::BusinessContract(true));
    assert_eq!(refusal(regime().await).1, "VERIFICATION_REQUIRED");
    let leg = |leg: wire::ExemptionLeg| wire::BeginExemptionLegRequest {
        header: dated(),
        customer: customer("K-1"),
        leg: leg.into(),
        representative: "rep-9".into(),
        contract: "MSA 12".into(),
        contract_digest: vec![4; 32],
        addresses_cpni: true,
        ends_at: None,
    };
    let contract = leg(wire::ExemptionLeg::Contract);
    house.callers().begin_exemption_leg(contract).await.unwrap();
    assert_eq!(
        refusal(regime().await).1,
        "VERIFICATION_REQUIRED",
        "one leg"
    );
    let representative = leg(wire::ExemptionLeg::Representative);
    house
        .callers()
        .begin_exemption_leg(representative)
        .await
        .unwrap();
    assert!(house.status().await.exempt);
    let position = regime().await.unwrap();
    let ask = || bill(CpniClass::CallDetail, "c-1", on_record(position));
    assert!(is_made(&house.told(ask()).await));
    let end = wire::EndExemptionLegRequest {
        header: dated(),
        customer: customer("K-1"),
        leg: wire::ExemptionLeg::Representative.into(),
    };
    house.callers().end_exemption_leg(end).await.unwrap();
    assert!(
        !is_made(&house.told(ask()).await),
        "the verification rested on it"
    );
}

#[tokio::test]
async fn f15_f16_a_new_pin_after_the_start_of_service_takes_a_verification_and_is_told() {
    let (house, _) = House::aged().await;
    let late = house
        .establish(
            "86420",
            wire::KnownValues::default(),
            Authority::StartOfService(true),
        )
        .await;
    assert_eq!(refusal(late).1, "VERIFICATION_REQUIRED");
    let verified = house.verify(PIN, CHANGES, "c-1").await.unwrap();
    let authority = cited(verified.receipt.unwrap().position, "c-1");
    let set = house
        .establish("86420", wire::KnownValues::default(), authority.clone())
        .await;
    assert!(set.unwrap().accepted);
    let online = wire::ChangeOnlineAccountRequest {
        header: dated(),
        customer: customer("K-1"),
        authority: on(authority),
    };
    house.callers().change_online_account(online).await.unwrap();
    let changes: Vec<_> = house
        .owed("K-1")
        .await
        .iter()
        .map(|due| due.change())
        .collect();
    assert_eq!(
        changes,
        [
            wire::AccountChange::Credential,
            wire::AccountChange::OnlineAccount
        ]
    );
    assert_eq!(house.status().await.credential.unwrap().version, 2);
}
