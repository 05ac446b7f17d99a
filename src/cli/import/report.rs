//! The report of an import: each line that was refused, and each that is history only, with field and rule.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What the report says of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The line of the import file.
    pub line: u64,
    /// `refused`, or `history_only`.
    pub outcome: String,
    /// The field at fault; empty: the line as a whole.
    pub field: String,
    /// The rule, such as `OCCURRED_AT`; for history the reasons, such as `EVIDENCE_MISSING NO_SERVICE`.
    pub rule: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// The report file: CSV, or JSON lines where its name ends so.
pub enum Report {
    /// Nobody wants one.
    None,
    /// Comma-separated values.
    Csv(Box<csv::Writer<File>>),
    /// JSON lines.
    Json(BufWriter<File>),
}

impl Report {
    /// Begins the report anew, or goes on with it: then what it says of lines after `resumed` is taken out, because they
    /// are brought again.
    ///
    /// # Errors
    /// When the file can't be read or written.
    pub fn open(path: Option<&Path>, resumed: u64) -> io::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::None);
        };
        let json = (path.extension()).is_some_and(|end| end != "csv");
        let kept = match resumed > 0 && path.exists() {
            true => read(path, json)?,
            false => Vec::new(),
        };
        let file = File::create(path)?;
        let mut report = match json {
            true => Self::Json(BufWriter::new(file)),
            false => Self::Csv(Box::new(csv::Writer::from_writer(file))),
        };
        for entry in kept.iter().filter(|entry| entry.line <= resumed) {
            report.write(entry)?;
        }
        report.flush()?;
        Ok(report)
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write(&mut self, entry: &Entry) -> io::Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Csv(file) => file.serialize(entry).map_err(io::Error::other),
            Self::Json(file) => {
                serde_json::to_writer(&mut *file, entry)?;
                file.write_all(b"\n")
            }
        }
    }

    /// Hands everything to the file.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Csv(file) => file.flush(),
            Self::Json(file) => file.flush(),
        }
    }
}

/// What a report says that was broken off; its last line may be there in part.
fn read(path: &Path, json: bool) -> io::Result<Vec<Entry>> {
    let file = File::open(path)?;
    if !json {
        let mut entries = csv::Reader::from_reader(file);
        return Ok(entries.deserialize().map_while(Result::ok).collect());
    }
    let mut entries = Vec::new();
    for line in BufReader::new(file).lines() {
        match serde_json::from_str(&line?) {
            Ok(entry) => entries.push(entry),
            Err(_) => break,
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: u64) -> Entry {
        Entry {
            line,
            outcome: "refused".into(),
            field: "word.said_at".into(),
            rule: "OCCURRED_AT".into(),
            message: "it lies in the future, \"really\"".into(),
        }
    }

    #[test]
    fn c2_a_report_that_is_resumed_says_of_each_line_what_it_says_once() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["report.csv", "report.ndjson"] {
            let path = dir.path().join(name);
            let mut report = Report::open(Some(&path), 0).unwrap();
            for line in [3, 5, 9] {
                report.write(&entry(line)).unwrap();
            }
            report.flush().unwrap();
            // A crash in the middle of a line.
            let mut text = std::fs::read(&path).unwrap();
            text.extend_from_slice(if name.ends_with("csv") {
                b"11,ref"
            } else {
                b"{\"line\":11"
            });
            std::fs::write(&path, text).unwrap();
            let mut report = Report::open(Some(&path), 5).unwrap();
            report.write(&entry(8)).unwrap();
            report.flush().unwrap();
            let lines: Vec<_> = (read(&path, name.ends_with("ndjson")).unwrap())
                .iter()
                .map(|entry| entry.line)
                .collect();
            assert_eq!(lines, [3, 5, 8], "{name}");
        }
    }
}
