//! What the tests of the rules share: the two rulebooks, a ledger without a disk, the notation of the decision
//! vectors and a customer's history in it.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod books;
pub mod company;
pub mod grounds;
pub mod history;
pub mod imports;
pub mod ledger;
pub mod notation;
