//! What a person sees: numbered steps, short lines, tables; colour only where a terminal shows it.

use std::fmt::Display;
use std::io::{Stdout, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};

/// Columns that a line takes at most; machine text such as a record is never broken.
const WIDTH: usize = 100;
const INDENT: usize = 4;

const HEADING: Style = AnsiColor::Cyan.on_default().bold();
const YES: Style = AnsiColor::Green.on_default().bold();
const NO: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// The page that the demo writes.
pub struct Page {
    out: AutoStream<Stdout>,
    step: u32,
    title: String,
}

impl Page {
    /// An empty page on standard output; `plain` is without colour, whatever shows it.
    pub fn new(plain: bool) -> Self {
        let out = std::io::stdout();
        Self {
            out: if plain {
                AutoStream::never(out)
            } else {
                AutoStream::auto(out)
            },
            step: 0,
            title: "the start".to_owned(),
        }
    }

    /// Where the demo is, for a message about what went wrong there.
    pub fn place(&self) -> String {
        format!("step {} ({})", self.step, self.title)
    }

    /// Begins the next step.
    pub fn step(&mut self, title: &str) {
        self.step += 1;
        self.title = title.to_owned();
        let step = self.step;
        self.put(&format!("\n{HEADING}{step:>2}  {title}{HEADING:#}"));
    }

    /// A paragraph.
    pub fn say(&mut self, text: &str) {
        self.wrapped("", text, Style::new());
    }

    /// A paragraph that explains, and may be passed over.
    pub fn aside(&mut self, text: &str) {
        self.wrapped("", text, FAINT);
    }

    /// A name and its value.
    pub fn fact(&mut self, name: &str, value: impl Display) {
        self.put(&format!("{:INDENT$}{FAINT}{name:<11}{FAINT:#} {value}", ""));
    }

    /// Who asks or does what.
    pub fn act(&mut self, text: &str) {
        self.wrapped("> ", text, Style::new());
    }

    /// That it was done.
    pub fn done(&mut self, text: &str) {
        self.marked(YES, "ok", text);
    }

    /// That the answer is yes.
    pub fn yes(&mut self, text: &str) {
        self.marked(YES, "YES", text);
    }

    /// That the answer is no, or that something was refused.
    pub fn no(&mut self, text: &str) {
        self.marked(NO, "NO", text);
    }

    /// That something wrong was found.
    pub fn found(&mut self, text: &str) {
        self.marked(NO, "FOUND", text);
    }

    /// What stands under an answer.
    pub fn under(&mut self, text: &str) {
        self.wrapped("         ", text, FAINT);
    }

    /// That it reached somebody elsewhere.
    pub fn heard(&mut self, text: &str) {
        self.marked(HEADING, "~", text);
    }

    /// Lines as they are: records, notes, commands.
    pub fn exact(&mut self, text: &str) {
        for line in text.lines() {
            self.put(&format!("{:INDENT$}  {line}", ""));
        }
    }

    /// A table.
    pub fn table<const N: usize>(
        &mut self,
        header: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) {
        let mut table = Table::new();
        table
            .load_preset(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(header)
            .add_rows(rows);
        for line in table.lines() {
            let line = line.trim_end();
            self.put(&format!("{:INDENT$} {line}", ""));
        }
    }

    /// A line from the left edge.
    pub fn edge(&mut self, text: &str) {
        self.put(text);
    }

    /// The line that sums it up.
    pub fn sum(&mut self, text: &str) {
        self.put(&format!("{YES}{text}{YES:#}"));
    }

    fn marked(&mut self, style: Style, mark: &str, text: &str) {
        let lines = broken(text, WIDTH - INDENT - 9);
        for (index, line) in lines.iter().enumerate() {
            let mark = if index == 0 { mark } else { "" };
            self.put(&format!("{:INDENT$}  {style}{mark:<7}{style:#}{line}", ""));
        }
    }

    fn wrapped(&mut self, mark: &str, text: &str, style: Style) {
        let hanging = mark.len();
        for (index, line) in broken(text, WIDTH - INDENT - hanging).iter().enumerate() {
            let mark = if index == 0 { mark } else { "" };
            self.put(&format!(
                "{:INDENT$}{mark:<hanging$}{style}{line}{style:#}",
                ""
            ));
        }
    }

    fn put(&mut self, line: &str) {
        // Whoever closed the pipe has seen enough; the demo still checks the rest.
        let _ = writeln!(self.out, "{line}");
    }
}

/// `text` in lines of at most `width` letters, broken between words.
fn broken(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let letters = word.chars().count();
        if used > 0 && used + 1 + letters > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += letters;
        }
    }
    lines
}

/// `1,234`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_lose_none() {
        let text = "a client’s right to deny is never a longer line than the page is wide";
        let lines = broken(text, 20);
        assert!(lines.iter().all(|line| line.chars().count() <= 20));
        assert_eq!(lines.join(" "), text);
        assert_eq!(
            broken("averyveryverylongword b", 4),
            ["averyveryverylongword", "b"]
        );
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
