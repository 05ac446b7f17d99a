//! The contract `consent.v1` in Rust, generated from `proto/` by `build.rs`: messages, clients, servers.
//!
//! It is what callers see and nothing more: no rule reads it, no record is written from it. Change the
//! `.proto` files, keep `buf lint` and `buf breaking` clean, and never reuse a field number.

/// Messages, clients and servers of `consent.v1`; the comments are those of the `.proto` files.
#[allow(
    missing_docs,
    clippy::doc_markdown,
    clippy::large_enum_variant,
    clippy::doc_lazy_continuation,
    clippy::too_long_first_doc_paragraph
)] // Generated: oneofs and service modules come without comments.
pub mod v1 {
    tonic::include_proto!("consent.v1");
}

/// The echo that `bench` measures beside the ledger; no part of the contract.
#[allow(missing_docs)] // Generated, as above.
pub mod bench {
    tonic::include_proto!("bench.v1");
}

/// The compiled contract, for reflection and for tests that compare it with the code.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/consent.v1.bin"));
