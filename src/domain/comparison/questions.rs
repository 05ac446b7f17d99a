//! The questions by which two rulebooks are compared: a closed set, derived from both.
//!
//! 1. Marketing: each recipient kind, each class, and marketing of communications-related services in each category that
//!    either rulebook knows; each offering that either excepts (64.2005(b)(1)), for those who may market within held
//!    categories in either; marketing of anything else, to which categories don't matter.
//! 2. Approval for each other purpose: each recipient kind, each class.
//! 3. Each ground on which the two rulebooks differ, with its facts met: each purpose that it serves in either, each
//!    recipient kind, each class, and what isn't CPNI where the ground lists that; whom a ground tells only after a live
//!    verification, stated to be verified by each method in turn.
//!
//! No question names an entity, so that each asks for every entity of its kind (R12); the recipient of a ground is a
//! name that nobody bears. None carries a call or cites a record.

use crate::domain::authentication::telling::Telling;
use crate::domain::consent::word::Assurance;
use crate::domain::disclosures::Ground;
use crate::domain::disclosures::grounds::{GroundKind, SELF_EVIDENT};
use crate::domain::ids::{Category, EntityId, Personal, Token};
use crate::domain::question::Question;
use crate::domain::rulebook::{GroundRule, Rulebook};
use crate::domain::time::Time;
use crate::domain::vocabulary::{
    AssuranceMethod, CpniClass, CpniClasses, NotCpni, NotCpniItems, Purpose, Purposes,
    RecipientKind,
};

/// The recipient of grounds that name one.
const NOBODY: &str = "compared-recipient";

/// All questions at `at`, each once.
pub fn all(before: &Rulebook, after: &Rulebook, at: Time) -> Vec<Question> {
    let mut questions = marketing(before, after);
    questions.extend(approval(before, after));
    for ground in GroundKind::EVERY {
        if *ground != GroundKind::Approval && differs(before, after, *ground) {
            questions.extend(on_ground(before, after, *ground, at));
        }
    }
    questions
}

fn question(purpose: Purpose, recipient: RecipientKind) -> Question {
    Question {
        purpose,
        classes: CpniClasses::NONE,
        selected_by: CpniClasses::NONE,
        not_cpni: NotCpniItems::NONE,
        recipient,
        entity: None,
        source_category: None,
        target_categories: Vec::new(),
        offering: None,
        call: None,
        ground: None,
    }
}

/// The question for each class by itself.
fn each_class(question: &Question) -> impl Iterator<Item = Question> + '_ {
    CpniClass::EVERY.iter().map(|class| Question {
        classes: CpniClasses::of(*class),
        ..question.clone()
    })
}

fn marketing(before: &Rulebook, after: &Rulebook) -> Vec<Question> {
    let within_held = (before.held_category_recipients()).union(after.held_category_recipients());
    let (categories, offerings) = (categories(before, after), offerings(before, after));
    let mut questions = Vec::new();
    for kind in RecipientKind::EVERY {
        let comms = question(Purpose::MarketingComms, *kind);
        for category in &categories {
            questions.extend(each_class(&Question {
                target_categories: vec![category.clone()],
                ..comms.clone()
            }));
        }
        for offering in offerings.iter().filter(|_| within_held.contains(*kind)) {
            questions.extend(each_class(&Question {
                offering: Some(offering.clone()),
                ..comms.clone()
            }));
        }
        questions.extend(each_class(&question(Purpose::MarketingOther, *kind)));
    }
    questions
}

fn categories(before: &Rulebook, after: &Rulebook) -> Vec<Category> {
    let both = before.categories().iter().chain(after.categories());
    sorted(both.map(|rule| rule.category.clone()))
}

fn offerings(before: &Rulebook, after: &Rulebook) -> Vec<String> {
    let both = before.exceptions().iter().chain(after.exceptions());
    sorted(both.map(|exception| exception.offering.clone()))
}

fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// Approval for what isn't marketing: the customer's word decides, and whether the rulebook lets it.
fn approval(before: &Rulebook, after: &Rulebook) -> Vec<Question> {
    let mut questions = Vec::new();
    if differs(before, after, GroundKind::Approval) {
        for purpose in Purpose::EVERY.iter().filter(|one| !one.is_marketing()) {
            for kind in RecipientKind::EVERY {
                questions.extend(each_class(&question(*purpose, *kind)));
            }
        }
    }
    questions
}

/// Whether answers on the ground can differ: what it reaches and demands, and how people are verified.
fn differs(before: &Rulebook, after: &Rulebook, ground: GroundKind) -> bool {
    let read = |rule: &GroundRule| GroundRule {
        clauses: Vec::new(),
        ..rule.clone()
    };
    read(before.ground(ground)) != read(after.ground(ground))
        || before.live_methods() != after.live_methods()
        || before.periods() != after.periods()
        || before.authentication() != after.authentication()
}

fn on_ground(before: &Rulebook, after: &Rulebook, ground: GroundKind, at: Time) -> Vec<Question> {
    let (old, new) = (before.ground(ground), after.ground(ground));
    let purposes: Purposes = old.purposes.union(new.purposes);
    let mut questions = Vec::new();
    for purpose in purposes.members() {
        for kind in RecipientKind::EVERY {
            let verified = old.verified.union(new.verified).contains(*kind);
            let methods = AssuranceMethod::EVERY.iter().copied().map(Some);
            let methods: Vec<_> = match verified {
                true => methods.collect(),
                false => vec![None],
            };
            for method in methods {
                let asked = Question {
                    entity: recipient(*kind),
                    ground: met(ground, method, at),
                    ..question(purpose, *kind)
                };
                questions.extend(each_class(&asked));
                questions.extend(each_item(&asked));
            }
        }
    }
    questions
}

/// The question for each item that isn't CPNI, where its ground says which of them may leave.
fn each_item(question: &Question) -> Vec<Question> {
    let lists = matches!(
        question.ground,
        Some(Ground::Directory { .. } | Ground::PicFreeze { .. })
    );
    (NotCpni::EVERY.iter().filter(|_| lists))
        .map(|item| Question {
            not_cpni: NotCpniItems::of(*item),
            ..question.clone()
        })
        .collect()
}

fn recipient(kind: RecipientKind) -> Option<EntityId> {
    match SELF_EVIDENT.contains(&kind) {
        true => None,
        false => EntityId::parse(NOBODY),
    }
}

/// The ground with all that it can demand.
fn met(kind: GroundKind, method: Option<AssuranceMethod>, at: Time) -> Option<Ground> {
    let told = || Some(Personal::new("given"));
    let verification = method.map(|method| {
        Telling::Stated(Assurance {
            method,
            reference: None,
            at,
        })
    });
    Some(match kind {
        GroundKind::Approval => return None,
        GroundKind::WrittenRequest => Ground::WrittenRequest {
            digest: Some([0; 32]),
        },
        GroundKind::Legal => Ground::Legal {
            authority: told(),
            reference: told(),
            dated: Some("2024-05-29".to_owned()),
            digest: Some([0; 32]),
        },
        GroundKind::Rights => Ground::Rights {
            case: told(),
            open: true,
            protected_party: told(),
        },
        GroundKind::PicFreeze => Ground::PicFreeze {
            provider: EntityId::parse(NOBODY),
            request: Some(Token([0; 16])),
        },
        GroundKind::Directory => Ground::Directory {
            publisher: EntityId::parse(NOBODY),
            non_published: false,
        },
        GroundKind::Service => Ground::Service {
            ticket: told(),
            open: true,
            verification,
        },
        GroundKind::Billing => Ground::Billing {
            invoice: told(),
            verification,
        },
    })
}
