//! The policy as data (P17): categories, grounds, periods, switches, clause texts.

/// A rulebook, checked on load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rulebook {
    /// Its name, e.g. `infotech-cpni`.
    pub name: String,
    /// Its version, e.g. `2024-05-29`.
    pub version: String,
    /// SHA-256 of the file's bytes, given by who read them.
    pub digest: [u8; 32],
}
