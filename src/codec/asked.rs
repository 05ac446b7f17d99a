//! What was asked and how it ended: `disclosure.made`, `disclosure.refused`, `ruling.recorded`; and which gag order was
//! lifted since: `disclosure.gag_lifted`.
//!
//! Version 2 of each is the same with a telling: the customer or a contact is told on a verification on record, or by
//! mail to an address of record. What has none is still written as version 1.

use serde::{Deserialize, Serialize};

use super::grounds::GroundData;
use super::names::{Instant, Named, numbers, positions};
use super::rulings::RulingData;
use super::scopes::{Classes, NotCpniData};
use super::{DecodeError, Open, Seal};
use crate::domain::authentication::telling::Telling;
use crate::domain::disclosures::gag::GagLifted;
use crate::domain::disclosures::{DisclosureMade, DisclosureRefused, Ground, Seal as GagOrder};
use crate::domain::event::{Event, RulingRecorded};
use crate::domain::ids::{Category, EntityId, Position, Token};
use crate::domain::question::Question;
use crate::domain::ruling::ReasonCode;
use crate::domain::vocabulary::{Purpose, RecipientKind};

pub const MADE: &str = "disclosure.made.v1";
pub const REFUSED: &str = "disclosure.refused.v1";
pub const RULED: &str = "ruling.recorded.v1";
pub const GAG_LIFTED: &str = "disclosure.gag_lifted.v1";
pub const MADE_TELLING: &str = "disclosure.made.v2";
pub const REFUSED_TELLING: &str = "disclosure.refused.v2";
pub const RULED_TELLING: &str = "ruling.recorded.v2";

/// The type of what was asked.
pub fn kind(event: &Event) -> &'static str {
    let tells = |question: &Question| {
        let telling = question.ground.as_ref().and_then(Ground::telling);
        telling.is_some_and(|telling| !matches!(telling, Telling::Stated(_)))
    };
    match event {
        Event::DisclosureMade(made) if tells(&made.question) => MADE_TELLING,
        Event::DisclosureMade(_) => MADE,
        Event::DisclosureRefused(refused) if tells(&refused.question) => REFUSED_TELLING,
        Event::DisclosureRefused(_) => REFUSED,
        Event::RulingRecorded(ruled) if tells(&ruled.question) => RULED_TELLING,
        _ => RULED,
    }
}

/// The event, if it is one of that version: each has one form.
pub fn of_kind(read: &str, event: Event) -> Result<Event, DecodeError> {
    match kind(&event) == read {
        true => Ok(event),
        false => Err(super::shape(read, "it is of another version".to_owned())),
    }
}

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

    pub fn event(self, open: Open<'_>) -> Event {
        Event::DisclosureMade(DisclosureMade {
            question: self.question.question(open),
            seal: self.seal.map(SealData::order),
            relied_on: positions(self.relied_on),
        })
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

    pub fn event(self, open: Open<'_>) -> Event {
        Event::DisclosureRefused(DisclosureRefused {
            question: self.question.question(open),
            seal: self.seal.map(SealData::order),
            reasons: self.reasons,
        })
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

    pub fn event(self, open: Open<'_>) -> Event {
        Event::RulingRecorded(RulingRecorded {
            question: self.question.question(open),
            ruling: self.ruling.ruling(),
        })
    }
}

/// A gag order that was lifted: by its disclosure. Who lifted it is sealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lifted {
    disclosure: u64,
    dated: String,
}

impl Lifted {
    pub fn new(event: &GagLifted, seal: Seal<'_>) -> Self {
        for (name, text) in [
            ("authority", &event.authority),
            ("reference", &event.reference),
        ] {
            if let Some(text) = text {
                seal(name, text);
            }
        }
        Self {
            disclosure: event.disclosure.0,
            dated: event.dated.clone(),
        }
    }

    pub fn event(self, open: Open<'_>) -> Event {
        Event::GagLifted(GagLifted {
            disclosure: Position(self.disclosure),
            authority: open("authority"),
            reference: open("reference"),
            dated: self.dated,
        })
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
    fn order(self) -> GagOrder {
        self.until
            .map_or(GagOrder::UntilLifted, |at| GagOrder::Until(at.0))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionData {
    purpose: Named<Purpose>,
    #[serde(default, skip_serializing_if = "Classes::is_empty")]
    classes: Classes,
    #[serde(default, skip_serializing_if = "Classes::is_empty")]
    selected_by: Classes,
    #[serde(default, skip_serializing_if = "NotCpniData::is_empty")]
    not_cpni: NotCpniData,
    recipient: Named<RecipientKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entity: Option<Named<EntityId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_category: Option<Named<Category>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    target_categories: Vec<Named<Category>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offering: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call: Option<Named<Token>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ground: Option<GroundData>,
}

impl QuestionData {
    fn new(question: &Question, seal: Seal<'_>) -> Self {
        let targets = question.target_categories.iter();
        Self {
            purpose: Named(question.purpose),
            classes: Classes(question.classes),
            selected_by: Classes(question.selected_by),
            not_cpni: NotCpniData(question.not_cpni),
            recipient: Named(question.recipient),
            entity: question.entity.clone().map(Named),
            source_category: question.source_category.clone().map(Named),
            target_categories: targets.cloned().map(Named).collect(),
            offering: question.offering.clone(),
            call: question.call.map(Named),
            ground: question
                .ground
                .as_ref()
                .map(|ground| GroundData::new(ground, seal)),
        }
    }

    fn question(self, open: Open<'_>) -> Question {
        let targets = self.target_categories.into_iter();
        Question {
            purpose: self.purpose.0,
            classes: self.classes.0,
            selected_by: self.selected_by.0,
            not_cpni: self.not_cpni.0,
            recipient: self.recipient.0,
            entity: self.entity.map(|entity| entity.0),
            source_category: self.source_category.map(|category| category.0),
            target_categories: targets.map(|category| category.0).collect(),
            offering: self.offering,
            call: self.call.map(|call| call.0),
            ground: self.ground.map(|ground| ground.ground(open)),
        }
    }
}
