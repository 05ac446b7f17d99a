//! How fast verification is, as a ratio to plain SHA-256 over the same lines on as many threads: `cargo bench --bench
//! verify`. Machines differ; the ratio is what to compare.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    convert::Infallible,
    thread,
    time::{Duration, Instant},
};

use consent_ledger::ledger::{
    Actor, BlockBuilder, Hash, Options, Part, Policy, Record, Sealed, StoredBlock, Subject,
    Timestamp, leaf_hash, verify_blocks, verify_lines,
};

const RECORDS: u64 = 400_000;
const ROUNDS: usize = 5;

fn main() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    for sealed in [false, true] {
        let (blocks, text) = ledger(sealed);
        let lines: Vec<&[u8]> = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .collect();
        let stored: usize = blocks.iter().map(|block| block.bytes.len()).sum();
        println!(
            "{} records of {} bytes, stored {:.2} of that, {} threads",
            lines.len(),
            text.len() / lines.len(),
            stored as f64 / text.len() as f64,
            threads
        );
        let source = || blocks.iter().cloned().map(Ok::<_, Infallible>);
        let plain = fastest(|| hash_all(&lines, threads));
        report("SHA-256 alone", lines.len(), plain, plain);
        let figure =
            fastest(|| verify_blocks(source(), Options::default(), threads, &|_| ()).unwrap());
        report("verify blocks", lines.len(), figure, plain);
        let figure = fastest(|| {
            verify_lines(text.as_slice(), Options::default(), threads, &|_| ()).unwrap()
        });
        report("verify lines", lines.len(), figure, plain);
        let deep = || Options {
            deep: true,
            ..Options::default()
        };
        let start = Some(consent_ledger::ledger::Start::default());
        let figure = fastest(|| {
            verify_blocks(
                source(),
                Options {
                    start: start.clone(),
                    ..deep()
                },
                threads,
                &|_| (),
            )
            .map_err(|found| found.position)
        });
        report("verify blocks, deep", lines.len(), figure, plain);
        let figure = fastest(|| {
            blocks
                .iter()
                .map(|block| block.open().unwrap().count())
                .sum::<usize>()
        });
        report("open blocks, one thread", lines.len(), figure, plain);
        let records: Vec<Record> = lines
            .iter()
            .take(10_000)
            .map(|line| Record::parse(line).unwrap())
            .collect();
        let mut out = Vec::new();
        let figure = fastest(|| {
            out.clear();
            records
                .iter()
                .for_each(|record| record.write_line(&mut out));
        });
        report("write_line, one thread", records.len(), figure, plain);
        let figure = fastest(|| records.iter().all(|record| record.check().is_ok()));
        report("check, one thread", records.len(), figure, plain);
        let figure = fastest(|| build(&lines).len());
        report("build blocks, one thread", lines.len(), figure, plain);
    }
}

fn fastest<T>(mut work: impl FnMut() -> T) -> Duration {
    let once = |_| {
        let start = Instant::now();
        std::hint::black_box(work());
        start.elapsed()
    };
    (0..ROUNDS).map(once).min().unwrap_or_default()
}

fn report(what: &str, count: usize, figure: Duration, plain: Duration) {
    println!(
        "  {what:<26} {:>6.2} M/s   {:.2} of SHA-256",
        count as f64 / figure.as_secs_f64() / 1e6,
        plain.as_secs_f64() / figure.as_secs_f64()
    );
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
    let (mut text, mut line, mut prev) = (Vec::new(), Vec::new(), Hash::ZERO);
    for position in 0..RECORDS {
        line.clear();
        record(position, prev, sealed)
            .write_checked(&mut line)
            .unwrap();
        prev = leaf_hash(&line);
        text.extend_from_slice(&line);
        text.push(b'\n');
    }
    let lines: Vec<&[u8]> = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .collect();
    (build(&lines), text)
}

fn build(lines: &[&[u8]]) -> Vec<StoredBlock> {
    let mut builder = BlockBuilder::new(0, Hash::ZERO);
    let mut blocks = Vec::new();
    for line in lines {
        if !builder.has_room(line.len()) {
            blocks.push(builder.finish());
            builder.start_next();
        }
        builder.push(line);
    }
    blocks.push(builder.finish());
    blocks
}

fn record(position: u64, prev: Hash, sealed: bool) -> Record {
    let noise = Hash::of(&position.to_le_bytes()).0;
    let [id @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        Hash::of(&(position % 50_000).to_le_bytes()).0;
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
        version: position / 50_000 + 1,
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
