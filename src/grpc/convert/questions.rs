//! Questions and the grounds that they claim (C3, R14).

use super::callers::{telling, wire_stated, wire_telling};
use super::lists::{Listed, member, members, numbers};
use super::scopes::{text, wire_digest};
use super::values::{
    categories, category, identifier, optional_date, optional_digest, optional_entity,
    optional_personal, outside_id,
};
use super::{Malformed, Tokens, Within};
use crate::domain::disclosures::Ground;
use crate::domain::ids::{Position, Token};
use crate::domain::question::Question;
use crate::domain::vocabulary::Channel;
use crate::proto::v1 as wire;

/// Most service categories that an offering may span.
const TARGETS_MAX: usize = 16;

/// A question that must be there.
///
/// # Errors
/// Names the field that is wrong.
pub fn question(given: Option<wire::Question>, tokens: Tokens<'_>) -> Result<Question, Malformed> {
    let given = given.ok_or_else(|| Malformed::missing("question"))?;
    parse(given, tokens).within("question")
}

fn parse(given: wire::Question, tokens: Tokens<'_>) -> Result<Question, Malformed> {
    if let Some(channel) = given.channel {
        // No rule depends on it yet; what is sent must still be of the list.
        member::<Channel>("channel", channel)?;
    }
    if given.classes.is_empty() && given.selected_by.is_empty() && given.not_cpni.is_empty() {
        return Err(Malformed::invalid(
            "classes",
            "must not be empty where `selected_by` and `not_cpni` are: say what is used",
        ));
    }
    Ok(Question {
        purpose: member("purpose", given.purpose)?,
        classes: members("classes", &given.classes)?,
        selected_by: members("selected_by", &given.selected_by)?,
        not_cpni: members("not_cpni", &given.not_cpni)?,
        recipient: member("recipient_kind", given.recipient_kind)?,
        entity: optional_entity("entity", &given.entity)?,
        source_category: some(given.source_category)
            .map(|source| category("source_category", &source))
            .transpose()?,
        target_categories: categories("target_categories", &given.target_categories, TARGETS_MAX)?,
        offering: some(given.offering)
            .map(|offering| identifier("offering", offering))
            .transpose()?,
        call: optional_token("call_id", &given.call_id, "call", tokens)?,
        ground: given
            .ground
            .map(|given| ground(given, tokens))
            .transpose()?,
    })
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The keyed digest of an identifier from outside, or none where it is empty.
fn optional_token(
    field: &str,
    id: &str,
    kind: &'static str,
    tokens: Tokens<'_>,
) -> Result<Option<Token>, Malformed> {
    if id.is_empty() {
        return Ok(None);
    }
    outside_id(field, id).map(|id| Some(tokens(kind, id)))
}

fn ground(given: wire::question::Ground, tokens: Tokens<'_>) -> Result<Ground, Malformed> {
    use wire::question::Ground as Given;

    match given {
        Given::Approval(facts) => Ok(Ground::Approval {
            cites: facts.cites.map(Position),
        }),
        Given::WrittenRequest(facts) => optional_digest("digest", &facts.digest)
            .map(|digest| Ground::WrittenRequest { digest })
            .within("written_request"),
        Given::Legal(facts) => legal(facts).within("legal"),
        Given::Rights(facts) => rights(facts).within("rights"),
        Given::PicFreeze(facts) => pic_freeze(&facts, tokens).within("pic_freeze"),
        Given::Directory(facts) => optional_entity("publisher", &facts.publisher)
            .map(|publisher| Ground::Directory {
                publisher,
                non_published: facts.non_published,
            })
            .within("directory"),
        Given::Service(facts) => service(facts, tokens).within("service"),
        Given::Billing(facts) => billing(facts, tokens).within("billing"),
    }
}

fn legal(facts: wire::LegalGround) -> Result<Ground, Malformed> {
    Ok(Ground::Legal {
        authority: optional_personal("authority", facts.authority)?,
        reference: optional_personal("reference", facts.reference)?,
        dated: optional_date("dated", facts.dated)?,
        digest: optional_digest("digest", &facts.digest)?,
    })
}

fn rights(facts: wire::RightsGround) -> Result<Ground, Malformed> {
    Ok(Ground::Rights {
        case: optional_personal("case_id", facts.case_id)?,
        open: facts.open,
        protected_party: optional_personal("protected_party", facts.protected_party)?,
    })
}

fn pic_freeze(facts: &wire::PicFreezeGround, tokens: Tokens<'_>) -> Result<Ground, Malformed> {
    let provider = optional_entity("provider", &facts.provider)?;
    // Two providers may number their requests alike, so the token is of provider and id together.
    let numbered = |id: &str| {
        let provider = provider
            .as_ref()
            .map(|provider| provider.as_str())
            .unwrap_or_default();
        tokens("pic-request", &format!("{provider}/{id}"))
    };
    let request = match facts.request_id.as_str() {
        "" => None,
        id => Some(numbered(outside_id("request_id", id)?)),
    };
    Ok(Ground::PicFreeze { provider, request })
}

fn service(facts: wire::ServiceGround, tokens: Tokens<'_>) -> Result<Ground, Malformed> {
    Ok(Ground::Service {
        ticket: optional_personal("ticket", facts.ticket)?,
        open: facts.open,
        verification: telling(facts.verification, facts.telling, tokens)?,
    })
}

fn billing(facts: wire::BillingGround, tokens: Tokens<'_>) -> Result<Ground, Malformed> {
    Ok(Ground::Billing {
        invoice: optional_personal("invoice", facts.invoice)?,
        verification: telling(facts.verification, facts.telling, tokens)?,
    })
}

/// A question of a record on the wire; sealed texts only where `texts` says so.
pub fn recorded(question: &Question, texts: bool) -> wire::RecordedQuestion {
    let request = match &question.ground {
        Some(Ground::PicFreeze { request, .. }) => *request,
        _ => None,
    };
    wire::RecordedQuestion {
        call_token: hex(question.call),
        pic_request_token: hex(request),
        question: Some(wire::Question {
            purpose: question.purpose.number(),
            classes: numbers(question.classes.members()),
            selected_by: numbers(question.selected_by.members()),
            not_cpni: numbers(question.not_cpni.members()),
            recipient_kind: question.recipient.number(),
            entity: shown(question.entity.as_ref()),
            source_category: shown(question.source_category.as_ref()),
            target_categories: question
                .target_categories
                .iter()
                .map(ToString::to_string)
                .collect(),
            offering: question.offering.clone().unwrap_or_default(),
            channel: None,
            call_id: String::new(),
            ground: question
                .ground
                .as_ref()
                .map(|ground| wire_ground(ground, texts)),
        }),
    }
}

/// The text of a value, or nothing.
fn shown<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// A keyed digest on the wire; empty where there is none.
pub fn hex(token: Option<Token>) -> String {
    shown(token.as_ref())
}

fn wire_ground(ground: &Ground, texts: bool) -> wire::question::Ground {
    use wire::question::Ground as Wire;

    match ground {
        Ground::Approval { cites } => Wire::Approval(wire::ApprovalGround {
            cites: cites.map(|position| position.0),
        }),
        Ground::WrittenRequest { digest } => Wire::WrittenRequest(wire::WrittenRequestGround {
            digest: wire_digest(*digest),
        }),
        Ground::Legal {
            authority,
            reference,
            dated,
            digest,
        } => Wire::Legal(wire::LegalGround {
            authority: text(authority.as_ref(), texts),
            reference: text(reference.as_ref(), texts),
            dated: dated.clone().unwrap_or_default(),
            digest: wire_digest(*digest),
        }),
        Ground::Rights {
            case,
            open,
            protected_party,
        } => Wire::Rights(wire::RightsGround {
            case_id: text(case.as_ref(), texts),
            open: *open,
            protected_party: text(protected_party.as_ref(), texts),
        }),
        Ground::PicFreeze { provider, .. } => Wire::PicFreeze(wire::PicFreezeGround {
            provider: shown(provider.as_ref()),
            request_id: String::new(),
        }),
        Ground::Directory {
            publisher,
            non_published,
        } => Wire::Directory(wire::DirectoryGround {
            publisher: shown(publisher.as_ref()),
            non_published: *non_published,
        }),
        Ground::Service {
            ticket,
            open,
            verification,
        } => Wire::Service(wire::ServiceGround {
            ticket: text(ticket.as_ref(), texts),
            open: *open,
            verification: wire_stated(verification.as_ref(), texts),
            telling: wire_telling(verification.as_ref()),
        }),
        Ground::Billing {
            invoice,
            verification,
        } => Wire::Billing(wire::BillingGround {
            invoice: text(invoice.as_ref(), texts),
            verification: wire_stated(verification.as_ref(), texts),
            telling: wire_telling(verification.as_ref()),
        }),
    }
}
