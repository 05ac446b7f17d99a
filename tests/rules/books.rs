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

static SIM_TEXT: LazyLock<String> = LazyLock::new(|| {
    let delayed = "[rules.sim_change]\nstatus = \"adopted_delayed\"";
    switched(&[(delayed, "[rules.sim_change]\nstatus = \"in_force\"")])
});

static SIM: LazyLock<Rulebook> = LazyLock::new(|| Rulebook::parse(&SIM_TEXT, [3; 32]).unwrap());

/// The text of the policy with the FCC's rule on SIM changes in force.
pub fn sim_text() -> &'static str {
    &SIM_TEXT
}

/// The policy with the FCC's rule on SIM changes in force.
pub fn sim() -> &'static Rulebook {
    &SIM
}

/// A later version of the FCC baseline with the same rules.
pub fn fcc_again() -> &'static Rulebook {
    &FCC_AGAIN
}

fn switched(switches: &[(&str, &str)]) -> String {
    let mut text = DEFAULT.to_owned();
    for (from, to) in switches {
        assert_eq!(
            text.matches(from).count(),
            1,
            "the rulebook says `{from}` once"
        );
        text = text.replace(from, to);
    }
    text
}
