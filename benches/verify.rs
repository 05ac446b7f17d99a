//! How fast verification is, as a ratio to plain SHA-256 over the same lines on as many threads: `cargo bench --bench
//! verify`. Machines differ; the ratio is what to compare.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    convert::Infallible,
    thread,
    time::{Duration, Instant},
};

use consent_ledger::ledger::{
    Actor, BlockBuilder, Genesis, Hash, Options, Part, Policy, Record, Rulebook, Sealed,
    SigningKey, StoredBlock, Subject, Timestamp, leaf_hash, verify_blocks, verify_lines,
};

const RECORDS: u64 = 400_000;
const ROUNDS: usize = 9;

fn main() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    for sealed in [false, true] {
        let (blocks, text) = ledger(sealed);
        let lines = split(&text);
        let stored: usize = blocks.iter().map(|block| block.bytes.len()).sum();
        println!(
            "{} records of {} bytes, stored in {:.2} of that, {threads} threads",
            lines.len(),
            text.len() / lines.len(),
            stored as f64 / text.len() as f64,
        );
        compare(&lines, &blocks, &text, threads);
    }
}

/// A kind of work by its name.
type Work<'a> = (&'a str, Box<dyn Fn() + 'a>);

/// Runs each kind of work in turn, so that a busy moment of the machine hits all alike, and reports the fastest of each.
fn compare(lines: &[&[u8]], blocks: &[StoredBlock], text: &[u8], threads: usize) {
    let source = || blocks.iter().cloned().map(Ok::<_, Infallible>);
    let options = |deep| Options {
        deep,
        ..Options::default()
    };
    let records: Vec<Record> = lines
        .iter()
        .map(|line| Record::parse(line).unwrap())
        .collect();
    let mut works: Vec<Work<'_>> = vec![
        ("SHA-256 alone", Box::new(|| hash_all(lines, threads))),
        (
            "verify blocks",
            Box::new(|| drop(verify_blocks(source(), options(false), threads, &|_| ()).unwrap())),
        ),
        (
            "verify an export",
            Box::new(|| drop(verify_lines(text, options(false), threads, &|_| ()).unwrap())),
        ),
        (
            "verify blocks deep",
            Box::new(|| drop(verify_blocks(source(), options(true), threads, &|_| ()).unwrap())),
        ),
        ("write lines, 1 thread", Box::new(|| write_all(&records))),
        ("build blocks, 1 thread", Box::new(|| drop(build(lines)))),
        (
            "open blocks, 1 thread",
            Box::new(|| blocks.iter().for_each(|block| drop(block.open().unwrap()))),
        ),
    ];
    let mut fastest = vec![Duration::MAX; works.len()];
    for _ in 0..ROUNDS {
        for ((_, work), fastest) in works.iter_mut().zip(&mut fastest) {
            let start = Instant::now();
            work();
            *fastest = start.elapsed().min(*fastest);
        }
    }
    let plain = fastest[0];
    for ((what, _), figure) in works.iter().zip(fastest) {
        let per_second = lines.len() as f64 / figure.as_secs_f64() / 1e6;
        let ratio = plain.as_secs_f64() / figure.as_secs_f64();
        println!("  {what:<24} {per_second:>6.2} M/s   {ratio:.2} of SHA-256");
    }
}

fn write_all(records: &[Record]) {
    let mut line = Vec::new();
    for record in records {
        line.clear();
        record.write_line(&mut line);
        std::hint::black_box(&line);
    }
}

fn split(text: &[u8]) -> Vec<&[u8]> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .collect()
}

fn hash_all(lines: &[&[u8]], threads: usize) {
    thread::scope(|scope| {
        for part in lines.chunks(lines.len().div_ceil(threads)) {
            scope.spawn(move || {
                part.iter().for_each(|line| {
                    std::hint::black_box(Hash::of(line));
                })
            });
        }
    });
}

fn ledger(sealed: bool) -> (Vec<StoredBlock>, Vec<u8>) {
    let (mut text, mut prev) = (Vec::new(), Hash::ZERO);
    for position in 0..RECORDS {
        let start = text.len();
        let record = if position == 0 {
            opening()
        } else {
            record(position, prev, sealed)
        };
        record.write_checked(&mut text).unwrap();
        prev = leaf_hash(&text[start..]);
        text.push(b'\n');
    }
    (build(&split(&text)), text)
}

fn opening() -> Record {
    let key = SigningKey::new("ledger.example", &[7; 32]).unwrap();
    let genesis = Genesis {
        ledger: [7; 16],
        origin: "ledger.example".to_owned(),
        format: Genesis::FORMAT,
        checkpoint_key: key.verifying_key().to_string(),
        rulebook: Rulebook {
            name: "default".to_owned(),
            version: "1".to_owned(),
            digest: Hash::of(b""),
        },
    };
    Record {
        kind: Genesis::KIND.to_owned(),
        subject: Subject::Ledger,
        version: 1,
        data: genesis.to_json(),
        ..record(0, Hash::ZERO, false)
    }
}

fn build(lines: &[&[u8]]) -> Vec<StoredBlock> {
    let mut builder = BlockBuilder::new(0, Hash::ZERO);
    let mut blocks = Vec::new();
    for line in lines {
        if !builder.has_room(line.len()) {
            blocks.push(builder.finish());
            builder = BlockBuilder::new(builder.next(), builder.last());
        }
        builder.push(line);
    }
    blocks.push(builder.finish());
    blocks
}

fn record(position: u64, prev: Hash, sealed: bool) -> Record {
    let noise = Hash::of(&position.to_le_bytes()).0;
    let [id @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        Hash::of(&(position.saturating_sub(1) % 50_000).to_le_bytes()).0;
    let [mac @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = noise;
    let field = Sealed {
        field: "contact".to_owned(),
        commitment: noise,
        ciphertext: [noise, prev.0].concat(),
    };
    Record {
        position,
        recorded_at: Timestamp(1_795_531_105_000_000 + position as i64 * 37),
        occurred_at: None,
        subject: Subject::Customer(id),
        version: position.saturating_sub(1) / 50_000 + 1,
        kind: "consent.granted.v1".to_owned(),
        part: Part::WHOLE,
        actor: Actor {
            service: "crm".to_owned(),
            role: "consent-writer".to_owned(),
            ..Actor::default()
        },
        policy: Policy {
            rulebook: "default".to_owned(),
            version: "1".to_owned(),
        },
        data: format!(
            "{{\"recipient\":\"company\",\"classes\":[\"billing\"],\"notice\":{}}}",
            position % 7
        ),
        sealed: if sealed { vec![field] } else { Vec::new() },
        request_mac: Some(mac),
        prev,
    }
}
