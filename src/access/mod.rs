//! Who is calling, and what they may do.
//!
//! [`table`] is the whole permission table, [`listen`] the guard of the address. Today nothing proves who calls, so
//! only this machine is let in and everybody on it is one caller ([`Caller::loopback`]); when certificates or tokens
//! name callers, they give another [`Caller`] to the same table. The actor on record is this caller, never what a
//! request says (T2).
//!
//! It must never read a request, and never grant what the table doesn't.

pub mod listen;
pub mod table;

use std::fmt;

/// A role that a caller has (T2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Records accounts, notices and what customers say.
    ConsentWriter,
    /// Records disclosures.
    DisclosureWriter,
    /// Asks whether a use is allowed, and why.
    DecisionReader,
    /// Reads everything, sealed disclosures and evidence included; records nothing.
    Auditor,
    /// Does everything.
    Administrator,
}

impl Role {
    /// Every role, in the order of the table's columns.
    pub const EVERY: [Self; 5] = [
        Self::ConsentWriter,
        Self::DisclosureWriter,
        Self::DecisionReader,
        Self::Auditor,
        Self::Administrator,
    ];

    /// The name that records and configuration use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConsentWriter => "consent_writer",
            Self::DisclosureWriter => "disclosure_writer",
            Self::DecisionReader => "decision_reader",
            Self::Auditor => "auditor",
            Self::Administrator => "administrator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A service that calls, in one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its own identity, as records name it.
    pub service: &'static str,
    /// Its role.
    pub role: Role,
}

impl Caller {
    /// Whoever calls from this machine while callers can't prove who they are (T1).
    pub const fn loopback() -> Self {
        Self {
            service: "loopback",
            role: Role::Administrator,
        }
    }
}
