//! Small words for what the tests speak of: scopes, words, questions.

use crate::domain::consent::word::{Block, BlockKind, SpokenWord};
use crate::domain::disclosures::Ground;
use crate::domain::ids::{Category, EntityId, Personal, Token};
use crate::domain::question::Question;
use crate::domain::scope::{Recipients, Scope};
use crate::domain::time::Time;
use crate::domain::vocabulary::*;

/// An instant, `2026-01-01T15:00:00Z`.
pub fn utc(text: &str) -> Time {
    Time(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

pub fn entity(name: &str) -> EntityId {
    EntityId::parse(name).unwrap()
}

pub fn category(name: &str) -> Category {
    Category::parse(name).unwrap()
}

pub fn call(number: u8) -> Token {
    Token([number; 16])
}

pub fn kinds(kinds: &[RecipientKind]) -> Recipients {
    Recipients::of(kinds.iter().copied().collect())
}

pub fn named(kind: RecipientKind, name: &str) -> Recipients {
    Recipients::named(kind, entity(name))
}

/// A scope for marketing communications-related services.
pub fn marketing(recipients: Recipients, classes: CpniClasses) -> Scope {
    Scope {
        recipients,
        classes,
        purposes: Purposes::of(Purpose::MarketingComms),
    }
}

pub fn company(classes: CpniClasses) -> Scope {
    marketing(kinds(&[RecipientKind::Company]), classes)
}

pub fn classes(classes: &[CpniClass]) -> CpniClasses {
    classes.iter().copied().collect()
}

pub fn granting(scope: Scope) -> SpokenWord {
    SpokenWord::Grant {
        scope,
        lifts: Vec::new(),
    }
}

pub fn blocking(kind: BlockKind, scope: Scope, except: &[Scope]) -> SpokenWord {
    SpokenWord::Block(Block {
        kind,
        scope,
        except: except.into(),
    })
}

/// May the company market an offering of `target` with this class?
pub fn market(class: CpniClass, target: &str) -> Question {
    market_by(RecipientKind::Company, None, class, target)
}

pub fn market_by(
    recipient: RecipientKind,
    name: Option<&str>,
    class: CpniClass,
    target: &str,
) -> Question {
    Question {
        purpose: Purpose::MarketingComms,
        classes: CpniClasses::of(class),
        selected_by: CpniClasses::NONE,
        not_cpni: NotCpniItems::NONE,
        recipient,
        entity: name.map(entity),
        source_category: None,
        target_categories: vec![category(target)],
        offering: None,
        call: None,
        ground: None,
    }
}

pub fn on_ground(
    ground: Ground,
    purpose: Purpose,
    recipient: RecipientKind,
    name: Option<&str>,
    asked: &[CpniClass],
) -> Question {
    Question {
        purpose,
        classes: classes(asked),
        target_categories: Vec::new(),
        ground: Some(ground),
        ..market_by(recipient, name, CpniClass::Billing, "local")
    }
}

pub fn told(text: &str) -> Option<Personal> {
    Some(Personal::new(text))
}
