//! A case played against a house: its clock, what its records are called, and each row in turn.

use std::cell::Cell;
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
    /// The newest record when the case began.
    pub begun: u64,
    /// Lines imported so far.
    pub imported: u64,
    /// Templates, campaigns and agreements that are there.
    pub prepared: BTreeSet<String>,
    /// What is wrong with the names of the row.
    misnamed: Option<String>,
    role: Role,
}

/// A row's middle cell.
pub struct Step<'a> {
    /// What its records are called.
    pub names: Vec<&'a str>,
    pub what: &'a str,
    /// What stands in square brackets: how, what follows it, and whether that was looked at.
    manners: Vec<(&'static str, &'a str, Cell<bool>)>,
}

impl<'a> Step<'a> {
    /// The step that a cell says.
    ///
    /// # Errors
    /// What in its brackets says nothing, or twice the same.
    pub fn of(text: &'a str) -> Result<Self, String> {
        let (names, rest) = match text.split_once(": ") {
            Some((names, rest)) if !names.contains('(') => (names.split(' ').collect(), rest),
            _ => (Vec::new(), text),
        };
        let (what, bracketed) = match rest.rsplit_once(" [") {
            None => (rest, None),
            Some((what, inside)) => {
                let inside = inside.strip_suffix(']').ok_or("no bracket ends the step")?;
                (what, Some(inside))
            }
        };
        let mut manners: Vec<(_, _, Cell<bool>)> = Vec::new();
        for one in bracketed.into_iter().flat_map(|inside| inside.split(", ")) {
            let known = MANNERS.iter().filter(|known| after(known, one).is_some());
            let known = known.max_by_key(|known| known.len());
            let known = *known.ok_or_else(|| format!("`{one}` says nothing of how"))?;
            if manners.iter().any(|(other, ..)| *other == known) {
                return Err(format!("`{known}` is said twice"));
            }
            let rest = after(known, one).unwrap_or_default();
            manners.push((known, rest, Cell::new(false)));
        }
        Ok(Self {
            names,
            what,
            manners,
        })
    }

    /// What follows those words in the brackets.
    pub fn with(&self, how: &str) -> Option<&'a str> {
        assert!(MANNERS.contains(&how), "`{how}` is no manner of the page");
        let (_, rest, looked_at) = self.manners.iter().find(|(known, ..)| *known == how)?;
        looked_at.set(true);
        Some(rest)
    }

    /// What stands in the brackets and changed nothing.
    pub fn ignored(&self) -> Option<String> {
        let mut manners = self.manners.iter();
        let (how, rest, _) = manners.find(|(.., looked_at)| !looked_at.get())?;
        Some(format!(
            "[{}] changes nothing here",
            format!("{how} {rest}").trim_end()
        ))
    }
}

/// How things are said, done and asked.
const MANNERS: [&str; 22] = [
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
    "verified by",
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
            begun: 0,
            imported: 0,
            prepared: BTreeSet::new(),
            misnamed: None,
            role: Role::Administrator,
        };
        if let Customer::Holding { services, noticed } = &case.customer {
            play.open_account(services).await;
            if *noticed {
                let everything = Step::of("notice(ALL; ALL; ALL)").unwrap();
                let given = play.give(given(&everything, dated(), "ALL; ALL; ALL"));
                let notice = given.await.unwrap().position;
                play.names.insert("NOTICE".into(), notice);
            }
        }
        play.begun = play.newest;
        play
    }

    /// Plays a row.
    ///
    /// # Errors
    /// What came instead of what the page says.
    pub async fn play(mut self, row: &Row) -> Result<Self, String> {
        let step = Step::of(&row.what)?;
        let asks = step.what.starts_with("ask ");
        self.prepare(&step).await;
        self.move_clock(&row.when, asks || lists::is_one(step.what))?;
        if asks {
            self.ask(&step, &row.follows).await?;
        } else {
            let (play, said) = self.take(&step).await;
            if said != row.follows {
                return Err(format!("`{said}` instead of `{}`", row.follows));
            }
            self = play;
        }
        if let Some(wrong) = self.misnamed.take() {
            return Err(wrong);
        }
        let nameless = step
            .names
            .iter()
            .find(|name| !self.names.contains_key(**name));
        if let Some(name) = nameless {
            return Err(format!("nothing is recorded that could be called {name}"));
        }
        step.ignored().map_or(Ok(self), Err)
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
    fn move_clock(&self, when: &str, asks: bool) -> Result<(), String> {
        let now = self.now();
        let to = match when.strip_prefix('+') {
            Some(later) => {
                let days = later.strip_suffix(" days").or(later.strip_suffix(" day"));
                let days = days.and_then(|days| days.parse::<u32>().ok());
                now.plus_hours(24 * days.ok_or_else(|| format!("`{when}` is no number of days"))?)
            }
            None if !when.is_empty() => instant(when, now),
            None if asks => now,
            None => now.plus_minutes(1),
        };
        if to < now {
            return Err(format!("the clock goes on, and `{when}` is past"));
        }
        self.clock.pass(to.0 - now.0);
        Ok(())
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
        let mut records = receipt.first_position..=receipt.position;
        for name in &step.names {
            let wrong = match records.next() {
                Some(record) => {
                    (self.names.insert((*name).to_owned(), record)).map(|_| "is named twice")
                }
                None => Some("has no record"),
            };
            if let Some(wrong) = wrong {
                self.misnamed = Some(format!("{name} {wrong}"));
            }
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
