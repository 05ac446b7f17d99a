//! Asking for approval: every statement is in the notice, and a supervisor has approved what goes out (F4, F11, R21).

use consent_ledger::proto::v1 as wire;
use tonic::Code;
use wire::RecipientKind::Company;
use wire::campaign_service_client::CampaignServiceClient;
use wire::{NoticeDelivery, NoticeStatement};

use crate::house::*;
use crate::notices::{HOUR, baseline, template};

/// A notice that is shown online, with those statements in it.
fn shown(id: &str, statements: Vec<i32>) -> wire::RecordNoticeRequest {
    wire::RecordNoticeRequest {
        header: header(),
        customer: customer(id),
        notice_version: "2024-05-29".into(),
        text_digest: vec![7; 32],
        form: wire::Medium::Electronic.into(),
        language: "en-US".into(),
        covers: Some(marketing_by(&[Company])),
        template_version: String::new(),
        statements,
        call_id: String::new(),
    }
}

#[tokio::test]
async fn f4_a_notice_that_is_given_shows_that_each_required_statement_is_in_it() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let form = wire::Medium::Electronic;
    for (version, days) in [("opt-in", None), ("opt-out", Some(30))] {
        (house.approve(template(version, form, days)).await).unwrap();
    }
    let failed = (Code::FailedPrecondition, "NOTICE_TEMPLATE".to_owned());
    let mut lacking = opt_in_statements();
    lacking.retain(|one| *one != i32::from(NoticeStatement::RightToDeny));
    for statements in [Vec::new(), lacking] {
        let lacking = shown("K-1", statements);
        let given = house.consents().record_notice(lacking).await;
        assert_eq!(refusal(given), failed);
    }
    let by_template = |version: &str| wire::RecordNoticeRequest {
        notice_version: String::new(),
        template_version: version.into(),
        ..shown("K-1", Vec::new())
    };
    for wrong in [
        by_template("nobody-approved-it"),
        by_template("opt-out"),
        wire::RecordNoticeRequest {
            text_digest: vec![8; 32],
            ..by_template("opt-in")
        },
        wire::RecordNoticeRequest {
            language: "es".into(),
            ..by_template("opt-in")
        },
    ] {
        let given = house.consents().record_notice(wrong).await;
        assert_eq!(refusal(given), failed);
    }
    for good in [by_template("opt-in"), shown("K-1", opt_in_statements())] {
        let given = house.consents().record_notice(good).await.unwrap();
        let notice = given.into_inner().receipt.unwrap().position;
        let words = vec![grant(marketing_by(&[Company]))];
        house.said("K-1", notice, words).await.unwrap();
    }
    let request = wire::GetPreferencesRequest {
        customer: customer("K-1"),
        ..wire::GetPreferencesRequest::default()
    };
    let preferences = house.queries().get_preferences(request).await.unwrap();
    let notices = preferences.into_inner().notices;
    let versions: Vec<_> = (notices.iter())
        .map(|notice| (notice.notice_version.as_str(), notice.complete))
        .collect();
    assert_eq!(versions, [("opt-in", true), ("2024-05-29", true)]);
}

#[tokio::test]
async fn f11_r21_a_notice_goes_out_only_by_a_campaign_that_a_supervisor_approved_before() {
    let (house, clock) = baseline().await;
    house.opened("K-1", &["local"]).await;
    for form in [wire::Medium::Electronic, wire::Medium::Written] {
        let version = form.as_str_name().to_ascii_lowercase();
        (house.approve(template(&version, form, None)).await).unwrap();
    }
    let post = NoticeDelivery::Post;
    let failed = |reason: &str| (Code::FailedPrecondition, reason.to_owned());
    let unnamed = house.send_by("", "K-1", "medium_written", post).await;
    assert_eq!(refusal(unnamed), failed("CAMPAIGN_NOT_APPROVED"));
    let unknown = house.send_by("spring", "K-1", "medium_written", post).await;
    let (code, reason) = refusal(unknown);
    assert_eq!((code, &*reason), (Code::NotFound, "NOT_REGISTERED"));

    let mut campaigns = CampaignServiceClient::new(house.channel.clone());
    let proposal = wire::ProposeCampaignRequest {
        header: taken_by("anna"),
        campaign_id: "spring".into(),
        plan: Some(asking()),
    };
    campaigns.propose_campaign(proposal).await.unwrap();
    let early = house.send_by("spring", "K-1", "medium_written", post).await;
    assert_eq!(refusal(early), failed("CAMPAIGN_NOT_APPROVED"));
    let decision = wire::DecideCampaignRequest {
        header: taken_by("boris"),
        campaign_id: "spring".into(),
        decision: wire::CampaignDecision::Approve.into(),
        reason: String::new(),
    };
    campaigns.decide_campaign(decision).await.unwrap();
    clock.pass(HOUR);
    let sent = house.send_by("spring", "K-1", "medium_written", post).await;
    let position = sent.unwrap().receipt.unwrap().position;
    let handed_over = NoticeDelivery::InPerson;
    (house
        .send_by("", "K-1", "medium_written", handed_over)
        .await)
        .unwrap();

    let request = wire::GetHistoryRequest {
        customer: customer("K-1"),
        min_position: position,
        ..wire::GetHistoryRequest::default()
    };
    let history = house.queries().get_history(request).await.unwrap();
    let entries = history.into_inner().entries;
    let named = entries.into_iter().find(|entry| entry.position == position);
    match named.unwrap().event {
        Some(wire::entry::Event::NoticeSent(sent)) => assert_eq!(sent.campaign_id, "spring"),
        other => panic!("{other:?}"),
    }
    let registered = wire::ListCampaignsRequest {
        campaign_id: "spring".into(),
        ..wire::ListCampaignsRequest::default()
    };
    let registered = campaigns.list_campaigns(registered).await.unwrap();
    let registered = &registered.into_inner().campaigns[0];
    assert_eq!(registered.requests_sent, 0, "each is on record by itself");
}
