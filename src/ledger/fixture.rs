//! Example ledgers for the tests of this floor: small, varied, the same in every run.

use std::collections::HashMap;

use crate::ledger::{
    Actor, BlockBuilder, Checkpoint, Frontier, Genesis, Hash, Part, Policy, Record, Rulebook,
    Sealed, SigningKey, StoredBlock, Subject, Timestamp, leaf_hash,
};

pub(crate) const ORIGIN: &str = "ledger.example/consent";
/// 2026-11-24T14:38:25.000000Z.
const OPENED_AT: i64 = 1_795_531_105_000_000;

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::new(ORIGIN, &[7; 32]).unwrap()
}

pub(crate) fn genesis() -> Genesis {
    Genesis {
        ledger: [0xab; 16],
        origin: ORIGIN.to_owned(),
        format: 1,
        checkpoint_key: signing_key().verifying_key().to_string(),
        rulebook: Rulebook {
            name: "default".to_owned(),
            version: "1".to_owned(),
            digest: Hash::of(b"the rulebook's text"),
        },
    }
}

/// Position 0.
pub(crate) fn opening() -> Record {
    Record {
        position: 0,
        recorded_at: Timestamp(OPENED_AT),
        occurred_at: None,
        subject: Subject::Ledger,
        version: 1,
        kind: Genesis::KIND.to_owned(),
        part: Part::WHOLE,
        actor: Actor {
            service: "consent-ledger".to_owned(),
            role: "administrator".to_owned(),
            ..Actor::default()
        },
        policy: Policy {
            rulebook: "default".to_owned(),
            version: "1".to_owned(),
        },
        data: genesis().to_json(),
        sealed: Vec::new(),
        request_mac: None,
        prev: Hash::ZERO,
    }
}

/// A record with every field there is.
pub(crate) fn full() -> Record {
    Record {
        position: 41,
        recorded_at: Timestamp(OPENED_AT + 1),
        occurred_at: Some(Timestamp(OPENED_AT - 3_600_000_000)),
        subject: Subject::Customer([0x0c; 16]),
        version: 3,
        kind: "example.noted.v1".to_owned(),
        part: Part { index: 2, of: 3 },
        actor: Actor {
            service: "crm \"west\"".to_owned(),
            role: "writer".to_owned(),
            channel: Some("oral\tü".to_owned()),
            person: Some([0x9a; 16]),
        },
        policy: Policy {
            rulebook: "default".to_owned(),
            version: "1".to_owned(),
        },
        data: r#"{"n":-7,"list":[true,null,"x\n"],"deep":{"empty":{}}}"#.to_owned(),
        sealed: vec![
            Sealed {
                field: "name".to_owned(),
                commitment: [0x33; 32],
                ciphertext: vec![1, 2, 3, 4],
            },
            Sealed {
                field: "call".to_owned(),
                commitment: [0x44; 32],
                ciphertext: Vec::new(),
            },
        ],
        request_mac: Some([0x5d; 16]),
        prev: Hash::of(b"the line before"),
    }
}

pub(crate) fn line_of(record: &Record) -> Vec<u8> {
    let mut line = Vec::new();
    record.write_checked(&mut line).unwrap();
    line
}

/// `count` records or a few more: an opening, then commands of one record or of three, about five customers.
pub(crate) fn records(count: usize) -> Vec<Record> {
    let mut records = vec![opening()];
    let mut versions: HashMap<Subject, u64> = HashMap::new();
    while records.len() < count {
        let command = records.len() as u64;
        let of = if command % 4 == 1 { 3 } else { 1 };
        for index in 1..=of {
            let position = records.len() as u64;
            let mark = (position % 5) as u8;
            let subject = Subject::Customer([mark; 16]);
            let version = versions.entry(subject).or_insert(0);
            *version += 1;
            records.push(Record {
                position,
                recorded_at: Timestamp(OPENED_AT + (position as i64 / 3) * 1_000),
                subject,
                version: *version,
                part: Part { index, of },
                data: format!("{{\"note\":\"number {position}\"}}"),
                sealed: Vec::new(),
                request_mac: Some(mac(position)),
                occurred_at: position.is_multiple_of(3).then_some(Timestamp(OPENED_AT)),
                ..full()
            });
        }
    }
    relink(&mut records);
    records
}

fn mac(position: u64) -> [u8; 16] {
    let [mac @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        Hash::of(&position.to_le_bytes()).0;
    mac
}

/// Sets every `prev` to what it has to be, as a forger would.
pub(crate) fn relink(records: &mut [Record]) {
    let mut prev = Hash::ZERO;
    for record in records {
        record.prev = prev;
        prev = leaf_hash(&line_of(record));
    }
}

pub(crate) fn lines(records: &[Record]) -> Vec<Vec<u8>> {
    records.iter().map(line_of).collect()
}

/// The lines as an export: each with its newline.
pub(crate) fn export(lines: &[Vec<u8>]) -> Vec<u8> {
    lines
        .iter()
        .flat_map(|line| line.iter().copied().chain([b'\n']))
        .collect()
}

/// The checkpoint over all lines.
pub(crate) fn checkpoint(lines: &[Vec<u8>]) -> Checkpoint {
    let mut tree = Frontier::new();
    lines.iter().for_each(|line| tree.push(leaf_hash(line)));
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size: tree.size(),
        root: tree.root(),
    }
}

/// The records in blocks of at least `per_block` lines, each ending where a command does.
pub(crate) fn blocks(records: &[Record], per_block: u32) -> Vec<StoredBlock> {
    let mut blocks = Vec::new();
    let mut builder = BlockBuilder::new(0, Hash::ZERO);
    for record in records {
        builder.push(&line_of(record));
        if builder.count() >= per_block && record.part.is_last() {
            blocks.push(builder.finish());
            builder = builder.following(builder.clone());
        }
    }
    if builder.count() > 0 {
        blocks.push(builder.finish());
    }
    blocks
}
