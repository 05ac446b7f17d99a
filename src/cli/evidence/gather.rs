//! Gathering a pack from a running ledger.

use std::path::Path;

use serde_json::{Value, json};

use super::pack::{FORMAT, Opening, Pack};
use super::{standing, verify};
use crate::audit::Replayed;
use crate::cli::prove::{Failed, connect, proof_of, signed};
use crate::cli::question::Asked;
use crate::cli::{Ended, Global, output};
use crate::domain::time::Time;
use crate::proto::v1 as wire;
use wire::as_of::Moment;
use wire::check_service_client::CheckServiceClient;
use wire::gather_evidence_response::Part;

/// What is asked for.
pub struct Wanted {
    /// The account.
    pub customer: String,
    /// The moment; none: now.
    pub as_of: Option<Moment>,
    /// The question, if one is asked.
    pub asked: Option<Asked>,
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
    let customer = Some(wire::CustomerRef {
        customer: Some(wire::customer_ref::Customer::Id(wanted.customer.clone())),
    });
    let request = wire::GatherEvidenceRequest {
        customer: customer.clone(),
        as_of: as_of(wanted.as_of),
        min_position: 0,
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
    let at = head.at.unwrap_or_default();
    let answer = match &wanted.asked {
        None => None,
        Some(asked) => {
            let moment = wanted.as_of.unwrap_or(Moment::Time(at));
            Some(ask(server, customer, asked, moment).await?)
        }
    };
    let pack = pack(&wanted, head, records, time(at), answer)?;
    // What the server gave must stand without it.
    let verified = verify::check(&pack, &pack.key)?;
    pack.write(out)?;
    match global.output {
        output::Format::Json => output::json(&json!({
            "ok": true, "pack": out.display().to_string(), "records": verified.records,
        })),
        _ => output::line(&format!(
            "{} records in {}; verify it with\n  consent-ledger evidence verify {} --key KEY",
            verified.records,
            out.display(),
            out.display()
        )),
    }
    Ok(Ended::Well)
}

fn as_of(moment: Option<Moment>) -> Option<wire::AsOf> {
    moment.map(|moment| wire::AsOf {
        moment: Some(moment),
    })
}

async fn ask(
    server: &str,
    customer: Option<wire::CustomerRef>,
    asked: &Asked,
    moment: Moment,
) -> Result<Value, Failed> {
    let mut client = CheckServiceClient::connect(server.to_owned())
        .await
        .map_err(|error| Failed::unreachable(format!("no ledger answers at {server}: {error}")))?;
    let request = wire::CheckUseRequest {
        customer,
        question: Some(asked.message()),
        as_of: as_of(Some(moment)),
        ..wire::CheckUseRequest::default()
    };
    let ruling = client.check_use(request).await?.into_inner().ruling;
    let ruling = ruling.ok_or_else(|| Failed::unreachable("the ledger sent no answer"))?;
    Ok(standing::answer_json(&ruling))
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
    records: Vec<wire::ProvenRecord>,
    at: Time,
    answer: Option<Value>,
) -> Result<Pack, Failed> {
    let (note, key, checkpoint) = signed(head.checkpoint)?;
    let mut proofs = Vec::with_capacity(records.len());
    let mut openings = Vec::new();
    for record in &records {
        proofs.push((record.position, proof_of(record, &note, &checkpoint)?));
        openings.extend(record.openings.iter().map(|opening| Opening {
            position: record.position,
            field: opening.field.clone(),
            text: opening.text.clone(),
            salt: opening.salt.to_vec(),
        }));
    }
    let lines: Vec<_> = records.iter().map(|record| record.line.to_vec()).collect();
    let replayed = Replayed::of(lines.iter().map(Vec::as_slice)).map_err(Failed::wrong)?;
    let rulebook = head.rulebook.unwrap_or_default();
    let about = json!({
        "format": FORMAT,
        "ledger": checkpoint.origin,
        "customer": head.pseudonym,
        "account": wanted.customer,
        "at": at.to_string(),
        "through_position": head.through_position,
        "rulebook": { "name": rulebook.name, "version": rulebook.version },
        "records": records.len(),
        "question": wanted.asked.as_ref().map(Asked::to_json),
        "answer": answer,
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
