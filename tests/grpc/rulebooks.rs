//! What another rulebook would change, asked of a running ledger (P17).

use consent_ledger::domain::rulebook::DEFAULT_TEXT;
use consent_ledger::proto::v1 as wire;
use tonic::{Code, Status};
use wire::compare_rulebooks_response::Part;
use wire::rulebook_service_client::RulebookServiceClient;

use crate::house::*;

/// The policy, but that a block doesn't reach held categories (R8).
fn looser() -> String {
    let text = DEFAULT_TEXT.replace(
        "block_reaches_held_categories = true",
        "block_reaches_held_categories = false",
    );
    assert_ne!(text, DEFAULT_TEXT);
    text
}

/// All parts of a comparison, in the order in which they came.
async fn compare(house: &House, text: String, examples: u32) -> Result<Vec<Part>, Status> {
    let mut client = RulebookServiceClient::new(house.channel.clone());
    let request = wire::CompareRulebooksRequest { text, examples };
    let mut parts = client.compare_rulebooks(request).await?.into_inner();
    let mut all = Vec::new();
    while let Some(message) = parts.message().await? {
        all.push(message.part.unwrap());
    }
    Ok(all)
}

#[tokio::test]
async fn p17_a_comparison_tells_progress_summary_and_differences_with_their_clauses() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let denying = house.opened("K-2", &["local"]).await;
    let words = vec![denial(marketing_by(&[wire::RecipientKind::Company]))];
    let denied = house.said("K-2", 0, words).await;
    let denied = denied.unwrap().receipt.unwrap();

    let parts = compare(&house, looser(), 0).await.unwrap();
    let [
        Part::Progress(progress),
        Part::Summary(summary),
        Part::Difference(difference),
    ] = parts.as_slice()
    else {
        panic!("{parts:?}");
    };
    assert_eq!((progress.customers, progress.expected), (2, 2));
    assert_eq!((summary.customers, summary.changed), (2, 1));
    assert_eq!(summary.differences, 1);
    assert!(summary.position >= denied.position);
    assert_eq!(summary.before.as_ref().unwrap().name, "infotech-cpni");

    assert_eq!(difference.customers, 1);
    assert_eq!(difference.examples, [denying.pseudonym]);
    assert_eq!(difference.recipients, [wire::RecipientKind::Company as i32]);
    assert_eq!(difference.purposes, [wire::Purpose::MarketingComms as i32]);
    assert_eq!(difference.classes.len(), 9);
    assert_eq!(difference.target_categories, ["local"]);
    let (before, after) = (difference.before.as_ref(), difference.after.as_ref());
    let (before, after) = (before.unwrap(), after.unwrap());
    assert!(!before.allowed && after.allowed);
    assert_eq!(before.reasons[0].code(), wire::ReasonCode::Denied);
    assert_eq!(after.basis(), wire::Basis::HeldCategory);
    assert!(
        after
            .reasons
            .iter()
            .all(|reason| !reason.clauses.is_empty())
    );

    // Nothing was recorded and nothing changed.
    let ruling = house
        .check("K-2", market(wire::RecipientKind::Company, "local"))
        .await;
    assert!(!ruling.allowed);
    assert_eq!(ruling.position, denied.position);
}

#[tokio::test]
async fn p17_a_text_that_is_no_rulebook_is_refused_with_line_and_rule() {
    let house = House::open().await;
    let text = DEFAULT_TEXT.replace("one_time_hours = 4", "one_time_hours = 400");
    let refused = compare(&house, text, 0).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let said = refused.message();
    assert!(
        said.contains("`text`") && said.contains("one_time_hours"),
        "{said}"
    );
    assert!(said.contains("line "), "{said}");
    for (text, examples) in [
        (String::new(), 0),
        ("x".repeat(61_440 + 1), 0),
        (looser(), 21),
    ] {
        let refused = compare(&house, text, examples).await;
        assert_eq!(refusal(refused), (Code::InvalidArgument, "INVALID".into()));
    }
}

#[tokio::test]
async fn p17_a_rulebook_compared_with_the_one_in_force_changes_nothing() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let parts = compare(&house, DEFAULT_TEXT.to_owned(), 0).await.unwrap();
    let Some(Part::Summary(summary)) = parts.last() else {
        panic!("{parts:?}");
    };
    assert_eq!((summary.changed, summary.differences), (0, 0));
}
