//! What is told of one customer as of a past moment is what was told then, whatever came after (C4, E8, P9, P11, F16,
//! F20).

use std::sync::Arc;

use consent_ledger::access::Role;
use consent_ledger::clock::Manual;
use consent_ledger::domain::time::Time;
use consent_ledger::proto::v1 as wire;
use prost_types::Timestamp;
use tonic::{Code, Status};
use wire::ContactPermission::{AccountInformation, TechnicalSupport};
use wire::RecipientKind::Company;
use wire::as_of::Moment;
use wire::list_all_voided_uses_response::Part;
use wire::retention_service_client::RetentionServiceClient;

use crate::callers::{CHANGES, MINUTE, NUMBER, PIN, cited};
use crate::house::*;
use crate::retention::{LATER, erase, left, watched};

/// Every answer about a customer that is no history of its own.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    contacts: wire::GetContactsResponse,
    authentication: wire::GetAuthenticationResponse,
    due: wire::ListDueChangeNoticesResponse,
    retention: wire::GetRetentionResponse,
    voided: wire::ListVoidedUsesResponse,
    all_voided: Vec<Part>,
}

type Basis = (u64, Timestamp, wire::RulebookVersion, Vec<u8>);

impl Told {
    /// By what all of it was given: position, time, rulebook, digest.
    fn basis(&self) -> Basis {
        let Some(Part::Summary(all)) = self.all_voided.last() else {
            panic!("{:?}", self.all_voided);
        };
        macro_rules! basis {
            ($($one:expr, $at:ident);*) => {
                [$(($one.position, $one.$at.unwrap(), $one.rulebook.clone().unwrap(),
                    $one.rulebook_digest.clone())),*]
            };
        }
        let bases = basis!(
            self.contacts, at; self.authentication, evaluated_at; self.due, at;
            self.retention, at; self.voided, at; all, at
        );
        assert!(bases.iter().all(|basis| *basis == bases[0]), "{bases:?}");
        bases[0].clone()
    }
}

fn moment(as_of: Moment) -> Option<wire::AsOf> {
    Some(wire::AsOf {
        moment: Some(as_of),
    })
}

impl House {
    async fn contacts_of(
        &self,
        id: &str,
        as_of: Option<wire::AsOf>,
    ) -> Result<wire::GetContactsResponse, Status> {
        let request = wire::GetContactsRequest {
            customer: customer(id),
            as_of,
            ..wire::GetContactsRequest::default()
        };
        Ok(self.contacts().get_contacts(request).await?.into_inner())
    }

    async fn authentication_of(
        &self,
        id: &str,
        as_of: Option<wire::AsOf>,
    ) -> Result<wire::GetAuthenticationResponse, Status> {
        let request = wire::GetAuthenticationRequest {
            customer: customer(id),
            as_of,
            ..wire::GetAuthenticationRequest::default()
        };
        let answer = self.callers().get_authentication(request).await?;
        Ok(answer.into_inner())
    }

    async fn due_to(
        &self,
        id: &str,
        as_of: Option<wire::AsOf>,
    ) -> Result<wire::ListDueChangeNoticesResponse, Status> {
        let request = wire::ListDueChangeNoticesRequest {
            customer: customer(id),
            as_of,
            ..wire::ListDueChangeNoticesRequest::default()
        };
        let answer = self.callers().list_due_change_notices(request).await?;
        Ok(answer.into_inner())
    }

    async fn retention_of(
        &self,
        id: &str,
        as_of: Option<wire::AsOf>,
    ) -> Result<wire::GetRetentionResponse, Status> {
        let request = wire::GetRetentionRequest {
            customer: customer(id),
            as_of,
            ..wire::GetRetentionRequest::default()
        };
        let mut retention = RetentionServiceClient::new(self.channel.clone());
        Ok(retention.get_retention(request).await?.into_inner())
    }

    async fn voided_of(
        &self,
        id: &str,
        as_of: Option<wire::AsOf>,
    ) -> Result<wire::ListVoidedUsesResponse, Status> {
        let request = wire::ListVoidedUsesRequest {
            customer: customer(id),
            as_of,
            ..wire::ListVoidedUsesRequest::default()
        };
        let answer = self.audit().list_voided_uses(request).await?;
        Ok(answer.into_inner())
    }

    /// Everybody's uses that are not borne out, and the summary; signs of progress are left out.
    async fn all_voided(&self, as_of: Option<wire::AsOf>) -> Result<Vec<Part>, Status> {
        let request = wire::ListAllVoidedUsesRequest {
            as_of,
            ..wire::ListAllVoidedUsesRequest::default()
        };
        let parts = self.audit().list_all_voided_uses(request).await?;
        let (mut parts, mut told) = (parts.into_inner(), Vec::new());
        while let Some(message) = parts.message().await? {
            told.extend(message.part);
        }
        told.retain(|part| !matches!(part, Part::Progress(_)));
        Ok(told)
    }

    async fn opens(&self, id: &str) {
        let mut opening = open_account(id, &["local"]);
        opening.header = dated();
        self.accounts().open_account(opening).await.unwrap();
    }

    async fn told_of(&self, id: &str, as_of: Option<Moment>) -> Told {
        let as_of = as_of.and_then(moment);
        let told = Told {
            contacts: self.contacts_of(id, as_of).await.unwrap(),
            authentication: self.authentication_of(id, as_of).await.unwrap(),
            due: self.due_to(id, as_of).await.unwrap(),
            retention: self.retention_of(id, as_of).await.unwrap(),
            voided: self.voided_of(id, as_of).await.unwrap(),
            all_voided: self.all_voided(as_of).await.unwrap(),
        };
        told.basis();
        told
    }

    /// Asks again for what was told, by position and by time.
    async fn tells_again(&self, id: &str, told: &Told) {
        let (position, at, ..) = told.basis();
        for moment in [Moment::Position(position), Moment::Time(at)] {
            let again = self.told_of(id, Some(moment)).await;
            assert_eq!(&again, told, "as of {moment:?}");
        }
    }

    /// Something that happens to K-1, as the office has it; what it left behind.
    async fn happens(&self, deed: Deed, clock: &Manual) {
        let mut retention = RetentionServiceClient::new(self.channel.clone());
        match deed {
            Deed::Listed(person, permission) => {
                self.listed("K-1", person, permission).await;
            }
            Deed::WrongPin => {
                let tried = self.verify("00000", CHANGES, "c-1").await.unwrap();
                assert!(!tried.verified);
            }
            Deed::MovesNumber => {
                let right = self.verify(PIN, CHANGES, "c-1").await.unwrap();
                let authority = cited(right.receipt.unwrap().first_position, "c-1");
                let kind = wire::ReachKind::TelephoneNumber;
                let moved = self.associate(kind, "801-210-1652", NUMBER, authority);
                moved.await.unwrap();
            }
            Deed::EndsCall => {
                let end = wire::EndCallRequest {
                    header: dated(),
                    customer: customer("K-1"),
                    call_id: "c-1".into(),
                };
                self.consents().end_call(end).await.unwrap();
            }
            Deed::Held => {
                let hold = wire::PlaceLegalHoldRequest {
                    header: dated(),
                    customer: customer("K-1"),
                    matter: "2:26-cv-00123".into(),
                };
                retention.place_legal_hold(hold).await.unwrap();
            }
            Deed::Released => {
                let bars = self.retention_of("K-1", None).await.unwrap().bars;
                let release = wire::ReleaseLegalHoldRequest {
                    header: dated(),
                    customer: customer("K-1"),
                    hold_position: bars.iter().map(|bar| bar.hold_position).max().unwrap(),
                };
                retention.release_legal_hold(release).await.unwrap();
            }
            Deed::Granted => {
                let authority = self.verify(PIN, CHANGES, "c-2").await.unwrap();
                let notice = self.noticed("K-1").await;
                let words = vec![grant(marketing_by(&[Company]))];
                let mut request = consent("K-1", Some(notice), words);
                request.header = dated();
                let statement = request.statement.as_mut().unwrap();
                statement.assurance = None;
                statement.verification = Some(wire::VerificationAuthority {
                    position: authority.receipt.unwrap().first_position,
                    call_id: "c-2".into(),
                });
                self.consents().record_consent(request).await.unwrap();
            }
            Deed::Used => {
                let request = wire::CheckUseRequest {
                    header: dated(),
                    customer: customer("K-1"),
                    question: Some(market(Company, "cmrs")),
                    record: true,
                    ..wire::CheckUseRequest::default()
                };
                let used = self.checks().check_use(request).await.unwrap().into_inner();
                assert!(used.ruling.unwrap().allowed);
            }
            Deed::DeniedBefore(ago) => {
                let Time(now) = consent_ledger::clock::Clock::wall(clock);
                let said = now - ago;
                let words = vec![denial(marketing_by(&[Company]))];
                let mut request = consent("K-1", None, words);
                request.header = dated();
                request.header.as_mut().unwrap().occurred_at = Some(Timestamp {
                    seconds: said.div_euclid(1_000_000),
                    nanos: (said.rem_euclid(1_000_000) * 1_000) as i32,
                });
                self.consents().record_consent(request).await.unwrap();
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Listed(&'static str, wire::ContactPermission),
    WrongPin,
    MovesNumber,
    EndsCall,
    Held,
    Released,
    Granted,
    Used,
    /// Recorded now, said so long ago.
    DeniedBefore(i64),
}

const STORY: [Deed; 11] = [
    Deed::Listed("emp-1", TechnicalSupport),
    Deed::WrongPin,
    Deed::MovesNumber,
    Deed::Held,
    Deed::Granted,
    Deed::Used,
    Deed::EndsCall,
    Deed::Listed("emp-2", AccountInformation),
    Deed::Used,
    // Between the two uses.
    Deed::DeniedBefore(2 * MINUTE),
    Deed::Released,
];

#[tokio::test]
async fn c4_each_answer_about_a_customer_as_of_a_past_moment_is_the_one_that_was_given_then() {
    let (house, clock) = House::aged().await;
    house.happens(Deed::WrongPin, &clock).await;
    let mut told = vec![house.told_of("K-1", None).await];
    for deed in STORY {
        clock.pass(MINUTE);
        house.happens(deed, &clock).await;
        told.push(house.told_of("K-1", None).await);
    }
    clock.pass(MINUTE);
    house.opens("K-2").await;
    for told in &told {
        house.tells_again("K-1", told).await;
    }
    // Each says something, and not always the same.
    let all = |count: fn(&Told) -> usize| told.iter().map(count).collect::<Vec<_>>();
    assert_eq!(
        all(|told| told.contacts.contacts.len()),
        [0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]
    );
    assert_eq!(
        all(|told| told.authentication.verifications.len()),
        [0, 0, 0, 1, 1, 2, 2, 1, 1, 1, 1, 1]
    );
    assert_eq!(
        all(|told| told.due.notices.len()),
        [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    );
    assert_eq!(
        all(|told| told.retention.bars.len()),
        [2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 2]
    );
    assert_eq!(
        all(|told| told.voided.uses.len()),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    );
    let listed = |told: &Told| told.all_voided.len() - 1;
    assert_eq!(all(listed), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
}

#[tokio::test]
async fn c4_of_a_moment_that_lies_ahead_or_before_the_customer_nothing_is_told() {
    let house = House::open().await;
    let newest = house.opened("K-1", &["local"]).await.position;
    for (position, expected) in [
        (0, (Code::NotFound, "CUSTOMER_UNKNOWN")),
        (newest + 1, (Code::OutOfRange, "AS_OF_AHEAD")),
    ] {
        let expected = (expected.0, expected.1.to_owned());
        let as_of = moment(Moment::Position(position));
        assert_eq!(refusal(house.contacts_of("K-1", as_of).await), expected);
        let authentication = house.authentication_of("K-1", as_of).await;
        assert_eq!(refusal(authentication), expected);
        assert_eq!(refusal(house.due_to("K-1", as_of).await), expected);
        assert_eq!(refusal(house.retention_of("K-1", as_of).await), expected);
        assert_eq!(refusal(house.voided_of("K-1", as_of).await), expected);
    }
    let nobody = house.all_voided(moment(Moment::Position(0))).await.unwrap();
    let [Part::Summary(summary)] = nobody.as_slice() else {
        panic!("{nobody:?}");
    };
    assert_eq!((summary.customers, summary.position), (0, 0));
}

#[tokio::test]
async fn e8_what_was_told_before_a_customer_was_erased_is_told_again_to_who_sees_whole_histories() {
    let clock = Arc::new(Manual::at(Time(1_767_225_600_000_000)));
    let house = House::at(Arc::clone(&clock)).await;
    left(&house, "K-1").await;
    house.listed("K-1", "emp-1", TechnicalSupport).await;
    let before = house.told_of("K-1", None).await;
    clock.pass(LATER);
    let requested = erase(&house, "K-1").await.unwrap().receipt.unwrap();
    watched(&house, requested.position).await;
    let after = house.retention_of("K-1", None).await.unwrap();
    clock.pass(MINUTE);
    house.opens("K-2").await;

    house.tells_again("K-1", &before).await;
    let (then, erased) = (
        before.basis().0,
        (Code::FailedPrecondition, "CUSTOMER_ERASED"),
    );
    let erased = (erased.0, erased.1.to_owned());
    let since = moment(Moment::Position(after.position));
    assert_eq!(house.retention_of("K-1", since).await.unwrap(), after);
    assert_eq!(refusal(house.contacts_of("K-1", since).await), erased);

    let then = moment(Moment::Position(then));
    let house = house.reopen_for(Role::ConsentWriter, &clock).await;
    // Nor is it told whether there was such a customer.
    for moment in [then, since, moment(Moment::Position(0))] {
        assert_eq!(refusal(house.contacts_of("K-1", moment).await), erased);
        let authentication = house.authentication_of("K-1", moment).await;
        assert_eq!(refusal(authentication), erased);
        assert_eq!(refusal(house.due_to("K-1", moment).await), erased);
    }
}
