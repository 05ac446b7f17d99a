//! What is forged about who receives: affiliates that joined, left and came back.

use consent_ledger::domain::company::CompanyCommand;
use consent_ledger::domain::company::entities::{EntityCommand, EntityJoined};
use consent_ledger::domain::ids::EntityId;
use consent_ledger::domain::notices::send::Delivery;
use consent_ledger::domain::scope::Scope;
use consent_ledger::domain::vocabulary::RecipientKind;

use super::Forged::Said;
use super::{Forgery, approved, changed, made};
use crate::house::House;

pub const FORGERIES: &[Forgery] = &[
    (
        "approval-not-live",
        "the affiliate left after the cited grant and came back to another",
        |house| {
            *house = House::by_fcc(&["LOCAL"]);
            let ended = house.says("g(AFFILIATE; ALL; M)");
            let acme = EntityId::parse("acme").unwrap();
            house.told(&CompanyCommand::Entities(EntityCommand::Leave {
                entity: acme,
                kind: RecipientKind::Affiliate,
                ends_at: None,
            }));
            joins(house, "acme");
            house.days_pass(1);
            house.says("g(AFFILIATE acme; ALL; M)");
            let used = approved(house, "AFFILIATE acme; BILLING; M→CMRS");
            assert_ne!(made(&used).relied_on, [ended]);
            Said(changed(used, |made| made.relied_on = vec![ended]))
        },
    ),
    (
        "opt-out-beyond-its-reach",
        "an affiliate that joined after the notice",
        |house| {
            *house = House::by_fcc(&["LOCAL"]);
            house.send(Delivery::Post, Scope::everything());
            house.days_pass(60);
            let used = approved(house, "AFFILIATE acme; BILLING; M→VOIP");
            joins(house, "newcomer");
            house.days_pass(1);
            Said(changed(used, |made| {
                made.question.entity = EntityId::parse("newcomer");
            }))
        },
    ),
];

/// It becomes an affiliate that provides communications-related services.
fn joins(house: &mut House, name: &str) {
    let joined = EntityJoined {
        entity: EntityId::parse(name).unwrap(),
        kind: RecipientKind::Affiliate,
        communications_related: true,
    };
    house.told(&CompanyCommand::Entities(EntityCommand::Join(joined)));
}
