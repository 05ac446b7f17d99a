//! What customers say about the use of their CPNI (P3, P4, R2–R4, R11, R15).

pub mod block;
pub(in crate::domain) mod conditions;
pub mod evidence;
pub mod one_time;
pub mod precedence;
pub mod speak;
#[cfg(test)]
mod tests;
pub mod word;
