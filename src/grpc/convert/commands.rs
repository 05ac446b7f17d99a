//! Requests that are commands: what they carry, what they ask for, what they are answered with (C1).

use prost::Message;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::checks::{answerable, only_now_and_whole};
use super::lists::member;
use super::questions::question;
use super::scopes::{required_scope, statement, word};
use super::values::{at_most, categories, category, entity, optional_time, outside_id, request_id};
use super::{Malformed, Tokens, Within, answers, notices, values};
use crate::domain::command::Command;
use crate::domain::consent::evidence::SupplyEvidence;
use crate::domain::consent::word::{EndCall, GrantOnce, Speak};
use crate::domain::disclosures::gag::GagLifted;
use crate::domain::disclosures::{Disclose, Seal};
use crate::domain::ids::{Position, Sha256Digest, Token};
use crate::domain::rulebook::Rulebook;
use crate::domain::services::{ChangeServices, CloseService, OpenAccount};
use crate::domain::time::Time;
use crate::domain::vocabulary::Channel;
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, SubjectRef};

/// Most words in one breath.
const WORDS_MAX: usize = 32;
/// Most service categories in one command.
const SERVICES_MAX: usize = 16;

/// A request that is a command.
pub trait CommandRequest: Message + Default + Sized + 'static {
    /// The method, as its path names it: part of the content that a request id stands for.
    const METHOD: &'static str;
    /// What the command is answered with.
    type Response: Send + 'static;

    /// Takes the header out, or looks at it.
    fn header(&mut self) -> &mut Option<wire::CommandHeader>;

    /// The customer and what to do.
    ///
    /// # Errors
    /// Names the field that is wrong.
    fn command(self, tokens: Tokens<'_>) -> Result<(SubjectRef, Command), Malformed>;

    /// The response; `None` when the outcome is not one of this command.
    fn response(answer: &Answer, rulebook: &Rulebook, texts: bool) -> Option<Self::Response>;

    /// Whether the clauses in the response come with their texts.
    fn wants_texts(&self) -> bool {
        true
    }
}

/// A command's header as the engine takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Makes the command one command.
    pub request_id: Uuid,
    /// How it reached the company.
    pub channel: Channel,
    /// Who took the word.
    pub person: Option<Token>,
    /// When it happened.
    pub occurred_at: Option<Time>,
    /// The expected version.
    pub expected_version: Option<u64>,
    /// SHA-256 of the method's name, a zero byte, and the request without its id.
    pub content: [u8; 32],
}

/// Reads the header of `request`, and the content that its id stands for.
///
/// # Errors
/// Names the field that is wrong.
pub fn header<R: CommandRequest>(request: &mut R, tokens: Tokens<'_>) -> Result<Header, Malformed> {
    let given = request
        .header()
        .as_mut()
        .ok_or_else(|| Malformed::missing("header"))?;
    // The id is not part of the content that it stands for.
    let id = std::mem::take(&mut given.request_id);
    let header = read_header(given, &id, tokens)?;
    Ok(Header {
        content: content(R::METHOD, request),
        ..header
    })
}

/// Reads the header of a drawing. Its content is what it begins with: the list, when it is drawn, is added to it.
///
/// # Errors
/// Names the field that is wrong.
pub fn drawing_header(
    begin: &mut wire::DrawListBegin,
    tokens: Tokens<'_>,
) -> Result<Header, Malformed> {
    let given = (begin.header.as_mut()).ok_or_else(|| Malformed::missing("header"))?;
    let id = std::mem::take(&mut given.request_id);
    let header = read_header(given, &id, tokens)?;
    Ok(Header {
        content: content("/consent.v1.CampaignService/DrawList", begin),
        ..header
    })
}

fn read_header(
    given: &wire::CommandHeader,
    id: &str,
    tokens: Tokens<'_>,
) -> Result<Header, Malformed> {
    let read = || {
        Ok(Header {
            request_id: request_id("request_id", id)?,
            channel: member("channel", given.channel)?,
            person: match given.taken_by.as_str() {
                "" => None,
                person => Some(tokens("person", outside_id("taken_by", person)?)),
            },
            occurred_at: optional_time("occurred_at", given.occurred_at.as_ref())?,
            expected_version: given.expected_version,
            content: [0; 32],
        })
    };
    read().within("header")
}

fn content(method: &str, request: &impl Message) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(method);
    digest.update([0]);
    digest.update(request.encode_to_vec());
    digest.finalize().into()
}

/// Implements what all requests that are commands have in common.
macro_rules! command_requests {
    ($($request:ident => $response:ident = $method:literal: $command:path, $answer:path $(, $texts:expr)?;)+) => {$(
        impl $crate::grpc::convert::commands::CommandRequest for wire::$request {
            const METHOD: &'static str = $method;
            type Response = wire::$response;

            fn header(&mut self) -> &mut Option<wire::CommandHeader> {
                &mut self.header
            }

            fn command(self, tokens: Tokens<'_>) -> Result<(SubjectRef, Command), Malformed> {
                $command(self, tokens)
            }

            fn response(answer: &Answer, rulebook: &Rulebook, texts: bool) -> Option<wire::$response> {
                $answer(answer, rulebook, texts)
            }

            $(fn wants_texts(&self) -> bool {
                let wants: fn(&Self) -> bool = $texts;
                wants(self)
            })?
        }
    )+};
}

pub(super) use command_requests;

command_requests! {
    OpenAccountRequest => OpenAccountResponse = "/consent.v1.AccountService/OpenAccount":
        open_account, answers::account_opened;
    ChangeServicesRequest => ChangeServicesResponse = "/consent.v1.AccountService/ChangeServices":
        change_services, answers::services_changed;
    RecordNoticeRequest => RecordNoticeResponse = "/consent.v1.ConsentService/RecordNotice":
        notices::give, answers::notice_recorded;
    RecordConsentRequest => RecordConsentResponse = "/consent.v1.ConsentService/RecordConsent":
        record_consent, answers::spoken;
    GrantOnceRequest => GrantOnceResponse = "/consent.v1.ConsentService/GrantOnce":
        grant_once, answers::granted_once;
    SupplyEvidenceRequest => SupplyEvidenceResponse = "/consent.v1.ConsentService/SupplyEvidence":
        supply_evidence, answers::evidence_supplied;
    EndCallRequest => EndCallResponse = "/consent.v1.ConsentService/EndCall":
        end_call, answers::call_ended;
    DiscloseRequest => DiscloseResponse = "/consent.v1.DisclosureService/Disclose":
        disclose, answers::disclosed;
    LiftGagOrderRequest => LiftGagOrderResponse = "/consent.v1.DisclosureService/LiftGagOrder":
        lift_gag_order, answers::gag_order_lifted;
    CheckUseRequest => CheckUseResponse = "/consent.v1.CheckService/CheckUse":
        record_ruling, answers::ruled, |request| !request.omit_clause_texts;
}

fn open_account(
    given: wire::OpenAccountRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    outside_id("customer_id", &given.customer_id)?;
    let command = OpenAccount {
        legal_entity: entity("legal_entity", &given.legal_entity)?,
        services: categories("services", &given.services, SERVICES_MAX)?,
    };
    Ok((
        SubjectRef::Id(given.customer_id),
        Command::OpenAccount(command),
    ))
}

fn change_services(
    given: wire::ChangeServicesRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    if given.open.is_empty() && given.close.is_empty() {
        return Err(Malformed::invalid(
            "open",
            "must not be empty where `close` is",
        ));
    }
    at_most("close", given.close.len(), SERVICES_MAX)?;
    let close = |(index, close): (usize, wire::CloseService)| {
        let ends_at = optional_time("ends_at", close.ends_at.as_ref());
        let closed = ends_at.and_then(|ends_at| {
            Ok(CloseService {
                category: category("category", &close.category)?,
                ends_at,
            })
        });
        closed.within_item("close", index)
    };
    let command = ChangeServices {
        open: categories("open", &given.open, SERVICES_MAX)?,
        close: given
            .close
            .into_iter()
            .enumerate()
            .map(close)
            .collect::<Result<_, _>>()?,
    };
    Ok((customer, Command::ChangeServices(command)))
}

fn record_consent(
    given: wire::RecordConsentRequest,
    tokens: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    if given.words.is_empty() {
        return Err(Malformed::missing("words"));
    }
    at_most("words", given.words.len(), WORDS_MAX)?;
    let one = |(index, given)| word(given).within_item("words", index);
    let command = Speak {
        words: given
            .words
            .into_iter()
            .enumerate()
            .map(one)
            .collect::<Result<_, _>>()?,
        statement: statement(given.statement, tokens)?,
    };
    Ok((customer, Command::Speak(command)))
}

fn grant_once(
    given: wire::GrantOnceRequest,
    tokens: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let command = GrantOnce {
        call: tokens("call", outside_id("call_id", &given.call_id)?),
        scope: required_scope("scope", given.scope)?,
        statement: statement(given.statement, tokens)?,
    };
    Ok((customer, Command::GrantOnce(command)))
}

fn supply_evidence(
    given: wire::SupplyEvidenceRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let command = SupplyEvidence {
        approval: Position(given.approval_position),
        evidence_digest: Sha256Digest(values::digest("evidence_digest", &given.evidence_digest)?),
    };
    Ok((customer, Command::SupplyEvidence(command)))
}

fn end_call(
    given: wire::EndCallRequest,
    tokens: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let call = tokens("call", outside_id("call_id", &given.call_id)?);
    Ok((customer, Command::EndCall(EndCall { call })))
}

fn disclose(
    given: wire::DiscloseRequest,
    tokens: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    use wire::disclose_request::Seal as Given;

    let customer = values::customer(given.customer)?;
    let question = question(given.question, tokens)?;
    if question.ground.is_none() {
        return Err(Malformed::invalid(
            "question.ground",
            "is required: the list of grounds is closed",
        ));
    }
    let seal = match given.seal {
        None => None,
        Some(Given::SealedUntil(at)) => Some(Seal::Until(values::time("sealed_until", &at)?)),
        Some(Given::SealedUntilLifted(true)) => Some(Seal::UntilLifted),
        Some(Given::SealedUntilLifted(false)) => {
            return Err(Malformed::invalid(
                "sealed_until_lifted",
                "must be true or unset",
            ));
        }
    };
    Ok((customer, Command::Disclose(Disclose { question, seal })))
}

fn lift_gag_order(
    given: wire::LiftGagOrderRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let dated = values::optional_date("dated", given.dated)?;
    let command = GagLifted {
        disclosure: Position(given.disclosure_position),
        authority: values::optional_personal("authority", given.authority)?,
        reference: values::optional_personal("reference", given.reference)?,
        dated: dated.ok_or_else(|| Malformed::missing("dated"))?,
    };
    Ok((customer, Command::LiftGag(command)))
}

fn record_ruling(
    given: wire::CheckUseRequest,
    tokens: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    answerable(&given)?;
    only_now_and_whole(&given)?;
    if !given.record {
        return Err(Malformed::invalid(
            "record",
            "must be true where a command is meant",
        ));
    }
    let customer = values::customer(given.customer)?;
    Ok((
        customer,
        Command::RecordRuling(question(given.question, tokens)?),
    ))
}
