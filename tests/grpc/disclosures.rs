//! Disclosures and their accounting (P7, P8).

use consent_ledger::proto::v1 as wire;
use wire::disclose_request::Seal;
use wire::disclose_response::Outcome;
use wire::question::Ground;
use wire::{CpniClass, Purpose, ReasonCode, RecipientKind};

use crate::house::*;

fn order(reference: &str) -> wire::Question {
    let ground = wire::LegalGround {
        authority: "District Court".into(),
        reference: reference.into(),
        dated: "2026-11-02".into(),
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

async fn disclose(
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
