//! What holds over all areas of the rules.

use crate::domain::command::Command;
use crate::domain::consent::word::BlockKind;
use crate::domain::disclosures::{Disclose, Ground};
use crate::domain::event::Event;
use crate::domain::ids::Position;
use crate::domain::scope::Scope;
use crate::domain::testing::*;
use crate::domain::vocabulary::CpniClass::{Billing, PicFreezeStatus, Type};
use crate::domain::vocabulary::RecipientKind::{Agent, Carrier, Company};
use crate::domain::vocabulary::{CpniClasses, Purpose};

/// Everything that serves the customer: services, notices, billing, support, a provider's question.
fn serving() -> Vec<Command> {
    let service = Ground::Service {
        ticket: told("T-1"),
        open: true,
        verification: None,
    };
    let billing = Ground::Billing {
        invoice: told("I-1"),
        verification: None,
    };
    let freeze = Ground::PicFreeze {
        provider: Some(entity("p")),
        request: Some(call(1)),
    };
    let disclosures = [
        on_ground(service, Purpose::Service, Agent, Some("ag"), &[Type]),
        on_ground(billing, Purpose::Billing, Company, None, &[Billing]),
        on_ground(
            freeze,
            Purpose::PicFreeze,
            Carrier,
            Some("p"),
            &[PicFreezeStatus],
        ),
    ];
    let mut commands = vec![
        change(&["voip", "cmrs"], &[]),
        change(&["cmrs"], &[("voip", None)]),
        change(&[], &[("voip", None)]),
        change(&["telex"], &[]),
        notice(Scope::everything()),
    ];
    commands.extend(disclosures.map(|question| {
        Command::Disclose(Disclose {
            question,
            seal: None,
        })
    }));
    commands
}

#[test]
fn p5_what_serves_the_customer_is_the_same_whatever_the_customer_denied() {
    let words: [&dyn Fn(&mut Story); 4] = [
        &|story| {
            story.grant(company(CpniClasses::ALL));
        },
        &|story| {
            story.deny(Scope::everything());
        },
        &|story| {
            story.withdraw(Scope::everything());
        },
        &|story| {
            story.restrict(company(CpniClasses::ALL), &[]);
        },
    ];
    let outcomes = words.map(|said| {
        let mut story = Story::begun();
        said(&mut story);
        let outcome = |command| story.attempt(command);
        serving().iter().map(outcome).collect::<Vec<_>>()
    });
    let [without, with @ ..] = &outcomes;
    for one in with {
        assert_eq!(one, without);
    }
    assert!(
        without
            .iter()
            .flatten()
            .flatten()
            .all(|event| { !matches!(event, Event::DisclosureRefused(_)) })
    );
}

#[test]
fn p3_every_event_counts_one_version_and_only_words_change_what_was_approved() {
    let mut story = Story::begun();
    story.speak(vec![
        blocking(BlockKind::Deny, Scope::everything(), &[]),
        granting(company(CpniClasses::ALL)),
    ]);
    let (version, last) = (story.state().version, story.state().last);
    let words = story.state().words.clone();
    for command in serving() {
        // One of them is refused on purpose; a refusal changes nothing.
        let _ = story.attempt(&command);
    }
    story.disclose(on_ground(
        Ground::Approval {
            cites: Some(Position(5)),
        },
        Purpose::MarketingComms,
        Agent,
        Some("ag"),
        &[Billing],
    ));
    let records = story.state().last.0 - last.0;
    assert_eq!(story.state().version - version, records);
    assert_eq!(story.state().words, words);
}
