//! The consent ledger: what a telephone company may do with its customers' network information, and the proof of it.

pub mod domain;
pub mod ledger;
pub mod relay;
pub mod storage;
pub mod vault;
