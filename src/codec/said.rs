//! What was said: `notice.given.v1`, `consent.*.v1`, `call.ended.v1`.

use serde::{Deserialize, Serialize};

use super::names::{Digest, Instant, Named, numbers, positions};
use super::scopes::ScopeData;
use super::{Open, Seal};
use crate::domain::company::templates::Statements;
use crate::domain::consent::word::{
    Assurance, Block, BlockKind, Blocked, CallEnded, CitedVerification, GrantOnce, Granted,
    GrantedOnce, Statement,
};
use crate::domain::event::Event;
use crate::domain::ids::{Position, Token};
use crate::domain::notices::{NoticeGiven, NoticeText, Shown};
use crate::domain::vocabulary::{AssuranceMethod, Medium, Speaker};

pub const NOTICE: &str = "notice.given.v1";
pub const GRANTED: &str = "consent.granted.v1";
pub const DENIED: &str = "consent.denied.v1";
pub const WITHDRAWN: &str = "consent.withdrawn.v1";
pub const RESTRICTED: &str = "consent.restricted.v1";
pub const GRANTED_ONCE: &str = "consent.granted_once.v1";
pub const EVIDENCE_SUPPLIED: &str = "consent.evidence_supplied.v1";
pub const CALL_ENDED: &str = "call.ended.v1";

const ASSURANCE_REFERENCE: &str = "assurance_reference";
const EVIDENCE_REFERENCE: &str = "evidence_reference";

pub fn blocked_kind(kind: BlockKind) -> &'static str {
    match kind {
        BlockKind::Deny => DENIED,
        BlockKind::Withdraw => WITHDRAWN,
        BlockKind::Restrict => RESTRICTED,
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    version: String,
    text_digest: Digest,
    form: Medium,
    language: String,
    covers: ScopeData,
    /// The record that approved the template of the notice's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    template: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    statements: Option<Statements>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call: Option<Named<Token>>,
}

impl From<&NoticeGiven> for Notice {
    fn from(event: &NoticeGiven) -> Self {
        let notice = &event.notice;
        let (template, statements) = match event.shown {
            Some(Shown::Template(approved)) => (Some(approved), None),
            Some(Shown::Statements(found)) => (None, Some(found)),
            None => (None, None),
        };
        Self {
            version: notice.version.clone(),
            text_digest: Digest(notice.text_digest),
            form: notice.form,
            language: notice.language.clone(),
            covers: ScopeData::from(&notice.covers),
            template,
            statements,
            call: event.call.map(Named),
        }
    }
}

impl Notice {
    pub fn event(self) -> Event {
        Event::NoticeGiven(NoticeGiven {
            notice: NoticeText {
                version: self.version,
                text_digest: self.text_digest.0,
                form: self.form,
                language: self.language,
                covers: self.covers.into(),
            },
            shown: (self.template.map(Shown::Template)).or(self.statements.map(Shown::Statements)),
            call: self.call.map(|call| call.0),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatementData {
    medium: Medium,
    speaker: Speaker,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    assurance: Option<AssuranceData>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verification: Option<CitedVerification>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notice: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evidence_digest: Option<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssuranceData {
    method: AssuranceMethod,
    at: Instant,
}

impl AssuranceData {
    pub fn new(assurance: &Assurance, field: &'static str, seal: Seal<'_>) -> Self {
        if let Some(reference) = &assurance.reference {
            seal(field, reference);
        }
        Self {
            method: assurance.method,
            at: Instant(assurance.at),
        }
    }

    pub fn assurance(self, field: &str, open: Open<'_>) -> Assurance {
        Assurance {
            method: self.method,
            reference: open(field),
            at: self.at.0,
        }
    }
}

impl StatementData {
    fn new(statement: &Statement, seal: Seal<'_>) -> Self {
        if let Some(reference) = &statement.evidence_reference {
            seal(EVIDENCE_REFERENCE, reference);
        }
        Self {
            medium: statement.medium,
            speaker: statement.speaker,
            assurance: statement
                .assurance
                .as_ref()
                .map(|assurance| AssuranceData::new(assurance, ASSURANCE_REFERENCE, seal)),
            verification: statement.verification,
            notice: statement.notice.map(|notice| notice.0),
            evidence_digest: statement.evidence_digest.map(Digest),
        }
    }

    fn statement(self, open: Open<'_>) -> Statement {
        Statement {
            medium: self.medium,
            speaker: self.speaker,
            assurance: self
                .assurance
                .map(|data| data.assurance(ASSURANCE_REFERENCE, open)),
            verification: self.verification,
            notice: self.notice.map(Position),
            evidence_digest: self.evidence_digest.map(|digest| digest.0),
            evidence_reference: open(EVIDENCE_REFERENCE),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    scope: ScopeData,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lifts: Vec<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    still_blocked_by: Vec<u64>,
    statement: StatementData,
}

impl Grant {
    pub fn new(event: &Granted, seal: Seal<'_>) -> Self {
        Self {
            scope: ScopeData::from(&event.scope),
            lifts: numbers(&event.lifts),
            still_blocked_by: numbers(&event.still_blocked_by),
            statement: StatementData::new(&event.statement, seal),
        }
    }

    pub fn event(self, open: Open<'_>) -> Event {
        Event::Granted(Granted {
            scope: self.scope.into(),
            lifts: positions(self.lifts),
            still_blocked_by: positions(self.still_blocked_by),
            statement: self.statement.statement(open),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockData {
    scope: ScopeData,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    except: Vec<ScopeData>,
    statement: StatementData,
}

impl BlockData {
    pub fn new(event: &Blocked, seal: Seal<'_>) -> Self {
        Self {
            scope: ScopeData::from(&event.block.scope),
            except: event.block.except.iter().map(ScopeData::from).collect(),
            statement: StatementData::new(&event.statement, seal),
        }
    }

    pub fn event(self, kind: &str, open: Open<'_>) -> Event {
        Event::Blocked(Blocked {
            block: Block {
                kind: match kind {
                    DENIED => BlockKind::Deny,
                    WITHDRAWN => BlockKind::Withdraw,
                    _ => BlockKind::Restrict,
                },
                scope: self.scope.into(),
                except: self.except.into_iter().map(Into::into).collect(),
            },
            statement: self.statement.statement(open),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Once {
    call: Named<Token>,
    scope: ScopeData,
    statement: StatementData,
    ends_at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evidence_due_by: Option<Instant>,
}

impl Once {
    pub fn new(event: &GrantedOnce, seal: Seal<'_>) -> Self {
        Self {
            call: Named(event.grant.call),
            scope: ScopeData::from(&event.grant.scope),
            statement: StatementData::new(&event.grant.statement, seal),
            ends_at: Instant(event.ends_at),
            evidence_due_by: event.evidence_due_by.map(Instant),
        }
    }

    pub fn event(self, open: Open<'_>) -> Event {
        Event::GrantedOnce(GrantedOnce {
            grant: GrantOnce {
                call: self.call.0,
                scope: self.scope.into(),
                statement: self.statement.statement(open),
            },
            ends_at: self.ends_at.0,
            evidence_due_by: self.evidence_due_by.map(|by| by.0),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallEndedData {
    call: Named<Token>,
}

impl From<&CallEnded> for CallEndedData {
    fn from(event: &CallEnded) -> Self {
        Self {
            call: Named(event.call),
        }
    }
}

impl CallEndedData {
    pub fn event(self) -> Event {
        Event::CallEnded(CallEnded { call: self.call.0 })
    }
}
