//! What an import may assert, as commands and as records, and what a fact falls short of (C2, R15).

use serde::{Deserialize, Serialize};

use crate::domain::consent::conditions::require_grant_scope;
use crate::domain::consent::speak::require_well_formed;
use crate::domain::consent::word::{Block, Said};
use crate::domain::customer::Context;
use crate::domain::disclosures::Ground;
use crate::domain::disclosures::grounds::GroundKind;
use crate::domain::ids::{Category, EntityId, Personal, Position, Sha256Digest, Token};
use crate::domain::notices::require_notice;
use crate::domain::question::Question;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::scope::Scope;
use crate::domain::time::Time;
use crate::domain::vocabulary::{
    CpniClasses, Medium, NotCpniItems, Purpose, RecipientKind, Speaker, named_list,
};

/// The highest number that records hold.
const LINE_MAX: u64 = (1 << 53) - 1;

/// Records one fact of a customer's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assert {
    /// Where it comes from.
    pub source: Source,
    /// What is asserted.
    pub fact: Asserted,
    /// Where the evidence is kept; of a disclosure the order, case, ticket or invoice.
    pub reference: Option<Personal>,
}

/// Which line of which import brings a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The import's name, e.g. `crm-2026-11`; 1 to 64 of `a-z 0-9 . _ -`.
    pub import: EntityId,
    /// The line: 1, 2, 3 …
    pub line: u64,
    /// Keyed digest of customer and fact: the same fact again has the same one.
    pub key: Token,
}

/// A fact of a customer's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asserted {
    /// The account was opened, and perhaps left.
    Account(AssertedAccount),
    /// A service was held, or still is.
    Service(AssertedService),
    /// A notice was given.
    Notice(AssertedNotice),
    /// The customer granted.
    Grant(AssertedGrant),
    /// The customer denied, withdrew or restricted.
    Block(AssertedBlock),
    /// CPNI was disclosed.
    Disclosure(AssertedDisclosure),
}

/// The account was opened, and perhaps left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssertedAccount {
    /// The legal entity of the company that serves the account.
    pub legal_entity: EntityId,
    /// When it was opened.
    pub opened_at: Time,
    /// When it was left, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Time>,
}

/// A service was held in [opened, closed), or still is (R6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssertedService {
    /// The category.
    pub category: Category,
    /// When it was opened.
    pub opened_at: Time,
    /// When it was closed, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Time>,
}

/// A notice was given (F4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssertedNotice {
    /// Version of the notice text; 1 to 64 of `a-z 0-9 . _ -`.
    pub version: String,
    /// When it was given.
    pub given_at: Time,
    /// The form.
    pub form: Medium,
    /// Language as a BCP 47 tag.
    pub language: String,
    /// What it covers.
    pub covers: Scope,
    /// Whether it took silence for approval: then no grant answers it, and it never matures.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opt_out: bool,
    /// SHA-256 of the text as given, where it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_digest: Option<Sha256Digest>,
}

/// How something was said, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Circumstances {
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_at: Option<Time>,
    /// By which method: written, oral or electronic (64.2007(a)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Medium>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<Speaker>,
    /// The version of the notice that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_version: Option<String>,
    /// SHA-256 of the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_digest: Option<Sha256Digest>,
}

/// The customer granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssertedGrant {
    /// What.
    pub scope: Scope,
    /// How.
    pub said: Circumstances,
}

/// The customer denied, withdrew or restricted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssertedBlock {
    /// What.
    pub block: Block,
    /// How; without a date it counts as said when it is recorded.
    pub said: Circumstances,
}

/// CPNI was disclosed, rightly or not: for the accounting of disclosures (P8). It is judged by nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssertedDisclosure {
    /// When.
    pub made_at: Time,
    /// To whom.
    pub recipient: RecipientKind,
    /// To which entity by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<EntityId>,
    /// Which classes.
    pub classes: CpniClasses,
    /// What for.
    pub purpose: Purpose,
    /// On which ground, by the company's word.
    pub ground: GroundKind,
}

/// An asserted fact on record, with what it falls short of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnRecord<F> {
    /// Where it comes from.
    pub source: Source,
    /// What is asserted.
    pub fact: F,
    /// Where the evidence is kept; of a disclosure the order, case, ticket or invoice. Sealed in the record.
    #[serde(skip)]
    pub reference: Option<Personal>,
    /// Why it is history only; empty: it counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shortfalls: Vec<Shortfall>,
    /// Grants only: blocks that stand in some cell of it (R3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub still_blocked_by: Vec<Position>,
}

/// An event of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssertedEvent {
    /// An account was opened, and perhaps left.
    Account(OnRecord<AssertedAccount>),
    /// A service was held, or still is.
    Service(OnRecord<AssertedService>),
    /// A notice was given.
    Notice(OnRecord<AssertedNotice>),
    /// The customer granted.
    Granted(OnRecord<AssertedGrant>),
    /// The customer denied, withdrew or restricted.
    Blocked(OnRecord<AssertedBlock>),
    /// CPNI was disclosed.
    Disclosed(OnRecord<AssertedDisclosure>),
}

named_list! {
    /// Why an asserted fact is history only.
    Shortfall {
        /// No date.
        DateMissing = "DATE_MISSING",
        /// No method.
        MethodMissing = "METHOD_MISSING",
        /// No digest of the evidence.
        EvidenceMissing = "EVIDENCE_MISSING",
        /// No notice version.
        NoticeMissing = "NOTICE_MISSING",
        /// No notice of that version that asks for an opt-in is on record as given to the customer by then.
        NoticeNotGiven = "NOTICE_NOT_GIVEN",
        /// The notice doesn't cover all of the grant.
        NoticeTooNarrow = "NOTICE_TOO_NARROW",
        /// The speaker isn't known to be the holder or the administrative contact.
        SpeakerMayNotGrant = "SPEAKER_MAY_NOT_GRANT",
        /// No service is known to have been held from then until today (R9).
        NoService = "NO_SERVICE",
        /// The customer has as many words as the ledger keeps grants among.
        TooManyWords = "TOO_MANY_WORDS",
        /// An asserted opt-out never matures (R15).
        OptOut = "OPT_OUT",
        /// The ledger knows the service to have been closed after that opening.
        ClosedSince = "CLOSED_SINCE",
    }
}

/// What became of a fact when it was recorded.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// As [`OnRecord::shortfalls`].
    pub shortfalls: Vec<Shortfall>,
    /// As [`OnRecord::still_blocked_by`].
    pub still_blocked_by: Vec<Position>,
}

impl From<Vec<Shortfall>> for Verdict {
    fn from(shortfalls: Vec<Shortfall>) -> Self {
        Self {
            shortfalls,
            still_blocked_by: Vec::new(),
        }
    }
}

impl<F> OnRecord<F> {
    /// Whether the fact counts, and isn't history only.
    pub fn counts(&self) -> bool {
        self.shortfalls.is_empty()
    }
}

impl AssertedEvent {
    /// Where the fact comes from.
    pub fn source(&self) -> &Source {
        match self {
            Self::Account(event) => &event.source,
            Self::Service(event) => &event.source,
            Self::Notice(event) => &event.source,
            Self::Granted(event) => &event.source,
            Self::Blocked(event) => &event.source,
            Self::Disclosed(event) => &event.source,
        }
    }

    /// Blocks that stand in some cell of a grant (R3).
    pub fn still_blocked_by(&self) -> &[Position] {
        match self {
            Self::Granted(event) => &event.still_blocked_by,
            _ => &[],
        }
    }

    /// Why it is history only; empty: it counts.
    pub fn shortfalls(&self) -> &[Shortfall] {
        match self {
            Self::Account(event) => &event.shortfalls,
            Self::Service(event) => &event.shortfalls,
            Self::Notice(event) => &event.shortfalls,
            Self::Granted(event) => &event.shortfalls,
            Self::Blocked(event) => &event.shortfalls,
            Self::Disclosed(event) => &event.shortfalls,
        }
    }
}

impl Assert {
    /// The event, with its scopes written out.
    pub(super) fn event(&self, verdict: Verdict) -> AssertedEvent {
        match self.fact.clone() {
            Asserted::Account(fact) => AssertedEvent::Account(self.on_record(fact, verdict)),
            Asserted::Service(fact) => AssertedEvent::Service(self.on_record(fact, verdict)),
            Asserted::Notice(mut fact) => {
                fact.covers = fact.covers.in_order();
                AssertedEvent::Notice(self.on_record(fact, verdict))
            }
            Asserted::Grant(mut fact) => {
                fact.scope = fact.scope.in_order();
                AssertedEvent::Granted(self.on_record(fact, verdict))
            }
            Asserted::Block(mut fact) => {
                fact.block = fact.block.written_out();
                AssertedEvent::Blocked(self.on_record(fact, verdict))
            }
            Asserted::Disclosure(fact) => AssertedEvent::Disclosed(self.on_record(fact, verdict)),
        }
    }

    fn on_record<F>(&self, fact: F, verdict: Verdict) -> OnRecord<F> {
        OnRecord {
            source: self.source.clone(),
            fact,
            reference: self.reference.clone(),
            shortfalls: verdict.shortfalls,
            still_blocked_by: verdict.still_blocked_by,
        }
    }
}

impl AssertedDisclosure {
    /// The disclosure as a question would have asked for it, for the accounting (P8).
    pub fn question(&self, reference: Option<&Personal>) -> Question {
        let reference = reference.cloned();
        let ground = match self.ground {
            GroundKind::Approval => Ground::Approval { cites: None },
            GroundKind::WrittenRequest => Ground::WrittenRequest { digest: None },
            GroundKind::Legal => Ground::Legal {
                authority: None,
                reference,
                dated: None,
                digest: None,
            },
            GroundKind::Rights => Ground::Rights {
                case: reference,
                open: false,
                protected_party: None,
            },
            GroundKind::PicFreeze => Ground::PicFreeze {
                provider: self.entity.clone(),
                request: None,
            },
            GroundKind::Directory => Ground::Directory {
                publisher: self.entity.clone(),
                non_published: false,
            },
            GroundKind::Service => Ground::Service {
                ticket: reference,
                open: false,
                verification: None,
            },
            GroundKind::Billing => Ground::Billing {
                invoice: reference,
                verification: None,
            },
        };
        Question {
            purpose: self.purpose,
            classes: self.classes,
            selected_by: CpniClasses::NONE,
            not_cpni: NotCpniItems::NONE,
            recipient: self.recipient,
            entity: self.entity.clone(),
            source_category: None,
            target_categories: Vec::new(),
            offering: None,
            call: None,
            ground: Some(ground),
        }
    }
}

impl AssertedGrant {
    /// What the state remembers.
    pub(super) fn said(&self) -> Said {
        Said::Grant {
            scope: self.scope.in_order(),
            lifts: Box::default(),
        }
    }
}

impl Circumstances {
    /// What a grant said like this falls short of by itself (R15).
    pub(super) fn shortfalls(&self) -> Vec<Shortfall> {
        let speaker = self.speaker.is_none_or(|speaker| speaker == Speaker::Other);
        [
            (self.said_at.is_none(), Shortfall::DateMissing),
            (self.method.is_none(), Shortfall::MethodMissing),
            (self.evidence_digest.is_none(), Shortfall::EvidenceMissing),
            (self.notice_version.is_none(), Shortfall::NoticeMissing),
            (speaker, Shortfall::SpeakerMayNotGrant),
        ]
        .into_iter()
        .filter_map(|(lacks, shortfall)| lacks.then_some(shortfall))
        .collect()
    }

    fn require(&self, field: &str, context: &Context<'_>) -> Result<(), Refusal> {
        if let Some(said_at) = self.said_at {
            require_past(said_at, &format!("{field}.said_at"), context)?;
        }
        Ok(())
    }
}

impl Source {
    pub(super) fn require(&self) -> Result<(), Refusal> {
        if (1..=LINE_MAX).contains(&self.line) {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalCode::Invalid,
            "line",
            format!("lines are numbered from 1 to {LINE_MAX}"),
        ))
    }
}

impl Asserted {
    /// Refuses what is no clear fact of the past.
    pub(super) fn require(&self, context: &Context<'_>) -> Result<(), Refusal> {
        match self {
            Self::Account(account) => {
                require_interval(account.opened_at, account.closed_at, "account", context)
            }
            Self::Service(service) => {
                require_interval(service.opened_at, service.closed_at, "service", context)
            }
            Self::Notice(notice) => {
                require_past(notice.given_at, "notice.given_at", context)?;
                require_notice(&notice.version, &notice.language, &notice.covers, "notice")
            }
            Self::Grant(grant) => {
                grant.said.require("word", context)?;
                require_grant_scope(&grant.scope, "word.scope")
            }
            Self::Block(block) => {
                block.said.require("word", context)?;
                require_well_formed(&block.block, "word")
            }
            Self::Disclosure(disclosure) => {
                require_past(disclosure.made_at, "disclosure.made_at", context)?;
                match disclosure.classes.is_empty() {
                    true => Err(Refusal::new(
                        RefusalCode::Invalid,
                        "disclosure.classes",
                        "no class is named; what is not CPNI needs no accounting",
                    )),
                    false => Ok(()),
                }
            }
        }
    }
}

fn require_past(at: Time, field: &str, context: &Context<'_>) -> Result<(), Refusal> {
    if at <= context.now {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::OccurredAt,
        field,
        "it lies in the future; an import tells what has happened",
    ))
}

fn require_interval(
    opened_at: Time,
    closed_at: Option<Time>,
    field: &str,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    require_past(opened_at, &format!("{field}.opened_at"), context)?;
    let Some(closed_at) = closed_at else {
        return Ok(());
    };
    let field = format!("{field}.closed_at");
    require_past(closed_at, &field, context)?;
    if opened_at < closed_at {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::Invalid,
        field,
        "it doesn't lie after the opening",
    ))
}
