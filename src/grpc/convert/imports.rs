//! Asserted facts: from a line of an import to the domain's words, and from a record back (C2).

use prost::Message;
use sha2::{Digest, Sha256};

use super::lists::{Listed, member, members, numbers as listed};
use super::scopes::{exceptions, required_scope, scope, text, wire_digest, wire_scope};
use super::values::{
    category, digest_of, entity, identifier, language, optional_entity, optional_time, outside_id,
    required_time, timestamp,
};
use super::{Malformed, Tokens, Within, values};
use crate::domain::asserted::{
    Assert, Asserted, AssertedAccount, AssertedBlock, AssertedDisclosure, AssertedEvent,
    AssertedGrant, AssertedNotice, AssertedService, Circumstances, OnRecord, Source,
};
use crate::domain::consent::word::{Block, BlockKind};
use crate::domain::ids::Personal;
use crate::domain::scope::Scope;
use crate::proto::v1 as wire;
use crate::proto::v1::WordKind;
use crate::proto::v1::asserted_fact::Fact;

/// What a line asserts, and of whom.
///
/// # Errors
/// Names the field that is wrong; within the fact as the domain names it, too.
pub fn line(given: wire::ImportRequest, tokens: Tokens<'_>) -> Result<(String, Assert), Malformed> {
    outside_id("customer_id", &given.customer_id)?;
    let fact = given.fact.ok_or_else(|| Malformed::missing("fact"))?;
    // The fact as it was sent: whoever sends it again sends the same bytes.
    let key = Sha256::digest(fact.encode_to_vec());
    let source = Source {
        import: entity("import_name", &given.import_name)?,
        line: given.line,
        key: tokens("asserted fact", &format!("{key:x}")),
    };
    let (fact, reference) = asserted(fact)?;
    let command = Assert {
        source,
        fact,
        reference,
    };
    Ok((given.customer_id, command))
}

fn asserted(given: wire::AssertedFact) -> Result<(Asserted, Option<Personal>), Malformed> {
    match given.fact {
        None => Err(Malformed::invalid(
            "fact",
            "must be an account, service, notice, word or disclosure",
        )),
        Some(Fact::Account(given)) => plain(account(given).within("account")),
        Some(Fact::Service(given)) => plain(service(given).within("service")),
        Some(Fact::Notice(given)) => plain(notice(given).within("notice")),
        Some(Fact::Word(given)) => word(given).within("word"),
        Some(Fact::Disclosure(given)) => disclosure(given).within("disclosure"),
    }
}

fn plain(fact: Result<Asserted, Malformed>) -> Result<(Asserted, Option<Personal>), Malformed> {
    fact.map(|fact| (fact, None))
}

fn account(given: wire::AssertedAccount) -> Result<Asserted, Malformed> {
    Ok(Asserted::Account(AssertedAccount {
        legal_entity: entity("legal_entity", &given.legal_entity)?,
        opened_at: required_time("opened_at", given.opened_at.as_ref())?,
        closed_at: optional_time("closed_at", given.closed_at.as_ref())?,
    }))
}

fn service(given: wire::AssertedService) -> Result<Asserted, Malformed> {
    Ok(Asserted::Service(AssertedService {
        category: category("category", &given.category)?,
        opened_at: required_time("opened_at", given.opened_at.as_ref())?,
        closed_at: optional_time("closed_at", given.closed_at.as_ref())?,
    }))
}

fn notice(given: wire::AssertedNotice) -> Result<Asserted, Malformed> {
    Ok(Asserted::Notice(AssertedNotice {
        version: identifier("version", given.version)?,
        given_at: required_time("given_at", given.given_at.as_ref())?,
        form: member("form", given.form)?,
        language: language("language", given.language)?,
        covers: required_scope("covers", given.covers)?,
        opt_out: given.opt_out,
        text_digest: digest_of("text_digest", &given.text_digest)?,
    }))
}

fn word(given: wire::AssertedWord) -> Result<(Asserted, Option<Personal>), Malformed> {
    let kind = WordKind::try_from(given.kind)
        .map_err(|_| Malformed::invalid("kind", "is not a WordKind of this contract"))?;
    let said = Circumstances {
        said_at: optional_time("said_at", given.said_at.as_ref())?,
        method: optional("method", given.method)?,
        speaker: optional("speaker", given.speaker)?,
        notice_version: match given.notice_version.as_str() {
            "" => None,
            _ => Some(identifier("notice_version", given.notice_version)?),
        },
        evidence_digest: digest_of("evidence_digest", &given.evidence_digest)?,
    };
    let reference = values::optional_personal("evidence_reference", given.evidence_reference)?;
    let scope = scope(given.scope.unwrap_or_default()).within("scope")?;
    let except = exceptions(given.except)?;
    let block = |kind, scope: Scope, except| {
        let block = Block {
            kind,
            scope,
            except,
        };
        AssertedBlock {
            block,
            said: said.clone(),
        }
    };
    let fact = match kind {
        WordKind::Unspecified => return Err(Malformed::missing("kind")),
        WordKind::Grant if !except.is_empty() => {
            return Err(Malformed::invalid("except", "must be empty for a grant"));
        }
        WordKind::Grant => Asserted::Grant(AssertedGrant { scope, said }),
        WordKind::Deny => Asserted::Block(block(BlockKind::Deny, scope, except)),
        WordKind::Withdraw => Asserted::Block(block(BlockKind::Withdraw, scope, except)),
        WordKind::Restrict => Asserted::Block(block(BlockKind::Restrict, scope, except)),
    };
    Ok((fact, reference))
}

/// A member of a closed list, or none where nothing is said; an unknown number is refused (P7).
fn optional<L: Listed>(field: &str, number: i32) -> Result<Option<L>, Malformed> {
    match number {
        0 => Ok(None),
        said => member(field, said).map(Some),
    }
}

fn disclosure(given: wire::AssertedDisclosure) -> Result<(Asserted, Option<Personal>), Malformed> {
    let fact = Asserted::Disclosure(AssertedDisclosure {
        made_at: required_time("made_at", given.made_at.as_ref())?,
        recipient: member("recipient_kind", given.recipient_kind)?,
        entity: optional_entity("entity", &given.entity)?,
        classes: members("classes", &given.classes)?,
        purpose: member("purpose", given.purpose)?,
        ground: member("ground", given.ground)?,
    });
    let reference = values::optional_personal("reference", given.reference)?;
    Ok((fact, reference))
}

/// An asserted fact of a record on the wire; sealed texts only where `texts` says so.
pub fn wire_event(event: &AssertedEvent, texts: bool) -> wire::AssertedEvent {
    let fact = match event {
        AssertedEvent::Account(event) => Fact::Account(wire::AssertedAccount {
            legal_entity: event.fact.legal_entity.to_string(),
            opened_at: Some(timestamp(event.fact.opened_at)),
            closed_at: event.fact.closed_at.map(timestamp),
        }),
        AssertedEvent::Service(event) => Fact::Service(wire::AssertedService {
            category: event.fact.category.to_string(),
            opened_at: Some(timestamp(event.fact.opened_at)),
            closed_at: event.fact.closed_at.map(timestamp),
        }),
        AssertedEvent::Notice(event) => Fact::Notice(wire_notice(&event.fact)),
        AssertedEvent::Granted(event) => {
            let word = wire_word(WordKind::Grant, &event.fact.scope, &event.fact.said);
            Fact::Word(with_reference(word, event, texts))
        }
        AssertedEvent::Blocked(event) => {
            let block = &event.fact.block;
            let kind = match block.kind {
                BlockKind::Deny => WordKind::Deny,
                BlockKind::Withdraw => WordKind::Withdraw,
                BlockKind::Restrict => WordKind::Restrict,
            };
            let mut word = wire_word(kind, &block.scope, &event.fact.said);
            word.except = block.except.iter().map(wire_scope).collect();
            Fact::Word(with_reference(word, event, texts))
        }
        AssertedEvent::Disclosed(event) => Fact::Disclosure(wire::AssertedDisclosure {
            made_at: Some(timestamp(event.fact.made_at)),
            recipient_kind: event.fact.recipient.number(),
            entity: (event.fact.entity.as_ref()).map_or_else(String::new, ToString::to_string),
            classes: listed(event.fact.classes.members()),
            purpose: event.fact.purpose.number(),
            ground: event.fact.ground.number(),
            reference: text(event.reference.as_ref(), texts),
        }),
    };
    wire::AssertedEvent {
        import_name: event.source().import.to_string(),
        line: event.source().line,
        fact: Some(wire::AssertedFact { fact: Some(fact) }),
        history_only: listed(event.shortfalls().iter().copied()),
        still_blocked_by: values::numbers(event.still_blocked_by()),
    }
}

fn wire_notice(notice: &AssertedNotice) -> wire::AssertedNotice {
    wire::AssertedNotice {
        version: notice.version.clone(),
        given_at: Some(timestamp(notice.given_at)),
        form: notice.form.number(),
        language: notice.language.clone(),
        covers: Some(wire_scope(&notice.covers)),
        opt_out: notice.opt_out,
        text_digest: wire_digest(notice.text_digest.map(|digest| digest.0)),
    }
}

fn wire_word(kind: WordKind, scope: &Scope, said: &Circumstances) -> wire::AssertedWord {
    wire::AssertedWord {
        kind: kind.into(),
        scope: Some(wire_scope(scope)),
        except: Vec::new(),
        said_at: said.said_at.map(timestamp),
        method: said.method.map(Listed::number).unwrap_or_default(),
        speaker: said.speaker.map(Listed::number).unwrap_or_default(),
        notice_version: said.notice_version.clone().unwrap_or_default(),
        evidence_digest: wire_digest(said.evidence_digest.map(|digest| digest.0)),
        evidence_reference: String::new(),
    }
}

fn with_reference<F>(
    word: wire::AssertedWord,
    event: &OnRecord<F>,
    texts: bool,
) -> wire::AssertedWord {
    wire::AssertedWord {
        evidence_reference: text(event.reference.as_ref(), texts),
        ..word
    }
}
