//! Campaigns, told as stories (F10, F11, R21).

use super::*;
use crate::domain::company::CompanyCommand;
use crate::domain::company::CompanyEvent;
use crate::domain::company::entities::{EntityCommand, EntityJoined};
use crate::domain::company::testing::*;
use crate::domain::ids::{Category, EntityId};
use crate::domain::ruling::ReasonCode;
use crate::domain::vocabulary::{CpniClass, CpniClasses, Purpose, RecipientKind};

fn plan(office: &Office) -> Plan {
    Plan {
        description: words("Long distance for those who call abroad"),
        does: Outbounds::of(Outbound::List),
        purpose: Purpose::MarketingComms,
        classes: CpniClasses::of(CpniClass::Billing),
        selected_by: CpniClasses::of(CpniClass::Destination),
        recipient: RecipientKind::Company,
        entity: None,
        target_categories: vec![Category::parse("interexchange").unwrap()],
        products: vec![item("world-minutes")],
        starts_at: office.now,
        ends_at: office.now.plus_hours(24 * 30),
    }
}

fn campaigns(command: CampaignCommand) -> CompanyCommand {
    CompanyCommand::Campaigns(command)
}

fn propose(plan: Plan) -> CompanyCommand {
    campaigns(CampaignCommand::Propose {
        campaign: item("spring"),
        plan: Box::new(plan),
    })
}

fn decide(approve: bool) -> CompanyCommand {
    campaigns(CampaignCommand::Decide {
        campaign: item("spring"),
        approve,
        reason: None,
    })
}

fn turn(of: fn(CampaignTurned) -> CampaignCommand) -> CompanyCommand {
    campaigns(of(CampaignTurned {
        campaign: item("spring"),
        reason: None,
    }))
}

fn drawn(at: Time) -> DrawnList {
    DrawnList {
        campaign: item("spring"),
        drawn_at: at,
        asked: 10,
        allowed: 7,
        refused: vec![RefusedFor {
            reason: ReasonCode::Denied,
            customers: 3,
        }],
        digest: Sha256Digest([9; 32]),
        valid_until: None,
    }
}

fn draw(list: DrawnList) -> CompanyCommand {
    campaigns(CampaignCommand::Draw(list))
}

/// A campaign that another person approved.
fn approved(change: impl FnOnce(&mut Plan)) -> Office {
    let mut office = Office::new();
    let mut plan = plan(&office);
    change(&mut plan);
    office.act(propose(plan));
    office.by(2).act(decide(true));
    office
}

fn spring(office: &Office) -> &Campaign {
    office.company.campaigns.get(&item("spring")).unwrap()
}

fn expires_at(event: CompanyEvent) -> Time {
    match event {
        CompanyEvent::Campaigns(CampaignEvent::ListDrawn(drawn)) => drawn.expires_at,
        other => panic!("{other:?}"),
    }
}

#[test]
fn f11_who_proposed_a_campaign_can_neither_approve_nor_reject_it() {
    let mut office = Office::new();
    office.act(propose(plan(&office)));
    assert_eq!(office.refused(decide(true)), RefusalCode::SelfApproval);
    assert_eq!(office.refused(decide(false)), RefusalCode::SelfApproval);
    office.by(2).act(decide(true));
    assert_eq!(spring(&office).supervisor, Some(somebody(2)));
    assert_eq!(office.refused(decide(false)), RefusalCode::StepOrder);
}

#[test]
fn f11_proposing_and_approving_take_a_person() {
    let mut office = Office::new();
    office.person = None;
    assert_eq!(
        office.refused(propose(plan(&office))),
        RefusalCode::PersonRequired
    );
    office.by(1);
    office.act(propose(plan(&office)));
    office.person = None;
    assert_eq!(office.refused(decide(true)), RefusalCode::PersonRequired);
}

#[test]
fn f10_a_proposal_says_what_its_supervisor_must_know() {
    type Change = fn(&mut Plan);
    let changes: [(Change, RefusalCode); 9] = [
        (|plan| plan.does = Outbounds::NONE, RefusalCode::Invalid),
        (|plan| plan.purpose = Purpose::Billing, RefusalCode::Invalid),
        (
            |plan| plan.purpose = Purpose::CompetitorTracking,
            RefusalCode::Invalid,
        ),
        (
            |plan| (plan.classes, plan.selected_by) = (CpniClasses::NONE, CpniClasses::NONE),
            RefusalCode::Invalid,
        ),
        (|plan| plan.products.clear(), RefusalCode::Invalid),
        (|plan| plan.ends_at = plan.starts_at, RefusalCode::Invalid),
        (
            |plan| plan.target_categories = vec![Category::parse("telex").unwrap()],
            RefusalCode::CategoryUnknown,
        ),
        (
            |plan| plan.recipient = RecipientKind::Carrier,
            RefusalCode::Invalid,
        ),
        (
            |plan| plan.recipient = RecipientKind::Affiliate,
            RefusalCode::Invalid,
        ),
    ];
    for (change, code) in changes {
        let mut office = Office::new();
        let mut plan = plan(&office);
        change(&mut plan);
        assert_eq!(office.refused(propose(plan)), code);
    }
}

#[test]
fn r12_who_else_runs_a_campaign_is_named_and_registered_as_what_it_is() {
    let mut office = Office::new();
    let acme = EntityId::parse("acme").unwrap();
    let mut plan = plan(&office);
    plan.recipient = RecipientKind::Affiliate;
    plan.entity = Some(acme.clone());
    assert_eq!(
        office.refused(propose(plan.clone())),
        RefusalCode::EntityState
    );
    office.act(CompanyCommand::Entities(EntityCommand::Join(
        EntityJoined {
            entity: acme.clone(),
            kind: RecipientKind::Affiliate,
            communications_related: true,
        },
    )));
    office.act(propose(plan));
    let question = spring(&office).plan.question();
    assert_eq!(
        (question.recipient, question.entity),
        (RecipientKind::Affiliate, Some(acme))
    );
}

#[test]
fn f11_no_list_is_drawn_of_a_campaign_that_is_not_approved() {
    let mut office = Office::new();
    assert_eq!(
        office.refused(draw(drawn(office.now))),
        RefusalCode::NotRegistered
    );
    office.act(propose(plan(&office)));
    let drawing = |office: &Office| {
        office
            .company
            .campaigns
            .drawable(&item("spring"), office.now)
            .is_ok()
    };
    assert!(!drawing(&office));
    assert_eq!(
        office.refused(draw(drawn(office.now))),
        RefusalCode::CampaignNotApproved
    );
    office.by(2).act(decide(false));
    assert!(!drawing(&office), "rejected");
    assert_eq!(
        office.refused(draw(drawn(office.now))),
        RefusalCode::CampaignNotApproved
    );
}

#[test]
fn r21_no_list_is_drawn_outside_of_the_campaigns_dates_or_after_its_end() {
    let mut office = approved(|plan| plan.starts_at = plan.starts_at.plus_hours(24));
    assert_eq!(
        office.refused(draw(drawn(office.now))),
        RefusalCode::CampaignDates
    );
    office
        .at("2026-05-20T09:00")
        .act(draw(drawn(washington("2026-05-20T09:00"))));
    let mut late = approved(|_| {});
    late.at("2026-06-20T09:00");
    assert_eq!(
        late.refused(draw(drawn(late.now))),
        RefusalCode::CampaignDates
    );
    office.act(turn(CampaignCommand::Close));
    assert_eq!(
        office.refused(draw(drawn(office.now))),
        RefusalCode::CampaignNotApproved
    );
}

#[test]
fn r21_a_list_ends_with_its_hours_an_answer_in_it_or_the_campaign_whichever_is_first() {
    let mut office = approved(|_| {});
    let at = office.now;
    assert_eq!(expires_at(office.act(draw(drawn(at)))), at.plus_hours(24));
    let sooner = at.plus_hours(3);
    let list = DrawnList {
        valid_until: Some(sooner),
        ..drawn(at)
    };
    assert_eq!(expires_at(office.act(draw(list))), sooner);
    let mut short = approved(|plan| plan.ends_at = plan.starts_at.plus_hours(2));
    let (at, end) = (short.now, spring(&short).plan.ends_at);
    assert_eq!(expires_at(short.act(draw(drawn(at)))), end);
}

#[test]
fn r21_sending_stops_when_the_list_expires_and_when_the_campaign_is_over() {
    let mut office = approved(|_| {});
    let at = office.now;
    office.act(draw(drawn(at)));
    let list = spring(&office).drawings[0].position;
    let stops = |office: &Office, list, at| spring(office).stops_sending(list, at);
    assert_eq!(stops(&office, list, at.plus_hours(23)), []);
    assert_eq!(
        stops(&office, list, at.plus_hours(24)),
        [SendStop::ListExpired]
    );
    assert_eq!(stops(&office, Position(99), at), [SendStop::ListUnknown]);
    assert_eq!(
        stops(&office, list, at.plus_hours(24 * 31)),
        [SendStop::OutsideDates, SendStop::ListExpired]
    );
    office.act(turn(CampaignCommand::Close));
    assert_eq!(
        stops(&office, list, office.now),
        [SendStop::Closed, SendStop::ListUnknown]
    );
}

#[test]
fn f11_no_request_for_approval_is_sent_without_a_supervisors_approval() {
    let sent = |campaign: &str, customers| {
        campaigns(CampaignCommand::SendRequests(RequestsSent {
            campaign: item(campaign),
            customers,
            text_digest: Sha256Digest([4; 32]),
        }))
    };
    let mut office = Office::new();
    let mut asking = plan(&office);
    asking.does = Outbounds::of(Outbound::ApprovalRequest);
    office.act(propose(asking));
    assert_eq!(
        office.refused(sent("spring", 5)),
        RefusalCode::CampaignNotApproved
    );
    office.by(2).act(decide(true));
    assert_eq!(office.refused(sent("spring", 0)), RefusalCode::Invalid);
    office.act(sent("spring", 5));
    office.act(sent("spring", 6));
    assert_eq!(spring(&office).requests, 11);
    // What was approved for asking isn't approved for drawing a list, and the other way round.
    assert_eq!(
        office.refused(draw(drawn(office.now))),
        RefusalCode::CampaignNotApproved
    );
    let mut listing = approved(|_| {});
    assert_eq!(
        listing.refused(sent("spring", 5)),
        RefusalCode::CampaignNotApproved
    );
}

#[test]
fn r21_a_drawing_counts_everybody_who_was_asked_about() {
    let mut office = approved(|_| {});
    let list = DrawnList {
        allowed: 8,
        ..drawn(office.now)
    };
    assert_eq!(office.refused(draw(list)), RefusalCode::Invalid);
    let ahead = drawn(office.now.plus_hours(1));
    assert_eq!(office.refused(draw(ahead)), RefusalCode::Invalid);
}

#[test]
fn f10_the_newest_lists_are_remembered_and_lists_in_use_are_never_forgotten() {
    let mut office = approved(|_| {});
    for _ in 0..DRAWINGS_MAX {
        let at = office.now;
        office.act(draw(drawn(at)));
    }
    assert_eq!(office.refused(draw(drawn(office.now))), RefusalCode::Limit);
    office
        .at("2026-05-06T09:00")
        .act(draw(drawn(washington("2026-05-06T09:00"))));
    let campaign = spring(&office);
    assert_eq!(
        (campaign.drawings.len(), campaign.lists),
        (DRAWINGS_MAX, 33)
    );
}

#[test]
fn f10_a_campaign_is_started_once_and_closed_once() {
    let mut office = Office::new();
    office.act(propose(plan(&office)));
    assert_eq!(
        office.refused(turn(CampaignCommand::Start)),
        RefusalCode::CampaignNotApproved
    );
    office.by(2).act(decide(true));
    office.act(turn(CampaignCommand::Start));
    assert_eq!(
        office.refused(turn(CampaignCommand::Start)),
        RefusalCode::StepOrder
    );
    office.act(turn(CampaignCommand::Close));
    assert_eq!(
        office.refused(turn(CampaignCommand::Close)),
        RefusalCode::StepOrder
    );
    assert_eq!(
        office.refused(propose(plan(&office))),
        RefusalCode::RegisteredAlready
    );
}

#[test]
fn f10_a_full_register_forgets_what_ended_three_years_ago_and_nothing_else() {
    let mut office = Office::new();
    let of = |office: &Office, number: usize| {
        CompanyCommand::Campaigns(CampaignCommand::Propose {
            campaign: item(&format!("c-{number}")),
            plan: Box::new(plan(office)),
        })
    };
    let step = Step {
        position: Position(1),
        at: office.now,
    };
    for number in 0..Campaign::MOST {
        let proposed = CampaignProposed {
            campaign: item(&format!("c-{number}")),
            plan: Box::new(plan(&office)),
            proposer: somebody(1),
        };
        let now = office.now;
        (office.company.campaigns).enter(&proposed.campaign, Campaign::new(&proposed, step), now);
    }
    let more = of(&office, Campaign::MOST);
    assert_eq!(office.refused(more), RefusalCode::Limit);
    office.act(CompanyCommand::Campaigns(CampaignCommand::Close(
        CampaignTurned {
            campaign: item("c-7"),
            reason: None,
        },
    )));
    let more = of(&office, Campaign::MOST);
    assert_eq!(office.refused(more), RefusalCode::Limit);
    office.at("2029-06-01T09:00");
    let more = of(&office, Campaign::MOST);
    office.act(more);
    assert!(office.company.campaigns.get(&item("c-7")).is_none());
    assert!(office.company.campaigns.get(&item("c-8")).is_some());
}

#[test]
fn r13_asking_for_approval_uses_only_the_cpni_by_which_customers_are_selected() {
    let office = approved(|plan| plan.does = Outbounds::of(Outbound::ApprovalRequest));
    let asked = spring(&office)
        .question_to_send(Outbound::ApprovalRequest)
        .unwrap();
    assert_eq!(
        asked.asked_classes(),
        CpniClasses::of(CpniClass::Destination)
    );
    let office = approved(|plan| {
        plan.does = Outbounds::of(Outbound::ApprovalRequest);
        plan.selected_by = CpniClasses::NONE;
    });
    assert_eq!(
        spring(&office).question_to_send(Outbound::ApprovalRequest),
        None
    );
}

#[test]
fn f10_the_register_of_a_period_lists_what_may_do_something_in_it() {
    let office = Office::new();
    let plan = plan(&office);
    let (start, end) = (plan.starts_at, plan.ends_at);
    assert!(plan.runs_within(None, None));
    assert!(plan.runs_within(Some(start), Some(end)));
    assert!(plan.runs_within(Some(Time(end.0 - 1)), None));
    assert!(
        !plan.runs_within(Some(end), None),
        "it ends before its last instant"
    );
    assert!(plan.runs_within(None, Some(Time(start.0 + 1))));
    assert!(!plan.runs_within(None, Some(start)));
}
