//! What was asked and how it ended: `disclosure.made.v1`, `disclosure.refused.v1`, `ruling.recorded.v1`.

use serde::{Deserialize, Serialize};

use super::names::{Digest, Instant, category, entity, numbers, positions, token};
use super::rulings::RulingData;
use super::said::AssuranceData;
use super::scopes::{Members, classes, read_classes, recipient_kind, unknown};
use super::{Open, Seal};
use crate::domain::consent::word::Assurance;
use crate::domain::disclosures::{DisclosureMade, DisclosureRefused, Ground, Seal as GagOrder};
use crate::domain::event::{Event, RulingRecorded};
use crate::domain::ids::{Personal, Position};
use crate::domain::question::Question;
use crate::domain::ruling::ReasonCode;
use crate::domain::vocabulary::{NotCpni, NotCpniItems, Purpose};

pub const MADE: &str = "disclosure.made.v1";
pub const REFUSED: &str = "disclosure.refused.v1";
pub const RULED: &str = "ruling.recorded.v1";

const VERIFICATION_REFERENCE: &str = "verification_reference";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    question: QuestionData,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seal: Option<SealData>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    relied_on: Vec<u64>,
}

impl Made {
    pub fn new(event: &DisclosureMade, seal: Seal<'_>) -> Self {
        Self {
            question: QuestionData::new(&event.question, seal),
            seal: event.seal.map(SealData::from),
            relied_on: numbers(&event.relied_on),
        }
    }

    pub fn event(self, open: Open<'_>) -> Result<Event, String> {
        Ok(Event::DisclosureMade(DisclosureMade {
            question: self.question.question(open)?,
            seal: self.seal.map(SealData::order).transpose()?,
            relied_on: positions(self.relied_on),
        }))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    question: QuestionData,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seal: Option<SealData>,
    reasons: Vec<ReasonCode>,
}

impl Refused {
    pub fn new(event: &DisclosureRefused, seal: Seal<'_>) -> Self {
        Self {
            question: QuestionData::new(&event.question, seal),
            seal: event.seal.map(SealData::from),
            reasons: event.reasons.clone(),
        }
    }

    pub fn event(self, open: Open<'_>) -> Result<Event, String> {
        Ok(Event::DisclosureRefused(DisclosureRefused {
            question: self.question.question(open)?,
            seal: self.seal.map(SealData::order).transpose()?,
            reasons: self.reasons,
        }))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ruled {
    question: QuestionData,
    ruling: RulingData,
}

impl Ruled {
    pub fn new(event: &RulingRecorded, seal: Seal<'_>) -> Self {
        Self {
            question: QuestionData::new(&event.question, seal),
            ruling: RulingData::from(&event.ruling),
        }
    }

    pub fn event(self, open: Open<'_>) -> Result<Event, String> {
        Ok(Event::RulingRecorded(RulingRecorded {
            question: self.question.question(open)?,
            ruling: self.ruling.ruling()?,
        }))
    }
}

/// A gag order: `{"until":"…"}`, or `{"until":null}` until it is lifted.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealData {
    until: Option<Instant>,
}

impl From<GagOrder> for SealData {
    fn from(seal: GagOrder) -> Self {
        match seal {
            GagOrder::Until(at) => Self {
                until: Some(Instant(at)),
            },
            GagOrder::UntilLifted => Self { until: None },
        }
    }
}

impl SealData {
    fn order(self) -> Result<GagOrder, String> {
        Ok(self
            .until
            .map_or(GagOrder::UntilLifted, |at| GagOrder::Until(at.0)))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionData {
    purpose: String,
    #[serde(default = "no_members", skip_serializing_if = "is_empty")]
    classes: Members,
    #[serde(default = "no_members", skip_serializing_if = "is_empty")]
    selected_by: Members,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_cpni: Vec<String>,
    recipient: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_category: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    target_categories: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offering: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ground: Option<GroundData>,
}

fn no_members() -> Members {
    Members::Some(Vec::new())
}

fn is_empty(members: &Members) -> bool {
    matches!(members, Members::Some(names) if names.is_empty())
}

impl QuestionData {
    fn new(question: &Question, seal: Seal<'_>) -> Self {
        Self {
            purpose: question.purpose.name().to_owned(),
            classes: classes(question.classes),
            selected_by: classes(question.selected_by),
            not_cpni: question
                .not_cpni
                .members()
                .map(|item| item.name().to_owned())
                .collect(),
            recipient: question.recipient.name().to_owned(),
            entity: question.entity.as_ref().map(|id| id.as_str().to_owned()),
            source_category: question
                .source_category
                .as_ref()
                .map(|c| c.as_str().to_owned()),
            target_categories: question
                .target_categories
                .iter()
                .map(|category| category.as_str().to_owned())
                .collect(),
            offering: question.offering.clone(),
            call: question.call.map(|call| call.to_string()),
            ground: question
                .ground
                .as_ref()
                .map(|ground| GroundData::new(ground, seal)),
        }
    }

    fn question(self, open: Open<'_>) -> Result<Question, String> {
        Ok(Question {
            purpose: Purpose::parse(&self.purpose)
                .ok_or_else(|| unknown("purpose", &self.purpose))?,
            classes: read_classes(self.classes)?,
            selected_by: read_classes(self.selected_by)?,
            not_cpni: self
                .not_cpni
                .iter()
                .map(|name| NotCpni::parse(name).ok_or_else(|| unknown("item", name)))
                .collect::<Result<NotCpniItems, _>>()?,
            recipient: recipient_kind(&self.recipient)?,
            entity: self.entity.as_deref().map(entity).transpose()?,
            source_category: self.source_category.as_deref().map(category).transpose()?,
            target_categories: self
                .target_categories
                .iter()
                .map(|name| category(name))
                .collect::<Result<_, _>>()?,
            offering: self.offering,
            call: self.call.as_deref().map(token).transpose()?,
            ground: self.ground.map(|ground| ground.ground(open)).transpose()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum GroundData {
    Approval {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cites: Option<u64>,
    },
    WrittenRequest {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<Digest>,
    },
    Legal {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dated: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<Digest>,
    },
    Rights {
        open: bool,
    },
    PicFreeze {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<String>,
    },
    Directory {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        publisher: Option<String>,
        non_published: bool,
    },
    Service {
        open: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verification: Option<AssuranceData>,
    },
    Billing {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verification: Option<AssuranceData>,
    },
}

impl GroundData {
    fn new(ground: &Ground, seal: Seal<'_>) -> Self {
        let mut sealed = |name: &'static str, text: &Option<Personal>| {
            if let Some(text) = text {
                seal(name, text);
            }
        };
        match ground {
            Ground::Approval { cites } => Self::Approval {
                cites: cites.map(|cited| cited.0),
            },
            Ground::WrittenRequest { digest } => Self::WrittenRequest {
                digest: digest.map(Digest),
            },
            Ground::Legal {
                authority,
                reference,
                dated,
                digest,
            } => {
                sealed("authority", authority);
                sealed("reference", reference);
                Self::Legal {
                    dated: dated.clone(),
                    digest: digest.map(Digest),
                }
            }
            Ground::Rights {
                case,
                open,
                protected_party,
            } => {
                sealed("case", case);
                sealed("protected_party", protected_party);
                Self::Rights { open: *open }
            }
            Ground::PicFreeze { provider, request } => Self::PicFreeze {
                provider: provider.as_ref().map(|id| id.as_str().to_owned()),
                request: request.map(|request| request.to_string()),
            },
            Ground::Directory {
                publisher,
                non_published,
            } => Self::Directory {
                publisher: publisher.as_ref().map(|id| id.as_str().to_owned()),
                non_published: *non_published,
            },
            Ground::Service {
                ticket,
                open,
                verification,
            } => {
                sealed("ticket", ticket);
                Self::Service {
                    open: *open,
                    verification: verified(verification, seal),
                }
            }
            Ground::Billing {
                invoice,
                verification,
            } => {
                sealed("invoice", invoice);
                Self::Billing {
                    verification: verified(verification, seal),
                }
            }
        }
    }

    fn ground(self, open_field: Open<'_>) -> Result<Ground, String> {
        Ok(match self {
            Self::Approval { cites } => Ground::Approval {
                cites: cites.map(Position),
            },
            Self::WrittenRequest { digest } => Ground::WrittenRequest {
                digest: digest.map(|digest| digest.0),
            },
            Self::Legal { dated, digest } => Ground::Legal {
                authority: open_field("authority"),
                reference: open_field("reference"),
                dated,
                digest: digest.map(|digest| digest.0),
            },
            Self::Rights { open } => Ground::Rights {
                case: open_field("case"),
                open,
                protected_party: open_field("protected_party"),
            },
            Self::PicFreeze { provider, request } => Ground::PicFreeze {
                provider: provider.as_deref().map(entity).transpose()?,
                request: request.as_deref().map(token).transpose()?,
            },
            Self::Directory {
                publisher,
                non_published,
            } => Ground::Directory {
                publisher: publisher.as_deref().map(entity).transpose()?,
                non_published,
            },
            Self::Service { open, verification } => Ground::Service {
                ticket: open_field("ticket"),
                open,
                verification: read_verified(verification, open_field),
            },
            Self::Billing { verification } => Ground::Billing {
                invoice: open_field("invoice"),
                verification: read_verified(verification, open_field),
            },
        })
    }
}

fn verified(verification: &Option<Assurance>, seal: Seal<'_>) -> Option<AssuranceData> {
    verification
        .as_ref()
        .map(|assurance| AssuranceData::new(assurance, VERIFICATION_REFERENCE, seal))
}

fn read_verified(verification: Option<AssuranceData>, open: Open<'_>) -> Option<Assurance> {
    verification.map(|data| data.assurance(VERIFICATION_REFERENCE, open))
}
