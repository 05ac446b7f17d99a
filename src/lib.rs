//! The consent ledger: what a telephone company may do with its customers' network information, and the proof of it.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod app;
pub mod audit;
pub mod clock;
pub mod codec;
pub mod domain;
pub mod ledger;
pub mod projections;
pub mod proto;
pub mod relay;
pub mod sequencer;
pub mod state;
pub mod storage;
pub mod vault;
