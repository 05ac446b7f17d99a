//! What was used on an approval that a late bounce voids (F7, C4, R10).

use consent_ledger::proto::v1 as wire;
use wire::NoticeDelivery;
use wire::NoticeOutcome;
use wire::RecipientKind::Company;

use crate::house::*;
use crate::notices::{DAY, approve_opt_out, baseline, emailed};

/// A ruling on record about K-1; its position, and whether it said yes.
async fn recorded(house: &House) -> (u64, bool) {
    recorded_of(house, "K-1").await
}

async fn recorded_of(house: &House, id: &str) -> (u64, bool) {
    let request = wire::CheckUseRequest {
        header: dated(),
        customer: customer(id),
        question: Some(market(Company, "cmrs")),
        record: true,
        ..wire::CheckUseRequest::default()
    };
    let answer = house.checks().check_use(request).await.unwrap();
    let answer = answer.into_inner();
    (
        answer.receipt.unwrap().position,
        answer.ruling.unwrap().allowed,
    )
}

#[tokio::test]
async fn f7_r10_what_was_used_on_an_approval_that_a_late_bounce_voids_is_listed() {
    let (house, clock) = baseline().await;
    house.opened("K-1", &["local"]).await;
    approve_opt_out(&house).await;
    let sent = emailed(&house, &clock).await;
    let notice = sent.unwrap().receipt.unwrap().position;
    clock.pass(10 * DAY);
    assert!(!recorded(&house).await.1, "it waits");
    clock.pass(21 * DAY);
    let (used, allowed) = recorded(&house).await;
    assert!(allowed);
    let list = wire::ListVoidedUsesRequest {
        customer: customer("K-1"),
        ..wire::ListVoidedUsesRequest::default()
    };
    let before = house.audit().list_voided_uses(list.clone()).await.unwrap();
    assert_eq!(before.into_inner().uses, []);

    clock.pass(DAY);
    let bounced = house.report("K-1", notice, NoticeOutcome::Bounced).await;
    assert!(bounced.unwrap().voids_since.is_some());
    let after = house.audit().list_voided_uses(list).await.unwrap();
    let [found] = after.into_inner().uses.try_into().unwrap();
    assert_eq!(found.position, used);
    assert_eq!(found.cause(), wire::VoidedUseCause::VoidedApproval);
    assert!(!found.hindsight.unwrap().allowed);
}

/// What the list about everybody says: whose uses, and its end.
async fn all_voided(house: &House) -> (Vec<wire::CustomerVoidedUses>, wire::VoidedUsesSummary) {
    use wire::list_all_voided_uses_response::Part;
    let request = wire::ListAllVoidedUsesRequest::default();
    let parts = house.audit().list_all_voided_uses(request).await.unwrap();
    let (mut parts, mut found, mut summary) = (parts.into_inner(), Vec::new(), None);
    while let Some(message) = parts.message().await.unwrap() {
        assert!(summary.is_none(), "the summary comes last");
        match message.part.unwrap() {
            Part::Progress(progress) => assert!(progress.customers <= progress.expected),
            Part::Customer(customer) => found.push(customer),
            Part::Summary(end) => summary = Some(end),
        }
    }
    (found, summary.expect("a whole list has a summary"))
}

#[tokio::test]
async fn f7_c4_a_mailing_that_bounced_is_asked_about_everybody_at_once() {
    let (house, clock) = baseline().await;
    approve_opt_out(&house).await;
    let mut notices = Vec::new();
    for id in ["K-1", "K-2", "K-3"] {
        house.opened(id, &["local"]).await;
        house.agree_to_email(id).await;
        clock.pass(60_000_000);
        let sent = house.send(id, "opt-out", NoticeDelivery::Email).await;
        notices.push(sent.unwrap().receipt.unwrap().position);
    }
    clock.pass(31 * DAY);
    let mut used = Vec::new();
    for id in ["K-1", "K-2", "K-3"] {
        used.push(recorded_of(&house, id).await);
    }
    assert!(used.iter().all(|(_, allowed)| *allowed));
    let (none, summary) = all_voided(&house).await;
    assert_eq!((none.len(), summary.customers, summary.uses), (0, 3, 0));

    clock.pass(DAY);
    for (id, notice) in [("K-1", notices[0]), ("K-3", notices[2])] {
        house
            .report(id, notice, NoticeOutcome::Bounced)
            .await
            .unwrap();
    }
    let (found, summary) = all_voided(&house).await;
    assert_eq!((summary.customers, summary.listed, summary.uses), (3, 2, 2));
    assert!(summary.position > used[2].0);
    let mut found: Vec<_> = (found.iter())
        .map(|one| (one.customer_id.as_str(), one.uses[0].position))
        .collect();
    found.sort_unstable();
    assert_eq!(found, [("K-1", used[0].0), ("K-3", used[2].0)]);
    for customer in all_voided(&house).await.0 {
        assert_eq!(
            customer.uses[0].cause(),
            wire::VoidedUseCause::VoidedApproval
        );
    }
}
