//! The rules of consent: pure, without I/O, clock or randomness.

pub mod ids;
