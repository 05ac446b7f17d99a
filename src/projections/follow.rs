//! The log as it grows: from a position on, then live (C5).

use tokio::sync::mpsc;

use super::{Entry, ViewError, Views};
use crate::domain::ids::Position;

/// Blocks read ahead of a slow follower.
const BLOCKS_AHEAD: usize = 4;

impl Views {
    /// Whole blocks of entries from `from` on, then live, until the receiver is dropped or the ledger stops.
    /// The first block may begin before `from`; its earlier entries are left out.
    pub fn follow(&self, from: Position) -> mpsc::Receiver<Result<Vec<Entry>, ViewError>> {
        let (blocks, followed) = mpsc::channel(BLOCKS_AHEAD);
        let views = self.clone();
        tokio::spawn(async move {
            let mut next = from;
            let mut committed = views.sources.committed.clone();
            while committed
                .wait_for(|committed| *committed > next.0)
                .await
                .is_ok()
            {
                let block = read(&views, next).await;
                let failed = block.is_err();
                if let Ok(entries) = &block
                    && let Some(last) = entries.last()
                {
                    next = Position(last.decoded.record.position + 1);
                }
                if blocks.send(block).await.is_err() || failed {
                    return;
                }
            }
        });
        followed
    }
}

async fn read(views: &Views, from: Position) -> Result<Vec<Entry>, ViewError> {
    let views = views.clone();
    let read = move || {
        let block = views.block(from)?.ok_or(ViewError::NotReached {
            wanted: from.0,
            reached: views.reached().0,
        })?;
        let mut entries = views.entries(&block)?;
        entries.retain(|entry| entry.decoded.record.position >= from.0);
        Ok(entries)
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|_| {
        Err(ViewError::Record {
            position: from.0,
            problem: "reading it was interrupted".to_owned(),
        })
    })
}
