//! The two rulebooks of the decision vectors.

use std::sync::LazyLock;

use consent_ledger::domain::rulebook::Rulebook;

const DEFAULT: &str = include_str!("../../src/domain/rulebook/default.toml");

static DEF: LazyLock<Rulebook> = LazyLock::new(|| Rulebook::parse(DEFAULT, [0; 32]).unwrap());

const BASELINE: &str = include_str!("../../src/domain/rulebook/fcc.toml");

static FCC: LazyLock<Rulebook> = LazyLock::new(|| Rulebook::parse(&fcc_text(), [1; 32]).unwrap());

/// The text of the FCC baseline.
pub fn fcc_text() -> String {
    BASELINE.to_owned()
}

/// The policy that ships with the product: `DEF` in the vectors.
pub fn def() -> &'static Rulebook {
    &DEF
}

/// The FCC baseline that ships beside it: `FCC` in the vectors.
pub fn fcc() -> &'static Rulebook {
    &FCC
}

static FCC_AGAIN: LazyLock<Rulebook> =
    LazyLock::new(|| Rulebook::parse(&fcc_again_text(), [2; 32]).unwrap());

/// The text of a later version of the FCC baseline with the same rules.
pub fn fcc_again_text() -> String {
    let version = r#"version = "2007-12-08""#;
    assert_eq!(BASELINE.matches(version).count(), 1);
    BASELINE.replace(version, r#"version = "2026-03-01""#)
}

/// A later version of the FCC baseline with the same rules.
pub fn fcc_again() -> &'static Rulebook {
    &FCC_AGAIN
}
