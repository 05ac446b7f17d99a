//! `verify` and `export`: what an auditor does with a folder or a file.

use std::path::PathBuf;

use serde_json::json;

use super::{Ended, Global, output};
use crate::audit::{AuditError, Audited, audit_export, audit_folder, export_folder};

/// Verify a data folder or an export, offline: chain, tree, checkpoint.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger verify --data data
  consent-ledger verify --export ledger.ndjson --checkpoint ledger.ndjson.checkpoint
  consent-ledger verify --data data --deep --output json

A data folder is copied and the copy is read: nothing of what is audited changes. Stop the server first.")]
pub struct Arguments {
    /// Data folder.
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "export",
        conflicts_with = "export"
    )]
    data: Option<PathBuf>,
    /// Export: one record a line.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Checkpoint note to hold an export against; a folder has its own.
    #[arg(long, value_name = "FILE", requires = "export")]
    checkpoint: Option<PathBuf>,
    /// Parse every line strictly and follow each customer's versions too.
    #[arg(long)]
    deep: bool,
}

/// Export a data folder: one record a line, the exact hashed bytes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger export --data data --out ledger.ndjson

Beside FILE come FILE.checkpoint (the signed checkpoint) and FILE.key (its public key). The `prev` of a line is the
lower-case hex SHA-256 of a zero byte and the line before it, without the newline.")]
pub struct ExportArguments {
    /// Data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn run(global: &Global, arguments: &Arguments) -> Ended {
    let bar = output::counter("verifying");
    let progress = |records| bar.set_position(records);
    let audited = match (&arguments.data, &arguments.export) {
        (Some(dir), _) => audit_folder(dir, arguments.deep, &progress),
        (None, Some(file)) => audit_export(
            file,
            arguments.checkpoint.as_deref(),
            arguments.deep,
            &progress,
        ),
        // The command line demands one of the two.
        (None, None) => return output::complain(Ended::Usage, "give --data or --export"),
    };
    bar.finish_and_clear();
    match audited {
        Ok(audited) => good(global, &audited),
        Err(error) => bad(global, &error),
    }
}

fn good(global: &Global, audited: &Audited) -> Ended {
    let verified = &audited.verified;
    let checkpoint = audited
        .checkpoint
        .as_ref()
        .map(|checkpoint| checkpoint.size);
    match global.output {
        output::Format::Json => output::json(&json!({
            "ok": true,
            "records": verified.records,
            "root": verified.root.to_string(),
            "last": verified.last.to_string(),
            "checkpoint": checkpoint,
        })),
        output::Format::Text | output::Format::Csv => {
            output::line(&format!("verified {} records", verified.records));
            output::line(&format!("root {}", verified.root));
            output::line(&match checkpoint {
                Some(size) => format!("holds against the signed checkpoint of {size} records"),
                None => "no checkpoint to hold it against".to_owned(),
            });
        }
    }
    Ended::Well
}

fn bad(global: &Global, error: &AuditError) -> Ended {
    let (ended, position) = match error {
        AuditError::Finding(finding) => (Ended::Wrong, Some(finding.position)),
        AuditError::Doubt(_) | AuditError::Checkpoint(_) => (Ended::Wrong, None),
        AuditError::File { .. } | AuditError::Refused(_) => (Ended::Unreachable, None),
    };
    if global.output == output::Format::Json {
        output::json(&json!({ "ok": false, "position": position, "problem": error.to_string() }));
        return ended;
    }
    output::fail(ended, error)
}

pub fn export(global: &Global, arguments: &ExportArguments) -> Ended {
    let bar = output::counter("exporting");
    let exported = export_folder(&arguments.data, &arguments.out, &|records| {
        bar.set_position(records)
    });
    bar.finish_and_clear();
    match exported {
        Err(error) => bad(global, &error),
        Ok(records) => {
            match global.output {
                output::Format::Json => output::json(&json!({
                    "ok": true, "records": records, "file": arguments.out.display().to_string(),
                })),
                output::Format::Text | output::Format::Csv => output::line(&format!(
                    "exported {records} records to {}",
                    arguments.out.display()
                )),
            }
            Ended::Well
        }
    }
}
