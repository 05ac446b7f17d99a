//! From the log to messages: reads committed blocks in order, off the async threads, a few ahead of the pipeline.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

use super::{RelayError, Standing, message::Message};
use crate::storage::Journal;

/// Blocks that are made into messages before the pipeline asks: enough to hide a read behind the sending, and a bound
/// on memory (a block opens to 1 MiB at most).
const AHEAD: usize = 2;

/// The messages of consecutive positions.
pub(super) type Batch = Vec<Message>;

/// A reader of the log, from one position on; it ends when it is dropped.
pub(super) struct Feed {
    receiver: mpsc::Receiver<Result<Batch, RelayError>>,
    _reader: AbortOnDropHandle<()>,
}

impl Feed {
    /// Starts to read at `next`. Messages below `replay_below` are marked as ones that may have been sent before.
    pub(super) fn start(source: Source, next: u64, replay_below: u64) -> Feed {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let reader = tokio::spawn(read_all(source, next, replay_below, sender));
        Feed {
            receiver,
            _reader: AbortOnDropHandle::new(reader),
        }
    }

    /// The next batch, as soon as something is committed. Waits for ever once the log's writer has ended.
    pub(super) async fn next(&mut self) -> Result<Batch, RelayError> {
        match self.receiver.recv().await {
            Some(batch) => batch,
            None => std::future::pending().await,
        }
    }
}

/// What is read.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) ledger: [u8; 16],
    pub(super) journal: Arc<dyn Journal>,
    /// What customers' words come to.
    pub(super) standing: Arc<dyn Standing>,
    /// The committed next position.
    pub(super) committed: watch::Receiver<u64>,
}

async fn read_all(
    mut source: Source,
    mut next: u64,
    replay_below: u64,
    sender: mpsc::Sender<Result<Batch, RelayError>>,
) {
    loop {
        let Ok(committed) = source
            .committed
            .wait_for(|committed| *committed > next)
            .await
            .map(|now| *now)
        else {
            return;
        };
        let (ledger, journal) = (source.ledger, Arc::clone(&source.journal));
        let standing = Arc::clone(&source.standing);
        let read = move || {
            let (journal, standing) = (journal.as_ref(), standing.as_ref());
            read_block(&ledger, journal, standing, next, committed, replay_below)
        };
        let batch = tokio::task::spawn_blocking(read)
            .await
            .unwrap_or_else(|error| Err(RelayError::Reader(error.to_string())));
        let failed = batch.is_err();
        if let Some(last) = batch.as_ref().ok().and_then(|batch| batch.last()) {
            next = last.position + 1;
        }
        if sender.send(batch).await.is_err() || failed {
            return;
        }
    }
}

/// The messages of `next` and what follows it in its block, as far as it is committed: at least one.
fn read_block(
    ledger: &[u8; 16],
    journal: &dyn Journal,
    standing: &dyn Standing,
    next: u64,
    committed: u64,
    replay_below: u64,
) -> Result<Batch, RelayError> {
    let missing = RelayError::Missing {
        position: next,
        committed,
    };
    let Some(stored) = journal.read(next)? else {
        return Err(missing);
    };
    let block = stored.open().map_err(|problem| RelayError::Block {
        position: next,
        problem,
    })?;
    let mut batch = Vec::new();
    for (position, line) in block
        .iter()
        .filter(|(position, _)| (next..committed).contains(position))
    {
        let mut message = Message::of_line(ledger, position, line, standing)?;
        if message.position != position {
            return Err(RelayError::Missing {
                position,
                committed,
            });
        }
        if position < replay_below {
            message.mark_replay();
        }
        batch.push(message);
    }
    if batch.is_empty() {
        Err(missing)
    } else {
        Ok(batch)
    }
}
