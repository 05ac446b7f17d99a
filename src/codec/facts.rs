//! Reading the facts of many records: what was read before, to the letter, is not read again.
//!
//! The records of a ledger say the same things of many customers: the same denial, the same question. A reader that
//! remembers the last few texts of each type, with the event that each holds, compares where it would parse.

use super::record::decode_ledger;
use super::{DecodeError, Fact, FactOnly, Outline, decode};
use crate::domain::event::Event;
use crate::domain::ids::Pseudonym;
use crate::ledger::{RecordRef, Subject};

/// Texts of one type that are remembered.
const TEXTS: usize = 8;
/// Longer ones are not: they are rarely said twice.
const TEXT_MAX: usize = 1024;

/// Reads facts without personal fields, as [`read_facts`](super::read_facts) does.
#[derive(Debug, Default)]
pub struct FactReader {
    types: Vec<OfType>,
}

#[derive(Debug)]
struct OfType {
    kind: String,
    texts: Vec<Known>,
    /// Which of them was remembered longest ago.
    oldest: usize,
}

#[derive(Debug)]
struct Known {
    data: String,
    event: Event,
}

impl FactReader {
    /// Reads the next line. What is remembered changes nothing but the time that it takes.
    ///
    /// # Errors
    /// When the line is no record of a type and shape that this release knows.
    pub fn read(&mut self, line: &[u8]) -> Result<FactOnly, DecodeError> {
        let mut known = None;
        let record = RecordRef::parse_knowing(line, |kind, text| {
            known = self.find(kind, text);
            known.map(|known| known.data.len())
        })?;
        let fact = match record.subject {
            Subject::Ledger => decode_ledger(record.kind, record.data)?,
            Subject::Customer(id) => {
                let event = match known {
                    Some(known) => known.event.clone(),
                    None => self.decode(record.kind, record.data)?,
                };
                Fact::About(Pseudonym(id), event)
            }
        };
        let record = Outline {
            position: record.position,
            recorded_at: record.recorded_at,
            occurred_at: record.occurred_at,
            version: record.version,
            part: record.part,
            request_mac: record.request_mac,
        };
        Ok(FactOnly { record, fact })
    }

    /// What is remembered of the object at the start of `text`. An object ends at its own brace, whatever follows it.
    fn find(&self, kind: &str, text: &str) -> Option<&Known> {
        let of_type = self.types.iter().find(|one| one.kind == kind)?;
        let texts = of_type.texts.iter();
        texts.rev().find(|known| text.starts_with(&known.data))
    }

    fn decode(&mut self, kind: &str, data: &str) -> Result<Event, DecodeError> {
        let event = decode(kind, data, &|_| None)?;
        if data.len() <= TEXT_MAX {
            self.remember(kind, data, &event);
        }
        Ok(event)
    }

    fn remember(&mut self, kind: &str, data: &str, event: &Event) {
        let known = Known {
            data: data.to_owned(),
            event: event.clone(),
        };
        let Some(of_type) = self.types.iter_mut().find(|one| one.kind == kind) else {
            self.types.push(OfType {
                kind: kind.to_owned(),
                texts: vec![known],
                oldest: 0,
            });
            return;
        };
        if of_type.texts.len() < TEXTS {
            of_type.texts.push(known);
        } else if let Some(place) = of_type.texts.get_mut(of_type.oldest) {
            *place = known;
            of_type.oldest = (of_type.oldest + 1) % TEXTS;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Actor, Hash, Part, Policy, Record, Timestamp};

    fn line(position: u64, subject: Subject, kind: &str, data: &str) -> Vec<u8> {
        let record = Record {
            position,
            recorded_at: Timestamp(0),
            occurred_at: None,
            subject,
            version: 1,
            kind: kind.to_owned(),
            part: Part::WHOLE,
            actor: Actor::default(),
            policy: Policy::default(),
            data: data.to_owned(),
            sealed: Vec::new(),
            request_mac: None,
            prev: Hash::ZERO,
        };
        let mut line = Vec::new();
        record.write_line(&mut line);
        line
    }

    #[test]
    fn what_is_remembered_is_what_would_be_read() {
        let mut reader = FactReader::default();
        let golden = include_str!("../../tests/golden/events.txt");
        let lines: Vec<(&str, &str)> = golden.lines().filter_map(|l| l.split_once(' ')).collect();
        assert!(lines.len() > TEXTS);
        for round in 0..3 {
            for (kind, data) in &lines {
                let line = line(round, Subject::Customer([round as u8; 16]), kind, data);
                assert_eq!(
                    reader.read(&line).unwrap(),
                    super::super::read_facts(&line).unwrap()
                );
            }
        }
    }

    #[test]
    fn more_texts_than_are_remembered_are_read_all_the_same() {
        let mut reader = FactReader::default();
        for turn in 0..100 {
            let data = format!("{{\"category\":\"c{}\"}}", turn % (TEXTS + 3));
            let line = line(1, Subject::Customer([1; 16]), "service.opened.v1", &data);
            assert_eq!(
                reader.read(&line).unwrap(),
                super::super::read_facts(&line).unwrap()
            );
        }
    }

    #[test]
    fn e1_a_text_that_was_read_once_makes_no_other_line_a_record() {
        let (kind, data) = ("service.opened.v1", "{\"category\":\"local\"}");
        let customer = Subject::Customer([1; 16]);
        let mut reader = FactReader::default();
        assert!(reader.read(&line(1, customer, kind, data)).is_ok());
        for (subject, kind, data) in [
            (customer, kind, "{\"category\":\"local\"}}"),
            (customer, kind, "{\"category\":\"local\"},\"more\":{}"),
            (customer, kind, "{\"category\":\"local\",\"more\":1}"),
            (customer, "service.closed.v1", data),
            (customer, "service.opened.v9", data),
            (Subject::Ledger, kind, data),
        ] {
            assert!(reader.read(&line(1, subject, kind, data)).is_err());
        }
    }
}
