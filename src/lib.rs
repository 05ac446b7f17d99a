//! The consent ledger: what a telephone company may do with its customers' network information, and the proof of it.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod domain;
pub mod ledger;
pub mod storage;
pub mod vault;
