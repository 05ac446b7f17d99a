//! What is kept outside the database so that nobody has to believe it: checkpoints, and the audit of a folder or export;
//! and the receipts that customers keep.
//!
//! It reads and signs; it never changes what it audits.

mod checkpoints;
mod folder;
pub mod questions;
mod receipt;
mod replayed;
mod tree;

pub use checkpoints::{
    CheckpointError, Checkpointer, DocumentSigner, Kept, checkpoint_path, read_kept,
};
pub use folder::{AuditError, Audited, audit_export, audit_folder, export_folder, lines_of_folder};
pub use receipt::{
    CitedNotice, Consent, Controller, Facts as ReceiptFacts, SCHEMA as RECEIPT_SCHEMA, receipt,
};
pub use replayed::{ReplayError, Replayed};
pub use tree::{Keeper, KeptNodes, Tree, TreeError};
