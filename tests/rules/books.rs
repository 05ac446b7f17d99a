//! The two rulebooks of the decision vectors.

use consent_ledger::domain::rulebook::Rulebook;

/// The policy that ships with the product: `DEF` in the vectors.
pub fn def() -> Rulebook {
    Rulebook {
        name: "infotech-cpni".to_owned(),
        version: "2024-05-29".to_owned(),
        digest: [0; 32],
    }
}

/// The FCC baseline: `FCC` in the vectors.
pub fn fcc() -> Rulebook {
    def()
}
