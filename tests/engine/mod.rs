//! A ledger without doors, for tests of what lies under them.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;
use std::sync::Arc;

use consent_ledger::app::{Ledger, Options, StartError};
use consent_ledger::clock::{Clock, System};
use consent_ledger::domain::command::Command;
use consent_ledger::domain::company::templates::Statements;
use consent_ledger::domain::consent::word::{
    Assurance, Block, BlockKind, Speak, SpokenWord, Statement,
};
use consent_ledger::domain::ids::{Category, EntityId, Personal, Position};
use consent_ledger::domain::notices::{GiveNotice, NoticeText};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::scope::{Recipients, Scope};
use consent_ledger::domain::services::OpenAccount;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{
    AssuranceMethod, Channel, CpniClass, CpniClasses, Medium, NotCpniItems, Purpose, Purposes,
    RecipientKind, RecipientKinds, Speaker,
};
use consent_ledger::sequencer::{Answer, Caller, Intent, SubjectRef, SubmitError};
use uuid::Uuid;

/// Small enough that a test opens many.
pub fn options(dir: &Path) -> Options {
    let mut options = Options::new(dir);
    options.log.tail_bytes = 1 << 20;
    options.log.cache_bytes = 8 << 20;
    options.log.free_bytes_min = 0;
    options.state.cache_customers = 1_000;
    options.state.sled_cache_bytes = 8 << 20;
    options.history.sled_cache_bytes = 8 << 20;
    options
}

pub fn try_open(options: Options) -> Result<Ledger, StartError> {
    open_at(options, Arc::new(System::default()))
}

pub fn open_at(options: Options, clock: Arc<dyn Clock>) -> Result<Ledger, StartError> {
    let fatal = Arc::new(|problem: &str| panic!("fatal: {problem}"));
    Ledger::open(options, clock, fatal, &|_, _, _| {})
}

pub fn open(dir: &Path) -> Ledger {
    try_open(options(dir)).unwrap()
}

pub fn intent(customer: &str, command: Command) -> Intent {
    let mut content = [0; 32];
    content[..8].copy_from_slice(
        &std::hash::BuildHasher::hash_one(
            &std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default(),
            format!("{customer} {command:?}"),
        )
        .to_le_bytes(),
    );
    Intent {
        request_id: Uuid::now_v7(),
        caller: Arc::new(Caller {
            service: "test".to_owned(),
            role: "consent_writer".to_owned(),
        }),
        channel: Channel::Phone,
        person: None,
        subject: SubjectRef::Id(customer.to_owned()),
        occurred_at: None,
        expected_version: None,
        deadline: None,
        content,
        command,
    }
}

pub async fn submit(
    ledger: &Ledger,
    customer: &str,
    command: Command,
) -> Result<Answer, SubmitError> {
    ledger.handle.submit(intent(customer, command)).await
}

pub fn open_account(services: &[&str]) -> Command {
    Command::OpenAccount(OpenAccount {
        legal_entity: EntityId::parse("infotech").unwrap(),
        services: services
            .iter()
            .map(|name| Category::parse(name).unwrap())
            .collect(),
    })
}

pub fn scope(kind: RecipientKind) -> Scope {
    Scope {
        recipients: Recipients {
            kinds: RecipientKinds::of(kind),
            named: Box::default(),
        },
        classes: CpniClasses::ALL,
        purposes: Purposes::of(Purpose::MarketingComms),
    }
}

pub fn everything() -> Scope {
    Scope {
        recipients: Recipients {
            kinds: RecipientKinds::ALL,
            named: Box::default(),
        },
        classes: CpniClasses::ALL,
        purposes: Purposes::ALL,
    }
}

pub fn give_notice() -> Command {
    Command::GiveNotice(GiveNotice {
        notice: NoticeText {
            version: "2024-05-29".to_owned(),
            text_digest: [7; 32],
            form: Medium::Electronic,
            language: "en".to_owned(),
            covers: everything(),
        },
        statements: Some(Statements::ALL),
        call: None,
    })
}

pub fn deny(kind: RecipientKind) -> Command {
    Command::Speak(Speak {
        words: vec![SpokenWord::Block(Block {
            kind: BlockKind::Deny,
            scope: scope(kind),
            except: Box::default(),
        })],
        statement: Statement {
            medium: Medium::Oral,
            speaker: Speaker::Other,
            assurance: None,
            verification: None,
            notice: None,
            evidence_digest: None,
            evidence_reference: None,
        },
    })
}

pub fn grant(kind: RecipientKind, notice: Position, verified_at: Time) -> Command {
    Command::Speak(Speak {
        words: vec![SpokenWord::Grant {
            scope: scope(kind),
            lifts: Vec::new(),
        }],
        statement: Statement {
            medium: Medium::Oral,
            speaker: Speaker::AccountHolder,
            assurance: Some(Assurance {
                method: AssuranceMethod::Password,
                reference: Some(Personal::new("auth-771")),
                at: verified_at,
            }),
            verification: None,
            notice: Some(notice),
            evidence_digest: Some([9; 32]),
            evidence_reference: Some(Personal::new("recording-4711")),
        },
    })
}

pub fn question(kind: RecipientKind, target: &str) -> Question {
    Question {
        purpose: Purpose::MarketingComms,
        classes: CpniClasses::of(CpniClass::Billing),
        selected_by: CpniClasses::NONE,
        not_cpni: NotCpniItems::NONE,
        recipient: kind,
        entity: None,
        source_category: None,
        target_categories: vec![Category::parse(target).unwrap()],
        offering: None,
        call: None,
        ground: None,
    }
}

/// May it, now?
pub fn allowed(ledger: &Ledger, customer: &str, question: &Question) -> bool {
    let views = &ledger.views;
    let customer = views
        .find(customer)
        .unwrap()
        .and_then(|pseudonym| views.customer(pseudonym).unwrap());
    let company = views.company();
    let world = views.world(&company);
    consent_ledger::domain::customer::rule(customer.as_deref(), world, question, views.now())
        .allowed
}
