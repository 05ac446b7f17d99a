//! The seam where tests stand between this journal and the disk.

use std::{io, path::Path};

/// Which sync it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The ring was created, with zeros.
    TailCreated,
    /// A slot was written to the ring: for a block this is the commit.
    Tail,
    /// The database caught up: everything before a position is settled.
    Database,
    /// Recovery, before anything is read: what a crash left in memory only is on the disk now.
    Recovery,
    /// The database's small files and the folders' names, at the end of recovery.
    Folders,
}

/// Stands beside every sync. A test keeps a shadow copy of the files as they stood at each sync, or lets one fail.
///
/// Called on the thread that syncs. Implementations must not call back into the journal.
pub trait SyncObserver: Send + Sync {
    /// Before the sync. An error is taken as the sync's own failure, and the sync is not done.
    ///
    /// # Errors
    ///
    /// Whatever the disk is to say.
    fn before(&self, path: &Path, stage: Stage) -> io::Result<()> {
        let _ = (path, stage);
        Ok(())
    }

    /// Right after the sync succeeded: what `path` holds now survives the power.
    fn synced(&self, path: &Path, stage: Stage) {
        let _ = (path, stage);
    }

    /// The free bytes of the disk, where a test wants to say so itself.
    fn free_bytes(&self) -> Option<u64> {
        None
    }
}
