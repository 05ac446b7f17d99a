//! A case played against a house: its clock, what its records are called, and each row in turn.

use std::collections::BTreeSet;
use std::sync::Arc;

use consent_ledger::access::Role;
use consent_ledger::clock::{Clock, Manual};
use consent_ledger::domain::time::Time;
use consent_ledger::proto::v1 as wire;
use tonic::Status;

use super::lists;
use super::notation::{self, Names, instant, on_the_wire};
use super::page::{Case, Customer, Row};
use super::steps::given;
use crate::house::{House, dated};

/// What was done or asked, and what is said of it: empty where nothing but that it is recorded.
pub type Said = String;

/// One customer of one house.
pub struct Play {
    pub house: House,
    pub clock: Arc<Manual>,
    pub names: Names,
    /// The newest notice given.
    pub notice: Option<u64>,
    /// The newest record.
    pub newest: u64,
    /// Lines imported so far.
    pub imported: u64,
    /// Templates, campaigns and agreements that are there.
    pub prepared: BTreeSet<String>,
    role: Role,
}

/// A row's middle cell.
pub struct Step<'a> {
    /// What its records are called.
    pub names: Vec<&'a str>,
    pub what: &'a str,
    /// What stands in square brackets.
    pub manner: Vec<&'a str>,
}

impl<'a> Step<'a> {
    fn of(text: &'a str) -> Self {
        let (names, rest) = match text.split_once(": ") {
            Some((names, rest)) if !names.contains('(') => (names.split(' ').collect(), rest),
            _ => (Vec::new(), text),
        };
        let (what, manner) = match rest.rsplit_once(" [") {
            None => (rest, Vec::new()),
            Some((what, manner)) => {
                let manner = manner.strip_suffix(']').unwrap();
                (what, manner.split(", ").collect())
            }
        };
        for one in &manner {
            let known = MANNERS.iter().any(|known| after(known, one).is_some());
            assert!(known, "`{one}` says nothing of how: {text}");
        }
        Self {
            names,
            what,
            manner,
        }
    }

    /// What follows those words in the brackets.
    pub fn with(&self, beginning: &str) -> Option<&'a str> {
        let mut manner = self.manner.iter();
        manner.find_map(|one| after(beginning, one))
    }
}

/// How things are said, done and asked.
const MANNERS: [&str; 21] = [
    "as of",
    "by",
    "dated",
    "for",
    "from",
    "in call",
    "in hindsight as of",
    "lifting",
    "offering",
    "on",
    "oral",
    "saying",
    "sealed until",
    "until",
    "unverified",
    "verified",
    "with what is sealed",
    "with what was refused",
    "without",
    "without agreement",
    "without evidence",
];

/// What follows whole words.
fn after<'a>(words: &str, text: &'a str) -> Option<&'a str> {
    let rest = text.strip_prefix(words)?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim_start())
}

impl Play {
    /// A house in which the case begins.
    pub async fn begin(case: &Case) -> Self {
        let clock = Arc::new(Manual::at(case.begins));
        let mut play = Self {
            house: House::under(case.rulebook, &clock).await,
            clock,
            names: Names::new(),
            notice: None,
            newest: 0,
            imported: 0,
            prepared: BTreeSet::new(),
            role: Role::Administrator,
        };
        if let Customer::Holding { services, noticed } = &case.customer {
            play.open_account(services).await;
            if *noticed {
                let everything = Step::of("notice(ALL; ALL; ALL)");
                play.give(given(&everything, dated(), "ALL; ALL; ALL"))
                    .await
                    .unwrap();
            }
        }
        play
    }

    /// Plays a row.
    ///
    /// # Errors
    /// What came instead of what the page says.
    pub async fn play(mut self, row: &Row) -> Result<Self, String> {
        let step = Step::of(&row.what);
        let asks = step.what.starts_with("ask ");
        self.prepare(&step).await;
        self.move_clock(&row.when, asks || lists::is_one(step.what));
        if asks {
            self.ask(&step, &row.follows).await?;
            return Ok(self);
        }
        let (play, said) = self.take(&step).await;
        if said == row.follows {
            return Ok(play);
        }
        Err(format!("`{said}` instead of `{}`", row.follows))
    }

    async fn take(mut self, step: &Step<'_>) -> (Self, Said) {
        if lists::is_one(step.what) {
            return self.list(step).await;
        }
        let answer = self.record(step).await;
        let said = answer.unwrap_or_else(|status| refused(&status));
        (self, said)
    }

    /// The clock before the row: a minute on before what is recorded, unless the row says when.
    fn move_clock(&self, when: &str, asks: bool) {
        let now = self.now();
        let to = match when.strip_prefix('+') {
            Some(days) => {
                let days = days.split(' ').next().unwrap().parse::<u32>().unwrap();
                now.plus_hours(24 * days)
            }
            None if !when.is_empty() => instant(when, now),
            None if asks => now,
            None => now.plus_minutes(1),
        };
        assert!(to >= now, "the clock goes on: {when}");
        self.clock.pass(to.0 - now.0);
    }

    pub fn now(&self) -> Time {
        self.clock.wall()
    }

    pub fn at(&self, text: &str) -> prost_types::Timestamp {
        on_the_wire(instant(text, self.now()))
    }

    /// A command's header; `[dated 10:02]` says when it happened.
    pub fn header(&self, step: &Step<'_>) -> Option<wire::CommandHeader> {
        let occurred_at = step.with("dated").map(|at| self.at(at));
        Some(wire::CommandHeader {
            occurred_at,
            ..dated().unwrap()
        })
    }

    /// Remembers what was recorded, and by which names.
    pub fn keep(&mut self, step: &Step<'_>, receipt: &wire::CommandReceipt) {
        self.newest = receipt.position;
        for (position, name) in (receipt.first_position..).zip(&step.names) {
            self.names.insert((*name).to_owned(), position);
        }
    }

    /// The position that the page calls by that name.
    pub fn position(&self, name: &str) -> u64 {
        notation::position(&self.names, name)
    }

    /// The same house for callers in another role.
    pub async fn for_role(mut self, role: Role) -> Self {
        if self.role != role {
            self.house = (self.house).reopen_for(role, &self.clock).await;
            self.role = role;
        }
        self
    }
}

/// `refused, NO_SERVICE`.
pub fn refused(status: &Status) -> Said {
    use tonic_types::StatusExt;
    let info = status.get_details_error_info();
    let reason = info.map_or_else(|| status.to_string(), |info| info.reason);
    format!("refused, {reason}")
}
