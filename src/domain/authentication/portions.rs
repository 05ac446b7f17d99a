//! Whether a new password or PIN holds a portion of what is known about the customer (P12; policy clause 4).
//!
//! A portion is four digits or three letters in a row, or what the rulebook says; case, separators and marks on
//! letters are ignored. The texts compared are borrowed, looked at once and kept nowhere; each check does the same
//! work whatever it finds.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::credentials::CredentialKind;
use crate::domain::rulebook::CallerRules;
use crate::domain::vocabulary::named_list;

named_list! {
    /// What came of one check.
    Verdict {
        /// Nothing is shared.
        Pass = "pass",
        /// A portion is shared.
        Fail = "fail",
        /// The value was not at hand; doesn't refuse (R22).
        NotPerformed = "not_performed",
    }
}

/// How long a portion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortionLengths {
    /// Digits in a row.
    pub digits: usize,
    /// Letters in a row.
    pub letters: usize,
}

/// What is known about the customer and must not be in the secret. Empty: not at hand.
#[derive(Clone, Copy, Default)]
pub struct Known<'a> {
    /// The social security number, or what is known of it.
    pub social_security_number: &'a str,
    /// The mother's maiden name.
    pub mothers_maiden_name: &'a str,
    /// The account's telephone numbers.
    pub telephone_numbers: &'a [&'a str],
    /// Pets' names.
    pub pet_names: &'a [&'a str],
}

/// The verdicts, one for each rule: all that is kept of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// Whether the secret has the form of a password or PIN.
    pub form: Verdict,
    /// Against the social security number.
    pub social_security_number: Verdict,
    /// Against the mother's maiden name.
    pub mothers_maiden_name: Verdict,
    /// Against the account's telephone numbers.
    pub telephone_number: Verdict,
    /// Against pets' names.
    pub pet_name: Verdict,
}

impl Checks {
    /// Whether nothing speaks against the secret.
    pub fn pass(&self) -> bool {
        let all = [
            self.form,
            self.social_security_number,
            self.mothers_maiden_name,
            self.telephone_number,
            self.pet_name,
        ];
        !all.contains(&Verdict::Fail)
    }
}

/// Weighs a new secret by the rulebook.
pub fn weigh(kind: CredentialKind, secret: &str, known: &Known<'_>, rules: &CallerRules) -> Checks {
    check(secret, has_form(kind, secret, rules), known, rules.portions)
}

/// Whether a secret is long enough; a PIN has digits only, not all the same.
fn has_form(kind: CredentialKind, secret: &str, rules: &CallerRules) -> bool {
    let length = secret.chars().count();
    match kind {
        CredentialKind::Password => length >= rules.password_characters_min as usize,
        CredentialKind::Pin => {
            let first = secret.chars().next();
            length >= rules.pin_digits_min as usize
                && secret.chars().all(|c| c.is_ascii_digit())
                && secret.chars().any(|c| Some(c) != first)
        }
    }
}

/// Checks a secret against what is known; every check is made, whatever the others found.
pub fn check(
    secret: &str,
    well_formed: bool,
    known: &Known<'_>,
    lengths: PortionLengths,
) -> Checks {
    let against = |values: &[&str]| {
        let mut performed = false;
        let mut shared = false;
        for value in values.iter().filter(|value| !value.trim().is_empty()) {
            performed = true;
            // Not `||`: it would end the work with the first that shares.
            shared |= shares_portion(secret, value, lengths);
        }
        match (performed, shared) {
            (false, _) => Verdict::NotPerformed,
            (true, true) => Verdict::Fail,
            (true, false) => Verdict::Pass,
        }
    };
    Checks {
        form: match well_formed {
            true => Verdict::Pass,
            false => Verdict::Fail,
        },
        social_security_number: against(&[known.social_security_number]),
        mothers_maiden_name: against(&[known.mothers_maiden_name]),
        telephone_number: against(known.telephone_numbers),
        pet_name: against(known.pet_names),
    }
}

/// Whether the secret holds a portion of the value: the same digits in a row, the same letters in a row, or a value that is
/// shorter than a portion as a whole.
pub fn shares_portion(secret: &str, value: &str, lengths: PortionLengths) -> bool {
    let (secret, value) = (plain(secret), plain(value));
    let whole = value.len().max(WHOLE_MIN);
    // Not `||`: the same work whatever is found.
    shares_run(&secret, &value, |c| c.is_ascii_digit(), lengths.digits)
        | shares_run(&secret, &value, |c| !c.is_ascii_digit(), lengths.letters)
        | shares_run(&secret, &value, |_| true, whole)
}

/// A value of one character is no portion: hardly a secret is without it.
const WHOLE_MIN: usize = 2;

/// Whether both hold the same `length` characters in a row, all of one sort.
fn shares_run(secret: &[char], value: &[char], sort: fn(&char) -> bool, length: usize) -> bool {
    let mut shared = false;
    for portion in value.windows(length.max(1)) {
        for other in secret.windows(portion.len()) {
            shared |= portion == other && portion.iter().all(sort);
        }
    }
    shared
}

/// Letters and digits alone, without case, marks and separators. Wiped when dropped.
fn plain(text: &str) -> Zeroizing<Vec<char>> {
    // Room for all (no byte decomposes into more), so that no copy is left behind by a growing buffer.
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len().saturating_mul(6)));
    let letters = text.nfkd().filter(|c| c.is_alphanumeric());
    plain.extend(letters.flat_map(char::to_lowercase));
    plain
}

#[cfg(test)]
mod tests;
