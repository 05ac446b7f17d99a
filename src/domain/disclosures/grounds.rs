//! What each ground demands before CPNI may leave on it (P7, R14).

use super::Ground;
use crate::domain::authentication::telling::{Teller, Telling};
use crate::domain::customer::{Customer, World};
use crate::domain::ids::{EntityId, Personal, Token};
use crate::domain::question::Question;
use crate::domain::rulebook::GroundRule;
use crate::domain::ruling::ReasonCode;
use crate::domain::time::Time;
use crate::domain::vocabulary::{CpniClasses, RecipientKind, closed_list};

closed_list! {
    /// The grounds of P7 by name; each has its rule in the rulebook.
    GroundKind,
    /// A set of grounds.
    GroundKinds {
        /// The customer's approval.
        Approval = "approval",
        /// The customer's own written request.
        WrittenRequest = "written_request",
        /// Law or court order.
        Legal = "legal",
        /// Protection of rights and property.
        Rights = "rights",
        /// A provider's question about a PIC freeze.
        PicFreeze = "pic_freeze",
        /// A directory listing.
        Directory = "directory",
        /// Provision of service, trouble assistance.
        Service = "service",
        /// Billing and invoicing.
        Billing = "billing",
    }
}

closed_list! {
    /// A fact that a ground may demand, named like the field that carries it.
    Fact,
    /// A set of facts.
    Facts {
        /// Who ordered it.
        Authority = "authority",
        /// The order's reference.
        Reference = "reference",
        /// The order's date.
        Dated = "dated",
        /// The document's digest.
        Digest = "digest",
        /// The case.
        Case = "case",
        /// Whom the case protects.
        ProtectedParty = "protected_party",
        /// The requesting provider.
        Provider = "provider",
        /// The provider's request id.
        Request = "request",
        /// The publisher.
        Publisher = "publisher",
        /// The ticket or order.
        Ticket = "ticket",
        /// The invoice or invoice run.
        Invoice = "invoice",
    }
}

impl GroundKind {
    /// The facts that the ground carries, of which a rulebook demands some or all.
    pub fn facts(self) -> Facts {
        let facts: &[Fact] = match self {
            Self::Approval => &[],
            Self::WrittenRequest => &[Fact::Digest],
            Self::Legal => &[Fact::Authority, Fact::Reference, Fact::Dated, Fact::Digest],
            Self::Rights => &[Fact::Case, Fact::ProtectedParty],
            Self::PicFreeze => &[Fact::Provider, Fact::Request],
            Self::Directory => &[Fact::Publisher],
            Self::Service => &[Fact::Ticket],
            Self::Billing => &[Fact::Invoice],
        };
        facts.iter().copied().collect()
    }
}

/// Recipients who are who they are without a name.
pub const SELF_EVIDENT: [RecipientKind; 3] = [
    RecipientKind::Company,
    RecipientKind::Customer,
    RecipientKind::AuthorizedContact,
];

/// Why a ground doesn't carry the disclosure: the reason, and the fact at fault.
pub type Lack = (ReasonCode, Option<&'static str>);

impl Ground {
    /// Which ground it is.
    pub fn kind(&self) -> GroundKind {
        match self {
            Self::Approval { .. } => GroundKind::Approval,
            Self::WrittenRequest { .. } => GroundKind::WrittenRequest,
            Self::Legal { .. } => GroundKind::Legal,
            Self::Rights { .. } => GroundKind::Rights,
            Self::PicFreeze { .. } => GroundKind::PicFreeze,
            Self::Directory { .. } => GroundKind::Directory,
            Self::Service { .. } => GroundKind::Service,
            Self::Billing { .. } => GroundKind::Billing,
        }
    }

    /// On what the customer or a contact is told.
    pub fn telling(&self) -> Option<&Telling> {
        match self {
            Self::Service { verification, .. } | Self::Billing { verification, .. } => {
                verification.as_ref()
            }
            _ => None,
        }
    }

    /// Whether the fact is stated.
    pub fn states(&self, fact: Fact) -> bool {
        let told = |text: &Option<Personal>| {
            (text.as_ref()).is_some_and(|text| !text.expose().trim().is_empty())
        };
        match (self, fact) {
            (Self::WrittenRequest { digest }, Fact::Digest) => digest.is_some(),
            (Self::Legal { authority, .. }, Fact::Authority) => told(authority),
            (Self::Legal { reference, .. }, Fact::Reference) => told(reference),
            (Self::Legal { dated, .. }, Fact::Dated) => {
                dated.as_deref().is_some_and(is_calendar_date)
            }
            (Self::Legal { digest, .. }, Fact::Digest) => digest.is_some(),
            (Self::Rights { case, .. }, Fact::Case) => told(case),
            (
                Self::Rights {
                    protected_party, ..
                },
                Fact::ProtectedParty,
            ) => told(protected_party),
            (Self::PicFreeze { provider, .. }, Fact::Provider) => provider.is_some(),
            (Self::PicFreeze { request, .. }, Fact::Request) => request.is_some(),
            (Self::Directory { publisher, .. }, Fact::Publisher) => publisher.is_some(),
            (Self::Service { ticket, .. }, Fact::Ticket) => told(ticket),
            (Self::Billing { invoice, .. }, Fact::Invoice) => told(invoice),
            _ => false,
        }
    }

    /// The PIC-freeze request that it names: a token of provider and id (R14).
    pub fn pic_request(&self) -> Option<Token> {
        match self {
            Self::PicFreeze { request, .. } => *request,
            _ => None,
        }
    }

    /// The entity that the ground itself names as its recipient.
    pub fn recipient(&self) -> Option<&EntityId> {
        match self {
            Self::PicFreeze { provider, .. } => provider.as_ref(),
            Self::Directory { publisher, .. } => publisher.as_ref(),
            _ => None,
        }
    }
}

/// Whether the text is a day of the calendar as `YYYY-MM-DD`.
pub fn is_calendar_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// Everything that the ground lacks to carry the disclosure asked for; nothing: it carries it.
pub fn lacks(
    ground: &Ground,
    customer: &Customer,
    world: World<'_>,
    question: &Question,
    at: Time,
) -> Vec<Lack> {
    let rulebook = world.rulebook;
    let rule = rulebook.ground(ground.kind());
    let mut lacks = Vec::new();
    if !rule.purposes.contains(question.purpose) {
        lacks.push((ReasonCode::PurposeNotCovered, Some("purpose")));
    }
    recipient(ground, rule, question, &mut lacks);
    let classes = match question.recipient {
        RecipientKind::Customer => rule.classes.union(rule.classes_to_customer),
        _ => rule.classes,
    };
    if !covers_known(classes, question.asked_classes()) {
        lacks.push((ReasonCode::ClassNotCovered, Some("classes")));
    }
    if !rule.not_cpni.covers(question.not_cpni) {
        lacks.push((ReasonCode::ClassNotCovered, Some("not_cpni")));
    }
    for fact in rule.facts.members().filter(|fact| !ground.states(*fact)) {
        lacks.push((ReasonCode::FactsRequired, Some(fact.name())));
    }
    lacks.extend(standing(ground, world.pic_request_used));
    if rule.verified.contains(question.recipient) {
        let teller = Teller {
            customer,
            rulebook,
            question,
            ground,
        };
        let objection = teller.objection(at);
        lacks.extend(objection.map(|fact| (ReasonCode::VerificationRequired, Some(fact))));
    }
    lacks
}

/// Classes are asked for by name: a question for all of them asks for those that there are.
fn covers_known(allowed: CpniClasses, asked: CpniClasses) -> bool {
    asked.members().all(|class| allowed.contains(class))
}

fn recipient(ground: &Ground, rule: &GroundRule, question: &Question, lacks: &mut Vec<Lack>) {
    if !rule.recipients.contains(question.recipient) {
        lacks.push((ReasonCode::RecipientNotCovered, Some("recipient")));
    }
    match (ground.recipient(), &question.entity) {
        (None, None) if !SELF_EVIDENT.contains(&question.recipient) => {
            lacks.push((ReasonCode::RecipientRequired, Some("entity")));
        }
        (Some(named), Some(entity)) if named != entity => {
            lacks.push((ReasonCode::RecipientNotCovered, Some("entity")));
        }
        _ => {}
    }
}

/// What the facts say about themselves: closed, used, withheld from listing.
fn standing(ground: &Ground, pic_request_used: bool) -> Option<Lack> {
    match ground {
        Ground::Rights { open: false, .. } | Ground::Service { open: false, .. } => {
            Some((ReasonCode::NotOpen, Some("open")))
        }
        Ground::PicFreeze { .. } if pic_request_used => {
            Some((ReasonCode::RequestReused, Some("request")))
        }
        Ground::Directory {
            non_published: true,
            ..
        } => Some((ReasonCode::NonPublished, Some("non_published"))),
        _ => None,
    }
}
