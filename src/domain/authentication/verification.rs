//! Verifications: one caller, one account, one purpose, one call (P11, R19; policy clause 4; 64.2010(b)–(d)).
//!
//! A verification ends with its call, after the rulebook's minutes, or when its contact is taken off the list. A
//! password or PIN opens one in `credentials`; mail to the address of record opens none.

use serde::{Deserialize, Serialize};

use super::authority::unverified;
use super::of_record::{Reach, ReachKind};
use super::{Authentication, AuthenticationEvent};
use crate::domain::contacts::ContactPermission;
use crate::domain::customer::{Context, Customer};
use crate::domain::event::Placed;
use crate::domain::ids::{Position, Token};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::domain::vocabulary::{AssuranceMethod, Speaker, named_list};

/// Verifications of one customer that stand at once. Past them the oldest ends.
pub const VERIFICATIONS_MAX: usize = 8;

/// Who is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// The holder of the account.
    AccountHolder,
    /// A contact of the account's list (P9).
    Contact(Token),
}

impl Caller {
    /// The contact's token.
    pub fn person(self) -> Option<Token> {
        match self {
            Self::AccountHolder => None,
            Self::Contact(person) => Some(person),
        }
    }

    /// As whom one who is verified for changes to the account speaks: that takes the administrative contact (P10).
    pub const fn speaker(self) -> Speaker {
        match self {
            Self::AccountHolder => Speaker::AccountHolder,
            Self::Contact(_) => Speaker::AdministrativeContact,
        }
    }
}

named_list! {
    /// What a verification is for; each needs its permission of a contact (P9, P11).
    VerifiedFor {
        /// Technical support: the ground *service*.
        TechnicalSupport = "technical_support",
        /// Account information: the ground *billing*.
        AccountInformation = "account_information",
        /// Changes to numbers, addresses, contacts, passwords, back-up answers, the online account; and grants (R15).
        AccountChanges = "account_changes",
    }
}

impl VerifiedFor {
    /// What the list must permit a contact.
    pub const fn permission(self) -> ContactPermission {
        match self {
            Self::TechnicalSupport => ContactPermission::TechnicalSupport,
            Self::AccountInformation => ContactPermission::AccountInformation,
            Self::AccountChanges => ContactPermission::Administrative,
        }
    }
}

named_list! {
    /// By what a verification on record was opened.
    VerifiedBy {
        /// A password or PIN.
        Password = "password",
        /// An immediate call back to a number of record.
        CallBack = "call_back",
        /// A valid photo ID in a shop.
        PhotoId = "photo_id",
        /// A log-in to the online account.
        OnlineAccount = "online_account",
        /// The regime of a business contract (F17).
        BusinessContract = "business_contract",
    }
}

impl VerifiedBy {
    /// The method as statements name it, by which a rulebook says what is enough for a grant; the regime of a contract
    /// has none (R15).
    pub const fn method(self) -> Option<AssuranceMethod> {
        match self {
            Self::Password => Some(AssuranceMethod::Password),
            Self::CallBack => Some(AssuranceMethod::CallBack),
            Self::PhotoId => Some(AssuranceMethod::PhotoId),
            Self::OnlineAccount => Some(AssuranceMethod::OnlineAccount),
            Self::BusinessContract => None,
        }
    }
}

/// Who, what for, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identified {
    /// Who calls.
    pub caller: Caller,
    /// What for.
    pub purpose: VerifiedFor,
    /// The call, visit or session; the verification ends with it.
    pub call: Token,
}

/// Opens a verification by other means than a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenVerification {
    /// Who, what for, and where.
    pub identified: Identified,
    /// By what.
    pub means: Means,
}

/// How the caller was verified, with the facts of each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// The company called back at once.
    CallBack {
        /// The number that was called: of record.
        number: Token,
        /// When the caller had called.
        asked_at: Time,
    },
    /// A photo ID was shown in a shop (64.2010(d)).
    PhotoId {
        /// Whether it is issued by a government and unexpired.
        valid: bool,
        /// Whether it matches the account.
        matches: bool,
    },
    /// The caller is logged in to the online account.
    OnlineAccount,
    /// The caller met the regime of the contract (64.2010(g)).
    BusinessContract,
}

/// The caller is verified for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerificationOpened {
    /// Who, what for, and where.
    pub identified: Identified,
    /// By what.
    pub by: VerifiedBy,
    /// The number that was called back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Token>,
    /// Whether the password was prompted by readily available biographical or account information: then it opens no
    /// call detail (64.2010(b)).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prompted: bool,
    /// When it ends at the latest.
    pub ends_at: Time,
}

/// Documents go by mail to an address of record; opens nothing live (R19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssueMail {
    /// The address.
    pub address: Reach,
}

/// Documents were sent by mail to an address of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailIssued {
    /// The address.
    pub address: Reach,
}

/// A verification that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Its record.
    pub position: Position,
    /// Who.
    pub caller: Caller,
    /// What for.
    pub purpose: VerifiedFor,
    /// Where.
    pub call: Token,
    /// By what.
    pub by: VerifiedBy,
    /// Whether the password was prompted by biographical or account information.
    pub prompted: bool,
    /// When it was recorded: nothing said before rests on it (R5).
    pub recorded_at: Time,
    /// First instant at which it doesn't stand.
    pub ends_at: Time,
}

impl Verification {
    /// Whether it opens call detail by telephone: after a password that nothing prompted, a call back, or the ways of
    /// 64.2010(c) and (d) (F14).
    pub fn opens_call_detail(&self) -> bool {
        !(self.by == VerifiedBy::Password && self.prompted)
    }

    /// Whether it carries a grant by that speaker at that instant: by a way that is enough for one, by a password that
    /// nothing prompted (R15, R19).
    pub fn carries_grant(&self, speaker: Speaker, said_at: Time, rulebook: &Rulebook) -> bool {
        let enough = (self.by.method()).is_some_and(|by| rulebook.grant_methods().contains(by));
        enough
            && !self.prompted
            && self.caller.speaker() == speaker
            && self.recorded_at <= said_at
            && said_at < self.ends_at
    }

    /// Whether what it rests on still holds: the contact is permitted it, the contract stands (P9, F17).
    pub fn is_good(&self, customer: &Customer, at: Time, rulebook: &Rulebook) -> bool {
        let exempt = || {
            rulebook.authentication().business_contracts
                && (customer.authentication.as_ref()).is_some_and(|state| state.exemption.holds(at))
        };
        let permitted = match self.caller {
            Caller::AccountHolder => true,
            Caller::Contact(person) => is_permitted(customer, person, self.purpose),
        };
        permitted && (self.by != VerifiedBy::BusinessContract || exempt())
    }
}

fn is_permitted(customer: &Customer, person: Token, purpose: VerifiedFor) -> bool {
    (customer.contacts.as_ref()).is_some_and(|list| list.permits(person, purpose.permission()))
}

impl Authentication {
    /// The verification of that record, where it stands in this call, for this purpose, at this instant (R19).
    pub fn standing(
        &self,
        record: Position,
        call: Token,
        purpose: VerifiedFor,
        at: Time,
    ) -> Option<&Verification> {
        (self.verifications.iter()).find(|one| {
            one.position == record && one.call == call && one.purpose == purpose && at < one.ends_at
        })
    }

    pub(super) fn verification_opened(&mut self, placed: &Placed<'_, VerificationOpened>) {
        let VerificationOpened {
            identified,
            by,
            prompted,
            ends_at,
            ..
        } = *placed.event;
        (self.verifications).retain(|one| placed.recorded_at < one.ends_at);
        if self.verifications.len() >= VERIFICATIONS_MAX {
            self.verifications.remove(0);
        }
        self.verifications.push(Verification {
            position: placed.position,
            caller: identified.caller,
            purpose: identified.purpose,
            call: identified.call,
            by,
            prompted,
            recorded_at: placed.recorded_at,
            ends_at,
        });
        match by {
            VerifiedBy::Password => self.failures.checks = 0,
            VerifiedBy::OnlineAccount => self.online_account = true,
            VerifiedBy::CallBack | VerifiedBy::PhotoId | VerifiedBy::BusinessContract => {}
        }
    }
}

/// The caller must be one with whom the account is discussed, in a call that goes on (P9, R19).
pub(super) fn require_identified(
    customer: &Customer,
    identified: &Identified,
) -> Result<(), Refusal> {
    if customer.ended_calls.contains(&identified.call) {
        return Err(Refusal::new(
            RefusalCode::Call,
            "call",
            "the call has ended; a verification ends with its call",
        ));
    }
    match identified.caller {
        Caller::Contact(person) if !is_permitted(customer, person, identified.purpose) => {
            Err(Refusal::new(
                RefusalCode::ContactState,
                "caller",
                format!(
                    "the account's list names no such contact with the permission {}",
                    identified.purpose.permission().name()
                ),
            ))
        }
        _ => Ok(()),
    }
}

/// The event of a verification; it lasts from when the caller was verified, not from the record.
pub(super) fn opened(
    identified: Identified,
    by: VerifiedBy,
    context: &Context<'_>,
) -> Result<VerificationOpened, Refusal> {
    let verified_at = context.occurred_at.unwrap_or(context.now);
    let minutes = context.rulebook.periods().verification_minutes;
    let ends_at = verified_at.plus_minutes(minutes);
    if ends_at <= context.now {
        return Err(unverified(
            "occurred_at",
            format!(
                "a verification lasts {minutes} min, and this one is over; verify the caller anew"
            ),
        ));
    }
    Ok(VerificationOpened {
        identified,
        by,
        number: None,
        prompted: false,
        ends_at,
    })
}

pub(super) fn open(
    customer: &Customer,
    command: &OpenVerification,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    require_identified(customer, &command.identified)?;
    let by = match command.means {
        Means::CallBack { .. } => VerifiedBy::CallBack,
        Means::PhotoId { .. } => VerifiedBy::PhotoId,
        Means::OnlineAccount => VerifiedBy::OnlineAccount,
        Means::BusinessContract => VerifiedBy::BusinessContract,
    };
    let mut event = opened(command.identified, by, context)?;
    match command.means {
        Means::CallBack { number, asked_at } => {
            require_immediate(asked_at, context)?;
            let kind = ReachKind::TelephoneNumber;
            require_of_record(
                customer,
                Reach {
                    kind,
                    value: number,
                },
                "number",
                context,
            )?;
            event.number = Some(number);
        }
        Means::PhotoId { valid, matches } if !(valid && matches) => {
            return Err(unverified(
                "photo_id",
                "only a valid photo ID that matches the account verifies its bearer (64.2010(d))",
            ));
        }
        Means::BusinessContract => require_exempt(customer, context)?,
        Means::PhotoId { .. } | Means::OnlineAccount => {}
    }
    Ok(vec![AuthenticationEvent::VerificationOpened(event)])
}

fn require_immediate(asked_at: Time, context: &Context<'_>) -> Result<(), Refusal> {
    let called_at = context.occurred_at.unwrap_or(context.now);
    let minutes = context.rulebook.authentication().call_back_minutes;
    if asked_at <= called_at && called_at <= asked_at.plus_minutes(minutes) {
        return Ok(());
    }
    Err(unverified(
        "asked_at",
        format!("a call back is immediate: within {minutes} min after the caller called"),
    ))
}

/// What is called back or written to has belonged to the account for so many days (R19).
pub(super) fn require_of_record(
    customer: &Customer,
    reach: Reach,
    field: &str,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    if is_of_record(customer, reach, context.now, context.rulebook) {
        return Ok(());
    }
    let days = context.rulebook.authentication().of_record_days;
    Err(Refusal::new(
        RefusalCode::OfRecordState,
        field,
        format!(
            "it is not of record: it must have belonged to the account for {days} days, and its SIM not have been changed in that time; use one for which that is so"
        ),
    ))
}

/// Whether a number or an address is of record at that instant.
pub(super) fn is_of_record(
    customer: &Customer,
    reach: Reach,
    at: Time,
    rulebook: &Rulebook,
) -> bool {
    let days = rulebook.authentication().of_record_days;
    let Some(state) = &customer.authentication else {
        return false;
    };
    let is_swapped = state.is_swapped(reach, at, days);
    !is_swapped && (state.belonging(reach, at)).is_some_and(|one| one.is_of_record(at, days))
}

fn require_exempt(customer: &Customer, context: &Context<'_>) -> Result<(), Refusal> {
    let stands =
        (customer.authentication.as_ref()).is_some_and(|state| state.exemption.holds(context.now));
    match (context.rulebook.authentication().business_contracts, stands) {
        (true, true) => Ok(()),
        (false, _) => Err(unverified(
            "business_contract",
            "the rulebook knows no other regime for business customers",
        )),
        (true, false) => Err(unverified(
            "business_contract",
            "another regime takes a dedicated representative and a contract that addresses CPNI; one is missing (64.2010(g))",
        )),
    }
}

pub(super) fn issue_mail(
    customer: &Customer,
    command: &IssueMail,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    if command.address.kind == ReachKind::TelephoneNumber {
        return Err(Refusal::new(
            RefusalCode::Invalid,
            "address.kind",
            "mail goes to an address, not to a telephone number",
        ));
    }
    require_of_record(customer, command.address, "address", context)?;
    Ok(vec![AuthenticationEvent::MailIssued(MailIssued {
        address: command.address,
    })])
}
