//! By what a report of the registers was given: the moment, the newest record, the rulebook (C4).

use prost_types::Timestamp;
use serde_json::{Value, json};

use super::Ended;
use super::output::{self, Format, Report, Table};
use crate::ledger::Hash;
use crate::proto::v1 as wire;

/// By what a report was given.
#[derive(Clone, Debug, Default)]
pub struct Basis {
    /// All records up to and with this one are reflected.
    pub position: u64,
    /// The instant that it is for.
    pub at: Option<Timestamp>,
    /// The rulebook in force then.
    pub rulebook: wire::RulebookVersion,
    /// SHA-256 of the rulebook's text.
    pub digest: Vec<u8>,
}

/// A report of the registers: its rows, what it says beside them, and by what it was given.
pub struct Dated {
    /// By what it was given.
    pub basis: Basis,
    /// What it says beside its rows, by the names in JSON.
    pub facts: Vec<(&'static str, Value)>,
    /// Its tables, as a [`Report`] has them. CSV has the last one.
    pub tables: Vec<(&'static str, Table, &'static str)>,
    /// What people read under the tables.
    pub remarks: Vec<String>,
}

/// The moment that is asked about, if one is.
#[derive(Debug, clap::Args)]
pub struct AsOf {
    /// As of the past: an instant such as 2026-03-02T11:00:00Z, or a position.
    #[arg(long, value_name = "TIME|POSITION", value_parser = super::moment)]
    as_of: Option<wire::as_of::Moment>,
}

impl AsOf {
    /// The moment, for a server.
    pub fn message(&self) -> Option<wire::AsOf> {
        self.as_of.map(|moment| wire::AsOf {
            moment: Some(moment),
        })
    }
}

impl Basis {
    /// As an answer states it.
    pub fn of(
        position: u64,
        at: Option<Timestamp>,
        rulebook: Option<wire::RulebookVersion>,
        digest: Vec<u8>,
    ) -> Self {
        Self {
            position,
            at,
            rulebook: rulebook.unwrap_or_default(),
            digest,
        }
    }

    fn facts(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("position", json!(self.position)),
            ("at", json!(self.at.as_ref().map(ToString::to_string))),
            ("rulebook", json!(self.rulebook.name)),
            ("rulebook_version", json!(self.rulebook.version)),
            ("rulebook_digest", json!(self.digest())),
        ]
    }

    fn digest(&self) -> Option<String> {
        let digest = <[u8; 32]>::try_from(self.digest.as_slice()).ok()?;
        Some(Hash(digest).to_string())
    }

    fn line(&self) -> String {
        let at = self.at.as_ref().map(ToString::to_string);
        format!(
            "by {} {}, at position {}, for {}",
            self.rulebook.name,
            self.rulebook.version,
            self.position,
            at.unwrap_or_default(),
        )
    }
}

impl Dated {
    /// A report of one table, empty or not.
    pub fn of(name: &'static str, table: Table, empty: &'static str, basis: Basis) -> Self {
        Self {
            basis,
            facts: Vec::new(),
            tables: vec![(name, table, empty)],
            remarks: Vec::new(),
        }
    }

    /// Prints it: a JSON object, a CSV table each row of which says by what it was given, or tables and lines for people.
    pub fn print(self, format: Format) -> Ended {
        let facts = || self.basis.facts().into_iter().chain(self.facts.clone());
        match (format, self.tables.last()) {
            (Format::Csv, Some((_, table, empty))) => {
                let facts: Vec<_> = facts().collect();
                // An empty table has no row that could say it.
                output::progress_note(&self.basis.line());
                table.clone().beside(&facts).print(format, empty)
            }
            (Format::Json, _) => {
                let report = Report {
                    facts: facts().collect(),
                    tables: self.tables,
                };
                report.print(format)
            }
            _ => {
                for (_, table, empty) in &self.tables {
                    output::line(&table.as_text(empty));
                }
                for remark in &self.remarks {
                    output::line(remark);
                }
                output::line(&self.basis.line());
                Ended::Well
            }
        }
    }
}
