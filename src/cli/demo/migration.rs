//! A company that migrates brings its customers' history: asserted, and only what is evidenced counts (C2).

use std::collections::BTreeMap;
use std::time::Instant;

use super::callers::may_market;
use super::print::grouped;
use super::scene::Scene;
use super::surprise::{Surprise, same, there};
use super::words;
use crate::cli::generate::lines;
use crate::cli::import::feed::{Counts, feed};
use crate::generate::{Customers, customer_id};
use crate::proto::v1 as wire;
use wire::CpniClass;

/// Customers that are brought.
const BROUGHT: usize = 300;
/// They are the same in every demo, and those of `consent-ledger generate`.
const SEED: u64 = 1;

/// Imports them, and asks about each.
///
/// # Errors
/// When a line is refused, or an answer rests on what doesn't count.
pub async fn brought(scene: &mut Scene<'_>) -> Result<(), Surprise> {
    scene
        .page
        .step("A company that migrates brings its history");
    let began = Instant::now();
    let counts = import(scene).await?;
    same("lines refused", counts.refused, 0)?;
    scene.head = scene.reached().await?;
    scene.page.done(&format!(
        "{} lines about {BROUGHT} customers, recorded as asserted with their own dates, in {} ms: {} count; {} are history only, for want of a date, a notice or evidence",
        grouped(counts.lines()),
        began.elapsed().as_millis(),
        grouped(counts.counted),
        grouped(counts.history_only),
    ));
    scene
        .page
        .act("Who of them may be called for an offer of mobile service?");
    let brought = (1..=BROUGHT as u64).map(customer_id).collect();
    let question = may_market("cmrs", &[CpniClass::Billing]);
    let answers = scene.rulings(brought, question).await?;
    let mut counted: BTreeMap<(bool, &'static str), u64> = BTreeMap::new();
    for answer in &answers {
        let reason = there("the reason", answer.reasons.first())?;
        *counted
            .entry((!answer.allowed, reason.code().as_str_name()))
            .or_default() += 1;
    }
    let rows = counted.iter().map(|((no, code), count)| {
        [
            if *no { "no" } else { "YES" }.to_owned(),
            grouped(*count),
            words::bare(code, "REASON_CODE_").to_owned(),
        ]
    });
    scene.page.table(["", "customers", "reason"], rows);
    let granted = |answer: &&wire::Ruling| answer.basis() == wire::Basis::Grant;
    same(
        "somebody had granted",
        answers.iter().any(|one| granted(&one)),
        true,
    )
}

async fn import(scene: &mut Scene<'_>) -> Result<Counts, Surprise> {
    let lines = lines(Customers::of(SEED).take(BROUGHT));
    let mut counts = Counts::default();
    let channel = scene.callers.channel.clone();
    let fed = feed(channel, "demo", lines, &mut counts, &mut |_, _| Ok(())).await;
    match fed {
        Ok(()) => Ok(counts),
        Err(broken) => Err(Surprise::otherwise("the import", "its end", broken)),
    }
}
