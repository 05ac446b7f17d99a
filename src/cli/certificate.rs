//! `certificate`: the facts of a year's certificate, from a shell, now or as of a past moment (F12, C4).

use serde_json::json;

use super::basis::{AsOf, Basis, Dated};
use super::output::Table;
use super::registers::{Server, complain, named, text};
use super::{Ended, Global};
use crate::proto::v1 as wire;
use wire::compliance_service_client::ComplianceServiceClient;

/// Show the facts of a year's certificate, each number with the records that it counts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger certificate 2025
  consent-ledger certificate 2025 --as-of 2026-02-28T17:00:00Z --output json
  consent-ledger certificate 2025 --output csv > certificate-2025.csv")]
pub struct Certificate {
    #[command(flatten)]
    server: Server,
    /// The calendar year.
    #[arg(value_name = "YEAR")]
    year: u32,
    #[command(flatten)]
    as_of: AsOf,
}

/// Shows the facts of a year's certificate.
pub async fn run(global: Global, arguments: Certificate) -> Ended {
    let channel = match arguments.server.reach().await {
        Ok(channel) => channel,
        Err(ended) => return ended,
    };
    let request = wire::GetCertificateRequest {
        year: arguments.year,
        min_position: 0,
        as_of: arguments.as_of.message(),
    };
    let answer = ComplianceServiceClient::new(channel)
        .get_certificate(request)
        .await;
    match answer {
        Ok(answer) => report(answer.into_inner()).print(global.output),
        Err(status) => complain(&status),
    }
}

fn report(certificate: wire::GetCertificateResponse) -> Dated {
    let mut table = Table::new(&["counted", "kind", "count", "records", "duties"]);
    for figure in &certificate.figures {
        table.row(vec![
            json!(named(figure.counted().as_str_name(), "COUNTED_")),
            text(&figure.kind),
            json!(figure.count),
            json!(figure.positions),
            figure.duties.iter().map(duty).collect(),
        ]);
    }
    let due_by = certificate.due_by.as_ref().map(ToString::to_string);
    let mut facts = vec![
        ("year", json!(certificate.year)),
        ("due_by", json!(&due_by)),
    ];
    let mut steps = Vec::new();
    for (name, by, at, step) in [
        ("drafted", "drafted_by", "drafted_at", &certificate.drafted),
        ("signed", "signed_by", "signed_at", &certificate.signed),
        ("filed", "filed_by", "filed_at", &certificate.filed),
    ] {
        let done_by = step.as_ref().map(|step| step.position);
        let done_at = step.as_ref().and_then(|step| step.at.as_ref());
        facts.push((by, json!(done_by)));
        facts.push((at, json!(done_at.map(ToString::to_string))));
        steps.push(match done_by {
            Some(position) => format!("{name}: record {position}"),
            None => format!("{name}: not"),
        });
    }
    steps.push(format!("due by {}", due_by.unwrap_or_default()));
    Dated {
        facts,
        tables: vec![("figures", table, "there are no figures")],
        remarks: vec![steps.join("; ")],
        basis: Basis {
            position: certificate.position,
            at: certificate.at,
            rulebook: wire::RulebookVersion {
                name: certificate.rulebook,
                version: certificate.rulebook_version,
            },
            digest: certificate.rulebook_digest,
        },
    }
}

/// A late duty: what, and about what.
fn duty(deadline: &wire::Deadline) -> String {
    let duty = named(deadline.duty().as_str_name(), "DUTY_");
    format!("{duty}/{}", deadline.about)
}
