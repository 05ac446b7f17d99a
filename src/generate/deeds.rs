//! What generated customers do once the ledger witnesses it: notices, words, calls, services, disclosures (P3, P6, P7, F8).

use prost_types::Timestamp;
use wire::submit_request::Command;

use super::life::{AFFILIATES, AGENTS, Life, NEW_NOTICE, marketing};
use super::seeded::Seeded;
use crate::proto::v1 as wire;
use wire::question::Ground;
use wire::spoken_word::Word;
use wire::{CpniClass, NoticeStatement, Purpose, RecipientKind};

/// What a notice that asks for opt-in says in any form (F4; 64.2008(c)).
pub const STATEMENTS: [NoticeStatement; 13] = [
    NoticeStatement::RightAndDuty,
    NoticeStatement::CpniTypes,
    NoticeStatement::Entities,
    NoticeStatement::Purposes,
    NoticeStatement::RightToDeny,
    NoticeStatement::Steps,
    NoticeStatement::NoEffectOnService,
    NoticeStatement::Comprehensible,
    NoticeStatement::Legible,
    NoticeStatement::FullyTranslated,
    NoticeStatement::NoFreezeEncouragement,
    NoticeStatement::ValidUntilRevoked,
    NoticeStatement::ProximateSolicitation,
];

/// Something that a customer does, or that is done for one.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A notice that covers marketing is given.
    Notice,
    /// A word is said, in writing and verified.
    Says(wire::SpokenWord),
    /// A use is approved for the length of a call.
    ApprovesOnce {
        /// The call.
        call: String,
        /// What.
        scope: wire::Scope,
        /// Whether the recording's digest isn't at hand yet, and is owed.
        digest_follows: bool,
    },
    /// The call is over.
    EndsCall {
        /// The call.
        call: String,
    },
    /// A service is opened.
    Opens(String),
    /// A service is closed.
    Closes(String),
    /// A disclosure is asked for.
    IsDisclosed(Box<wire::Question>),
}

/// When and as which request a deed is told to the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// The account's id.
    pub customer: String,
    /// The request's id, a UUID.
    pub request_id: String,
    /// Now, or a moment ago: when the speaker was verified.
    pub now: Timestamp,
    /// The position of the customer's notice, once it is on record.
    pub notice: Option<u64>,
}

/// Of a thousand customers who hold a service: what they say.
const SAYS: &[(i64, Says)] = &[
    (380, Says::Nothing),
    (300, Says::Grant),
    (150, Says::DenyAll),
    (90, Says::DenyAffiliates),
    (80, Says::Restrict),
];
/// Who approves a use for the length of a call.
const APPROVES_ONCE: i64 = 120;
/// Of how many of them the recording's digest isn't at hand yet.
const DIGEST_FOLLOWS: i64 = 400;
/// Who closes a service, and who opens it again after that.
const CLOSES: i64 = 60;
const OPENS_AGAIN: i64 = 500;
/// Of whom something is to be disclosed.
const DISCLOSED: i64 = 300;

/// Keeps the row of deeds apart from that of facts.
const DEEDS: u64 = 0x6465_6564_7300_0001;

/// And that of digests.
const DIGESTS: u64 = 0x6469_6765_7374_0001;

#[derive(Clone, Copy)]
enum Says {
    Nothing,
    Grant,
    DenyAll,
    DenyAffiliates,
    Restrict,
}

/// What the customer does after the life that is told. Who holds nothing does nothing.
pub fn deeds(life: &mut Life, seed: u64, number: u64) -> Vec<Deed> {
    let Some(category) = life.held.first().cloned() else {
        return Vec::new();
    };
    life.row = Seeded::of(seed ^ DEEDS, number);
    let mut deeds = vec![Deed::Notice];
    deeds.extend(said(life).map(|word| Deed::Says(wire::SpokenWord { word: Some(word) })));
    if life.row.per_mille(APPROVES_ONCE) {
        let call = format!("call-{number}");
        let scope = marketing(&[RecipientKind::Company], &[CpniClass::Billing]);
        deeds.push(Deed::ApprovesOnce {
            call: call.clone(),
            scope,
            digest_follows: Seeded::of(seed ^ DIGESTS, number).per_mille(DIGEST_FOLLOWS),
        });
        deeds.push(Deed::EndsCall { call });
    }
    if life.row.per_mille(DISCLOSED) {
        deeds.push(Deed::IsDisclosed(Box::new(disclosed(&mut life.row))));
    }
    if life.row.per_mille(CLOSES) {
        deeds.push(Deed::Closes(category.clone()));
        if life.row.per_mille(OPENS_AGAIN) {
            deeds.push(Deed::Opens(category));
        }
    }
    deeds
}

fn said(life: &mut Life) -> Option<Word> {
    let deny = |scope| Word::Denial(wire::Denial { scope: Some(scope) });
    match life.row.weighted(SAYS)? {
        Says::Nothing => None,
        Says::Grant => Some(Word::Grant(wire::Grant {
            scope: Some(life.granted()),
            lifts: Vec::new(),
        })),
        Says::DenyAll => Some(deny(wire::Scope::default())),
        Says::DenyAffiliates => Some(deny(life.affiliates())),
        Says::Restrict => Some(Word::Restriction(wire::Restriction {
            scope: Some(marketing(&[RecipientKind::Company], &[])),
            except: vec![marketing(&[RecipientKind::Company], &[CpniClass::Billing])],
        })),
    }
}

fn disclosed(row: &mut Seeded) -> wire::Question {
    let agent = row.one_of(AGENTS).unwrap_or_default();
    let affiliate = row.one_of(AFFILIATES).unwrap_or_default();
    let number = row.between(0, 1_000_000);
    let question = |recipient: RecipientKind, entity: &str, class: CpniClass, purpose: Purpose| {
        wire::Question {
            purpose: purpose.into(),
            classes: vec![class.into()],
            recipient_kind: recipient.into(),
            entity: entity.to_owned(),
            ..wire::Question::default()
        }
    };
    let (question, ground) = match row.between(0, 10) {
        0..=3 => (
            question(
                RecipientKind::Agent,
                agent,
                CpniClass::Billing,
                Purpose::Billing,
            ),
            Ground::Billing(wire::BillingGround {
                invoice: format!("INV-{number:06}"),
                ..wire::BillingGround::default()
            }),
        ),
        4..=6 => (
            question(
                RecipientKind::Agent,
                agent,
                CpniClass::Type,
                Purpose::Service,
            ),
            Ground::Service(wire::ServiceGround {
                ticket: format!("T-{number:06}"),
                open: true,
                ..wire::ServiceGround::default()
            }),
        ),
        7..=8 => (
            wire::Question {
                target_categories: vec!["cmrs".to_owned()],
                ..question(
                    RecipientKind::Affiliate,
                    affiliate,
                    CpniClass::Type,
                    Purpose::MarketingComms,
                )
            },
            Ground::Approval(wire::ApprovalGround::default()),
        ),
        _ => (
            question(
                RecipientKind::LawEnforcement,
                "county-court",
                CpniClass::CallDetail,
                Purpose::Legal,
            ),
            Ground::Legal(wire::LegalGround {
                authority: "County Court".to_owned(),
                reference: format!("ORDER-{number:06}"),
                dated: "2024-11-20".to_owned(),
                digest: row.digest(),
            }),
        ),
    };
    wire::Question {
        ground: Some(ground),
        ..question
    }
}

impl Deed {
    /// The deed as a command at that moment, to be sent in a stream of commands.
    pub fn command(&self, moment: &Moment) -> Command {
        let header = Some(wire::CommandHeader {
            request_id: moment.request_id.clone(),
            channel: wire::Channel::Web.into(),
            ..wire::CommandHeader::default()
        });
        let id = wire::customer_ref::Customer::Id(moment.customer.clone());
        let customer = Some(wire::CustomerRef { customer: Some(id) });
        match self {
            Self::Notice => Command::RecordNotice(wire::RecordNoticeRequest {
                header,
                customer,
                notice_version: NEW_NOTICE.to_owned(),
                text_digest: vec![7; 32],
                form: wire::Medium::Electronic.into(),
                language: "en-US".to_owned(),
                covers: Some(wire::Scope {
                    all_recipients: true,
                    ..marketing(&[], &[])
                }),
                template_version: String::new(),
                statements: STATEMENTS.map(i32::from).to_vec(),
                call_id: String::new(),
            }),
            Self::Says(word) => Command::RecordConsent(wire::RecordConsentRequest {
                header,
                customer,
                words: vec![word.clone()],
                statement: Some(moment.statement(wire::Medium::Electronic)),
            }),
            Self::ApprovesOnce {
                call,
                scope,
                digest_follows,
            } => {
                let mut statement = moment.statement(wire::Medium::Oral);
                if *digest_follows {
                    statement.evidence_digest.clear();
                }
                Command::GrantOnce(wire::GrantOnceRequest {
                    header,
                    customer,
                    call_id: call.clone(),
                    scope: Some(scope.clone()),
                    statement: Some(statement),
                })
            }
            Self::EndsCall { call } => Command::EndCall(wire::EndCallRequest {
                header,
                customer,
                call_id: call.clone(),
            }),
            Self::Opens(category) => Command::ChangeServices(wire::ChangeServicesRequest {
                header,
                customer,
                open: vec![category.clone()],
                close: Vec::new(),
            }),
            Self::Closes(category) => Command::ChangeServices(wire::ChangeServicesRequest {
                header,
                customer,
                open: Vec::new(),
                close: vec![wire::CloseService {
                    category: category.clone(),
                    ends_at: None,
                }],
            }),
            Self::IsDisclosed(question) => Command::Disclose(wire::DiscloseRequest {
                header,
                customer,
                question: Some(question.as_ref().clone()),
                seal: None,
            }),
        }
    }
}

impl Moment {
    /// By the holder, logged in, on the newest notice.
    fn statement(&self, medium: wire::Medium) -> wire::Statement {
        wire::Statement {
            medium: medium.into(),
            speaker: wire::Speaker::AccountHolder.into(),
            assurance: Some(wire::Assurance {
                method: wire::AssuranceMethod::OnlineAccount.into(),
                reference: String::new(),
                at: Some(self.now),
            }),
            verification: None,
            notice_position: self.notice,
            evidence_digest: vec![9; 32],
            evidence_reference: "archive/trial".to_owned(),
        }
    }
}
