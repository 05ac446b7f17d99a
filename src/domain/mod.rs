//! The rules of consent: pure, without I/O, clock or randomness.

pub mod asserted;
pub mod authentication;
pub mod calendar;
pub mod checks;
pub mod command;
pub mod company;
pub mod comparison;
pub mod consent;
pub mod contacts;
pub mod customer;
pub mod disclosures;
pub mod event;
pub mod hindsight;
pub mod ids;
pub mod notices;
pub mod owed;
pub mod preferences;
pub mod questions;
pub mod refusal;
pub mod retention;
pub mod rulebook;
pub mod scope;
pub mod served;
pub mod services;
#[cfg(test)]
mod testing;
pub mod time;
pub mod vocabulary;

pub use checks::{question, ruling};
