//! The customer leaves and comes back, and what the ledger then knows of it all.

use super::callers::{customer, header, may_affiliate_market, may_market};
use super::scene::Detail::{Brief, Full};
use super::scene::{MAIN, Scene};
use super::surprise::{Surprise, same};
use super::words;
use crate::proto::v1 as wire;
use wire::{
    ChangeServicesRequest, Channel, CloseService, CpniClass, GetHistoryRequest, ReasonCode,
};

/// The last service ends: grants end with it and never return, denials sleep.
pub async fn leaves_and_returns(scene: &mut Scene<'_>) -> Result<(), Surprise> {
    scene.page.step("The customer leaves, and comes back");
    scene.page.act("Provisioning closes both services.");
    change_services(scene, "closed", &[], &["local", "interexchange"]).await?;
    let question = may_market("cmrs", &[CpniClass::Billing]);
    let asked = "Marketing: we had a grant, may we win the customer back with it?";
    scene
        .ask(
            (asked, MAIN, question.clone()),
            (false, ReasonCode::Lapsed),
            Full,
        )
        .await?;
    scene.page.act("Provisioning opens local service again.");
    change_services(scene, "opened", &["local"], &[]).await?;
    let asked = "Marketing: and now?";
    scene
        .ask(
            (asked, MAIN, question),
            (false, ReasonCode::ApprovalRequired),
            Brief,
        )
        .await?;
    let asked = "And the affiliate that the customer did not want?";
    let question = may_affiliate_market("infotech-cloud");
    scene
        .ask((asked, MAIN, question), (false, ReasonCode::Denied), Brief)
        .await?;
    scene.page.aside("The grant ended with the last service and never returns; the denial was asleep and is in force again.");
    let granted = scene.grant;
    let asked = format!("An auditor asks of the past: and when record {granted} was the newest?");
    let question = may_market("cmrs", &[CpniClass::Billing]);
    let then = (true, ReasonCode::Granted);
    scene
        .ask_as_of(granted, (&asked, MAIN, question), then)
        .await
        .map(drop)
}

async fn change_services(
    scene: &mut Scene<'_>,
    what: &str,
    open: &[&str],
    close: &[&str],
) -> Result<(), Surprise> {
    let request = ChangeServicesRequest {
        header: header(Channel::System),
        customer: customer(MAIN),
        open: open.iter().map(|category| (*category).to_owned()).collect(),
        close: close
            .iter()
            .map(|category| CloseService {
                category: (*category).to_owned(),
                ends_at: None,
            })
            .collect(),
    };
    let changed = scene
        .callers
        .accounts
        .change_services(request)
        .await?
        .into_inner();
    scene.tell_recorded(what, changed.receipt).map(drop)
}

/// The customer's records as a table: versions without a gap.
pub async fn history(scene: &mut Scene<'_>) -> Result<(), Surprise> {
    scene.page.step("The customer's history");
    let request = GetHistoryRequest {
        customer: customer(MAIN),
        min_position: scene.head,
        page_size: 500,
        ..GetHistoryRequest::default()
    };
    let entries = scene
        .callers
        .queries
        .get_history(request)
        .await?
        .into_inner()
        .entries;
    let versions: Vec<_> = entries.iter().map(|entry| entry.customer_version).collect();
    let gapless: Vec<_> = (1..=entries.len() as u64).collect();
    same("the customer's versions", versions, gapless)?;
    let rows = entries.iter().map(|entry| {
        [
            entry.customer_version.to_string(),
            entry.position.to_string(),
            entry.r#type.clone(),
            words::event(entry.event.as_ref()),
        ]
    });
    scene
        .page
        .table(["version", "record", "what", ""], rows.collect::<Vec<_>>());
    scene
        .page
        .aside("Versions run without a gap: a record that is missing would show.");
    Ok(())
}
