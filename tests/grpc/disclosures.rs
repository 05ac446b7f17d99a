//! Disclosures and their accounting (P7, P8).

use std::sync::Arc;

use consent_ledger::clock::Manual;
use consent_ledger::domain::time::Time;
use consent_ledger::proto::v1 as wire;
use tonic::Code;
use wire::disclose_request::Seal;
use wire::disclose_response::Outcome;
use wire::question::Ground;
use wire::{CpniClass, Purpose, ReasonCode, RecipientKind};

use crate::house::*;

pub fn order(reference: &str) -> wire::Question {
    let ground = wire::LegalGround {
        authority: "District Court".into(),
        reference: reference.into(),
        dated: "2024-02-28".into(),
        digest: vec![5; 32],
    };
    wire::Question {
        purpose: Purpose::Legal.into(),
        classes: vec![CpniClass::CallDetail.into()],
        recipient_kind: RecipientKind::LawEnforcement.into(),
        entity: "district-court".into(),
        ground: Some(Ground::Legal(ground)),
        ..wire::Question::default()
    }
}

pub async fn disclose(
    house: &House,
    question: wire::Question,
    seal: Option<Seal>,
) -> (Outcome, wire::CommandReceipt) {
    let request = wire::DiscloseRequest {
        header: header(),
        customer: customer("K-1"),
        question: Some(question),
        seal,
    };
    let response = house
        .disclosures()
        .disclose(request)
        .await
        .unwrap()
        .into_inner();
    (response.outcome.unwrap(), response.receipt.unwrap())
}

async fn accounting(
    house: &House,
    change: fn(&mut wire::ListDisclosuresRequest),
) -> Vec<wire::Disclosure> {
    let mut request = wire::ListDisclosuresRequest {
        customer: customer("K-1"),
        ..wire::ListDisclosuresRequest::default()
    };
    change(&mut request);
    let response = house.disclosures().list_disclosures(request).await.unwrap();
    response.into_inner().disclosures
}

#[tokio::test]
async fn p7_a_disclosure_is_made_or_refused_and_both_are_on_record() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let notice = house.noticed("K-1").await;
    house
        .said("K-1", notice, vec![denial(everything())])
        .await
        .unwrap();

    let (outcome, made) = disclose(&house, order("24-77"), None).await;
    assert!(
        matches!(outcome, Outcome::Made(_)),
        "a denial does not stop a court order"
    );

    let (outcome, refused) = disclose(&house, order(""), None).await;
    let Outcome::Refused(why) = outcome else {
        panic!("an order without a reference");
    };
    assert!(
        why.reasons
            .iter()
            .any(|reason| reason.code() == ReasonCode::FactsRequired)
    );
    assert!(!why.reasons[0].clauses.is_empty());
    assert_eq!(
        refused.position,
        made.position + 1,
        "the refusal left a record"
    );

    let listed = accounting(&house, |_| ()).await;
    assert_eq!(
        listed.iter().map(|one| one.position).collect::<Vec<_>>(),
        [made.position]
    );
    let question = listed[0]
        .question
        .as_ref()
        .unwrap()
        .question
        .as_ref()
        .unwrap();
    let Some(Ground::Legal(facts)) = &question.ground else {
        panic!("the ground with its facts");
    };
    assert_eq!(
        facts.reference, "24-77",
        "sealed in the record, open to who may read it"
    );
    let all = accounting(&house, |it| it.include_refused = true).await;
    assert_eq!(all.len(), 2);
    assert!(
        all[1]
            .refused_for()
            .any(|code| code == ReasonCode::FactsRequired)
    );
}

#[tokio::test]
async fn p7_p8_what_is_under_a_gag_order_is_in_no_accounting_but_an_auditors() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let lifted = Some(Seal::SealedUntilLifted(true));
    disclose(&house, order("24-77"), lifted).await;
    disclose(&house, order("24-78"), None).await;
    assert_eq!(accounting(&house, |_| ()).await.len(), 1);
    let all = accounting(&house, |it| it.include_sealed = true).await;
    assert_eq!(
        all.iter().map(|one| one.sealed).collect::<Vec<_>>(),
        [true, false]
    );
}

fn lifting(disclosure_position: u64) -> wire::LiftGagOrderRequest {
    wire::LiftGagOrderRequest {
        header: header(),
        customer: customer("K-1"),
        disclosure_position,
        authority: "District Court".into(),
        reference: "26-0042".into(),
        dated: "2024-03-01".into(),
    }
}

async fn positions_shown(house: &House, as_of: Option<u64>) -> Vec<u64> {
    let request = wire::ListDisclosuresRequest {
        customer: customer("K-1"),
        include_refused: true,
        as_of: as_of.map(|position| wire::AsOf {
            moment: Some(wire::as_of::Moment::Position(position)),
        }),
        ..wire::ListDisclosuresRequest::default()
    };
    let response = house.disclosures().list_disclosures(request).await.unwrap();
    let listed = response.into_inner().disclosures;
    listed.iter().map(|one| one.position).collect()
}

#[tokio::test]
async fn p7_a_lifted_gag_order_shows_the_disclosure_from_then_on_and_not_before() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let lifted = Some(Seal::SealedUntilLifted(true));
    let (_, hidden) = disclose(&house, order("24-77"), lifted).await;
    let (_, open) = disclose(&house, order("24-78"), None).await;
    assert_eq!(positions_shown(&house, None).await, [open.position]);

    let lift = house
        .disclosures()
        .lift_gag_order(lifting(hidden.position))
        .await;
    let lift = lift.unwrap().into_inner().receipt.unwrap();
    let both = [hidden.position, open.position];
    assert_eq!(positions_shown(&house, None).await, both);
    assert_eq!(positions_shown(&house, Some(lift.position)).await, both);
    assert_eq!(
        positions_shown(&house, Some(open.position)).await,
        [open.position],
        "as of a moment before the lift it is hidden"
    );
    let all = accounting(&house, |it| it.include_sealed = true).await;
    assert!(all.iter().all(|one| !one.sealed), "under none now");
}

#[tokio::test]
async fn p7_a_history_tells_who_lifted_a_gag_order() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let seal = Some(Seal::SealedUntilLifted(true));
    let (_, hidden) = disclose(&house, order("24-77"), seal).await;
    let request = lifting(hidden.position);
    house.disclosures().lift_gag_order(request).await.unwrap();
    let request = wire::GetHistoryRequest {
        customer: customer("K-1"),
        types: vec!["disclosure.gag_lifted".into()],
        ..wire::GetHistoryRequest::default()
    };
    let history = house.queries().get_history(request).await.unwrap();
    let entries = history.into_inner().entries;
    let [entry] = entries.as_slice() else {
        panic!("one lift: {entries:?}");
    };
    let Some(wire::entry::Event::GagOrderLifted(lifted)) = &entry.event else {
        panic!("no lift: {entry:?}");
    };
    assert_eq!(
        (lifted.disclosure_position, lifted.authority.as_str()),
        (hidden.position, "District Court")
    );
    assert_eq!(
        (lifted.reference.as_str(), lifted.dated.as_str()),
        ("26-0042", "2024-03-01")
    );
}

#[tokio::test]
async fn p7_a_lift_names_a_disclosure_under_a_gag_order_that_stands() {
    let clock = Arc::new(Manual::at(Time(1_795_000_000_000_000)));
    let house = House::at(Arc::clone(&clock)).await;
    house.opened("K-1", &["local"]).await;
    let ends = prost_types::Timestamp {
        seconds: 1_795_000_000 + 3600,
        nanos: 0,
    };
    let (_, dated) = disclose(&house, order("24-76"), Some(Seal::SealedUntil(ends))).await;
    let seal = Some(Seal::SealedUntilLifted(true));
    let (_, hidden) = disclose(&house, order("24-77"), seal).await;
    let (_, open) = disclose(&house, order("24-78"), None).await;
    let lift = async |request| house.disclosures().lift_gag_order(request).await;
    let state = (Code::FailedPrecondition, "GAG_ORDER_STATE".to_owned());
    for none in [1, open.position, open.position + 9] {
        assert_eq!(refusal(lift(lifting(none)).await), state);
    }
    let undated = wire::LiftGagOrderRequest {
        dated: String::new(),
        ..lifting(hidden.position)
    };
    let invalid = (Code::InvalidArgument, "INVALID".to_owned());
    assert_eq!(refusal(lift(undated).await), invalid);
    let of_nobody = wire::LiftGagOrderRequest {
        authority: String::new(),
        ..lifting(hidden.position)
    };
    assert_eq!(refusal(lift(of_nobody).await), invalid);
    lift(lifting(hidden.position)).await.unwrap();
    assert_eq!(refusal(lift(lifting(hidden.position)).await), state);
    clock.pass(3_600_000_000);
    assert_eq!(
        refusal(lift(lifting(dated.position)).await),
        state,
        "its date has passed"
    );
    assert_eq!(positions_shown(&house, None).await.len(), 3);
}

/// A provider asks whether a PIC freeze stands.
fn freeze_query(request_id: &str) -> wire::Question {
    let ground = wire::PicFreezeGround {
        provider: "carrier-p".into(),
        request_id: request_id.into(),
    };
    wire::Question {
        purpose: Purpose::PicFreeze.into(),
        classes: vec![CpniClass::PicFreezeStatus.into()],
        recipient_kind: RecipientKind::Carrier.into(),
        entity: "carrier-p".into(),
        ground: Some(Ground::PicFreeze(ground)),
        ..wire::Question::default()
    }
}

#[tokio::test]
async fn r14_c4_a_check_says_no_once_a_request_was_answered_about_anybody_and_yes_as_of_before() {
    let house = House::open().await;
    let opened = house.opened("K-1", &["local"]).await;
    house.opened("K-2", &["local"]).await;
    let (outcome, answered) = disclose(&house, freeze_query("r-1"), None).await;
    assert!(matches!(outcome, Outcome::Made(_)));
    let check = async |customer_id: &str, request_id: &str, as_of: Option<u64>| {
        let request = wire::CheckUseRequest {
            customer: customer(customer_id),
            question: Some(freeze_query(request_id)),
            as_of: as_of.map(|position| wire::AsOf {
                moment: Some(wire::as_of::Moment::Position(position)),
            }),
            ..wire::CheckUseRequest::default()
        };
        let response = house.checks().check_use(request).await.unwrap();
        let ruling = response.into_inner().ruling.unwrap();
        let reused = (ruling.reasons.iter()).any(|one| one.code() == ReasonCode::RequestReused);
        assert_ne!(ruling.allowed, reused);
        ruling.allowed
    };
    assert!(!check("K-2", "r-1", None).await && !check("K-1", "r-1", None).await);
    assert!(check("K-2", "r-2", None).await, "another request");
    assert!(!check("K-1", "r-1", Some(answered.position)).await);
    assert!(check("K-1", "r-1", Some(opened.position)).await);
}

#[tokio::test]
async fn c5_an_accounting_comes_in_pages() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    for number in 0..5 {
        disclose(&house, order(&format!("24-{number}")), None).await;
    }
    let (mut token, mut pages) = (String::new(), Vec::new());
    loop {
        let request = wire::ListDisclosuresRequest {
            customer: customer("K-1"),
            page_size: 2,
            page_token: token,
            ..wire::ListDisclosuresRequest::default()
        };
        let page = house
            .disclosures()
            .list_disclosures(request)
            .await
            .unwrap()
            .into_inner();
        pages.push(page.disclosures.len());
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [2, 2, 1]);
}
