//! The consent ledger: what a telephone company may do with its customers' network information, and the proof of it.

pub mod access;
pub mod domain;
pub mod grpc;
pub mod ledger;
pub mod projections;
pub mod proto;
pub mod sequencer;
pub mod storage;
pub mod vault;
