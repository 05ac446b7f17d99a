//! Reading an import file, line by line, without holding it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::row::{FIELDS, Row, Wrong};
use crate::proto::v1 as wire;

/// How an import file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// One JSON object a line.
    Ndjson,
}

impl Format {
    /// The format that the file's name says.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }
}

/// A line longer than a request may be is no line of ours.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Bytes that the CSV reader reads at once, and so may be ahead of a record's end.
const AHEAD: usize = 8 * 1024;

/// A line of the file: whom it is about and what it asserts, or what is wrong with it.
#[derive(Debug)]
pub struct Line {
    /// Its number; a CSV row has that of its first line.
    pub number: u64,
    /// Bytes of the file up to its end.
    pub bytes: u64,
    /// What it says.
    pub said: Result<(String, wire::AssertedFact), Wrong>,
}

/// An import file.
pub enum Source {
    /// Comma-separated values.
    Csv(CsvSource),
    /// JSON lines.
    Ndjson(NdjsonSource),
}

impl Source {
    /// Opens the file; a CSV header is read and checked.
    ///
    /// # Errors
    /// When it can't be read, or its header is not one.
    pub fn open(path: &Path, format: Format) -> Result<Self, SourceError> {
        let file = File::open(path)?;
        Ok(match format {
            Format::Csv => Self::Csv(CsvSource::new(file)?),
            Format::Ndjson => Self::Ndjson(NdjsonSource {
                file: BufReader::new(file),
                number: 0,
                bytes: 0,
                text: Vec::new(),
            }),
        })
    }
}

/// Why a file can't be imported at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It can't be read.
    #[error("the import file can't be read: {0}")]
    Io(#[from] std::io::Error),
    /// It can't be read as CSV.
    #[error("the import file can't be read as CSV: {0}")]
    Csv(#[from] csv::Error),
    /// Its header is none.
    #[error("the CSV header is wrong: {0}")]
    Header(String),
    /// A CSV record has no end within reach: where the next one begins can't be told.
    #[error(
        "line {0} begins a CSV record of more than 65536 bytes: a quote is not closed there; nothing after it was read"
    )]
    Endless(u64),
}

impl Iterator for Source {
    type Item = Result<Line, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Csv(source) => source.read().transpose(),
            Self::Ndjson(source) => source.read().transpose(),
        }
    }
}

/// A file without its carriage returns: the reader takes one for the end of a line and counts it before its feed.
struct PlainLines {
    file: File,
    /// Bytes that may be read for the record that is being read: one quote that nobody closed makes the rest of the file
    /// one record.
    left: usize,
    /// Whether more were asked for.
    endless: bool,
}

impl PlainLines {
    fn new(file: File) -> Self {
        let mut lines = Self {
            file,
            left: 0,
            endless: false,
        };
        lines.begin_record();
        lines
    }

    fn begin_record(&mut self) {
        self.left = usize::try_from(LINE_BYTES_MAX)
            .unwrap_or(usize::MAX)
            .saturating_add(AHEAD);
    }
}

impl Read for PlainLines {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let length = self.file.read(buffer)?;
            if length > self.left {
                self.endless = true;
                return Err(std::io::ErrorKind::FileTooLarge.into());
            }
            self.left -= length;
            let mut kept = 0;
            for index in 0..length {
                if let Some(byte) = buffer.get(index).copied().filter(|byte| *byte != b'\r')
                    && let Some(place) = buffer.get_mut(kept)
                {
                    *place = byte;
                    kept += 1;
                }
            }
            if kept > 0 || length == 0 {
                return Ok(kept);
            }
        }
    }
}

/// Comma-separated values.
pub struct CsvSource {
    reader: csv::Reader<PlainLines>,
    record: csv::StringRecord,
    columns: Vec<String>,
}

impl CsvSource {
    fn new(file: File) -> Result<Self, SourceError> {
        let mut reader = csv::ReaderBuilder::new()
            .buffer_capacity(AHEAD)
            .from_reader(PlainLines::new(file));
        let header = reader.headers().cloned();
        let columns: Vec<String> = match header {
            Ok(header) => header.iter().map(str::to_owned).collect(),
            Err(_) if reader.get_ref().endless => return Err(SourceError::Endless(1)),
            Err(error) => return Err(error.into()),
        };
        for (index, column) in columns.iter().enumerate() {
            if !FIELDS.contains(&column.as_str()) {
                return Err(SourceError::Header(format!(
                    "`{column}` is no field; there are {}",
                    FIELDS.join(", ")
                )));
            }
            if columns.iter().take(index).any(|other| other == column) {
                return Err(SourceError::Header(format!("`{column}` stands twice")));
            }
        }
        for needed in ["customer", "fact"] {
            if !columns.iter().any(|column| column == needed) {
                return Err(SourceError::Header(format!("`{needed}` is missing")));
            }
        }
        Ok(Self {
            reader,
            record: csv::StringRecord::new(),
            columns,
        })
    }

    fn read(&mut self) -> Result<Option<Line>, SourceError> {
        let begins = self.reader.position().line();
        self.reader.get_mut().begin_record();
        let (at, said) = match self.reader.read_record(&mut self.record) {
            Ok(false) => return Ok(None),
            Ok(true) => (self.record.position().cloned(), self.row().read()),
            Err(error) => match error.kind() {
                csv::ErrorKind::UnequalLengths {
                    pos,
                    len,
                    expected_len,
                } => {
                    let why = format!("has {len} values, the header {expected_len}");
                    (pos.clone(), Err(whole(why)))
                }
                _ if self.reader.get_ref().endless => return Err(SourceError::Endless(begins)),
                csv::ErrorKind::Utf8 { pos, .. } => (pos.clone(), Err(whole("is not UTF-8"))),
                _ => return Err(error.into()),
            },
        };
        Ok(Some(Line {
            number: at.map_or(0, |at| at.line()),
            bytes: self.reader.position().byte(),
            said,
        }))
    }

    fn row(&self) -> Row {
        let mut row = Row::default();
        for (column, value) in self.columns.iter().zip(&self.record) {
            if let Some(field) = row.get_mut(column) {
                value.trim().clone_into(field);
            }
        }
        row
    }
}

/// JSON lines.
pub struct NdjsonSource {
    file: BufReader<File>,
    number: u64,
    bytes: u64,
    text: Vec<u8>,
}

impl NdjsonSource {
    fn read(&mut self) -> Result<Option<Line>, SourceError> {
        loop {
            self.text.clear();
            let mut limited = (&mut self.file).take(LINE_BYTES_MAX + 1);
            let mut length = limited.read_until(b'\n', &mut self.text)?;
            if length == 0 {
                return Ok(None);
            }
            let too_long = length as u64 > LINE_BYTES_MAX && self.text.last() != Some(&b'\n');
            if too_long {
                length += self.skip_rest()?;
            }
            self.number += 1;
            self.bytes += length as u64;
            let said = match std::str::from_utf8(&self.text) {
                _ if too_long => Err(whole("is longer than 65536 bytes")),
                Err(_) => Err(whole("is not UTF-8")),
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => parse(text),
            };
            return Ok(Some(Line {
                number: self.number,
                bytes: self.bytes,
                said,
            }));
        }
    }

    /// Passes over what is left of a line.
    fn skip_rest(&mut self) -> Result<usize, SourceError> {
        let mut skipped = 0;
        loop {
            let there = self.file.fill_buf()?;
            let end = there.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(there.len(), |end| end + 1);
            self.file.consume(length);
            skipped += length;
            if end.is_some() || length == 0 {
                return Ok(skipped);
            }
        }
    }
}

fn parse(text: &str) -> Result<(String, wire::AssertedFact), Wrong> {
    let row: Row = serde_json::from_str(text).map_err(|error| whole(error.to_string()))?;
    row.read()
}

fn whole(problem: impl Into<String>) -> Wrong {
    Wrong {
        field: String::new(),
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number, and the field at fault where there is one.
    fn read(format: Format, text: &str) -> Vec<(u64, Option<String>)> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, text).unwrap();
        let source = Source::open(&path, format).unwrap();
        let lines = source.map(|line| {
            let line = line.unwrap();
            (line.number, line.said.err().map(|wrong| wrong.field))
        });
        lines.collect()
    }

    #[test]
    fn c2_lines_keep_their_numbers_and_a_bad_one_spoils_no_other() {
        let csv = "customer,fact,at,legal_entity,reference\r\n\
            K-1,account,2019-03-01T17:00:00Z,infotech,\r\n\
            K-2,account,yesterday,infotech,\r\n\
            K-3,account\r\n\
            \"K-4\n5\",account,2019-03-01T17:00:00Z,\"infotech\",\r\n\
            K-6,account,2019-03-01T17:00:00Z,infotech,x\r\n";
        let some = |field: &str| Some(field.to_owned());
        assert_eq!(
            read(Format::Csv, csv),
            [
                (2, None),
                (3, some("at")),
                (4, some("")),
                (5, None),
                (7, some("reference"))
            ]
        );
        let long = format!("{{\"customer\":\"{}\"}}", "x".repeat(70_000));
        let account = r#"{"customer":"K-1","fact":"account","at":"2019-03-01T17:00:00Z"}"#;
        let ndjson = format!("{account}\n\n{long}\n{{\n{account}\n{{\"more\":1}}");
        assert_eq!(
            read(Format::Ndjson, &ndjson),
            [
                (1, None),
                (3, some("")),
                (4, some("")),
                (5, None),
                (6, some(""))
            ]
        );
    }

    #[test]
    fn c2_a_header_with_an_unknown_a_double_or_without_a_needed_column_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file.csv");
        for (header, named) in [
            ("customer,fact,colour\n", "colour"),
            ("customer,fact,at,at\n", "at"),
            ("customer,at\n", "fact"),
        ] {
            std::fs::write(&path, header).unwrap();
            let Err(error) = Source::open(&path, Format::Csv) else {
                panic!("{header} is taken");
            };
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn c2_t5_a_quote_that_nobody_closed_breaks_off_at_its_line_and_is_not_read_into_memory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file.csv");
        let row = |customer: &str| format!("{customer},account,2019-03-01T17:00:00Z\r\n");
        let rest: String = (0..10_000)
            .map(|number| row(&format!("K-{number}")))
            .collect();
        let text = format!("customer,fact,at\r\n{}\"{}{rest}", row("K-1"), row("K-2"));
        std::fs::write(&path, text).unwrap();
        let mut source = Source::open(&path, Format::Csv).unwrap();
        assert!(source.next().unwrap().unwrap().said.is_ok());
        let broken = source.next().unwrap().unwrap_err();
        assert!(matches!(broken, SourceError::Endless(3)), "{broken}");
        let Source::Csv(source) = source else {
            panic!("it is CSV");
        };
        assert!(source.record.as_slice().len() <= 64 * 1024 + AHEAD);
    }

    #[test]
    fn c2_a_record_of_as_many_bytes_as_a_line_may_have_is_read_and_so_is_the_next() {
        let bytes = 64 * 1024 - ",account,2019-03-01T17:00:00Z\n".len();
        let long = "x".repeat(bytes);
        let row = |customer: &str| format!("{customer},account,2019-03-01T17:00:00Z\n");
        let text = format!(
            "customer,fact,at\n{}{}{}",
            row("K-1"),
            row(&long),
            row("K-3")
        );
        let numbers: Vec<_> = read(Format::Csv, &text).iter().map(|line| line.0).collect();
        assert_eq!(numbers, [2, 3, 4]);
    }
}
