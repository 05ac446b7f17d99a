//! The arithmetic of evidence: what a record is, byte for byte, and how anyone can tell that none was changed.
//!
//! ```text
//! record  one line of strict JSON, kept and hashed as the exact bytes it was written with
//! hash    SHA-256(0x00 || line): the link in the next line's `prev`, and the RFC 6962 leaf, in one
//! merkle  the tree over those leaves, as far as a root needs it
//! proof   that a leaf is in the tree, and that it only grew; `tlog_proof` is its form as a file
//! note    C2SP signed notes; `checkpoint` is the one that states size and root
//! document one line of JSON in a signed note, for who keeps one
//! block   a run of lines as the journal stores it
//! genesis what position 0 says
//! verify  the one verification that recovery, audit, command line and tests all call
//! ```
//!
//! Invariants. Nothing here reads a clock, a file or a random number, and nothing here knows what a record is
//! *about*: times, keys and lines come in as arguments. What `write_line` writes, `parse` reads back, and `parse`
//! accepts no line that `write_line` would have written otherwise: one record has one text.

pub mod block;
pub mod checkpoint;
pub mod document;
#[cfg(test)]
mod fixture;
pub mod genesis;
pub mod hash;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod record;
pub mod timestamp;
pub mod tlog_proof;
pub mod verify;

pub use block::{
    Block, BlockBuilder, BlockError, RAW_BLOCK_MAX, SAFE_RAW, STORED_BLOCK_MAX, StoredBlock,
};
pub use checkpoint::{Checkpoint, open, sign};
pub use document::{open_document, sign_document};
pub use genesis::{Genesis, GenesisError, Rulebook};
pub use hash::{Hash, leaf_hash, node_hash};
pub use merkle::{Frontier, GROUP, GROUP_LEVEL, GrowingTree, MerkleError, Subtree, perfect_root};
pub use note::{NoteError, SigningKey, VerifyingKey};
pub use proof::{ConsistencyProof, InclusionProof, Nodes, root};
pub use record::{
    Actor, Envelope, INTEGER_MAX, LINE_MAX, LineError, Part, Policy, Record, RecordRef, Sealed,
    Subject, check_data,
};
pub use timestamp::{Timestamp, TimestampError};
pub use tlog_proof::{ProofError, open_tlog_proof, write_tlog_proof};
pub use verify::{
    Finding, Options, Problem, Start, Verified, Verifier, verify_blocks, verify_lines,
};
