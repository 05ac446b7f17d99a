//! What customers say about the use of their CPNI (P3, P4, R2–R4, R11, R15).

pub mod word;
