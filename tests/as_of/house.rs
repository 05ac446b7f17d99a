//! A ledger on disk, and beside it the same customers and the same company in memory, with every record that they have.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use consent_ledger::app::{Ledger, Options};
use consent_ledger::clock::{Clock, Manual};
use consent_ledger::domain::asserted::Asserted;
use consent_ledger::domain::command::Command;
use consent_ledger::domain::company::entities::{EntityCommand, EntityJoined};
use consent_ledger::domain::company::{self, Company, CompanyCommand, CompanyEvent};
use consent_ledger::domain::customer::Context;
use consent_ledger::domain::event::Placed;
use consent_ledger::domain::ids::{EntityId, Position, Pseudonym};
use consent_ledger::domain::rulebook::Rulebook;
use consent_ledger::domain::services::VaultHead;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::RecipientKind;
use consent_ledger::sequencer::SubjectRef;
use tempfile::TempDir;

use crate::engine::{intent, open_account, open_at, options};
use crate::histories::{Play, Step, noticed};
use crate::rules::books::{def, fcc, fcc_text};
use crate::rules::history::clock;
use crate::rules::imports::line;
use crate::rules::notation::{Everything, scope};

/// Customers in one ledger.
pub const CUSTOMERS: usize = 3;

/// A record about the company.
pub struct OfCompany {
    pub position: Position,
    pub recorded_at: Time,
    pub occurred_at: Option<Time>,
    pub event: CompanyEvent,
}

impl OfCompany {
    pub fn placed(&self) -> Placed<'_, CompanyEvent> {
        Placed {
            position: self.position,
            command: self.position,
            recorded_at: self.recorded_at,
            occurred_at: self.occurred_at,
            event: &self.event,
        }
    }
}

/// The house; its customers are `K-0`, `K-1` …
pub struct House {
    pub ledger: Ledger,
    pub plays: Vec<Play>,
    pub of_company: Vec<OfCompany>,
    /// From which positions on which rulebook is in force.
    pub rulebooks: Vec<(Position, &'static Rulebook)>,
    pub dir: TempDir,
    company: Company,
    clock: Arc<Manual>,
}

/// A view of few records a run, few bytes a chunk, few events between kept states.
pub fn in_small_pieces(dir: &Path) -> Options {
    let mut options = options(dir);
    options.history.flush_records = 7;
    options.history.chunk_bytes = 300;
    options.history.snapshot_every = 3;
    options
}

impl House {
    pub async fn begun() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Manual::at(clock("09:00")));
        let ledger = open_at(
            in_small_pieces(dir.path()),
            Arc::clone(&clock) as Arc<dyn Clock>,
        );
        let mut house = Self {
            ledger: ledger.unwrap(),
            plays: (0..CUSTOMERS).map(|_| Play::nobody(def(), 1)).collect(),
            of_company: Vec::new(),
            rulebooks: vec![(Position(0), def())],
            dir,
            company: Company::default(),
            clock,
        };
        for who in 0..CUSTOMERS {
            house
                .submit(who, None, &open_account(&["local"]), None)
                .await;
            house
                .step(who, &noticed(scope("ALL; ALL; ALL", Everything::Written)))
                .await;
        }
        house
    }

    pub fn now(&self) -> Time {
        self.clock.wall()
    }

    /// The position that comes next.
    pub fn next(&self) -> u64 {
        self.ledger.views.reached().0
    }

    pub fn pseudonym(&self, who: usize) -> Pseudonym {
        let found = self.ledger.views.find(&format!("K-{who}"));
        found.unwrap().unwrap()
    }

    /// Lets a customer live through a step; time goes on for all.
    pub async fn step(&mut self, who: usize, step: &Step) {
        match step {
            Step::Wait(minutes) => return self.pass(*minutes),
            // The house has one company for all its customers, see `entity`; and nothing is older than its ledger.
            Step::Join(..) | Step::Leave(..) | Step::Notice(_, None) => return,
            _ => {}
        }
        let (next, now, company) = (self.next(), self.now(), self.company.clone());
        let play = &mut self.plays[who];
        play.ledger.next = next;
        play.ledger.now = now;
        play.ledger.company = company;
        if let Some((command, occurred_at)) = play.command(step) {
            self.submit(who, Some(step), &command, occurred_at).await;
        }
    }

    pub fn pass(&mut self, minutes: u32) {
        self.clock.pass(i64::from(minutes) * 60_000_000);
    }

    async fn submit(
        &mut self,
        who: usize,
        step: Option<&Step>,
        command: &Command,
        occurred_at: Option<Time>,
    ) {
        let mut intent = intent(&format!("K-{who}"), command.clone());
        intent.occurred_at = occurred_at;
        let (next, now) = (self.next(), self.now());
        let play = &mut self.plays[who];
        (play.ledger.next, play.ledger.now) = (next, now);
        let outcome = match step {
            Some(step) => play.live_through(step, command, occurred_at),
            None => play.submit(command, occurred_at),
        };
        let answer = self.ledger.handle.submit(intent).await;
        match (outcome.result, answer) {
            (Ok(records), Ok(answer)) => {
                assert_eq!(records[0].position, answer.first);
                assert_eq!(records.last().unwrap().position, answer.position);
            }
            (Err(_), Err(_)) => {}
            (inside, outside) => panic!("{command:?}: {inside:?} and {outside:?}"),
        }
    }

    /// Takes a line of an import about a customer.
    pub async fn import(&mut self, who: usize, fact: &Asserted) {
        self.submit(who, None, &line(self.next(), fact), None).await;
    }

    /// Registers an entity as something, or ends that: some minutes ago, or now.
    pub async fn entity(&mut self, joins: bool, kind: RecipientKind, minutes_ago: u32) {
        let entity = EntityId::parse("acme").unwrap();
        let ago = Time(self.now().0 - i64::from(minutes_ago) * 60_000_000);
        let command = CompanyCommand::Entities(match joins {
            true => EntityCommand::Join(EntityJoined {
                entity,
                kind,
                communications_related: true,
            }),
            false => EntityCommand::Leave {
                entity,
                kind,
                ends_at: Some(ago),
            },
        });
        let decided = company::decide(
            &command,
            &Context {
                now: self.now(),
                occurred_at: None,
                position: Position(self.next()),
                rulebook: self.rulebooks.last().unwrap().1,
                opt_out_since: Time(0),
                pic_request_used: false,
                company: &self.company,
                person: None,
                vault: VaultHead::default(),
            },
        );
        let mut intent = intent("", Command::Company(command));
        intent.subject = SubjectRef::Company;
        let (position, recorded_at) = (Position(self.next()), self.now());
        let answer = self.ledger.handle.submit(intent).await;
        assert_eq!(decided.is_ok(), answer.is_ok(), "{decided:?} {answer:?}");
        for event in decided.into_iter().flatten() {
            let record = OfCompany {
                position,
                recorded_at,
                occurred_at: None,
                event,
            };
            self.company.follow(&record.placed());
            self.of_company.push(record);
        }
    }

    /// Closes the ledger, lets `between` happen to its folder, and opens it again.
    pub fn reopen(self, between: impl FnOnce(&Path)) -> Self {
        let dir = self.dir.path().to_owned();
        self.reopen_with(in_small_pieces(&dir), between)
    }

    /// Closes the ledger and opens it again, under the FCC baseline.
    pub fn reopen_under_fcc(self) -> Self {
        let mut options = in_small_pieces(self.dir.path());
        options.rulebook = Some(fcc_file(self.dir.path()));
        let mut house = self.reopen_with(options, |_| {});
        let adopted = house.next() - 1;
        house.rulebooks.push((Position(adopted), fcc()));
        (house.plays.iter_mut()).for_each(|play| play.ledger.book = fcc());
        house
    }

    fn reopen_with(self, options: Options, between: impl FnOnce(&Path)) -> Self {
        let Self {
            ledger,
            plays,
            of_company,
            rulebooks,
            dir,
            company,
            clock,
        } = self;
        ledger.close().unwrap();
        between(dir.path());
        let ledger = open_at(options, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        Self {
            ledger,
            plays,
            of_company,
            rulebooks,
            dir,
            company,
            clock,
        }
    }

    /// Waits until the view shows everything.
    pub async fn settle(&self) {
        let newest = Position(self.next() - 1);
        let patience = Duration::from_secs(60);
        (self.ledger.views)
            .wait_for_history(newest, patience)
            .await
            .unwrap();
    }
}

fn fcc_file(dir: &Path) -> PathBuf {
    let path = dir.join("fcc.toml");
    std::fs::write(&path, fcc_text()).unwrap();
    path
}
