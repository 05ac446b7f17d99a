//! Rows under columns: for people aligned, for spreadsheets as CSV (RFC 4180), for programs as JSON.

use serde_json::{Map, Value};

use super::output::{self, Format};

/// A table; each row has a value for each column.
pub struct Table {
    columns: &'static [&'static str],
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new(columns: &'static [&'static str]) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, values: Vec<Value>) {
        self.rows.push(values);
    }

    /// Prints it, or says `nothing` to people when it is empty.
    pub fn print(&self, format: Format, nothing: &str) {
        match format {
            Format::Json => output::json(&self.json()),
            Format::Csv => self.csv().iter().for_each(|line| output::line(line)),
            Format::Text if self.rows.is_empty() => output::line(nothing),
            Format::Text => self.text().iter().for_each(|line| output::line(line)),
        }
    }

    fn json(&self) -> Value {
        let object = |row: &Vec<Value>| {
            let members = self.columns.iter().zip(row);
            Value::Object(Map::from_iter(
                members.map(|(column, value)| ((*column).to_owned(), value.clone())),
            ))
        };
        self.rows.iter().map(object).collect()
    }

    fn csv(&self) -> Vec<String> {
        let head = self.columns.iter().map(|column| quoted(column)).collect();
        let rows = self
            .rows
            .iter()
            .map(|row| row.iter().map(|one| quoted(&cell(one))).collect());
        std::iter::once(head)
            .chain(rows)
            .map(|cells: Vec<_>| cells.join(","))
            .collect()
    }

    fn text(&self) -> Vec<String> {
        let head: Vec<String> = self
            .columns
            .iter()
            .map(|column| column.to_uppercase())
            .collect();
        let rows = self.rows.iter().map(|row| row.iter().map(cell).collect());
        let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |cells: &Vec<String>| {
            let padded = cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        lines.iter().map(line).collect()
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["id", "count"]);
        table.row(vec![json!("a, \"b\""), json!(12)]);
        table.row(vec![json!(null), json!([1, 2])]);
        table
    }

    #[test]
    fn u2_csv_quotes_what_would_break_a_line() {
        assert_eq!(table().csv(), ["id,count", "\"a, \"\"b\"\"\",12", ",1 2"]);
    }

    #[test]
    fn u2_text_is_aligned_and_json_keeps_its_types() {
        assert_eq!(
            table().text(),
            ["ID      COUNT", "a, \"b\"  12", "        1 2"]
        );
        assert_eq!(
            table().json(),
            json!([{"id": "a, \"b\"", "count": 12}, {"id": null, "count": [1, 2]}])
        );
    }
}
