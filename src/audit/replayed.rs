//! What records say together (E10): a customer, and the company and rulebook beside, derived again from lines alone.
//!
//! The lines are those that `EvidenceService.GatherEvidence` gathers: all about one customer by some moment, and
//! those about the ledger on which rules depend. Whoever holds them needs no server to rule on a question.

use crate::codec::{Fact, FactReader};
use crate::domain::company::Company;
use crate::domain::customer::{Customer, World, evolve};
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::ledger::Record;

/// Why lines are no evidence about a customer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A line can't be read.
    #[error("record {position}: {problem}")]
    Record {
        /// Where it is, as far as that can be read: else the position of the line before.
        position: u64,
        /// What is wrong.
        problem: String,
    },
    /// A line does not come after the one before.
    #[error("record {position} comes after record {before}")]
    Order {
        /// Its position.
        position: u64,
        /// The one before.
        before: u64,
    },
    /// Not all lines are about one customer.
    #[error("record {position} is about another customer than those before")]
    OtherCustomer {
        /// Its position.
        position: u64,
    },
    /// A record was made under another rulebook than the one in force by the records before.
    #[error(
        "record {position} was made under {named}, and by the records before it {in_force} was in force: one that put a rulebook in force is missing"
    )]
    Rulebook {
        /// Its position.
        position: u64,
        /// The rulebook that it names.
        named: String,
        /// The one in force.
        in_force: String,
    },
    /// A record about the customer is missing.
    #[error(
        "record {position} is the customer's record {found}, and the one before it was {before}: some are missing"
    )]
    Gap {
        /// The position of the first after the gap.
        position: u64,
        /// Its number.
        found: u64,
        /// The number before.
        before: u64,
    },
    /// The first line is not the ledger's opening.
    #[error("the first record is not the one that opened the ledger")]
    NoOpening,
    /// No account is opened.
    #[error("no record opens an account")]
    NoCustomer,
}

/// What was on record.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The customer's name in the records.
    pub pseudonym: Pseudonym,
    /// The customer's state.
    pub customer: Customer,
    /// What rules depend on of the company.
    pub company: Company,
    /// The ledger's checkpoint key, as its first record has it.
    pub checkpoint_key: String,
    /// SHA-256 of the text of the rulebook in force.
    pub rulebook: [u8; 32],
    /// Whether every record about the ledger is there, but for the newest: their numbers run without a gap.
    pub ledger_is_whole: bool,
    /// The newest record.
    pub last: Position,
    /// When that was recorded.
    pub last_at: Time,
    opt_out_since: Time,
}

impl Replayed {
    /// Replays the lines in their order.
    ///
    /// # Errors
    /// [`ReplayError`]: the first line at fault, or what is missing. That the newest are there can't be told from lines, nor
    /// that all about the ledger are, unless [`Replayed::ledger_is_whole`].
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, ReplayError> {
        let mut reader = FactReader::default();
        let mut ledger: Option<Ledger> = None;
        let (mut of_ledger, mut ledger_is_whole) = (0, true);
        let mut about: Option<(Pseudonym, Option<Customer>, u64)> = None;
        let (mut before, mut last_at): (Option<u64>, _) = (None, Time(0));
        for line in lines {
            let read = reader.read(line).map_err(|error| ReplayError::Record {
                position: before.unwrap_or_default(),
                problem: error.to_string(),
            })?;
            let (record, position) = (read.record, read.record.position);
            if let Some(before) = before.filter(|before| *before >= position) {
                return Err(ReplayError::Order { position, before });
            }
            before = Some(position);
            let at = Time(record.recorded_at.0);
            last_at = last_at.max(at);
            if !matches!(read.fact, Fact::About(..)) {
                of_ledger += 1;
                ledger_is_whole &= record.version == of_ledger;
            }
            match (&read.fact, &mut ledger) {
                (Fact::LedgerOpened(genesis), None) if position == 0 => {
                    ledger = Some(Ledger {
                        checkpoint_key: genesis.checkpoint_key.clone(),
                        rulebook: genesis.rulebook.digest.0,
                        in_force: named(&genesis.rulebook.name, &genesis.rulebook.version),
                        opt_out_since: at,
                        company: Company::default(),
                    });
                }
                (_, None) => return Err(ReplayError::NoOpening),
                (Fact::LedgerOpened(_), Some(_)) => return Err(ReplayError::NoOpening),
                (Fact::RulebookAdopted(adopted), Some(ledger)) => {
                    ledger.rulebook = adopted.digest;
                    ledger.in_force = named(&adopted.name, &adopted.version);
                    ledger.opt_out_since = adopted.opt_out_since(ledger.opt_out_since, at);
                }
                (Fact::Company(event), Some(ledger)) => {
                    ledger.company.follow(&record.place(event));
                }
                (Fact::About(pseudonym, event), Some(_)) => {
                    let (known, customer, version) = about.get_or_insert((*pseudonym, None, 0));
                    if known != pseudonym {
                        return Err(ReplayError::OtherCustomer { position });
                    }
                    if record.version != *version + 1 {
                        return Err(ReplayError::Gap {
                            position,
                            found: record.version,
                            before: *version,
                        });
                    }
                    *version = record.version;
                    *customer = evolve(customer.take(), &record.place(event));
                }
            }
            require_rulebook(line, position, ledger.as_ref())?;
        }
        let ledger = ledger.ok_or(ReplayError::NoOpening)?;
        let Some((pseudonym, Some(customer), _)) = about else {
            return Err(ReplayError::NoCustomer);
        };
        Ok(Self {
            pseudonym,
            customer,
            company: ledger.company,
            checkpoint_key: ledger.checkpoint_key,
            rulebook: ledger.rulebook,
            ledger_is_whole,
            last: Position(before.unwrap_or_default()),
            last_at,
            opt_out_since: ledger.opt_out_since,
        })
    }

    /// What the rules know besides the customer. Whether a PIC-freeze request was answered before, of another customer too,
    /// is not in these records: it counts as unused.
    pub fn world<'a>(&'a self, rulebook: &'a Rulebook) -> World<'a> {
        World {
            rulebook,
            opt_out_since: self.opt_out_since,
            pic_request_used: false,
            company: &self.company,
            known: None,
        }
    }
}

fn named(rulebook: &str, version: &str) -> String {
    format!("{rulebook} {version}")
}

/// Each record names the rulebook that was in force.
fn require_rulebook(
    line: &[u8],
    position: u64,
    ledger: Option<&Ledger>,
) -> Result<(), ReplayError> {
    let unreadable = |error: crate::ledger::LineError| ReplayError::Record {
        position,
        problem: error.to_string(),
    };
    let policy = Record::parse(line).map_err(unreadable)?.policy;
    let named = named(&policy.rulebook, &policy.version);
    match ledger.filter(|ledger| ledger.in_force != named) {
        None => Ok(()),
        Some(ledger) => Err(ReplayError::Rulebook {
            position,
            named,
            in_force: ledger.in_force.clone(),
        }),
    }
}

struct Ledger {
    checkpoint_key: String,
    rulebook: [u8; 32],
    /// Its name and version.
    in_force: String,
    opt_out_since: Time,
    company: Company,
}
