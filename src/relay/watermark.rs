//! How far was published, remembered across restarts: only to mark a replay as one, never to decide where to go on.
//!
//! ```text
//! published   the stream acknowledged everything below; may be behind the truth after a crash
//! sent        nothing at or above was ever sent; may be ahead of the truth after a crash
//! ```
//!
//! `sent` is written before the messages are, in strides, so that a message without the mark was never sent before.

use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::message::Hex;
use crate::storage::files;

/// Positions for which one write of the file is enough.
const STRIDE: u64 = 4_096;

#[derive(Debug)]
pub(super) struct Watermark {
    path: Option<PathBuf>,
    ledger: [u8; 16],
    /// The stream acknowledged everything below.
    published: u64,
    /// Nothing at or above was sent, as far as this process and the file know.
    sent: u64,
    /// The file allows for everything below to be sent.
    reserved: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remembered {
    ledger: String,
    published: u64,
    sent: u64,
}

impl Watermark {
    /// Reads the file. A file that is missing, of another ledger or not readable remembers nothing.
    pub(super) fn open(path: Option<PathBuf>, ledger: [u8; 16]) -> Watermark {
        let mut mark = Watermark {
            path,
            ledger,
            published: 0,
            sent: 0,
            reserved: 0,
        };
        let Some(path) = &mark.path else { return mark };
        match std::fs::read(path) {
            Ok(bytes) => match serde_json::from_slice::<Remembered>(&bytes) {
                Ok(known) if known.ledger == Hex(&ledger).to_string() => {
                    mark.published = known.published;
                    mark.sent = known.sent.max(known.published);
                    mark.reserved = mark.sent;
                }
                _ => {
                    warn!(path = %path.display(), "the relay's watermark is not this ledger's and is ignored")
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                warn!(path = %path.display(), %error, "the relay's watermark can't be read and is ignored")
            }
        }
        mark
    }

    pub(super) fn published(&self) -> u64 {
        self.published
    }

    /// Everything below `next` is in the stream.
    pub(super) fn note_published(&mut self, next: u64) {
        self.published = self.published.max(next);
        self.sent = self.sent.max(next);
    }

    /// Below which position a message may have been sent before, if the stream goes on at `next`.
    ///
    /// An empty stream is a lost one, and all that may have been sent is sent again. Otherwise it is the stream that was
    /// written to before, and only an acknowledged tail that it lost is sent again.
    pub(super) fn replay_below(&self, next: u64) -> u64 {
        if next == 0 { self.sent } else { self.published }
    }

    /// Called before `position` is sent: now and then this writes the file, for a stride of positions at once.
    pub(super) async fn before_sending(&mut self, position: u64) {
        if position >= self.reserved {
            self.reserved = position.saturating_add(STRIDE);
            self.write().await;
        }
        self.sent = self.sent.max(position.saturating_add(1));
    }

    /// Writes down the exact place, at a quiet moment.
    pub(super) async fn settle(&mut self) {
        if self.reserved != self.sent {
            self.reserved = self.sent;
            self.write().await;
        }
    }

    /// A file that can't be written costs a mark in a rare case, so it does not hold up publication.
    async fn write(&self) {
        let Some(path) = self.path.clone() else {
            return;
        };
        let remembered = Remembered {
            ledger: Hex(&self.ledger).to_string(),
            published: self.published,
            sent: self.reserved,
        };
        let write = move || {
            let bytes = serde_json::to_vec(&remembered).map_err(io::Error::other)?;
            files::write_durable(&path, &bytes)
        };
        let written = tokio::task::spawn_blocking(write)
            .await
            .map_err(io::Error::other)
            .flatten();
        if let Err(error) = written {
            warn!(%error, "the relay's watermark can't be written: a later replay may not be marked as one");
        }
    }
}
