//! How results reach a person or a program.

mod report;

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Ended;

pub use report::{Report, Table, drawn};

/// For people or for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people; where there are rows, a table.
    #[default]
    #[value(alias = "table")]
    Text,
    /// Rows for a spreadsheet, where there are rows.
    Csv,
    /// One JSON value.
    Json,
}

/// Whether something that was to be printed is lost.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints a line; a closed pipe is no error of ours, and any other is told once and by [`whole`].
pub fn line(text: &str) {
    let Err(error) = writeln!(anstream::stdout().lock(), "{text}") else {
        return;
    };
    if error.kind() != ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::Relaxed) {
        let _ = fail(Ended::Unreachable, &error);
    }
}

/// What a command ended with, unless its result could not be written.
pub fn whole(ended: Ended) -> Ended {
    match LOST.load(Ordering::Relaxed) {
        true => Ended::Unreachable,
        false => ended,
    }
}

/// Prints a JSON value.
pub fn json(value: &serde_json::Value) {
    line(&format!("{value:#}"));
}

/// Writes bytes as they are.
pub fn bytes(bytes: &[u8]) -> Ended {
    match std::io::stdout().lock().write_all(bytes) {
        Ok(()) => Ended::Well,
        Err(error) => fail(Ended::Unreachable, &error),
    }
}

/// Says on standard error what went wrong, and why underneath.
pub fn fail(ended: Ended, error: &dyn std::error::Error) -> Ended {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    complain(ended, &text)
}

/// Says on standard error what went wrong.
pub fn complain(ended: Ended, text: &str) -> Ended {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let _ = writeln!(anstream::stderr().lock(), "{style}error:{style:#} {text}");
    ended
}

/// A bar on standard error for whatever takes longer than a second; nothing where nobody watches.
pub fn progress(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// A bar for work whose end is not known.
pub fn counter(what: &'static str) -> ProgressBar {
    let bar = progress(what);
    if let Ok(style) =
        ProgressStyle::with_template("{spinner} {msg}: {human_pos} records, {per_sec}")
    {
        bar.set_style(style);
    }
    bar
}

/// A line on standard error for whoever waits.
pub fn progress_note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}
