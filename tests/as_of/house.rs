//! A ledger on disk, and beside it the same customers and the same company in memory, with every record that they have.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use consent_ledger::app::{Ledger, Options};
use consent_ledger::clock::{Clock, Manual};
use consent_ledger::domain::asserted::Asserted;
use consent_ledger::domain::command::Command;
use consent_ledger::domain::company::entities::{EntityCommand, EntityJoined};
use consent_ledger::domain::company::{Company, CompanyCommand, decide as decide_of_company};
use consent_ledger::domain::customer::Context;
use consent_ledger::domain::ids::{EntityId, Position, Pseudonym, Token};
use consent_ledger::domain::rulebook::Rulebook;
use consent_ledger::domain::services::VaultHead;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::Medium;
use consent_ledger::sequencer::SubjectRef;
use tempfile::TempDir;
use uuid::{NoContext, Timestamp, Uuid};

use crate::engine::{intent, open_account, open_at, options};
use crate::histories::{Book, Play, Step, noticed};
use crate::oracle::ENTITIES;
use crate::rules::books::{def, fcc_again_text, fcc_text};
use crate::rules::company;
use crate::rules::history::clock;
use crate::rules::imports::line;
use crate::rules::ledger::{Adopted, OfCompany};
use crate::rules::notation::{Everything, scope};

/// Customers in one ledger.
pub const CUSTOMERS: usize = 3;

/// Who takes commands.
const CLERK: Token = Token([6; 16]);

/// The house; its customers are `K-0`, `K-1` …
pub struct House {
    pub ledger: Ledger,
    pub plays: Vec<Play>,
    pub of_company: Vec<OfCompany>,
    /// The rulebooks since the beginning, the one in force last.
    pub adopted: Vec<Adopted>,
    pub dir: TempDir,
    company: Company,
    clock: Arc<Manual>,
}

/// A request of that time: the ledger takes none that is long past.
fn request_id(now: Time) -> Uuid {
    let (seconds, micros) = (now.0.div_euclid(1_000_000), now.0.rem_euclid(1_000_000));
    let (seconds, nanos) = (u64::try_from(seconds), u32::try_from(micros * 1_000));
    Uuid::new_v7(Timestamp::from_unix(
        NoContext,
        seconds.unwrap(),
        nanos.unwrap(),
    ))
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
            adopted: Vec::new(),
            dir,
            company: Company::default(),
            clock,
        };
        let genesis = house.recorded_at(Position(0));
        house.adopted.push(Adopted {
            position: Position(0),
            recorded_at: genesis,
            book: def(),
            opt_out_since: genesis,
        });
        for form in [Medium::Written, Medium::Electronic] {
            house.tell(&company::approving(form, Some(30))).await;
        }
        let propose = company::proposing(company::ASKING, house.now());
        house.tell(&propose).await;
        let approve = company::approving_campaign(company::ASKING);
        house.tell_by(company::SUPERVISOR, &approve).await;
        for who in 0..CUSTOMERS {
            house
                .submit(who, None, &open_account(&["local"]), None)
                .await;
            house
                .submit(who, None, &company::agreeing_to_email(), None)
                .await;
            house
                .step(who, &noticed(scope("ALL; ALL; ALL", Everything::Written)))
                .await;
        }
        house
    }

    pub fn recorded_at(&self, position: Position) -> Time {
        let record = self.ledger.views.record(position).unwrap().unwrap();
        Time(record.decoded.record.recorded_at.0)
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
            // Nothing is older than the ledger.
            Step::Notice(_, None) => return,
            // The house has one company for all its customers.
            Step::Join(who, kind, communications_related) => {
                let entity = EntityId::parse(ENTITIES[*who].0).unwrap();
                let join = EntityCommand::Join(EntityJoined {
                    entity,
                    kind: *kind,
                    communications_related: *communications_related,
                });
                return self.tell(&CompanyCommand::Entities(join)).await;
            }
            Step::Leave(who, kind, when) => {
                let leave = EntityCommand::Leave {
                    entity: EntityId::parse(ENTITIES[*who].0).unwrap(),
                    kind: *kind,
                    ends_at: Some(when.from(self.now())),
                };
                return self.tell(&CompanyCommand::Entities(leave)).await;
            }
            // Another rulebook is adopted at a start.
            Step::Switch(_) => return,
            // The vault has no such place.
            Step::Desk(desk) if desk.sets_secret() => return,
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
        intent.request_id = request_id(self.now());
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

    /// Records something about the company.
    async fn tell(&mut self, command: &CompanyCommand) {
        self.tell_by(CLERK, command).await;
    }

    async fn tell_by(&mut self, person: Token, command: &CompanyCommand) {
        let in_force = self.adopted.last().unwrap();
        let first = Position(self.next());
        let decided = decide_of_company(
            command,
            &Context {
                now: self.now(),
                occurred_at: None,
                position: first,
                rulebook: in_force.book,
                opt_out_since: in_force.opt_out_since,
                pic_request_used: false,
                company: &self.company,
                person: Some(person),
                vault: VaultHead::default(),
            },
        );
        let mut intent = intent("", Command::Company(command.clone()));
        intent.request_id = request_id(self.now());
        intent.subject = SubjectRef::Company;
        intent.person = Some(person);
        let recorded_at = self.now();
        let answer = self.ledger.handle.submit(intent).await;
        assert_eq!(decided.is_ok(), answer.is_ok(), "{decided:?} {answer:?}");
        for (position, event) in (first.0..).zip(decided.into_iter().flatten()) {
            let record = OfCompany {
                position: Position(position),
                command: first,
                recorded_at,
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

    /// Closes the ledger and opens it again, under another rulebook or the same.
    pub fn reopen_under(self, book: Book) -> Self {
        let mut options = in_small_pieces(self.dir.path());
        options.rulebook = rulebook_file(self.dir.path(), book);
        let (before, next) = (*self.adopted.last().unwrap(), self.next());
        let mut house = self.reopen_with(options, |_| {});
        if house.next() == next {
            return house;
        }
        let (position, book) = (Position(next), book.rulebook());
        let recorded_at = house.recorded_at(position);
        let kept = book.keeps_opt_out_of(before.book, recorded_at);
        let kept = kept.then_some(before.opt_out_since);
        let opt_out_since = Rulebook::opt_out_since(kept, recorded_at);
        house.adopted.push(Adopted {
            position,
            recorded_at,
            book,
            opt_out_since,
        });
        for play in &mut house.plays {
            play.ledger.book = book;
            play.ledger.opt_out_since = opt_out_since;
        }
        house
    }

    fn reopen_with(self, options: Options, between: impl FnOnce(&Path)) -> Self {
        let Self {
            ledger,
            plays,
            of_company,
            adopted,
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
            adopted,
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

/// The file of a rulebook; none for the one that a server has by itself.
fn rulebook_file(dir: &Path, book: Book) -> Option<PathBuf> {
    let text = match book {
        Book::Def => return None,
        Book::Fcc => fcc_text(),
        Book::FccAgain => fcc_again_text(),
    };
    let path = dir.join("rulebook.toml");
    std::fs::write(&path, text).unwrap();
    Some(path)
}
