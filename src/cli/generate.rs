//! `generate`: customers who never lived, as an import file or straight into a running ledger.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use super::import::feed::{Counts, Done, feed};
use super::import::row::{FIELDS, Row};
use super::import::source::{Format, Line, SourceError};
use super::import::{connect, show};
use super::{Ended, Global, output};
use crate::generate::{Customer, Customers};

/// Make customers with realistic histories, from a seed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger generate --customers 1000 --out customers.csv
  consent-ledger generate --customers 1000000 --seed 7 --out customers.ndjson
  consent-ledger generate --customers 1000 --server http://127.0.0.1:7400

The same seed makes the same bytes. docs/import.md says what the mix is made of.")]
pub struct Arguments {
    /// How many customers.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    customers: u64,
    /// The seed.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The import file to write [default: standard output].
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    out: Option<PathBuf>,
    /// How it is written [default: by its name, else JSON lines].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Import them into the ledger at this gRPC address instead.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

pub async fn run(global: Global, arguments: Arguments) -> Ended {
    match &arguments.server {
        Some(server) => send(&global, &arguments, server).await,
        None => match write(&arguments) {
            Ok(()) => Ended::Well,
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ended::Well,
            Err(error) => output::fail(Ended::Unreachable, &error),
        },
    }
}

fn customers(arguments: &Arguments) -> impl Iterator<Item = crate::generate::Customer> + use<> {
    let count = usize::try_from(arguments.customers).unwrap_or(usize::MAX);
    Customers::of(arguments.seed).take(count)
}

fn write(arguments: &Arguments) -> io::Result<()> {
    let named = arguments.out.as_deref().and_then(Format::of);
    let format = arguments.format.or(named).unwrap_or(Format::Ndjson);
    let mut out: Box<dyn Write> = match &arguments.out {
        Some(path) => Box::new(BufWriter::new(File::create(path)?)),
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    let bar = output::progress("generating");
    bar.set_length(arguments.customers);
    match format {
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(&mut out);
            csv.write_record(FIELDS).map_err(io_error)?;
            for customer in customers(arguments) {
                for fact in &customer.facts {
                    let row = Row::write(&customer.id, fact);
                    csv.write_record(row.all().map(|(_, text)| text))
                        .map_err(io_error)?;
                }
                bar.inc(1);
            }
            csv.flush()?;
        }
        Format::Ndjson => {
            for customer in customers(arguments) {
                for fact in &customer.facts {
                    write_json(&Row::write(&customer.id, fact), &mut out)?;
                }
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    out.flush()
}

/// One object with the fields that are there, in the order of the list.
fn write_json(row: &Row, out: &mut impl Write) -> io::Result<()> {
    let mut joint = "{";
    for (name, text) in row.all().filter(|(_, text)| !text.is_empty()) {
        write!(out, "{joint}\"{name}\":")?;
        serde_json::to_writer(&mut *out, text)?;
        joint = ",";
    }
    out.write_all(b"}\n")
}

fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

async fn send(global: &Global, arguments: &Arguments, server: &str) -> Ended {
    let channel = match connect(server).await {
        Ok(channel) => channel,
        Err(ended) => return ended,
    };
    let lines = lines(customers(arguments));
    let name = format!("generated-{}", arguments.seed);
    let bar = output::counter("importing");
    let mut counts = Counts::default();
    let mut note = |_: Done, counts: &Counts| {
        bar.set_position(counts.lines());
        Ok(())
    };
    let done = feed(channel, &name, lines, &mut counts, &mut note).await;
    bar.finish_and_clear();
    show(global, &counts, done)
}

/// Their facts, as the lines of an import.
pub fn lines(
    customers: impl Iterator<Item = Customer>,
) -> impl Iterator<Item = Result<Line, SourceError>> {
    let facts = customers.flat_map(|customer| {
        let id = customer.id;
        (customer.facts.into_iter()).map(move |fact| (id.clone(), fact))
    });
    (1..).zip(facts).map(|(number, said)| {
        Ok(Line {
            number,
            bytes: 0,
            said: Ok(said),
        })
    })
}
