//! The log, out to NATS JetStream: pipelines follow a stream instead of asking the ledger.
//!
//! The relay reads the log itself, so there is no outbox that could disagree with it. Every position becomes one message, and
//! what a subscriber may not see becomes a marker without content: stream sequence = position + 1, always.
//!
//! ```text
//! log       0   1   2   3   4   5   6   7            position
//! stream    1   2   3   4   5   .   .   .            sequence = position + 1
//!           |<-- published -->|<-- lag -->|
//!                             next      committed
//! ```
//!
//! The promise (N1): each position once and in order, never a gap, whatever restarts: NATS, this process, or a second
//! relay that should not be there. It rests on three things, and not on the stream's memory of message ids, which
//! forgets after its window:
//!
//! 1. Where to go on is read from the stream itself, at each connection. There is no other place to be wrong.
//! 2. The stream's last message names its position and its record's hash; another hash than the log's stops the relay.
//! 3. Each message says which sequence must be the last one (`Nats-Expected-Last-Sequence`). A message that comes
//!    late, twice, or after a lost one is refused by the server. On any refusal or silence the whole pipeline is
//!    dropped and the relay starts again at 1: recovery is the same code as starting.
//!
//! A stream that was lost or recreated is filled again from position 0, and what may have been sent before is marked.
//!
//! What this part must never do: hold up a command (NATS away is normal; the lag shows it), publish what is not
//! committed, publish past a position that it can't read, or name a customer by anything but the pseudonym.
//!
//! What it assumes of NATS: an acknowledged message stays in the stream. A server with default settings syncs its files
//! every two minutes, so after a power loss this may not hold; the lost tail is then published again, marked.
//! Production sets `sync_interval: always`.
//!
//! What is owed to customers after an account change goes to whoever sends it, on a stream of its own that no other
//! subscriber may read (`notice`, `notifier`).
//!
//! Reading order: [`subject`] and `message` (what is sent), `stream` and `tail` (where to go on), `feed` (log to messages),
//! `pipeline` (messages to acknowledgements), `notice` and `notifier` (account changes), `service` (the loop around all).

mod connection;
mod error;
mod feed;
mod message;
mod notice;
mod notifier;
mod options;
mod pipeline;
mod retry;
mod service;
mod status;
mod stream;
pub mod subject;
mod tail;
mod watermark;

use crate::domain::authentication::change_notices::Owing;
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::preferences::Preferences;

/// Tells what a customer's words come to, at least up to every committed record: published with what changed it (N3).
pub trait Standing: Send + Sync {
    /// The customer's preferences now; none where the ledger knows no such customer.
    ///
    /// # Errors
    /// Why the customer's state can't be read.
    fn preferences(&self, customer: Pseudonym) -> Result<Option<Preferences>, String>;

    /// The notification that is owed for the customer's account change of that record; none: nothing is (F16).
    ///
    /// # Errors
    /// Why the customer's state can't be read.
    fn owing(&self, customer: Pseudonym, change: Position) -> Result<Option<Owing>, String>;
}

pub use error::RelayError;
pub use message::{REPLAY_HEADER, header};
pub use options::{Auth, Options, Secret, Server, Tls};
pub use service::Relay;
pub use status::{Handle, Status};
