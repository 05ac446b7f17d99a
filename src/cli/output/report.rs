//! A report for people, spreadsheets and programs: what it says in all, and tables whose rows name their records.

use comfy_table::{ContentArrangement, Table as Drawn, presets};
use serde_json::{Map, Value};

use super::{Format, bytes, json, line};
use crate::cli::Ended;

/// A report. Every number in it can be traced: by the position up to which it holds, and by those in its rows.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What it says in all, e.g. the position up to which it holds.
    pub facts: Vec<(&'static str, Value)>,
    /// Its tables, each with its name in JSON and what people read where it is empty. CSV has the last one only: the rows
    /// that the others sum up.
    pub tables: Vec<(&'static str, Table, &'static str)>,
}

/// Rows under the same columns.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Report {
    /// Prints the report.
    pub fn print(&self, format: Format) -> Ended {
        match (format, self.tables.last()) {
            (Format::Json, _) => json(&self.as_json()),
            (Format::Csv, Some((_, table, empty))) => return table.print(format, empty),
            _ => line(&self.as_text()),
        }
        Ended::Well
    }

    fn as_json(&self) -> Value {
        let facts = (self.facts.iter()).map(|(name, value)| ((*name).to_owned(), value.clone()));
        let tables = self.tables.iter();
        let tables = tables.map(|(name, table, _)| ((*name).to_owned(), table.as_json()));
        Value::Object(facts.chain(tables).collect())
    }

    fn as_text(&self) -> String {
        let facts = self.facts.iter();
        let facts =
            facts.map(|(name, value)| format!("{}: {}", name.replace('_', " "), plain(value)));
        let tables = self.tables.iter();
        let tables = tables.map(|(_, table, empty)| table.as_text(empty));
        facts.chain(tables).collect::<Vec<_>>().join("\n")
    }
}

impl Table {
    /// An empty table with these columns.
    pub fn new(columns: &[&str]) -> Self {
        Self::of(columns, Vec::new())
    }

    /// A table of these rows, each with a value a column; a list of positions is one value.
    pub fn of(columns: &[impl AsRef<str>], rows: Vec<Vec<Value>>) -> Self {
        let columns = columns.iter().map(|name| name.as_ref().to_owned());
        Self {
            columns: columns.collect(),
            rows,
        }
    }

    /// The table with further columns, which say the same in each row.
    pub fn beside(mut self, facts: &[(&'static str, Value)]) -> Self {
        self.columns
            .extend(facts.iter().map(|(name, _)| (*name).to_owned()));
        for row in &mut self.rows {
            row.extend(facts.iter().map(|(_, value)| value.clone()));
        }
        self
    }

    /// Adds a row.
    pub fn row(&mut self, values: Vec<Value>) {
        self.rows.push(values);
    }

    /// Prints it alone, or says `nothing` to people when it is empty.
    pub fn print(&self, format: Format, nothing: &str) -> Ended {
        match format {
            Format::Json => json(&self.as_json()),
            Format::Text => line(&self.as_text(nothing)),
            Format::Csv => match self.as_csv() {
                Ok(rows) => return bytes(&rows),
                Err(error) => return super::fail(Ended::Unreachable, &error),
            },
        }
        Ended::Well
    }

    fn as_json(&self) -> Value {
        let object = |row: &Vec<Value>| {
            let columns = self.columns.iter().cloned();
            Value::Object(columns.zip(row.iter().cloned()).collect::<Map<_, _>>())
        };
        self.rows.iter().map(object).collect()
    }

    /// The table for people, or `nothing` where it is empty.
    pub fn as_text(&self, nothing: &str) -> String {
        if self.rows.is_empty() {
            return nothing.to_owned();
        }
        let mut drawn = drawn(self.columns.iter().map(|column| column.to_uppercase()));
        for row in &self.rows {
            drawn.add_row(row.iter().map(plain));
        }
        for column in drawn.column_iter_mut() {
            column.set_padding((0, 2));
        }
        drawn.to_string()
    }

    fn as_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.columns)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(plain))?;
        }
        let written = writer.into_inner();
        written.map_err(|error| error.into_error().into())
    }
}

/// An empty table for people, as wide as their terminal.
pub fn drawn<T: Into<comfy_table::Cell>>(columns: impl IntoIterator<Item = T>) -> Drawn {
    let mut table = Drawn::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(columns.into_iter().map(Into::into).collect::<Vec<_>>());
    table
}

/// A value in one cell: lists separated by spaces, nothing for null.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(plain).collect();
            values.join(" ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows() -> Table {
        let mut table = Table::new(&["position", "relied_on", "what"]);
        table.row(vec![json!(7), json!([3, 5]), json!("a, \"b\"")]);
        table.row(vec![json!(8), json!([]), Value::Null]);
        table
    }

    #[test]
    fn u2_csv_quotes_what_would_break_a_line() {
        let csv = String::from_utf8(rows().as_csv().unwrap()).unwrap();
        let expected = "position,relied_on,what\n7,3 5,\"a, \"\"b\"\"\"\n8,,\n";
        assert_eq!(csv, expected);
    }

    #[test]
    fn u2_what_holds_for_all_rows_stands_in_each() {
        let dated = rows().beside(&[("to_position", json!(9)), ("at", Value::Null)]);
        let csv = String::from_utf8(dated.as_csv().unwrap()).unwrap();
        let expected =
            "position,relied_on,what,to_position,at\n7,3 5,\"a, \"\"b\"\"\",9,\n8,,,9,\n";
        assert_eq!(csv, expected);
    }

    #[test]
    fn u2_a_report_says_the_same_to_people_and_to_programs() {
        let report = Report {
            facts: vec![("to_position", json!(9))],
            tables: vec![
                ("sums", Table::new(&["name"]), "nothing to sum up"),
                ("rows", rows(), "no rows"),
            ],
        };
        let value = report.as_json();
        assert_eq!(value["to_position"], 9);
        assert_eq!(value["sums"], json!([]));
        let first = json!({"position": 7, "relied_on": [3, 5], "what": "a, \"b\""});
        assert_eq!(value["rows"][0], first);

        let text = report.as_text();
        for part in ["to position: 9", "nothing to sum up", "RELIED_ON", "3 5"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(!text.contains("no rows"), "{text}");
    }
}
