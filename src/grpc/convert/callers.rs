//! Callers, and on what an account is changed or told (P9, P11; R19).

use super::lists::{Listed, member};
use super::scopes::{assurance, wire_assurance};
use super::values::{REFERENCE_BYTES_MAX, outside_id};
use super::{Malformed, Tokens, Within};
use crate::domain::authentication::authority::Authority;
use crate::domain::authentication::of_record::{Reach, ReachKind};
use crate::domain::authentication::telling::Telling;
use crate::domain::authentication::verification::{Caller, Identified};
use crate::domain::ids::{Position, Token};
use crate::proto::v1 as wire;

/// The token of a contact, by the company's own identifier of the person.
///
/// # Errors
/// When the identifier is missing, too long or holds control characters.
pub fn person(field: &str, id: &str, tokens: Tokens<'_>) -> Result<Token, Malformed> {
    Ok(tokens("contact", outside_id(field, id)?))
}

/// The token of a call, visit or session.
///
/// # Errors
/// When the identifier is missing, too long or holds control characters.
pub fn call(id: &str, tokens: Tokens<'_>) -> Result<Token, Malformed> {
    Ok(tokens("call", outside_id("call_id", id)?))
}

/// Who calls.
///
/// # Errors
/// Names the field that is wrong.
pub fn caller(given: Option<wire::Caller>, tokens: Tokens<'_>) -> Result<Caller, Malformed> {
    use wire::caller::Caller as Given;

    let given = given.and_then(|caller| caller.caller);
    let caller = match given {
        None => Err(Malformed::invalid(
            "",
            "must name the account holder or a contact",
        )),
        Some(Given::AccountHolder(true)) => Ok(Caller::AccountHolder),
        Some(Given::AccountHolder(false)) => Err(must_be_true("account_holder")),
        Some(Given::Contact(id)) => person("contact", &id, tokens).map(Caller::Contact),
    };
    caller.within("caller")
}

fn must_be_true(field: &str) -> Malformed {
    Malformed::invalid(field, "must be true or unset")
}

/// Who, what for, and where.
///
/// # Errors
/// Names the field that is wrong.
pub fn identified(
    given: Option<wire::Identified>,
    tokens: Tokens<'_>,
) -> Result<Identified, Malformed> {
    let given = given.ok_or_else(|| Malformed::missing("identified"))?;
    let parse = || {
        Ok(Identified {
            caller: caller(given.caller, tokens)?,
            purpose: member("purpose", given.purpose)?,
            call: call(&given.call_id, tokens)?,
        })
    };
    parse().within("identified")
}

/// On what an account is changed.
///
/// # Errors
/// Names the field that is wrong.
pub fn authority(
    field: &str,
    given: Option<wire::Authority>,
    tokens: Tokens<'_>,
) -> Result<Authority, Malformed> {
    use wire::authority::Authority as Given;

    let given = given.and_then(|authority| authority.authority);
    let authority = match given {
        None => Err(Malformed::invalid(
            "",
            "must name a verification, the start of service or a passed challenge",
        )),
        Some(Given::Verification(cited)) => {
            let record = Position(cited.position);
            let call = call(&cited.call_id, tokens).within("verification")?;
            Ok(Authority::Verification { record, call })
        }
        Some(Given::StartOfService(true)) => Ok(Authority::StartOfService),
        Some(Given::StartOfService(false)) => Err(must_be_true("start_of_service")),
        Some(Given::Challenge(passed)) => {
            let call = call(&passed.call_id, tokens).within("challenge")?;
            Ok(Authority::Challenge { call })
        }
    };
    authority.within(field)
}

/// On what an account was changed, as a record has it.
pub fn wire_authority(authority: &Authority) -> wire::RecordedAuthority {
    use wire::recorded_authority::Authority as Wire;

    let (authority, call) = match authority {
        Authority::Verification { record, call } => {
            (Wire::VerificationPosition(record.0), Some(call))
        }
        Authority::StartOfService => (Wire::StartOfService(true), None),
        Authority::Challenge { call } => (Wire::Challenge(true), Some(call)),
    };
    wire::RecordedAuthority {
        authority: Some(authority),
        call_token: call.map(ToString::to_string).unwrap_or_default(),
    }
}

/// A number or an address.
///
/// # Errors
/// Names the field that is wrong.
pub fn reach(
    field: &str,
    given: Option<wire::Reach>,
    tokens: Tokens<'_>,
) -> Result<Reach, Malformed> {
    let given = given.ok_or_else(|| Malformed::missing(field))?;
    let parse = || {
        let kind = member("kind", given.kind)?;
        let value = reach_value("value", kind, &given.value, tokens)?;
        Ok(Reach { kind, value })
    };
    parse().within(field)
}

/// The token of a number or an address: the same for each way to write it that means the same.
///
/// # Errors
/// When it is missing, too long, or a number without digits.
pub fn reach_value(
    field: &str,
    kind: ReachKind,
    value: &str,
    tokens: Tokens<'_>,
) -> Result<Token, Malformed> {
    if value.len() > REFERENCE_BYTES_MAX {
        let why = format!("must be {REFERENCE_BYTES_MAX} bytes at most");
        return Err(Malformed::invalid(field, why));
    }
    let same: String = match kind {
        ReachKind::TelephoneNumber => value.chars().filter(char::is_ascii_digit).collect(),
        ReachKind::PostalAddress => value.split_whitespace().collect::<Vec<_>>().join(" "),
        ReachKind::ElectronicAddress => value.trim().to_lowercase(),
    };
    match same.is_empty() {
        true if value.is_empty() => Err(Malformed::missing(field)),
        true => Err(Malformed::invalid(field, "holds no number or address")),
        false => Ok(tokens(kind.name(), &same)),
    }
}

/// On what the customer or a contact is told: what is stated, or what is on record.
///
/// # Errors
/// Names the field that is wrong; both at once are wrong.
pub fn telling(
    stated: Option<wire::Assurance>,
    telling: Option<wire::Telling>,
    tokens: Tokens<'_>,
) -> Result<Option<Telling>, Malformed> {
    match (stated, telling) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Malformed::invalid(
            "telling",
            "must be unset where `verification` is set: one of them",
        )),
        (Some(stated), None) => {
            let assurance = assurance(stated).within("verification")?;
            Ok(Some(Telling::Stated(assurance)))
        }
        (None, Some(given)) => parse_telling(given, tokens).map(Some).within("telling"),
    }
}

fn parse_telling(given: wire::Telling, tokens: Tokens<'_>) -> Result<Telling, Malformed> {
    use wire::telling::Telling as Given;

    let mailed = |field, kind, address: String| {
        let address = reach_value(field, kind, &address, tokens)?;
        Ok(Telling::Mailed { address })
    };
    match given.telling {
        None => Err(Malformed::invalid(
            "",
            "must name a verification on record or an address",
        )),
        Some(Given::OnRecord(cited)) => Ok(Telling::OnRecord {
            record: Position(cited.position),
            cited_by_caller: cited.cited_by_caller,
        }),
        Some(Given::MailedToPostalAddress(address)) => {
            let kind = ReachKind::PostalAddress;
            mailed("mailed_to_postal_address", kind, address)
        }
        Some(Given::MailedToElectronicAddress(address)) => {
            let kind = ReachKind::ElectronicAddress;
            mailed("mailed_to_electronic_address", kind, address)
        }
    }
}

/// The stated verification of a record.
pub fn wire_stated(telling: Option<&Telling>, texts: bool) -> Option<wire::Assurance> {
    match telling {
        Some(Telling::Stated(assurance)) => Some(wire_assurance(assurance, texts)),
        _ => None,
    }
}

/// The verification or address that a record cites.
pub fn wire_telling(telling: Option<&Telling>) -> Option<wire::Telling> {
    use wire::telling::Telling as Wire;

    match telling? {
        Telling::Stated(_) => None,
        Telling::OnRecord {
            record,
            cited_by_caller,
        } => Some(wire::Telling {
            telling: Some(Wire::OnRecord(wire::VerifiedTelling {
                position: record.0,
                cited_by_caller: *cited_by_caller,
            })),
            address_token: String::new(),
        }),
        Telling::Mailed { address } => Some(wire::Telling {
            telling: None,
            address_token: address.to_string(),
        }),
    }
}

/// A number or an address as a record has it.
pub fn wire_reach(reach: &Reach) -> wire::RecordedReach {
    wire::RecordedReach {
        kind: reach.kind.number(),
        value_token: reach.value.to_string(),
    }
}
