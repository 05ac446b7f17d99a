//! How callers are verified: the table `[authentication]` (P11–P13, F14–F17).

use super::read::{Read, Reader};
use crate::domain::authentication::challenge::{BIOGRAPHICAL, QUESTIONS_MIN};
use crate::domain::authentication::portions::PortionLengths;
use crate::domain::ids::EntityId;

/// The rules of verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerRules {
    /// Whether a verification that the calling system states is taken, beside those on record.
    pub stated_verifications: bool,
    /// Whether business customers may have another regime (64.2010(g)).
    pub business_contracts: bool,
    /// Within how long a call back is immediate (R19).
    pub call_back_minutes: u32,
    /// How long a number or an address belongs to the account before it is of record (64.2003).
    pub of_record_days: u32,
    /// What is set within so long after the account was opened belongs to the start of service (64.2010(f)).
    pub service_start_hours: u32,
    /// By when an account change is told (F16).
    pub change_notice_minutes: u32,
    /// Wrong attempts in a row that lock (P13).
    pub attempts_max: u32,
    /// What a portion is (P12).
    pub portions: PortionLengths,
    /// Digits of a PIN at least.
    pub pin_digits_min: u32,
    /// Characters of a password at least.
    pub password_characters_min: u32,
    /// The back-up questions (F15).
    pub questions: Vec<EntityId>,
}

impl Reader<'_> {
    pub(super) fn caller_rules(&self) -> Read<CallerRules> {
        let rules = &self.source.authentication;
        let length = |value| {
            self.within(value, 2..=8, "characters")
                .map(|length| length as usize)
        };
        Ok(CallerRules {
            stated_verifications: rules.stated_verifications,
            business_contracts: rules.business_contracts,
            call_back_minutes: self.within(&rules.call_back_minutes, 1..=15, "minutes")?,
            of_record_days: self.within(&rules.of_record_days, 30..=365, "days")?,
            service_start_hours: self.within(&rules.service_start_hours, 0..=168, "hours")?,
            change_notice_minutes: self.within(
                &rules.change_notice_minutes,
                1..=1440,
                "minutes",
            )?,
            attempts_max: self.within(&rules.attempts_max, 1..=10, "attempts")?,
            portions: PortionLengths {
                digits: length(&rules.portion_digits)?,
                letters: length(&rules.portion_letters)?,
            },
            pin_digits_min: self.within(&rules.pin_digits_min, 4..=12, "digits")?,
            password_characters_min: self.within(
                &rules.password_characters_min,
                6..=64,
                "characters",
            )?,
            questions: self.questions()?,
        })
    }

    fn questions(&self) -> Read<Vec<EntityId>> {
        let names = &self.source.authentication.questions;
        if names.get_ref().len() < QUESTIONS_MIN {
            let message = format!("{QUESTIONS_MIN} questions at least are needed");
            return self.fault(names.span(), message);
        }
        (names.get_ref().iter())
            .map(|name| match EntityId::parse(name.get_ref()) {
                Some(_) if BIOGRAPHICAL.contains(&name.get_ref().as_str()) => {
                    let message = format!(
                        "\"{}\" is biographical or account information, which opens nothing (64.2010(e))",
                        name.get_ref()
                    );
                    self.fault(name.span(), message)
                }
                Some(question) => Ok(question),
                None => self.fault(name.span(), "a question's id takes 1 to 64 of a-z 0-9 . _ -"),
            })
            .collect()
    }
}
