//! Scopes, words and the circumstances in which they were said.

use super::callers::call;
use super::lists::{Listed, member, members, numbers};
use super::values::{
    at_most, entity, optional_digest, optional_personal, positions, time, timestamp,
};
use super::{Malformed, Tokens, Within, values};
use crate::domain::consent::word::{
    Assurance, Block, BlockKind, CitedVerification, Said, SpokenWord, Statement,
};
use crate::domain::ids::{Personal, Position};
use crate::domain::scope::{NamedRecipient, Recipients, Scope};
use crate::domain::vocabulary::{CpniClasses, Purposes, RecipientKinds};
use crate::proto::v1 as wire;

/// Most entities that a scope may name.
const NAMED_MAX: usize = 32;
/// Most blocks that a grant may name as lifted.
const LIFTS_MAX: usize = 32;
/// Most exceptions of a restriction.
const EXCEPT_MAX: usize = 8;

/// A scope; what it leaves empty stays empty, and each word says what that means (R2).
///
/// # Errors
/// Names the field that is wrong.
pub fn scope(given: wire::Scope) -> Result<Scope, Malformed> {
    let recipients = Recipients {
        kinds: all_or(
            given.all_recipients,
            "recipient_kinds",
            members("recipient_kinds", &given.recipient_kinds)?,
            given.recipient_kinds.is_empty() && given.named_recipients.is_empty(),
            RecipientKinds::ALL,
        )?,
        named: named(given.named_recipients)?,
    };
    Ok(Scope {
        recipients,
        classes: all_or(
            given.all_classes,
            "classes",
            members("classes", &given.classes)?,
            given.classes.is_empty(),
            CpniClasses::ALL,
        )?,
        purposes: all_or(
            given.all_purposes,
            "purposes",
            members("purposes", &given.purposes)?,
            given.purposes.is_empty(),
            Purposes::ALL,
        )?,
    })
}

/// A scope that must be there, though it may leave things empty.
///
/// # Errors
/// Names the field that is wrong.
pub fn required_scope(field: &str, given: Option<wire::Scope>) -> Result<Scope, Malformed> {
    let given = given.ok_or_else(|| Malformed::missing(field))?;
    scope(given).within(field)
}

fn all_or<S>(every: bool, field: &str, listed: S, nothing: bool, all: S) -> Result<S, Malformed> {
    match (every, nothing) {
        (false, _) => Ok(listed),
        (true, true) => Ok(all),
        (true, false) => Err(Malformed::invalid(
            field,
            "must be empty where all are meant: set one or the other",
        )),
    }
}

fn named(given: Vec<wire::NamedRecipient>) -> Result<Box<[NamedRecipient]>, Malformed> {
    at_most("named_recipients", given.len(), NAMED_MAX)?;
    let one = |(index, named): (usize, wire::NamedRecipient)| {
        let recipient = member("kind", named.kind).and_then(|kind| {
            Ok(NamedRecipient {
                kind,
                entity: entity("entity", &named.entity)?,
            })
        });
        recipient.within_item("named_recipients", index)
    };
    let mut named = given
        .into_iter()
        .enumerate()
        .map(one)
        .collect::<Result<Vec<_>, _>>()?;
    named.sort();
    named.dedup();
    Ok(named.into())
}

/// A scope on the wire.
pub fn wire_scope(scope: &Scope) -> wire::Scope {
    let all_recipients = scope.recipients.kinds == RecipientKinds::ALL;
    let all_classes = scope.classes == CpniClasses::ALL;
    let all_purposes = scope.purposes == Purposes::ALL;
    wire::Scope {
        recipient_kinds: unless(all_recipients, || numbers(scope.recipients.kinds.members())),
        named_recipients: scope.recipients.named.iter().map(wire_named).collect(),
        all_recipients,
        classes: unless(all_classes, || numbers(scope.classes.members())),
        all_classes,
        purposes: unless(all_purposes, || numbers(scope.purposes.members())),
        all_purposes,
    }
}

fn unless(all: bool, listed: impl FnOnce() -> Vec<i32>) -> Vec<i32> {
    if all { Vec::new() } else { listed() }
}

fn wire_named(named: &NamedRecipient) -> wire::NamedRecipient {
    wire::NamedRecipient {
        kind: named.kind.number(),
        entity: named.entity.to_string(),
    }
}

/// A word that a customer says.
///
/// # Errors
/// Names the field that is wrong.
pub fn word(given: wire::SpokenWord) -> Result<SpokenWord, Malformed> {
    use wire::spoken_word::Word;

    let block = |field: &str, kind, given: Option<wire::Scope>, except| {
        let scope = scope(given.unwrap_or_default())
            .within("scope")
            .within(field)?;
        Ok(SpokenWord::Block(Block {
            kind,
            scope,
            except,
        }))
    };
    match given.word {
        None => Err(Malformed::invalid(
            "",
            "must be a grant, denial, withdrawal or restriction",
        )),
        Some(Word::Grant(grant)) => {
            at_most("grant.lifts", grant.lifts.len(), LIFTS_MAX)?;
            let scope = scope(grant.scope.unwrap_or_default()).within("grant.scope")?;
            Ok(SpokenWord::Grant {
                scope,
                lifts: positions(grant.lifts),
            })
        }
        Some(Word::Denial(denial)) => block("denial", BlockKind::Deny, denial.scope, [].into()),
        Some(Word::Withdrawal(withdrawal)) => block(
            "withdrawal",
            BlockKind::Withdraw,
            withdrawal.scope,
            [].into(),
        ),
        Some(Word::Restriction(restriction)) => {
            let except = exceptions(restriction.except).within("restriction")?;
            block(
                "restriction",
                BlockKind::Restrict,
                restriction.scope,
                except,
            )
        }
    }
}

/// The exceptions of a restriction.
///
/// # Errors
/// Names the field that is wrong.
pub fn exceptions(given: Vec<wire::Scope>) -> Result<Box<[Scope]>, Malformed> {
    at_most("except", given.len(), EXCEPT_MAX)?;
    let one = |(index, given)| scope(given).within_item("except", index);
    given.into_iter().enumerate().map(one).collect()
}

/// A grant on the wire.
pub fn wire_grant(scope: &Scope, lifts: &[Position]) -> wire::SpokenWord {
    let grant = wire::Grant {
        scope: Some(wire_scope(scope)),
        lifts: values::numbers(lifts),
    };
    wire::SpokenWord {
        word: Some(wire::spoken_word::Word::Grant(grant)),
    }
}

/// A block on the wire.
pub fn wire_block(block: &Block) -> wire::SpokenWord {
    use wire::spoken_word::Word;

    let scope = Some(wire_scope(&block.scope));
    let word = match block.kind {
        BlockKind::Deny => Word::Denial(wire::Denial { scope }),
        BlockKind::Withdraw => Word::Withdrawal(wire::Withdrawal { scope }),
        BlockKind::Restrict => Word::Restriction(wire::Restriction {
            scope,
            except: block.except.iter().map(wire_scope).collect(),
        }),
    };
    wire::SpokenWord { word: Some(word) }
}

/// A remembered word on the wire.
pub fn wire_said(said: &Said) -> wire::SpokenWord {
    match said {
        Said::Grant { scope, lifts } => wire_grant(scope, lifts),
        Said::Block(block) => wire_block(block),
    }
}

/// The circumstances of what was said.
///
/// # Errors
/// Names the field that is wrong.
pub fn statement(
    given: Option<wire::Statement>,
    tokens: Tokens<'_>,
) -> Result<Statement, Malformed> {
    let given = given.ok_or_else(|| Malformed::missing("statement"))?;
    let statement = |given: wire::Statement| {
        Ok(Statement {
            medium: member("medium", given.medium)?,
            speaker: member("speaker", given.speaker)?,
            assurance: given
                .assurance
                .map(assurance)
                .transpose()
                .within("assurance")?,
            verification: given
                .verification
                .map(|cited| cited_verification(cited, tokens))
                .transpose()
                .within("verification")?,
            notice: given.notice_position.map(Position),
            evidence_digest: optional_digest("evidence_digest", &given.evidence_digest)?,
            evidence_reference: optional_personal("evidence_reference", given.evidence_reference)?,
        })
    };
    statement(given).within("statement")
}

fn cited_verification(
    given: wire::VerificationAuthority,
    tokens: Tokens<'_>,
) -> Result<CitedVerification, Malformed> {
    Ok(CitedVerification {
        record: Position(given.position),
        call: call(&given.call_id, tokens)?,
    })
}

/// The circumstances on the wire; sealed texts only where `texts` says so.
pub fn wire_statement(statement: &Statement, texts: bool) -> wire::Statement {
    wire::Statement {
        medium: statement.medium.number(),
        speaker: statement.speaker.number(),
        assurance: statement
            .assurance
            .as_ref()
            .map(|assurance| wire_assurance(assurance, texts)),
        verification: (statement.verification).map(|cited| wire::VerificationAuthority {
            position: cited.record.0,
            call_id: String::new(),
        }),
        notice_position: statement.notice.map(|position| position.0),
        evidence_digest: wire_digest(statement.evidence_digest),
        evidence_reference: text(statement.evidence_reference.as_ref(), texts),
    }
}

/// An established identity.
///
/// # Errors
/// Names the field that is wrong.
pub fn assurance(given: wire::Assurance) -> Result<Assurance, Malformed> {
    let at = given.at.ok_or_else(|| Malformed::missing("at"))?;
    Ok(Assurance {
        method: member("method", given.method)?,
        reference: optional_personal("reference", given.reference)?,
        at: time("at", &at)?,
    })
}

/// An established identity on the wire; its reference only where `texts` says so.
pub fn wire_assurance(assurance: &Assurance, texts: bool) -> wire::Assurance {
    wire::Assurance {
        method: assurance.method.number(),
        reference: text(assurance.reference.as_ref(), texts),
        at: Some(timestamp(assurance.at)),
    }
}

/// A sealed text, for those who may read it; else empty.
pub fn text(personal: Option<&Personal>, texts: bool) -> String {
    match personal {
        Some(personal) if texts => personal.expose().to_owned(),
        _ => String::new(),
    }
}

/// A digest on the wire; empty where there is none.
pub fn wire_digest(digest: Option<[u8; 32]>) -> Vec<u8> {
    digest.map(|digest| digest.to_vec()).unwrap_or_default()
}
