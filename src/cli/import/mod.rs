//! `import`: a migrating company's history, from a file into a running ledger (C2).

pub mod feed;
mod report;
mod resume;
pub mod row;
pub mod source;
mod written;

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tonic::transport::Channel;

use super::{Ended, Global, output};
use crate::domain::ids::EntityId;
use feed::{Broken, Counts, Done, feed};
use report::Report;
use resume::Point;
use source::{Format, Source};

/// Import a migrating company's history: asserted, with its own dates.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger import --file customers.csv --report refused.csv
  consent-ledger import --file customers.ndjson --name crm-2026-11 --server http://127.0.0.1:7400
  consent-ledger import --file customers.csv --report refused.csv --resume

docs/import.md lists the fields. What is on record already is not recorded twice, so that an import that broke off may
be run again; with --resume it goes on where it was.

The exit code is 0 when every line is on record, 1 when some were refused (see the report), 2 when the file or the
command line is wrong, 4 when it broke off.")]
pub struct Arguments {
    /// The file to import.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// How it is written [default: by its name].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The import's name on record, 1 to 64 of `a-z 0-9 . _ -` [default: from the file's name].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The ledger's gRPC address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400", value_parser = crate::cli::server_url)]
    server: String,
    /// Where to write which lines were refused or are history only, and why: CSV, or JSON lines by its name.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Go on where an earlier run broke off.
    #[arg(long)]
    resume: bool,
}

/// Lines after which the point to go on from is written.
const POINT_LINES: u64 = 1024;

pub async fn run(global: Global, arguments: Arguments) -> Ended {
    let Some(format) = arguments.format.or(Format::of(&arguments.file)) else {
        let why = "the file's name says no format: give --format csv or --format ndjson";
        return output::complain(Ended::Usage, why);
    };
    let Some(name) = name_of(&arguments) else {
        let why = "an import's name is 1 to 64 of `a-z 0-9 . _ -`: give another --name";
        return output::complain(Ended::Usage, why);
    };
    let source = match Source::open(&arguments.file, format) {
        Ok(source) => source,
        Err(error) => return output::fail(Ended::Usage, &error),
    };
    let point = match begin(&arguments, &name) {
        Ok(point) => point,
        Err((ended, why)) => return output::complain(ended, &why),
    };
    let channel = match connect(&arguments.server).await {
        Ok(channel) => channel,
        Err(ended) => return ended,
    };
    let file = Import {
        arguments: &arguments,
        bar: bar_of(&arguments.file),
    };
    let resumed = point.line;
    let mut counts = point.counts;
    let lines =
        source.skip_while(move |line| line.as_ref().is_ok_and(|line| line.number <= resumed));
    let done = file.import(channel, point, lines, &mut counts).await;
    file.bar.finish_and_clear();
    show(&global, &counts, done)
}

/// The name that was given, or the file's own, in the letters of names.
fn name_of(arguments: &Arguments) -> Option<String> {
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => {
            let stem = arguments.file.file_stem()?.to_string_lossy().to_lowercase();
            let allowed = |letter: char| match letter {
                'a'..='z' | '0'..='9' | '.' | '_' => letter,
                _ => '-',
            };
            stem.chars().map(allowed).take(64).collect()
        }
    };
    EntityId::parse(&name).map(|_| name)
}

/// Where the import begins.
fn begin(arguments: &Arguments, name: &str) -> Result<Point, (Ended, String)> {
    let fresh = Point {
        import: name.to_owned(),
        ..Point::default()
    };
    if !arguments.resume {
        return Ok(fresh);
    }
    let path = resume::path_of(&arguments.file);
    let unreadable = |why: std::io::Error| {
        (
            Ended::Unreachable,
            format!("{} can't be read: {why}", path.display()),
        )
    };
    let Some(point) = Point::read(&path).map_err(unreadable)? else {
        output::progress_note("nothing to resume: the import begins with its first line");
        return Ok(fresh);
    };
    let length = std::fs::metadata(&arguments.file)
        .map_err(unreadable)?
        .len();
    if point.import != name || length < point.bytes {
        let why = format!(
            "{} is of another import or file: leave out --resume, what is on record is not recorded twice",
            path.display()
        );
        return Err((Ended::Usage, why));
    }
    Ok(point)
}

/// A connection to the ledger, or what the command ends with.
pub async fn connect(server: &str) -> Result<Channel, Ended> {
    let refused = |why: String| output::complain(Ended::Unreachable, &why);
    let endpoint = match Channel::from_shared(server.to_owned()) {
        Ok(endpoint) => endpoint,
        Err(error) => {
            let why = format!("{server} is no address: {error}");
            return Err(output::complain(Ended::Usage, &why));
        }
    };
    (endpoint.connect().await)
        .map_err(|error| refused(format!("no ledger answers at {server}: {error}")))
}

struct Import<'a> {
    arguments: &'a Arguments,
    bar: ProgressBar,
}

impl Import<'_> {
    async fn import<I>(
        &self,
        channel: Channel,
        mut point: Point,
        lines: I,
        counts: &mut Counts,
    ) -> Result<(), Broken>
    where
        I: Iterator<Item = Result<source::Line, source::SourceError>> + Send + 'static,
    {
        let path = resume::path_of(&self.arguments.file);
        let mut report = Report::open(self.arguments.report.as_deref(), point.line)?;
        let name = point.import.clone();
        let mut since = 0;
        let mut keep = |done: Done, counts: &Counts| {
            if let Some(entry) = &done.entry {
                report.write(entry)?;
            }
            self.bar.set_position(done.bytes);
            (point.line, point.bytes, point.counts) = (done.line, done.bytes, *counts);
            since += 1;
            if since >= POINT_LINES {
                since = 0;
                // The report first: what it lacks must not be passed over.
                report.flush()?;
                point.write(&path)?;
            }
            Ok(())
        };
        let ended = feed(channel, &name, lines, counts, &mut keep).await;
        report.flush()?;
        match &ended {
            Ok(()) => remove(&path)?,
            Err(_) => point.write(&path)?,
        }
        ended
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn bar_of(file: &Path) -> ProgressBar {
    let bar = output::progress("importing");
    let style = "{msg} {wide_bar} {bytes}/{total_bytes} {eta}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_length(std::fs::metadata(file).map_or(0, |file| file.len()));
    bar
}

/// Prints what became of the lines; the exit code that goes with it.
pub fn show(global: &Global, counts: &Counts, done: Result<(), Broken>) -> Ended {
    let ended = match (&done, counts.refused) {
        (Ok(()), 0) => Ended::Well,
        (Ok(()), _) => Ended::Wrong,
        (Err(Broken::Source(_)), _) => Ended::Usage,
        (Err(_), _) => Ended::Unreachable,
    };
    if global.output == output::Format::Json {
        output::json(&json!({
            "complete": done.is_ok(),
            "lines": counts.lines(),
            "counted": counts.counted,
            "history_only": counts.history_only,
            "already_recorded": counts.already_recorded,
            "refused": counts.refused,
        }));
    } else {
        output::line(&format!(
            "{} lines: {} count, {} are history only, {} were on record already, {} refused",
            counts.lines(),
            counts.counted,
            counts.history_only,
            counts.already_recorded,
            counts.refused
        ));
    }
    match done {
        Ok(()) => ended,
        Err(error) => {
            let failed = output::fail(ended, &error);
            output::progress_note("what was answered is durable; run it again with --resume");
            failed
        }
    }
}
