//! The vectors' notation: `g(AFFILIATE acme; ALL; M)`, `d(*; *; *)`, `r(COMPANY; ALL except BILLING; M)`, and
//! questions `COMPANY; BILLING; M→LOCAL`. Names are those of the closed lists in capitals; M is MARKETING_COMMS.

use consent_ledger::domain::consent::word::{Block, BlockKind, SpokenWord};
use consent_ledger::domain::ids::{Category, EntityId, Token};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::scope::{NamedRecipient, Recipients, Scope};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{
    CpniClass, CpniClasses, NotCpni, NotCpniItems, Purpose, Purposes, RecipientKind, RecipientKinds,
};

/// An instant in UTC, `2026-03-02T10:00:00Z`.
pub fn utc(text: &str) -> Time {
    Time(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

/// `g`, `d`, `w` or `r` with recipients; classes; purposes.
pub fn word(text: &str) -> SpokenWord {
    let (letter, rest) = text.split_once('(').unwrap();
    let inside = rest.strip_suffix(')').unwrap();
    let kind = match letter.trim() {
        "g" => {
            return SpokenWord::Grant {
                scope: scope(inside, Everything::Written),
                lifts: Vec::new(),
            };
        }
        "d" => BlockKind::Deny,
        "w" => BlockKind::Withdraw,
        "r" => BlockKind::Restrict,
        other => panic!("{other} is no word"),
    };
    let (scope, except) = match inside.split_once(" except ") {
        None => (scope(inside, Everything::LeftEmpty), None),
        Some((before, after)) => {
            let (excepted, purposes) = after.split_once(';').unwrap();
            let recipients = before.split(';').next().unwrap();
            let whole = format!("{before};{purposes}");
            let excepted = format!("{recipients};{excepted};{purposes}");
            (
                scope(&whole, Everything::LeftEmpty),
                Some(self::scope(&excepted, Everything::Written)),
            )
        }
    };
    SpokenWord::Block(Block {
        kind,
        scope,
        except: except.into_iter().collect(),
    })
}

/// How `*` is put: grants must name everything, blocks may leave it empty (R2).
#[derive(Clone, Copy, PartialEq)]
pub enum Everything {
    Written,
    LeftEmpty,
}

/// Recipients; classes; purposes.
pub fn scope(text: &str, everything: Everything) -> Scope {
    let [recipients, classes, purposes] = three(text);
    let left_empty = everything == Everything::LeftEmpty;
    Scope {
        recipients: match recipients {
            "*" if left_empty => Recipients::default(),
            "*" | "ALL" => Recipients {
                kinds: RecipientKinds::ALL,
                named: Box::default(),
            },
            listed => self::recipients(listed),
        },
        classes: match classes {
            "*" if left_empty => CpniClasses::NONE,
            "*" | "ALL" => CpniClasses::ALL,
            listed => self::classes(listed),
        },
        purposes: match purposes {
            "*" if left_empty => Purposes::NONE,
            "*" | "ALL" => Purposes::ALL,
            listed => listed.split('+').map(purpose).collect(),
        },
    }
}

/// `COMPANY + AFFILIATE acme`.
fn recipients(text: &str) -> Recipients {
    let (mut kinds, mut named) = (RecipientKinds::NONE, Vec::new());
    for part in text.split('+') {
        match recipient(part) {
            (kind, None) => kinds = kinds.with(kind),
            (kind, Some(entity)) => named.push(NamedRecipient { kind, entity }),
        }
    }
    named.sort();
    named.dedup();
    Recipients {
        kinds,
        named: named.into(),
    }
}

/// `AFFILIATE`, or `AFFILIATE acme`.
pub fn recipient(text: &str) -> (RecipientKind, Option<EntityId>) {
    let mut parts = text.split_whitespace();
    let kind = parts.next().unwrap().to_lowercase();
    let kind = RecipientKind::parse(&kind).unwrap_or_else(|| panic!("{kind} is no recipient"));
    (
        kind,
        parts.next().map(|name| EntityId::parse(name).unwrap()),
    )
}

/// `BILLING + TYPE`, or `ALL`.
pub fn classes(text: &str) -> CpniClasses {
    text.split('+')
        .map(|class| {
            let class = class.trim().to_lowercase();
            CpniClass::parse(&class).unwrap_or_else(|| panic!("{class} is no class"))
        })
        .collect()
}

/// `M`, or a purpose's name.
pub fn purpose(text: &str) -> Purpose {
    match text.trim() {
        "M" => Purpose::MarketingComms,
        other => {
            let other = other.to_lowercase();
            Purpose::parse(&other).unwrap_or_else(|| panic!("{other} is no purpose"))
        }
    }
}

/// A category by its name in capitals.
pub fn category(text: &str) -> Category {
    Category::parse(&text.trim().to_lowercase()).unwrap()
}

/// A call by its name.
pub fn call(name: &str) -> Token {
    let mut bytes = [0; 16];
    for (byte, letter) in bytes.iter_mut().zip(name.bytes()) {
        *byte = letter;
    }
    Token(bytes)
}

/// Recipient; what, where need be `selected by` classes; purpose → categories that the offering spans.
/// What is asked for may be classes of CPNI or information that isn't CPNI.
pub fn question(text: &str) -> Question {
    let [to, what, purpose_and_target] = three(text);
    let (kind, entity) = recipient(to);
    let (what, selected_by) = match what.split_once("selected by") {
        Some((what, selection)) => (what, classes(selection)),
        None => (what, CpniClasses::NONE),
    };
    let not_cpni = NotCpni::parse(&what.trim().to_lowercase());
    let (for_what, target) = match purpose_and_target.split_once('→') {
        Some((purpose, target)) => (purpose, target.split('+').map(category).collect()),
        None => (purpose_and_target, Vec::new()),
    };
    Question {
        purpose: purpose(for_what),
        classes: match not_cpni {
            Some(_) => CpniClasses::NONE,
            None => classes(what),
        },
        selected_by,
        not_cpni: not_cpni.map_or(NotCpniItems::NONE, NotCpniItems::of),
        recipient: kind,
        entity,
        source_category: None,
        target_categories: target,
        offering: None,
        call: None,
        ground: None,
    }
}

fn three(text: &str) -> [&str; 3] {
    let parts: Vec<&str> = text.split(';').map(str::trim).collect();
    parts
        .try_into()
        .unwrap_or_else(|_| panic!("`{text}` isn't recipient; classes; purpose"))
}

/// A scope in the notation.
pub fn written(scope: &Scope) -> String {
    let kinds = scope.recipients.kinds;
    let named = scope.recipients.named.iter();
    let named = named.map(|named| format!("{} {}", named.kind.name().to_uppercase(), named.entity));
    let to = members(
        kinds.members().map(RecipientKind::name),
        kinds == RecipientKinds::ALL,
        named,
    );
    let classes = scope.classes;
    let what = members(
        classes.members().map(CpniClass::name),
        classes == CpniClasses::ALL,
        [],
    );
    let purposes = scope.purposes;
    let why = members(
        purposes.members().map(Purpose::name),
        purposes == Purposes::ALL,
        [],
    );
    format!("{to}; {what}; {why}")
}

/// A question in the notation.
pub fn written_question(question: &Question) -> String {
    let entity = question.entity.as_ref().map(|entity| format!(" {entity}"));
    let classes = question.classes.members().map(CpniClass::name);
    let selected = question.selected_by.members().map(CpniClass::name);
    let targets: Vec<_> = question
        .target_categories
        .iter()
        .map(Category::as_str)
        .collect();
    format!(
        "{}{}; {} selected by {}; {}→{} in call {:?}",
        question.recipient.name().to_uppercase(),
        entity.unwrap_or_default(),
        members(classes, false, []),
        members(selected, false, []),
        question.purpose.name().to_uppercase(),
        targets.join("+").to_uppercase(),
        question.call.map(|call| String::from_utf8_lossy(&call.0)
            .trim_end_matches('\0')
            .to_owned()),
    )
}

fn members(
    names: impl Iterator<Item = &'static str>,
    all: bool,
    more: impl IntoIterator<Item = String>,
) -> String {
    if all {
        return "ALL".to_owned();
    }
    let names: Vec<_> = names.map(str::to_uppercase).chain(more).collect();
    if names.is_empty() {
        "*".to_owned()
    } else {
        names.join(" + ")
    }
}
