//! SIM changes over the contract: by the shipped rulebook, and by one whose rule on them is in force (F18; 64.2010(h)).

use std::sync::Arc;

use consent_ledger::clock::Manual;
use consent_ledger::domain::rulebook::DEFAULT_TEXT;
use consent_ledger::proto::v1 as wire;
use tempfile::NamedTempFile;
use tonic::Status;
use wire::authority::Authority;
use wire::record_change_notice_request::To;
use wire::{AccountChange, CustomerDuty, SimChangeRefusal, SimChangeStep};

use crate::callers::{NUMBER, on, reach};
use crate::house::*;

/// The policy with the FCC's rule on SIM changes in force, since a day that is past.
fn in_force() -> NamedTempFile {
    let delayed = "[rules.sim_change]\nstatus = \"adopted_delayed\"";
    let since = "[rules.sim_change]\nstatus = \"in_force\"\neffective_from = \"2024-07-08\"";
    let text = DEFAULT_TEXT.replace(delayed, since);
    assert_ne!(text, DEFAULT_TEXT);
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// A customer of a company to which the rule applies.
async fn demanding() -> (House, Arc<Manual>) {
    let file = in_force();
    House::aged_under(file.path().to_str().unwrap()).await
}

impl House {
    async fn asks_for_sim(&self, authority: Option<Authority>) -> wire::RequestSimChangeResponse {
        let request = wire::RequestSimChangeRequest {
            header: dated(),
            customer: customer("K-1"),
            number: NUMBER.into(),
            authority: authority.and_then(on),
        };
        let response = self.callers().request_sim_change(request).await;
        response.unwrap().into_inner()
    }

    async fn sim_step(&self, request_position: u64, step: SimChangeStep) -> Result<(), Status> {
        let request = wire::RecordSimChangeStepRequest {
            header: dated(),
            customer: customer("K-1"),
            request_position,
            step: step.into(),
        };
        let done = self.callers().record_sim_change_step(request).await;
        done.map(drop)
    }

    async fn tells(&self, change_position: u64) {
        let request = wire::RecordChangeNoticeRequest {
            header: dated(),
            customer: customer("K-1"),
            change_position,
            sent_by: wire::Channel::Text.into(),
            to: reach(wire::ReachKind::TelephoneNumber, NUMBER).map(To::Reach),
        };
        self.callers().record_change_notice(request).await.unwrap();
    }

    async fn locks_sim(&self, authority: Authority) -> Result<(), Status> {
        let request = wire::LockSimRequest {
            header: dated(),
            customer: customer("K-1"),
            authority: on(authority),
        };
        self.callers().lock_sim(request).await.map(drop)
    }

    async fn lifts_sim_lock(&self, authority: Authority) -> Result<(), Status> {
        let request = wire::LiftSimLockRequest {
            header: dated(),
            customer: customer("K-1"),
            authority: on(authority),
        };
        self.callers().lift_sim_lock(request).await.map(drop)
    }
}

fn position(response: &wire::RequestSimChangeResponse) -> u64 {
    response.receipt.as_ref().unwrap().position
}

fn reason(refused: Result<(), Status>) -> String {
    refusal(refused).1
}

#[tokio::test]
async fn f18_by_the_shipped_rulebook_a_sim_change_is_recorded_and_nothing_is_demanded() {
    let (house, _) = House::aged().await;
    assert!(!house.status().await.sim_rule_in_force);
    let asked = house.asks_for_sim(None).await;
    assert!(asked.accepted);
    assert!(house.owed("K-1").await.is_empty());
    let request = position(&asked);
    house
        .sim_step(request, SimChangeStep::Effected)
        .await
        .unwrap();
    let status = house.status().await;
    let [change] = status.sim_changes.as_slice() else {
        panic!("{:?}", status.sim_changes);
    };
    assert_eq!(change.step(), SimChangeStep::Effected);
    assert!(!change.authenticated && change.told_at.is_none());
}

#[tokio::test]
async fn f18_where_the_rule_is_in_force_a_sim_is_changed_only_for_the_verified_and_after_word() {
    let (house, _) = demanding().await;
    assert!(house.status().await.sim_rule_in_force);
    for authority in [None, Some(Authority::StartOfService(true))] {
        let asked = house.asks_for_sim(authority).await;
        assert!(!asked.accepted);
        assert_eq!(asked.refusal(), SimChangeRefusal::NotAuthenticated);
    }
    assert_eq!(house.status().await.sim_changes_refused, 2, "on record");

    let authority = house.verified_online("c-1").await;
    let asked = house.asks_for_sim(Some(authority)).await;
    assert!(asked.accepted);
    let request = position(&asked);
    let due = house.owed("K-1").await.pop().unwrap();
    assert_eq!(due.change(), AccountChange::SimChange);
    assert_eq!(due.change_position, request);
    let early = house.sim_step(request, SimChangeStep::Effected).await;
    assert_eq!(reason(early), "SIM_CHANGE_STATE", "not told yet");

    house.tells(request).await;
    for step in [
        SimChangeStep::Effected,
        SimChangeStep::FraudReported,
        SimChangeStep::Remediated,
    ] {
        house.sim_step(request, step).await.unwrap();
    }
    let again = house.sim_step(request, SimChangeStep::Withdrawn).await;
    assert_eq!(reason(again), "SIM_CHANGE_STATE");
    let change = house.status().await.sim_changes.pop().unwrap();
    assert!(change.authenticated && change.told_at.is_some());
    assert_eq!(change.step(), SimChangeStep::Remediated);
}

#[tokio::test]
async fn f18_a_customers_lock_bars_every_sim_change_until_the_customer_lifts_it() {
    let (house, clock) = demanding().await;
    let authority = || house.verified_online("c-1");
    house.locks_sim(authority().await).await.unwrap();
    assert!(house.status().await.sim_locked);
    let asked = house.asks_for_sim(Some(authority().await)).await;
    assert!(!asked.accepted);
    assert_eq!(asked.refusal(), SimChangeRefusal::Locked);
    let unverified = house.lifts_sim_lock(Authority::StartOfService(true)).await;
    assert_eq!(reason(unverified), "VERIFICATION_REQUIRED");
    house.lifts_sim_lock(authority().await).await.unwrap();

    // It is asked for before the lock and to be made after it.
    let asked = house.asks_for_sim(Some(authority().await)).await;
    let request = position(&asked);
    house.tells(request).await;
    house.locks_sim(authority().await).await.unwrap();
    let barred = house.sim_step(request, SimChangeStep::Effected).await;
    assert_eq!(reason(barred), "SIM_LOCKED");

    // What was recorded is there after a restart.
    let file = in_force();
    let house = house
        .reopen_under(file.path().to_str().unwrap(), &clock)
        .await;
    let status = house.status().await;
    assert!(status.sim_locked);
    assert_eq!(status.sim_changes.len(), 1);
    assert_eq!(status.sim_changes_refused, 1);
}

#[tokio::test]
async fn f18_f19_word_of_a_sim_change_is_listed_as_owed_by_its_own_rule() {
    let (house, _) = demanding().await;
    let authority = house.verified_online("c-1").await;
    let request = position(&house.asks_for_sim(Some(authority)).await);
    let asked = wire::ListCustomerDeadlinesRequest {
        duties: vec![CustomerDuty::SimChangeNotice.into()],
        ..wire::ListCustomerDeadlinesRequest::default()
    };
    let listed = house.deadlines_of(asked).await;
    let [one] = listed.of("K-1") else {
        panic!("{:?}", listed.of("K-1"));
    };
    assert_eq!(one.rule, "47 CFR 64.2010(h)");
    assert_eq!(one.caused_by, request);
}

#[tokio::test]
async fn f18_c7_what_is_missing_or_wrong_in_a_request_is_named() {
    let (house, _) = House::aged().await;
    let numberless = wire::RequestSimChangeRequest {
        header: dated(),
        customer: customer("K-1"),
        ..wire::RequestSimChangeRequest::default()
    };
    let refused = house.callers().request_sim_change(numberless).await;
    assert!(refused.unwrap_err().message().contains("`number`"));
    let unsaid = house.sim_step(1, SimChangeStep::Unspecified).await;
    assert!(unsaid.unwrap_err().message().contains("`step`"));
    let unknown = house.sim_step(1, SimChangeStep::Effected).await;
    assert_eq!(reason(unknown), "SIM_CHANGE_STATE");
}
