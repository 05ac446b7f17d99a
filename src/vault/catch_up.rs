//! Making the index ready: confirmed against the entries, taught what it missed, or rebuilt.

use std::path::Path;

use super::{
    VaultError,
    durable::Disk,
    entries::{Entries, Mark},
    index::{self, Index},
    progress::{Learned, Progress},
};

/// Keys taken in together while filling (some 13 MB of memory): sorted, they cost a fraction.
const TAUGHT_AT_ONCE: usize = 500_000;

/// Where the index lies and what it reflects.
pub(super) struct IndexPlace<'a> {
    pub(super) dir: &'a Path,
    pub(super) entries: &'a Entries,
    /// The place before the first entry.
    pub(super) start: Mark,
    pub(super) disk: &'a Disk,
}

/// An index that reflects every whole batch.
pub(super) struct Ready {
    pub(super) index: Index,
    pub(super) progress: Progress,
    /// It was filled from nothing just now, so it is whole.
    pub(super) fresh: bool,
    /// Bytes of a torn batch at the end of the entries.
    pub(super) torn: u64,
    /// Why it was rebuilt.
    pub(super) note: Option<String>,
}

/// Why an index is not ready.
enum Trouble {
    /// The index is at fault: it can be made anew.
    Rebuild(String),
    /// The entries are at fault.
    Refuse(VaultError),
}

impl From<VaultError> for Trouble {
    fn from(error: VaultError) -> Self {
        Self::Refuse(error)
    }
}

/// The index, ready; one that is broken is deleted and filled from the entries, once.
pub(super) fn ready(place: &IndexPlace<'_>) -> Result<Ready, VaultError> {
    let why = match attempt(place) {
        Ok(ready) => return Ok(ready),
        Err(Trouble::Refuse(error)) => return Err(error),
        Err(Trouble::Rebuild(why)) => why,
    };
    tracing::warn!(index = %place.dir.display(), why, "the vault's index is rebuilt");
    index::delete(place.dir, place.disk)?;
    match attempt(place) {
        Ok(ready) => Ok(Ready {
            note: Some(format!(
                "{}: {why}; it was deleted and rebuilt from the entries",
                place.dir.display()
            )),
            ..ready
        }),
        Err(Trouble::Refuse(error)) => Err(error),
        Err(Trouble::Rebuild(what)) => Err(VaultError::Index {
            dir: place.dir.to_owned(),
            what,
        }),
    }
}

fn attempt(place: &IndexPlace<'_>) -> Result<Ready, Trouble> {
    let fresh = !place
        .dir
        .try_exists()
        .map_err(VaultError::io(place.dir, "looking for"))?;
    let disk = place.disk.clone();
    let opened = Index::open(place.dir, place.entries.path(), disk);
    let (index, saved) = opened.map_err(Trouble::Rebuild)?;
    if let Some(progress) = &saved {
        confirm(place, &index, progress)?;
    }
    // Without saved progress, after a crash before the first save, what it holds is counted later.
    let from = saved.unwrap_or(Progress::start(place.start));
    let mut progress = from;
    let mut waiting: Option<Learned> = None;
    let mut teach = |learned: Learned| -> Result<(), Trouble> {
        let taught = index
            .learn(learned, &mut progress)
            .map_err(Trouble::Rebuild)?;
        taught.map_or(Ok(()), |at| Err(contradiction(place, fresh, at)))
    };
    let (end, torn) = place.entries.replay(from.mark, &mut |batch| {
        let learned = Learned::of(&batch);
        match &mut waiting {
            Some(waiting) => waiting.extend(learned),
            None => waiting = Some(learned),
        }
        match waiting.take_if(|waiting| waiting.keys.len() >= TAUGHT_AT_ONCE) {
            Some(learned) => {
                tracing::info!(
                    entries = batch.end.head.sequence,
                    "filling the vault's index"
                );
                teach(learned)
            }
            None => Ok(()),
        }
    })?;
    waiting.map_or(Ok(()), teach)?;
    debug_assert_eq!(progress.mark, end);
    if progress != from {
        index.save(&progress).map_err(Trouble::Rebuild)?;
    }
    if fresh {
        index.trust();
    }
    Ok(Ready {
        index,
        progress,
        fresh,
        torn,
        note: None,
    })
}

/// Whether the entries still hold what the index has seen of them.
fn confirm(place: &IndexPlace<'_>, index: &Index, progress: &Progress) -> Result<(), Trouble> {
    if progress.mark == place.start {
        return Ok(());
    }
    if place.entries.length()? < progress.mark.offset {
        let mut own = 0;
        let count = &mut |batch: super::entries::Batch| -> Result<(), VaultError> {
            own = batch.end.head.sequence;
            Ok(())
        };
        place.entries.replay(place.start, count)?;
        return Err(index.lost(own, progress.mark.head.sequence).into());
    }
    match place.entries.read_batch(progress.last_batch)? {
        Ok(batch) if batch.end == progress.mark => Ok(()),
        Ok(_) => Err(Trouble::Rebuild(
            "it reflects other entries than the file holds".to_owned(),
        )),
        // It was durable when the index saw it, so it is not torn.
        Err(what) => {
            Err(VaultError::damaged(place.entries.path(), progress.last_batch, what).into())
        }
    }
}

/// A key that already led elsewhere: an old index is to blame, or, in a new one, the entries.
fn contradiction(place: &IndexPlace<'_>, fresh: bool, at: u64) -> Trouble {
    if fresh {
        let what = "a customer or a pseudonym has a second entry here";
        return Trouble::Refuse(VaultError::damaged(place.entries.path(), at, what));
    }
    Trouble::Rebuild("it leads to other entries than the file holds".to_owned())
}
