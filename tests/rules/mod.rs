//! What the tests of the rules share: the two rulebooks, a ledger without a disk, the notation of the decision
//! vectors, a customer's history in it, and the naive oracle with its random histories.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod books;
pub mod grounds;
pub mod histories;
pub mod history;
pub mod ledger;
pub mod notation;
pub mod oracle;
