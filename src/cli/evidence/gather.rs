//! Gathering a pack from a running ledger.

use std::path::Path;

use serde_json::json;

use super::pack::{FORMAT, Opening, Pack};
use super::{standing, verify};
use crate::audit::Replayed;
use crate::cli::failed::Failed;
use crate::cli::prove::{connect, proof_of, signed};
use crate::cli::question::Asked;
use crate::cli::{Ended, Global, output};
use crate::domain::time::Time;
use crate::proto::v1 as wire;
use wire::as_of::Moment;
use wire::gather_evidence_response::Part;

/// What is asked for.
pub struct Wanted {
    /// The account.
    pub customer: String,
    /// The moment; none: now.
    pub as_of: Option<Moment>,
    /// The question, if one is asked.
    pub asked: Option<Asked>,
    /// Whether disclosures under a gag order may be in it.
    pub sealed: bool,
    /// Whether every record about the ledger is to be in it.
    pub whole_ledger: bool,
}

pub async fn run(
    global: &Global,
    server: &str,
    wanted: Wanted,
    out: &Path,
) -> Result<Ended, Failed> {
    if out.exists() {
        let problem = format!("{} is there already", out.display());
        return Err(Failed(Ended::Usage, problem));
    }
    let pack = fetch(server, &wanted).await?;
    pack.write(out)?;
    let records = pack.lines.len();
    match global.output {
        output::Format::Json => output::json(&json!({
            "ok": true, "pack": out.display().to_string(), "records": records,
        })),
        _ => output::line(&format!(
            "{records} records in {}; verify it with\n  consent-ledger evidence verify {} --key KEY",
            out.display(),
            out.display()
        )),
    }
    Ok(Ended::Well)
}

/// Gathers a pack; it stands without the server that gave it.
pub async fn fetch(server: &str, wanted: &Wanted) -> Result<Pack, Failed> {
    let customer = Some(wire::CustomerRef {
        customer: Some(wire::customer_ref::Customer::Id(wanted.customer.clone())),
    });
    let request = wire::GatherEvidenceRequest {
        customer,
        as_of: wanted.as_of.map(|moment| wire::AsOf {
            moment: Some(moment),
        }),
        min_position: 0,
        question: wanted.asked.as_ref().map(Asked::message),
        whole_ledger: wanted.whole_ledger,
    };
    let mut client = connect(server).await?;
    let mut parts = client.gather_evidence(request).await?.into_inner();
    let (mut head, mut records) = (None, Vec::new());
    while let Some(part) = parts.message().await? {
        match part.part {
            Some(Part::Head(found)) => head = Some(found),
            Some(Part::Record(record)) => records.push(record),
            None => {}
        }
    }
    let head = head.ok_or_else(|| Failed::unreachable("the ledger sent no evidence"))?;
    if head.records != records.len() as u64 {
        return Err(Failed::unreachable(
            "the ledger did not send all of the evidence",
        ));
    }
    if !(head.under_gag_order.is_empty() || wanted.sealed) {
        let problem = format!(
            "records {:?} are disclosures under a gag order: a pack that holds them is not for the customer, nor for others; --sealed makes it",
            head.under_gag_order
        );
        return Err(Failed(Ended::Usage, problem));
    }
    let pack = pack(wanted, head, &records)?;
    verify::check(&pack, &pack.key)?;
    Ok(pack)
}

fn time(at: prost_types::Timestamp) -> Time {
    Time(
        at.seconds
            .saturating_mul(1_000_000)
            .saturating_add(i64::from(at.nanos / 1000)),
    )
}

fn pack(
    wanted: &Wanted,
    head: wire::EvidenceHead,
    records: &[wire::ProvenRecord],
) -> Result<Pack, Failed> {
    let at = time(head.at.unwrap_or_default());
    let (note, key, checkpoint) = signed(head.checkpoint)?;
    let mut proofs = Vec::with_capacity(records.len());
    let mut openings = Vec::new();
    for record in records {
        proofs.push((record.position, proof_of(record, &note, &checkpoint)?));
        for opening in &record.openings {
            let salt = <[u8; 32]>::try_from(&opening.salt[..]);
            openings.push(Opening {
                position: record.position,
                field: opening.field.clone(),
                text: opening.text.clone(),
                salt: salt
                    .map_err(|_| Failed::unreachable("the ledger sent a salt that is none"))?,
            });
        }
    }
    let lines: Vec<_> = records.iter().map(|record| record.line.to_vec()).collect();
    let replayed = Replayed::of(lines.iter().map(Vec::as_slice)).map_err(Failed::wrong)?;
    let rulebook = head.rulebook.unwrap_or_default();
    let about = json!({
        "format": FORMAT,
        "ledger": checkpoint.origin,
        "customer": head.pseudonym,
        // What was erased is not to be written down again.
        "account": (!head.erased).then_some(&wanted.customer),
        "at": at.to_string(),
        "through_position": head.through_position,
        "rulebook": { "name": rulebook.name, "version": rulebook.version },
        "records": records.len(),
        "question": wanted.asked.as_ref().map(Asked::to_json),
        "answer": head.ruling.as_ref().map(standing::answer_json),
        "under_gag_order": head.under_gag_order,
        "standing": standing::standing(&replayed, at),
    });
    Ok(Pack {
        about,
        lines,
        proofs,
        openings,
        checkpoint: note,
        key: key.to_string(),
        rulebook: head.rulebook_text,
    })
}
