//! The consent ledger: what a telephone company may do with its customers' network information, and the proof of it.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod access;
pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod codec;
pub mod config;
pub mod domain;
pub mod grpc;
pub mod ledger;
pub mod projections;
pub mod proto;
pub mod relay;
pub mod sequencer;
pub mod state;
pub mod storage;
pub mod telemetry;
pub mod vault;
