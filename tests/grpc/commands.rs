//! Commands, one at a time (C1, P2 to P6).

use consent_ledger::proto::v1 as wire;
use tonic::Code;
use tonic_types::StatusExt;
use wire::RecipientKind::{Affiliate, Company};
use wire::{CellState, ReasonCode};

use crate::house::*;

#[tokio::test]
async fn p2_p3_a_customer_is_asked_says_yes_and_no_and_each_check_follows() {
    let house = House::open().await;
    let opened = house.opened("K-1", &["local"]).await;
    assert_eq!((opened.first_position, opened.customer_version), (1, 2));

    let held = house.check("K-1", market(Company, "local")).await;
    assert!(held.allowed);
    assert_eq!(held.basis(), wire::Basis::HeldCategory);

    let unasked = house.check("K-1", market(Company, "cmrs")).await;
    assert!(!unasked.allowed);
    assert_eq!(unasked.state(), CellState::Unknown);
    assert!(codes(&unasked).contains(&ReasonCode::ApprovalRequired));
    assert!(!unasked.remedies.is_empty(), "says what would make it yes");
    let clause = &unasked.reasons[0].clauses[0];
    assert!(!clause.source.is_empty() && !clause.reference.is_empty() && !clause.text.is_empty());

    let notice = house.noticed("K-1").await;
    let granted = grant(marketing_by(&[Company, Affiliate]));
    let granted = house.said("K-1", notice, vec![granted]).await.unwrap();
    assert!(granted.still_blocked_by.is_empty());
    let position = granted.receipt.unwrap().position;
    let asked = house.check("K-1", market(Company, "cmrs")).await;
    assert!(asked.allowed);
    assert_eq!(asked.relied_on, [position]);
    assert!(asked.position >= position);

    let acme = marketing_by_named(Affiliate, "acme");
    let denied = house.said("K-1", notice, vec![denial(acme)]).await.unwrap();
    let denied = denied.receipt.unwrap().position;
    let by_acme = wire::Question {
        entity: "acme".into(),
        ..market(Affiliate, "cmrs")
    };
    let refused = house.check("K-1", by_acme).await;
    assert!(!refused.allowed);
    assert_eq!(refused.state(), CellState::Denied);
    assert_eq!(refused.reasons[0].positions, [denied]);
    let by_beta = wire::Question {
        entity: "beta".into(),
        ..market(Affiliate, "cmrs")
    };
    assert!(house.check("K-1", by_beta).await.allowed);

    let again = grant(marketing_by(&[Affiliate]));
    let again = house.said("K-1", notice, vec![again]).await.unwrap();
    assert_eq!(
        again.still_blocked_by,
        [denied],
        "a wider grant lifts nothing"
    );
}

#[tokio::test]
async fn c1_a_request_id_is_answered_once_and_stands_for_one_content() {
    let house = House::open().await;
    let request = open_account("K-1", &["local"]);
    let mut accounts = house.accounts();
    let first = accounts
        .open_account(request.clone())
        .await
        .unwrap()
        .into_inner();
    let first = first.receipt.unwrap();
    assert!(!first.repeated);

    let repeat = accounts
        .open_account(request.clone())
        .await
        .unwrap()
        .into_inner();
    let repeat = repeat.receipt.unwrap();
    assert!(repeat.repeated);
    assert_eq!(
        (repeat.pseudonym, repeat.position, repeat.customer_version),
        (first.pseudonym, first.position, first.customer_version)
    );

    let other = wire::OpenAccountRequest {
        services: Vec::new(),
        ..request
    };
    let refused = refusal(accounts.open_account(other).await);
    assert_eq!(refused, (Code::AlreadyExists, "REQUEST_ID_REUSED".into()));
    let exists = refusal(accounts.open_account(open_account("K-1", &[])).await);
    assert_eq!(exists, (Code::AlreadyExists, "CUSTOMER_EXISTS".into()));
}

#[tokio::test]
async fn c1_an_expected_version_that_is_not_the_customers_aborts_and_says_both() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let mut request = wire::ChangeServicesRequest {
        header: header(),
        customer: customer("K-1"),
        open: vec!["voip".into()],
        close: Vec::new(),
    };
    request.header.as_mut().unwrap().expected_version = Some(9);
    let status = house
        .accounts()
        .change_services(request.clone())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    let said = status.get_details_error_info().unwrap().metadata;
    assert_eq!(
        (said["expected"].as_str(), said["actual"].as_str()),
        ("9", "2")
    );

    request.header = header();
    request.header.as_mut().unwrap().expected_version = Some(2);
    house.accounts().change_services(request).await.unwrap();
}

#[tokio::test]
async fn c7_refusals_carry_code_reason_and_field() {
    let house = House::open().await;
    house.opened("K-1", &[]).await;
    let words = || vec![grant(marketing_by(&[Company]))];

    let no_service = house.said("K-1", 1, words()).await.unwrap_err();
    assert_eq!(no_service.code(), Code::FailedPrecondition);
    let unmet = no_service.get_details_precondition_failure().unwrap();
    assert_eq!(unmet.violations[0].r#type, "NO_SERVICE");

    let unknown = refusal(house.said("K-2", 1, words()).await);
    assert_eq!(unknown, (Code::NotFound, "CUSTOMER_UNKNOWN".into()));

    let mut malformed = consent("K-1", None, words());
    malformed.statement.as_mut().unwrap().medium = 77;
    let malformed = house
        .consents()
        .record_consent(malformed)
        .await
        .unwrap_err();
    assert_eq!(malformed.code(), Code::InvalidArgument);
    let field = malformed
        .get_details_bad_request()
        .unwrap()
        .field_violations;
    assert_eq!(field[0].field, "statement.medium");

    let category = refusal(
        house
            .accounts()
            .open_account(open_account("K-3", &["gas"]))
            .await,
    );
    assert_eq!(category, (Code::InvalidArgument, "CATEGORY_UNKNOWN".into()));

    let mut late = open_account("K-4", &[]);
    late.header.as_mut().unwrap().occurred_at = Some(prost_types::Timestamp::default());
    let late = house.accounts().open_account(late).await.unwrap_err();
    assert_eq!(late.code(), Code::FailedPrecondition);
    let field = late.get_details_precondition_failure().unwrap().violations;
    assert_eq!(field[0].subject, "header.occurred_at");
}

#[tokio::test]
async fn f8_an_approval_for_one_call_ends_with_it() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let notice = house.noticed("K-1").await;
    let denied = denial(marketing_by(&[Company]));
    house.said("K-1", notice, vec![denied]).await.unwrap();
    let statement = wire::Statement {
        medium: wire::Medium::Oral.into(),
        ..consent("K-1", Some(notice), Vec::new()).statement.unwrap()
    };
    let once = wire::GrantOnceRequest {
        header: header(),
        customer: customer("K-1"),
        call_id: "call 7".into(),
        scope: Some(wire::Scope {
            all_classes: false,
            classes: vec![wire::CpniClass::Billing.into()],
            ..marketing_by(&[Company])
        }),
        statement: Some(statement),
    };
    house.consents().grant_once(once).await.unwrap();
    let in_call = || wire::Question {
        call_id: "call 7".into(),
        ..market(Company, "cmrs")
    };
    assert_eq!(
        house.check("K-1", in_call()).await.basis(),
        wire::Basis::OneTime
    );
    assert!(!house.check("K-1", market(Company, "cmrs")).await.allowed);
    let end = wire::EndCallRequest {
        header: header(),
        customer: customer("K-1"),
        call_id: "call 7".into(),
    };
    house.consents().end_call(end).await.unwrap();
    assert!(!house.check("K-1", in_call()).await.allowed);
}
