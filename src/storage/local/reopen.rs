//! Opens the database anew while the log runs: what the next start has to read stays short.
//!
//! Everything is settled then and no disk has failed, so nothing is in doubt but what sled makes of its files. Its newest
//! segments are set aside before (where they can't be, it is not opened anew this time), and afterwards it must hold every
//! block that it took since it was opened before, and what it remembers of the tail. If it does not, the log ends, and the
//! next start judges what is there, more carefully: with the disk's bytes instead of the page cache's, and beside the tail.

use std::{sync::Arc, time::Instant};

use super::{
    database::{Blocks, Database},
    observe::SyncObserver,
    open::{Layout, settle_files},
    segments,
};

/// When and where.
pub(super) struct Reopening {
    pub(super) layout: Layout,
    /// After so many bytes of blocks, each time.
    pub(super) every: u64,
    /// After so many since it was opened, this time.
    pub(super) due: u64,
    pub(super) observer: Option<Arc<dyn SyncObserver>>,
    /// The position up to which the database held blocks when it was opened.
    pub(super) opened_at: u64,
}

impl Reopening {
    /// Opens the database anew, where it is time; it holds everything before `settled`, durably, and nothing else.
    pub(super) fn when_due(&mut self, database: &Database, settled: u64) -> Result<(), String> {
        let bytes = database.since_opened();
        if bytes < self.due {
            return Ok(());
        }
        let started = Instant::now();
        let failed = |error: &dyn std::fmt::Display| {
            format!(
                "the database was opened anew, and {error}; start again, the tail is compared with it then"
            )
        };
        let opened = database.opened().map_err(|error| error.to_string())?;
        let aside = &self.layout.aside_anew;
        if let Err(error) = segments::set_aside(&self.layout.database_file(), aside) {
            tracing::warn!(%error, "the log's database is not opened anew: its newest segments can't be set aside");
            self.due = bytes + self.every;
            return Ok(());
        }
        database.reopen().map_err(|error| failed(&error))?;
        settle_files(&self.layout, database, self.observer.as_deref())
            .map_err(|error| failed(&error))?;
        if database.opened().map_err(|error| failed(&error))? != opened {
            return Err(failed(
                &"it forgot with which slot of the tail the log was opened",
            ));
        }
        check_all_there(database, self.opened_at, settled).map_err(|problem| failed(&problem))?;
        segments::accept_aside(aside).map_err(|error| failed(&error))?;
        tracing::debug!(elapsed = ?started.elapsed(), "the log's database was opened anew");
        (self.opened_at, self.due) = (settled, self.every);
        Ok(())
    }
}

/// Whether the blocks from one position to another follow each other without a gap.
fn check_all_there(database: &Database, from: u64, to: u64) -> Result<(), String> {
    let mut wanted = to;
    while wanted > from {
        let found = database.before(wanted).map_err(|error| error.to_string())?;
        match found {
            Some(block) if block.next() == wanted => wanted = block.first,
            found => {
                let reached = found.map_or(0, |block| block.next());
                return Err(format!("positions {reached} to {} are gone", wanted - 1));
            }
        }
    }
    Ok(())
}
