//! The stored form of the events of each area, for ever: what a released version wrote, every later one reads and would
//! write again to the letter (E1, C1).
//!
//! A line of a file in `golden/areas` is a type and its data. A new event type adds a line; no line ever changes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use consent_ledger::codec::{COMPANY_KINDS, Encoded, customer_kinds, decode, decode_company};
use consent_ledger::codec::{encode, encode_company};
use consent_ledger::domain::ids::Personal;

/// Type and data of every golden line.
fn golden() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/areas");
    let mut lines = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let split = |line: &str| {
            let (kind, data) = line.split_once(' ').unwrap();
            (kind.to_owned(), data.to_owned())
        };
        lines.extend(text.lines().map(split));
    }
    assert!(!lines.is_empty());
    lines
}

/// Whether the type is about the company.
fn of_company(kind: &str) -> bool {
    COMPANY_KINDS.iter().any(|area| area.contains(&kind))
}

#[test]
fn e1_every_event_of_an_area_is_read_and_written_as_it_always_was() {
    for (kind, data) in golden() {
        let written: Encoded = if of_company(&kind) {
            encode_company(&decode_company(&kind, &data).unwrap()).unwrap()
        } else {
            let open = |field: &str| Some(Personal::new(format!("text of {field}")));
            let event = decode(&kind, &data, &open).unwrap();
            encode(&event, &mut |_, _| {}).unwrap()
        };
        assert_eq!((written.kind, written.data), (kind.as_str(), data));
    }
}

#[test]
fn e1_every_type_of_an_area_has_a_golden_line() {
    let lines = golden();
    let written: BTreeSet<&str> = lines.iter().map(|(kind, _)| kind.as_str()).collect();
    // Those of the first release have lines of their own in events.txt.
    let spine = include_str!("golden/events.txt");
    let spine: BTreeSet<&str> = (spine.lines())
        .filter_map(|line| line.split_once(' '))
        .map(|(kind, _)| kind)
        .collect();
    let all = (COMPANY_KINDS.iter().copied().flatten().copied()).chain(customer_kinds());
    for kind in all {
        assert!(
            written.contains(kind) || spine.contains(kind),
            "{kind} has no line"
        );
    }
}

#[test]
fn e1_an_unknown_field_stops_the_reader() {
    for (kind, data) in golden() {
        let extra = format!("{},\"more\":1}}", data.strip_suffix('}').unwrap());
        let read = if of_company(&kind) {
            decode_company(&kind, &extra).is_ok()
        } else {
            decode(&kind, &extra, &|_| None).is_ok()
        };
        assert!(!read, "{kind} takes a field that it doesn't know");
    }
}

#[test]
fn e8_what_is_sealed_is_not_in_the_data() {
    for (kind, data) in golden().into_iter().filter(|(kind, _)| !of_company(kind)) {
        let open = |field: &str| Some(Personal::new(format!("text of {field}")));
        let event = decode(&kind, &data, &open).unwrap();
        let mut sealed = Vec::new();
        let written = encode(&event, &mut |field, text| {
            sealed.push((field, text.clone()))
        });
        let written = written.unwrap();
        for (field, text) in sealed {
            assert_eq!(text.expose(), format!("text of {field}"));
            assert!(!written.data.contains(text.expose()), "{kind}: {field}");
        }
    }
}
