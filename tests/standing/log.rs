//! Logs built record by record, as who holds the disk could build them: chained, and never decided.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::HashMap;
use std::path::Path;

use consent_ledger::audit::questions::{Answered, AskError, Asking, Rulebooks, ask_export};
use consent_ledger::codec;
use consent_ledger::domain::company::CompanyEvent;
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{Position, Pseudonym, Token};
use consent_ledger::domain::questions::StandingQuestion;
use consent_ledger::domain::rulebook::{self, DEFAULT_TEXT};
use consent_ledger::domain::time::Time;
use consent_ledger::ledger::{
    Actor, Genesis, Hash, Part, Policy, Record, Rulebook, Sealed, SigningKey, Subject, Timestamp,
    leaf_hash,
};

use crate::house::{CLERK, CompanyRecord, House};
use crate::rules::books::{sim, sim_text};
use crate::rules::ledger;

/// The customer whom a forged log is about.
pub const CUSTOMER: Pseudonym = Pseudonym([7; 16]);

/// A log in the making.
pub struct Log {
    lines: Vec<u8>,
    next: u64,
    prev: Hash,
    recorded_at: Time,
    /// Who takes the next commands.
    person: Token,
    versions: HashMap<Subject, u64>,
}

impl Log {
    /// A log that holds position 0: under the policy that ships with the program.
    pub fn opened() -> Self {
        Self::opened_under(DEFAULT_TEXT)
    }

    /// A log that holds position 0: under the rulebook of that text.
    pub fn opened_under(rulebook: &str) -> Self {
        let origin = "ledger.example/consent";
        let key = SigningKey::new(origin, &[7; 32]).unwrap();
        let genesis = Genesis {
            ledger: [0xab; 16],
            origin: origin.to_owned(),
            format: 1,
            checkpoint_key: key.verifying_key().to_string(),
            rulebook: Rulebook {
                name: "infotech-cpni".to_owned(),
                version: "2024-05-29".to_owned(),
                digest: Hash::of(rulebook.as_bytes()),
            },
        };
        let mut log = Self {
            lines: Vec::new(),
            next: 0,
            prev: Hash::ZERO,
            recorded_at: Time(0),
            person: CLERK,
            versions: HashMap::new(),
        };
        let data = genesis.to_json();
        log.push(
            Subject::Ledger,
            Genesis::KIND,
            data,
            Vec::new(),
            None,
            Part::WHOLE,
        );
        log
    }

    /// The log of one customer's history.
    pub fn of(records: &[ledger::Record]) -> Self {
        let mut log = Self::opened();
        log.append_all(CUSTOMER, records);
        log
    }

    /// The log of a customer's history and the company's.
    pub fn of_house(house: &House) -> Self {
        let mut log = Self::opened_under(text_of(house.ledger.book));
        let mut company = house.company.iter().peekable();
        let mut customer = house.ledger.records.iter().peekable();
        loop {
            if let Some(record) = company.next_if(|record| record.position.0 == log.next) {
                log.append_company(record, &house.company);
            } else if let Some(record) = customer.next() {
                log.append_decided(CUSTOMER, record, &house.ledger.records);
            } else {
                return log;
            }
        }
    }

    /// Adds records that were decided.
    pub fn append_all(&mut self, customer: Pseudonym, records: &[ledger::Record]) {
        for record in records {
            self.append_decided(customer, record, records);
        }
    }

    fn append_decided(
        &mut self,
        customer: Pseudonym,
        record: &ledger::Record,
        records: &[ledger::Record],
    ) {
        assert_eq!(record.position.0, self.next, "positions have no gap");
        let of = records.iter().filter(|one| one.command == record.command);
        let part = part(record.position, record.command, of.count());
        self.recorded_at = self.recorded_at.max(record.recorded_at);
        self.append(customer, &record.event, record.occurred_at, part);
    }

    fn append_company(&mut self, record: &CompanyRecord, records: &[CompanyRecord]) {
        let of = records.iter().filter(|one| one.command == record.command);
        let part = part(record.position, record.command, of.count());
        self.recorded_at = self.recorded_at.max(record.recorded_at);
        self.person = record.person;
        self.append_about_company(&record.event, record.occurred_at, part);
    }

    /// Adds a record about a customer as a command of its own, decided by nobody.
    pub fn forge(
        &mut self,
        customer: Pseudonym,
        event: &Event,
        at: Time,
        occurred_at: Option<Time>,
    ) -> Position {
        self.recorded_at = self.recorded_at.max(at);
        self.append(customer, event, occurred_at, Part::WHOLE)
    }

    /// Adds a record about the company, decided by nobody.
    pub fn forge_company(
        &mut self,
        event: &CompanyEvent,
        at: Time,
        occurred_at: Option<Time>,
        person: Token,
    ) -> Position {
        self.person = person;
        self.recorded_at = self.recorded_at.max(at);
        self.append_about_company(event, occurred_at, Part::WHOLE)
    }

    fn append_about_company(
        &mut self,
        event: &CompanyEvent,
        occurred_at: Option<Time>,
        part: Part,
    ) -> Position {
        let stored = codec::encode_company(event).unwrap();
        self.push(
            Subject::Ledger,
            stored.kind,
            stored.data,
            Vec::new(),
            occurred_at,
            part,
        )
    }

    fn append(
        &mut self,
        customer: Pseudonym,
        event: &Event,
        occurred_at: Option<Time>,
        part: Part,
    ) -> Position {
        let mut sealed = Vec::new();
        let stored = codec::encode(event, &mut |field, text| {
            sealed.push(Sealed {
                field: field.to_owned(),
                commitment: [1; 32],
                ciphertext: text.expose().as_bytes().to_vec(),
            });
        })
        .unwrap();
        let subject = Subject::Customer(customer.0);
        self.push(subject, stored.kind, stored.data, sealed, occurred_at, part)
    }

    fn push(
        &mut self,
        subject: Subject,
        kind: &str,
        data: String,
        sealed: Vec<Sealed>,
        occurred_at: Option<Time>,
        part: Part,
    ) -> Position {
        let version = self.versions.entry(subject).or_insert(0);
        *version += 1;
        let record = Record {
            position: self.next,
            recorded_at: Timestamp(self.recorded_at.0),
            occurred_at: occurred_at.map(|at| Timestamp(at.0)),
            subject,
            version: *version,
            kind: kind.to_owned(),
            part,
            actor: Actor {
                service: "crm".to_owned(),
                role: "consent_writer".to_owned(),
                channel: Some("phone".to_owned()),
                person: Some(self.person.0),
            },
            policy: Policy {
                rulebook: "infotech-cpni".to_owned(),
                version: "2024-05-29".to_owned(),
            },
            data,
            sealed,
            request_mac: None,
            prev: self.prev,
        };
        let start = self.lines.len();
        record.write_checked(&mut self.lines).unwrap();
        self.prev = leaf_hash(&self.lines[start..]);
        self.lines.push(b'\n');
        self.next += 1;
        Position(record.position)
    }

    /// The position of the next record.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Writes the log as an export.
    pub fn export(&self, file: &Path) {
        std::fs::write(file, &self.lines).unwrap();
    }

    /// Asks everything of the log.
    pub fn ask(&self) -> Answered {
        // The rulebook that doesn't ship lies where a ledger keeps its copy.
        let folder = tempfile::tempdir().unwrap();
        let name = format!("{}.toml", Hash::of(sim_text().as_bytes()));
        std::fs::write(folder.path().join(name), sim_text()).unwrap();
        let rulebooks = Rulebooks {
            folder: Some(folder.path().into()),
        };
        let asking = Asking {
            rulebooks,
            ..Asking::default()
        };
        self.ask_with(&asking).unwrap()
    }

    /// Asks something of the log.
    pub fn ask_with(&self, asking: &Asking) -> Result<Answered, AskError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        self.export(file.path());
        ask_export(file.path(), asking, &|_| true)
    }

    /// That the chain holds: whoever forged it linked it again.
    pub fn assert_chained(&self) {
        let file = tempfile::NamedTempFile::new().unwrap();
        self.export(file.path());
        consent_ledger::audit::audit_export(file.path(), None, true, &|_| {}).unwrap();
    }
}

fn part(position: Position, command: Position, of: usize) -> Part {
    Part {
        index: u16::try_from(position.0 - command.0 + 1).unwrap(),
        of: u16::try_from(of).unwrap(),
    }
}

/// The text of the rulebook: one that ships with the program, or the one with the rule on SIM changes in force.
fn text_of(book: &rulebook::Rulebook) -> &'static str {
    if book.digest == sim().digest {
        return sim_text();
    }
    let digest = |text: &str| Hash::of(text.as_bytes()).0;
    let mut shipped = rulebook::SHIPPED.into_iter().map(|(_, text)| text);
    let same =
        |text: &&str| rulebook::Rulebook::parse(text, digest(text)).unwrap().name == book.name;
    shipped.find(same).unwrap()
}

/// Asks these questions.
pub fn asking(questions: impl IntoIterator<Item = &'static StandingQuestion>) -> Asking {
    Asking {
        questions: questions.into_iter().collect(),
        ..Asking::default()
    }
}

/// Positions and questions of what was found.
pub fn found(answered: &Answered) -> Vec<(u64, &'static str)> {
    let findings = answered.findings.iter();
    findings
        .map(|finding| (finding.position.0, finding.question))
        .collect()
}
