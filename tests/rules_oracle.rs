//! The rules against a naive oracle over random histories, and the invariants as properties of their own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

mod rules;

#[path = "rules/histories/mod.rs"]
mod histories;
#[path = "rules/oracle/mod.rs"]
mod oracle;

#[path = "rules/properties/agreement.rs"]
mod agreement;
#[path = "rules/properties/hindsight.rs"]
mod hindsight;
#[path = "rules/properties/hygiene.rs"]
mod hygiene;
#[path = "rules/properties/imports.rs"]
mod imports;
#[path = "rules/properties/invariants.rs"]
mod invariants;
#[path = "rules/properties/oracle_itself.rs"]
mod oracle_itself;
#[path = "rules/properties/rulebooks.rs"]
mod rulebooks;
#[path = "rules/properties/standing.rs"]
mod standing;
