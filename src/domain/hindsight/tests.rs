//! R5, case by case; `tests/rules` compares it with an oracle over random histories.

mod callers;
mod entities;

use super::{Cause, Learnt, Then, Use, VoidedUse};
use crate::domain::command::Command;
use crate::domain::company::entities::{EntityCommand, EntityJoined};
use crate::domain::company::{CompanyCommand, CompanyEvent};
use crate::domain::consent::word::{BlockKind, EndCall};
use crate::domain::contacts::ContactPermission::{
    AccountInformation, Administrative, TechnicalSupport,
};
use crate::domain::contacts::{
    Basis, ContactCommand, ContactPermission, ContactPermissions, NewContact,
};
use crate::domain::customer::{Customer, World, evolve, rule};
use crate::domain::disclosures::{Disclose, Ground};
use crate::domain::event::{Event, Placed};
use crate::domain::hindsight;
use crate::domain::ids::{Position, Sha256Digest, Token};
use crate::domain::notices::NoticeCommand;
use crate::domain::notices::send::Delivery;
use crate::domain::question::Question;
use crate::domain::rulebook::Rulebook;
use crate::domain::ruling::{ReasonCode, Ruling, State};
use crate::domain::scope::Scope;
use crate::domain::services::OpenAccount;
use crate::domain::testing::*;
use crate::domain::time::Time;
use crate::domain::vocabulary::CpniClass::{Billing, PicFreezeStatus, Type};
use crate::domain::vocabulary::{
    Channel, CpniClasses, Medium, Purpose, RecipientKind, RecipientKinds,
};

/// A story whose records are kept.
struct Told {
    story: Story,
    records: Vec<(Position, Position, Time, Option<Time>, Event)>,
    of_company: Vec<(Position, Time, CompanyEvent)>,
}

impl Told {
    fn begun() -> Self {
        Self::of(policy())
    }

    fn of(rulebook: Rulebook) -> Self {
        let story = Story::new(rulebook);
        let mut told = Self {
            story,
            records: Vec::new(),
            of_company: Vec::new(),
        };
        told.act(Command::OpenAccount(OpenAccount {
            legal_entity: entity("infotech"),
            services: vec![category("local")],
        }));
        told.act(notice(Scope::everything()));
        told
    }

    fn act(&mut self, command: Command) -> Position {
        let occurred_at = self.story.occurred_at;
        let events = self.story.attempt(&command).unwrap();
        let first = self.story.last[0];
        for (position, event) in self.story.last.iter().zip(events) {
            let now = self.story.now;
            self.records
                .push((*position, first, now, occurred_at, event));
        }
        first
    }

    fn company(&mut self, command: EntityCommand) {
        let command = CompanyCommand::Entities(command);
        let events = self.story.company(&command).unwrap();
        for (position, event) in self.story.last.iter().zip(events) {
            self.of_company.push((*position, self.story.now, event));
        }
    }

    fn grant(&mut self, scope: Scope) -> Position {
        let command = self.story.speaking(vec![granting(scope)]);
        self.act(Command::Speak(command))
    }

    fn deny(&mut self, scope: Scope) -> Position {
        let words = vec![blocking(BlockKind::Deny, scope, &[])];
        let command = self.story.speaking(words);
        self.act(Command::Speak(command))
    }

    fn placed(&self) -> impl Iterator<Item = Placed<'_>> {
        (self.records.iter()).map(
            |(position, command, recorded_at, occurred_at, event)| Placed {
                position: *position,
                command: *command,
                recorded_at: *recorded_at,
                occurred_at: *occurred_at,
                event,
            },
        )
    }

    fn customer(&self, at: Time) -> Option<Customer> {
        let then = Then { at, through: None };
        hindsight::customer(self.placed(), then)
    }

    fn hindsight(&self, question: &Question, at: Time) -> Ruling {
        let customer = self.customer(at);
        rule(customer.as_ref(), self.story.world(), question, at)
    }

    fn as_of(&self, question: &Question, at: Time) -> Ruling {
        let then = Then { at, through: None };
        let known = self
            .placed()
            .filter(|placed| then.knew(placed.position, placed.recorded_at));
        let customer = known.fold(None, |customer, placed| evolve(customer, &placed));
        rule(customer.as_ref(), self.story.world(), question, at)
    }

    fn voided(&self) -> Vec<VoidedUse> {
        let uses = self.placed().filter_map(|placed| Use::of(&placed));
        uses.filter_map(|used| {
            let customer = hindsight::customer(self.placed(), used.then());
            used.judge(customer.as_ref(), self.story.world())
        })
        .collect()
    }

    fn disclose(&mut self, question: Question) -> Position {
        self.act(Command::Disclose(Disclose {
            question,
            seal: None,
        }))
    }
}

/// Marketing outside of what is held, by approval only.
fn outside() -> Question {
    market(Billing, "cmrs")
}

fn disclosed() -> Question {
    let approval = Ground::Approval { cites: None };
    on_ground(
        approval,
        Purpose::MarketingComms,
        RecipientKind::Company,
        None,
        &[Billing],
    )
}

#[test]
fn v43_a_denial_said_at_ten_and_recorded_at_noon_voids_a_disclosure_at_eleven() {
    let mut told = Told::begun();
    let granted = told.grant(company(CpniClasses::ALL));
    let ten = told.story.now.plus_minutes(1);
    told.story.minutes(60);
    let disclosed = told.disclose(disclosed());
    let eleven = told.story.now;
    told.story.minutes(60).occurred(ten);
    let denied = told.deny(company(CpniClasses::ALL));

    let as_of = told.as_of(&outside(), eleven);
    assert_eq!((as_of.allowed, as_of.state), (true, State::Granted));
    assert_eq!(as_of.reasons[0].positions, [granted]);
    let hindsight = told.hindsight(&outside(), eleven);
    assert_eq!((hindsight.allowed, hindsight.state), (false, State::Denied));
    assert_eq!(hindsight.reasons[0].positions, [denied]);
    let before = Time(ten.0 - 1);
    assert!(told.hindsight(&outside(), before).allowed);

    let voided = told.voided();
    assert_eq!(voided.len(), 1);
    assert_eq!(
        (voided[0].position, voided[0].cause),
        (disclosed, Cause::AfterDenial)
    );
    assert_eq!(voided[0].ruling.reasons[0].code, ReasonCode::Denied);
}

#[test]
fn t5_whether_something_was_learnt_since_a_use_is_known_without_all_records() {
    let mut told = Told::begun();
    told.grant(company(CpniClasses::ALL));
    told.story.minutes(60);
    let before = told.disclose(disclosed());
    let ten = told.story.now.plus_minutes(1);
    told.story.minutes(60);
    let at_eleven = told.disclose(disclosed());
    told.story.minutes(60).occurred(ten);
    told.deny(company(CpniClasses::ALL));
    // A later record that narrows from a later instant hides nothing of the one before it.
    told.story.minutes(60);
    told.story.occurred_at = None;
    told.deny(company(CpniClasses::ALL));

    let learnt = Learnt::of(told.placed(), []);
    let uses = told.placed().filter_map(|placed| Use::of(&placed));
    let since: Vec<_> = (uses.map(|used| (used.position, learnt.since(&used)))).collect();
    assert_eq!(since, [(before, false), (at_eleven, true)]);
}

#[test]
fn c04_a_recorded_ruling_is_a_use_if_it_said_yes() {
    let mut told = Told::begun();
    told.act(Command::RecordRuling(outside()));
    told.grant(company(CpniClasses::ALL));
    let ten = told.story.now.plus_minutes(1);
    told.story.minutes(60);
    let yes = told.act(Command::RecordRuling(outside()));
    assert_eq!(told.voided(), []);
    told.story.minutes(60).occurred(ten);
    told.deny(company(CpniClasses::ALL));
    told.act(Command::RecordRuling(outside()));
    let voided: Vec<_> = told.voided().iter().map(|used| used.position).collect();
    assert_eq!(voided, [yes]);
}

#[test]
fn r05_no_record_makes_a_past_use_lawful() {
    let mut told = Told::begun();
    told.story.minutes(60);
    let then = told.story.now;
    // A grant said before then, an opened service, a lifted block: all recorded later.
    told.story.minutes(60);
    let said_at = Time(then.0 - 1);
    told.story.occurred(said_at);
    told.grant(company(CpniClasses::ALL));
    told.act(change(&["cmrs"], &[]));
    assert!(told.hindsight(&outside(), told.story.now).allowed);
    assert!(!told.hindsight(&outside(), then).allowed);
    assert!(!told.hindsight(&market(Type, "cmrs"), then).allowed);
}

#[test]
fn r05_a_contact_had_lost_a_permission_from_when_it_was_taken_and_gained_none_before_the_record() {
    let mut told = Told::begun();
    let clerk = Token([2; 16]);
    let list = |permissions: &[ContactPermission]| {
        Command::Contacts(ContactCommand::Add {
            contact: NewContact {
                person: clerk,
                name: None,
                permissions: permissions.iter().copied().collect(),
            },
            basis: Basis::Letterhead {
                medium: Channel::Post,
                digest: Sha256Digest([7; 32]),
            },
        })
    };
    told.act(list(&[TechnicalSupport, AccountInformation]));
    let ten = told.story.now.plus_minutes(1);
    told.story.minutes(60);
    let eleven = told.story.now;
    told.story.minutes(60).occurred(ten);
    told.act(list(&[TechnicalSupport, Administrative]));
    let permitted = |at: Time| {
        let customer = told.customer(at).unwrap();
        let contacts = customer.contacts.unwrap();
        contacts.get(clerk).unwrap().permissions
    };
    let set = |permissions: [ContactPermission; 2]| permissions.into_iter().collect();
    let before: ContactPermissions = set([TechnicalSupport, AccountInformation]);
    assert_eq!(permitted(Time(ten.0 - 1)), before);
    let between: ContactPermissions = [TechnicalSupport].into_iter().collect();
    assert_eq!(permitted(eleven), between);
    let after: ContactPermissions = set([TechnicalSupport, Administrative]);
    assert_eq!(permitted(told.story.now), after);
}

#[test]
fn r05_a_lift_counts_from_its_record() {
    let mut told = Told::begun();
    told.deny(company(CpniClasses::ALL));
    let denied = told.story.now;
    told.story.minutes(60);
    told.grant(company(CpniClasses::ALL));
    let lifted = told.story.now;
    assert_eq!(told.hindsight(&outside(), denied).state, State::Denied);
    assert_eq!(
        told.hindsight(&outside(), Time(lifted.0 - 1)).state,
        State::Denied
    );
    assert_eq!(told.hindsight(&outside(), lifted).state, State::Granted);
}

#[test]
fn r05_a_block_repeated_later_still_counts_from_when_it_was_said_first() {
    let mut told = Told::begun();
    told.grant(company(CpniClasses::ALL));
    let denied = told.deny(company(CpniClasses::ALL));
    let then = told.story.now;
    told.story.minutes(60);
    let again = told.deny(company(CpniClasses::ALL));
    let positions = |at| told.hindsight(&outside(), at).reasons[0].positions.clone();
    assert_eq!(positions(then), [denied]);
    assert_eq!(positions(told.story.now), [again]);
}

#[test]
fn r05_a_service_said_later_to_have_ended_was_not_held_and_takes_the_grants_along() {
    let mut told = Told::begun();
    told.grant(company(CpniClasses::ALL));
    let ended = told.story.now.plus_minutes(10);
    told.story.minutes(60);
    let then = told.story.now;
    told.story.minutes(60);
    told.act(change(&["voip"], &[]));
    let reopened = told.story.now;
    told.story.minutes(60);
    told.act(change(&[], &[("local", Some(ended))]));

    let within = market(Billing, "local");
    assert!(told.as_of(&within, then).allowed);
    assert_eq!(told.hindsight(&within, then).state, State::Lapsed);
    assert!(told.hindsight(&within, Time(ended.0 - 1)).allowed);
    // Something was held again; the grant had ended.
    let outside = told.hindsight(&outside(), reopened);
    assert_eq!((outside.allowed, outside.state), (false, State::Unknown));
}

#[test]
fn r05_an_interval_that_was_replaced_since_counts_while_it_ran() {
    let mut told = Told::begun();
    let held = told.story.now;
    told.story.minutes(60);
    told.act(change(&[], &[("local", None)]));
    let closed = told.story.now;
    told.story.minutes(60);
    told.act(change(&["local"], &[]));
    let reopened = told.story.now;
    told.story.minutes(60);
    // It says of the newest opening that it never was; the older one had ended by then.
    told.act(change(&[], &[("local", Some(held))]));
    let within = market(Billing, "local");
    for (at, allowed) in [
        (held, true),
        (Time(closed.0 - 1), true),
        (closed, false),
        (reopened, false),
        (told.story.now, false),
    ] {
        assert_eq!(told.hindsight(&within, at).allowed, allowed, "{at}");
    }
}

#[test]
fn r11_a_one_time_approval_that_has_ended_since_counted_in_its_call() {
    let mut told = Told::begun();
    told.story.minutes(1);
    let once = told.story.once(call(7), company(classes(&[Billing])));
    told.act(once);
    let then = told.story.now;
    let mut question = outside();
    question.call = Some(call(7));
    told.story.minutes(600);
    // Something else, recorded after its four hours and said during them.
    told.story.occurred(then);
    told.deny(marketing(kinds(&[RecipientKind::Agent]), CpniClasses::ALL));
    assert!(told.hindsight(&question, then).allowed);
    // The end of the call, told late, counts from when it was.
    told.story.minutes(1).occurred(then.plus_minutes(5));
    told.act(Command::EndCall(EndCall { call: call(7) }));
    assert!(told.hindsight(&question, then.plus_minutes(4)).allowed);
    assert!(!told.hindsight(&question, then.plus_minutes(5)).allowed);
    assert!(told.as_of(&question, then.plus_minutes(5)).allowed);
}

#[test]
fn v18_before_the_ledger_knew_the_customer_the_answer_is_no() {
    let told = Told::begun();
    let before = Time(START.0);
    let ruling = told.hindsight(&market(Billing, "local"), before);
    assert!(!ruling.allowed);
    assert_eq!(ruling.reasons[0].code, ReasonCode::CustomerUnknown);
}

#[test]
fn r05_a_use_that_is_dated_before_the_grant_was_recorded_rested_on_nothing() {
    let mut told = Told::begun();
    told.story.minutes(60);
    let before = told.story.now;
    told.grant(company(CpniClasses::ALL));
    told.story.occurred(before);
    let disclosed = told.disclose(disclosed());
    let voided = told.voided();
    assert_eq!(voided.len(), 1);
    assert_eq!(
        (voided[0].position, voided[0].cause),
        (disclosed, Cause::VoidedApproval)
    );
}

#[test]
fn p07_sealed_facts_and_used_requests_void_nothing() {
    let mut told = Told::begun();
    let freeze = Ground::PicFreeze {
        provider: Some(entity("p")),
        request: Some(call(12)),
    };
    let service = Ground::Service {
        ticket: crate::domain::testing::told("T-1"),
        open: true,
        verification: None,
    };
    told.disclose(on_ground(
        freeze,
        Purpose::PicFreeze,
        RecipientKind::Carrier,
        Some("p"),
        &[PicFreezeStatus],
    ));
    told.disclose(on_ground(
        service,
        Purpose::Service,
        RecipientKind::Agent,
        Some("ag"),
        &[Type],
    ));
    for (.., event) in &mut told.records {
        if let Event::DisclosureMade(made) = event
            && let Some(Ground::Service { ticket, .. }) = &mut made.question.ground
        {
            *ticket = None;
        }
    }
    assert_eq!(told.voided(), []);
}

#[test]
fn r5_f7_a_consent_to_e_mail_taken_back_counts_from_when_it_happened() {
    let mut told = Told::of(baseline());
    told.story.template("online", Medium::Electronic, Some(30));
    told.act(agree_to_email());
    told.story.minutes(60);
    let revoked = told.story.now;
    told.story.minutes(60);
    told.act(send("online", Delivery::Email, Scope::everything()));
    let sent = told.story.now;
    told.story.minutes(60).occurred(revoked);
    told.act(Command::Notices(NoticeCommand::RevokeEmail));
    // Between the e-mail and the record of the revocation nobody knew, and yet no clock ran.
    let between = sent.plus_minutes(1);
    assert_eq!(told.as_of(&outside(), between).state, State::Waiting);
    assert_eq!(told.hindsight(&outside(), between).state, State::Unknown);
}
