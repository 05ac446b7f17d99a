//! What entities were to the company, in hindsight.

use super::*;

#[test]
fn r12_an_entity_that_had_left_was_no_longer_what_it_was() {
    let mut told = Told::begun();
    let acme = || entity("acme");
    told.company(EntityCommand::Join(EntityJoined {
        entity: acme(),
        kind: RecipientKind::Affiliate,
        communications_related: true,
    }));
    let joined = told.story.now;
    told.story.minutes(60);
    let then = told.story.now;
    told.story.minutes(60);
    told.company(EntityCommand::Leave {
        entity: acme(),
        kind: RecipientKind::Affiliate,
        ends_at: Some(joined.plus_minutes(10)),
    });
    told.company(EntityCommand::Join(EntityJoined {
        entity: acme(),
        kind: RecipientKind::ThirdParty,
        communications_related: false,
    }));
    let company = |at| {
        let records = told.of_company.iter();
        let placed = records.map(|(position, recorded_at, event)| Placed {
            position: *position,
            command: *position,
            recorded_at: *recorded_at,
            occurred_at: None,
            event,
        });
        hindsight::company(placed, Then { at, through: None })
    };
    let kinds = |at: Time| company(at).entities.get(&acme()).map(|one| one.kinds(at));
    assert_eq!(kinds(Time(joined.0 - 1)), None);
    let affiliate = RecipientKinds::of(RecipientKind::Affiliate);
    assert_eq!(kinds(joined), Some(affiliate));
    assert_eq!(kinds(then), Some(RecipientKinds::NONE));
}

#[test]
fn r05_r12_an_entity_that_left_a_kind_is_not_freed_from_a_block_on_that_kind() {
    let mut told = Told::begun();
    for kind in [RecipientKind::Affiliate, RecipientKind::Agent] {
        told.company(EntityCommand::Join(EntityJoined {
            entity: entity("acme"),
            kind,
            communications_related: true,
        }));
    }
    told.grant(marketing(
        kinds(&[RecipientKind::Affiliate]),
        CpniClasses::ALL,
    ));
    let denied = told.deny(marketing(kinds(&[RecipientKind::Agent]), CpniClasses::ALL));
    told.story.minutes(60);
    let known = told.story.company.clone();
    let at = told.story.now;
    told.story.minutes(60);
    told.company(EntityCommand::Leave {
        entity: entity("acme"),
        kind: RecipientKind::Agent,
        ends_at: Some(at.minus_hours(1)),
    });
    let world = World {
        known: Some(&known),
        ..told.story.world()
    };
    let asked = Question {
        recipient: RecipientKind::Affiliate,
        entity: Some(entity("acme")),
        ..outside()
    };
    let ruling = rule(told.customer(at).as_ref(), world, &asked, at);
    assert_eq!((ruling.allowed, ruling.state), (false, State::Denied));
    assert_eq!(ruling.reasons[0].positions, [denied]);
    // Whom nothing but the register's later word frees, the present knows as free.
    assert!(told.hindsight(&asked, at).allowed);
}
