//! What is secret in a request: taken out of it first, before anything else reads it (P12, T3).
//!
//! What is taken wipes itself when it is dropped. The request that is left stands for its id, goes to the engine and may
//! be looked at; it holds no secret any more.

use std::mem::take;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::values::{REFERENCE_BYTES_MAX, at_most};
use super::{Malformed, Within};
use crate::domain::authentication::portions::Known;
use crate::domain::ids::Personal;
use crate::proto::v1 as wire;

/// Telephone numbers, and pets, that one request may name.
const VALUES_MAX: usize = 32;
/// Answers of one request.
const ANSWERS_MAX: usize = 16;
/// Bytes into which one byte of a text decomposes at most.
const DECOMPOSED: usize = 12;

/// A new password or PIN, and what it is compared with.
pub struct NewSecret {
    /// The password or PIN.
    pub secret: Personal,
    known: KnownValues,
}

/// What is known about the customer.
pub struct KnownValues {
    social_security_number: Personal,
    mothers_maiden_name: Personal,
    telephone_numbers: Vec<Personal>,
    pet_names: Vec<Personal>,
}

impl NewSecret {
    /// Takes the secret and what is known out of the request.
    ///
    /// # Errors
    /// When the secret is missing, or something is too long or too much.
    pub fn take(given: &mut wire::EstablishCredentialRequest) -> Result<Self, Malformed> {
        // Everything is taken before anything is looked at: an error must not leave the rest behind.
        let secret = Personal::new(take(&mut given.secret));
        let mut known = given.known.take().unwrap_or_default();
        let known = KnownValues {
            social_security_number: Personal::new(take(&mut known.social_security_number)),
            mothers_maiden_name: Personal::new(take(&mut known.mothers_maiden_name)),
            telephone_numbers: all(&mut known.telephone_numbers),
            pet_names: all(&mut known.pet_names),
        };
        bounded_secret(&secret)?;
        known.bounded().within("known")?;
        Ok(Self { secret, known })
    }

    /// The secret, and what it is compared with.
    pub fn into_parts(self) -> (Personal, KnownValues) {
        (self.secret, self.known)
    }
}

impl KnownValues {
    /// Shows the values to `look` as the rules take them.
    pub fn with<T>(&self, look: impl FnOnce(&Known<'_>) -> T) -> T {
        let telephone_numbers: Vec<&str> = self
            .telephone_numbers
            .iter()
            .map(Personal::expose)
            .collect();
        let pet_names: Vec<&str> = self.pet_names.iter().map(Personal::expose).collect();
        look(&Known {
            social_security_number: self.social_security_number.expose(),
            mothers_maiden_name: self.mothers_maiden_name.expose(),
            telephone_numbers: &telephone_numbers,
            pet_names: &pet_names,
        })
    }

    fn bounded(&self) -> Result<(), Malformed> {
        bounded("social_security_number", &self.social_security_number)?;
        bounded("mothers_maiden_name", &self.mothers_maiden_name)?;
        for (field, values) in [
            ("telephone_numbers", &self.telephone_numbers),
            ("pet_names", &self.pet_names),
        ] {
            at_most(field, values.len(), VALUES_MAX)?;
            for (index, value) in values.iter().enumerate() {
                bounded("", value).within_item(field, index)?;
            }
        }
        Ok(())
    }
}

fn all(texts: &mut Vec<String>) -> Vec<Personal> {
    take(texts).into_iter().map(Personal::new).collect()
}

fn bounded(field: &str, value: &Personal) -> Result<(), Malformed> {
    match value.expose().len() <= REFERENCE_BYTES_MAX {
        true => Ok(()),
        false => Err(Malformed::invalid(
            field,
            format!("must be {REFERENCE_BYTES_MAX} bytes at most"),
        )),
    }
}

fn bounded_secret(secret: &Personal) -> Result<(), Malformed> {
    match secret.expose().is_empty() {
        true => Err(Malformed::missing("secret")),
        false => bounded("secret", secret),
    }
}

/// Takes the password or PIN out of the request.
///
/// # Errors
/// When it is missing or too long.
pub fn secret(given: &mut wire::VerifySecretRequest) -> Result<Personal, Malformed> {
    let secret = Personal::new(take(&mut given.secret));
    bounded_secret(&secret)?;
    Ok(secret)
}

/// Takes the answers out of the request, as the one text that stands for all of them: in the order of the questions'
/// ids, without case, marks and separators.
///
/// # Errors
/// When there are none or too many, or an answer is missing or too long.
pub fn answers(given: &mut [wire::ChallengeAnswer]) -> Result<Personal, Malformed> {
    let taken = given.iter_mut().map(|answer| {
        let text = Personal::new(take(&mut answer.answer));
        (answer.question.as_str(), text)
    });
    let mut taken: Vec<(&str, Personal)> = taken.collect();
    if taken.is_empty() {
        return Err(Malformed::missing("answers"));
    }
    at_most("answers", taken.len(), ANSWERS_MAX)?;
    for (index, (_, answer)) in taken.iter().enumerate() {
        let looked_at = match plain(answer).is_empty() {
            true => Err(Malformed::missing("answer")),
            false => bounded("answer", answer),
        };
        looked_at.within_item("answers", index)?;
    }
    taken.sort_by(|one, other| one.0.cmp(other.0));
    let length: usize = taken
        .iter()
        .map(|(id, text)| id.len() + DECOMPOSED * text.expose().len() + 2)
        .sum();
    // Room for all, so that no copy is left behind by a growing buffer.
    let mut all = Zeroizing::new(String::with_capacity(length));
    for (question, answer) in &taken {
        all.push_str(question);
        all.push('\n');
        all.push_str(&plain(answer));
        all.push('\n');
    }
    Ok(Personal::new(take(&mut *all)))
}

fn plain(answer: &Personal) -> Zeroizing<String> {
    let text = answer.expose();
    let mut plain = Zeroizing::new(String::with_capacity(text.len().saturating_mul(DECOMPOSED)));
    let letters = text.nfkd().filter(|c| c.is_alphanumeric());
    plain.extend(letters.flat_map(char::to_lowercase));
    plain
}

/// Messages with secrets in them show nothing of themselves; the generated code leaves this to us.
macro_rules! silent {
    ($($message:ident),+) => {$(
        impl std::fmt::Debug for wire::$message {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($message), "(…)"))
            }
        }
    )+};
}

silent!(
    VerifySecretRequest,
    EstablishCredentialRequest,
    KnownValues,
    ChallengeAnswer
);

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(question: &str, answer: &str) -> wire::ChallengeAnswer {
        wire::ChallengeAnswer {
            question: question.into(),
            answer: answer.into(),
        }
    }

    #[test]
    fn p13_answers_are_one_text_whatever_their_order_case_and_marks() {
        let mut given = vec![answer("b", "The Café"), answer("a", "St. Louis")];
        let one = answers(&mut given).unwrap();
        assert_eq!(given, [answer("b", ""), answer("a", "")], "taken");
        let mut same = vec![answer("a", "st louis"), answer("b", "the cafe\u{301}")];
        assert_eq!(answers(&mut same).unwrap(), one);
        for mut other in [
            vec![answer("a", "the cafe"), answer("b", "st louis")],
            vec![answer("a", "st louis"), answer("c", "the cafe")],
            vec![answer("a", "st louis")],
            vec![answer("a", "st louis"), answer("b", "the cafes")],
        ] {
            assert_ne!(answers(&mut other).unwrap(), one);
        }
        assert!(answers(&mut []).is_err());
        assert!(answers(&mut [answer("a", " . ")]).is_err());
        assert!(answers(&mut [answer("a", &"x".repeat(257))]).is_err());
    }

    #[test]
    fn t3_a_request_from_which_the_secrets_were_taken_holds_none_also_after_an_error() {
        let mut given = wire::EstablishCredentialRequest {
            secret: "95137".into(),
            known: Some(wire::KnownValues {
                social_security_number: "123-45-6789".into(),
                mothers_maiden_name: "x".repeat(257),
                telephone_numbers: vec!["801-210-1651".into()],
                pet_names: vec!["Rex".into()],
            }),
            ..wire::EstablishCredentialRequest::default()
        };
        let shown = format!("{given:?}");
        assert_eq!(shown, "EstablishCredentialRequest(…)");
        assert!(NewSecret::take(&mut given).is_err());
        assert_eq!(given, wire::EstablishCredentialRequest::default());
    }
}
