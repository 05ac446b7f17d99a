//! `prove`: that a record is in the ledger, or that the ledger only grew; made by a running one, checked by anybody (E3).

use std::path::{Path, PathBuf};

use serde_json::json;

use super::failed::{Failed, key_of, read, replace, write};
use super::{Ended, Global, output};
use crate::ledger::{
    Checkpoint, ConsistencyProof, Hash, InclusionProof, VerifyingKey, open, open_tlog_proof,
    write_tlog_proof,
};
use crate::proto::v1 as wire;
use wire::evidence_service_client::EvidenceServiceClient;

/// Prove that a record is in the ledger, or that the ledger only grew since an older checkpoint.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  consent-ledger prove --position 42 --out record-42
  consent-ledger prove verify record-42.tlog-proof --record record-42.record --key record-42.key
  consent-ledger prove --since checkpoint.old --key ledger.key --out checkpoint.new

With --position come OUT.tlog-proof (a C2SP tlog-proof), OUT.record (the exact line) and OUT.key. With --since the older
checkpoint and the proof are checked, and the newer checkpoint is written to OUT: keep it for the next time."
)]
pub struct Arguments {
    #[command(subcommand)]
    verify: Option<Command>,
    /// The ledger's gRPC address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400", value_parser = crate::cli::server_url)]
    server: String,
    /// The record.
    #[arg(long, value_name = "N", required_unless_present = "since")]
    position: Option<u64>,
    /// An older checkpoint that you kept.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "position",
        requires = "key"
    )]
    since: Option<PathBuf>,
    /// With --since: the ledger's key, or a file that holds it.
    #[arg(long, value_name = "KEY", requires = "since")]
    key: Option<String>,
    /// Where to write.
    #[arg(long, value_name = "OUT", required = true)]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Verify a tlog-proof offline.
    Verify(VerifyArguments),
}

/// Verify a tlog-proof offline.
#[derive(Debug, clap::Args)]
struct VerifyArguments {
    /// The proof.
    #[arg(value_name = "FILE")]
    proof: PathBuf,
    /// The record's exact line, without a newline.
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// The key, or a file that holds it: take it from where you trust it, not from whoever gave you the proof.
    #[arg(long, value_name = "KEY")]
    key: String,
}

pub async fn run(global: Global, arguments: Arguments) -> Ended {
    let Arguments {
        verify: verifying,
        server,
        position,
        since,
        key,
        out,
    } = arguments;
    let done = match (verifying, position, since, key, out) {
        (Some(Command::Verify(arguments)), ..) => verify(&global, &arguments),
        (None, Some(position), _, _, Some(out)) => prove(&global, &server, position, &out).await,
        (None, None, Some(since), Some(key), Some(out)) => {
            grew(&global, &server, &since, &key, &out).await
        }
        // The command line demands them.
        _ => Err(Failed(
            Ended::Usage,
            "give --position or --since, and --out".to_owned(),
        )),
    };
    done.unwrap_or_else(|Failed(ended, problem)| output::complain(ended, &problem))
}

pub(super) async fn connect(
    server: &str,
) -> Result<EvidenceServiceClient<tonic::transport::Channel>, Failed> {
    let client = EvidenceServiceClient::connect(server.to_owned()).await;
    client.map_err(|error| Failed::unreachable(format!("no ledger answers at {server}: {error}")))
}

/// A checkpoint as a server sent it, with its key: the signature holds.
pub(super) fn signed(
    found: Option<wire::SignedCheckpoint>,
) -> Result<(String, VerifyingKey, Checkpoint), Failed> {
    let found = found.ok_or_else(|| Failed::unreachable("the ledger sent no checkpoint"))?;
    let key = VerifyingKey::parse(&found.verifier_key).map_err(Failed::wrong)?;
    let checkpoint = open(&found.note, &key).map_err(Failed::wrong)?;
    Ok((found.note, key, checkpoint))
}

/// A record's proof as a file.
pub(super) fn proof_of(
    record: &wire::ProvenRecord,
    note: &str,
    checkpoint: &Checkpoint,
) -> Result<String, Failed> {
    let proof = InclusionProof {
        index: record.position,
        size: checkpoint.size,
        path: path(&record.path)?,
    };
    Ok(write_tlog_proof(&proof, note))
}

fn path(hashes: &[prost::bytes::Bytes]) -> Result<Vec<Hash>, Failed> {
    let hash = |bytes: &prost::bytes::Bytes| <[u8; 32]>::try_from(&bytes[..]).ok().map(Hash);
    let path: Option<Vec<_>> = hashes.iter().map(hash).collect();
    path.ok_or_else(|| Failed::unreachable("the ledger sent a path that isn't one of hashes"))
}

async fn prove(global: &Global, server: &str, position: u64, out: &Path) -> Result<Ended, Failed> {
    use wire::prove_records_response::Part;
    let request = wire::ProveRecordsRequest {
        positions: vec![position],
    };
    let mut client = connect(server).await?;
    let mut parts = client.prove_records(request).await?.into_inner();
    let (mut head, mut record) = (None, None);
    while let Some(part) = parts.message().await? {
        match part.part {
            Some(Part::Checkpoint(found)) => head = Some(found),
            Some(Part::Record(found)) => record = Some(found),
            None => {}
        }
    }
    let (note, key, checkpoint) = signed(head)?;
    let record = record.ok_or_else(|| Failed::unreachable("the ledger sent no record"))?;
    let proof = proof_of(&record, &note, &checkpoint)?;
    open_tlog_proof(&proof, &record.line, &key).map_err(Failed::wrong)?;
    let beside = |ending: &str| PathBuf::from(format!("{}.{ending}", out.display()));
    write(&beside("tlog-proof"), proof.as_bytes())?;
    write(&beside("record"), &record.line)?;
    write(&beside("key"), format!("{key}\n").as_bytes())?;
    tell(global, position, &checkpoint, &beside("tlog-proof"));
    Ok(Ended::Well)
}

fn tell(global: &Global, position: u64, checkpoint: &Checkpoint, file: &Path) {
    match global.output {
        output::Format::Json => output::json(&json!({
            "ok": true, "position": position, "size": checkpoint.size, "origin": checkpoint.origin,
            "file": file.display().to_string(),
        })),
        _ => output::line(&format!(
            "record {position} is in {} as it was with {} records: {}",
            checkpoint.origin,
            checkpoint.size,
            file.display()
        )),
    }
}

async fn grew(
    global: &Global,
    server: &str,
    since: &Path,
    key: &str,
    out: &Path,
) -> Result<Ended, Failed> {
    let trusted = key_of(key)?;
    let note = String::from_utf8(read(since)?).map_err(Failed::wrong)?;
    let older = open(&note, &trusted).map_err(Failed::wrong)?;
    let request = wire::ProveConsistencyRequest {
        from_size: older.size,
    };
    let mut client = connect(server).await?;
    let found = client.prove_consistency(request).await;
    let found = found.map_err(|status| match status.code() {
        tonic::Code::OutOfRange => Failed::wrong(format!(
            "the ledger has fewer records than the {} that were signed before: it was cut off ({})",
            older.size,
            status.message()
        )),
        _ => Failed::from(status),
    })?;
    let found = found.into_inner();
    let proof = path(&found.path)?;
    let found = found.checkpoint.unwrap_or_default();
    let newer = open(&found.note, &trusted).map_err(Failed::wrong)?;
    let proof = ConsistencyProof {
        from: older.size,
        to: newer.size,
        path: proof,
    };
    if !proof.holds(older.root, newer.root) {
        return Err(Failed::wrong(format!(
            "the proof does not hold that the ledger of {} records begins with the one of {} records that was signed before: keep both checkpoints, and ask for a proof that does",
            newer.size, older.size
        )));
    }
    replace(out, found.note.as_bytes())?;
    match global.output {
        output::Format::Json => output::json(&json!({
            "ok": true, "from": older.size, "to": newer.size, "origin": newer.origin,
        })),
        _ => output::line(&format!(
            "{} only grew: its {} records begin with the {} of the older checkpoint",
            newer.origin, newer.size, older.size
        )),
    }
    Ok(Ended::Well)
}

fn verify(global: &Global, arguments: &VerifyArguments) -> Result<Ended, Failed> {
    let key = key_of(&arguments.key)?;
    let proof = String::from_utf8(read(&arguments.proof)?).map_err(Failed::wrong)?;
    let line = read(&arguments.record)?;
    let (position, checkpoint) = open_tlog_proof(&proof, &line, &key).map_err(Failed::wrong)?;
    tell(global, position, &checkpoint, &arguments.proof);
    Ok(Ended::Well)
}
