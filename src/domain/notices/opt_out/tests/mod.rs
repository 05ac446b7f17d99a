//! Opt-out told as stories: which notices count, in which cells, and until when.

use super::*;
use crate::domain::command::Command;
use crate::domain::event::Event;
use crate::domain::notices::send::{NoticeFailed, Outcome};
use crate::domain::notices::{NoticeCommand, NoticeEvent};
use crate::domain::question::Question;
use crate::domain::refusal::RefusalCode;
use crate::domain::rulebook::{FCC_TEXT, Rulebook};
use crate::domain::ruling::{Basis, ReasonCode, Remedy};
use crate::domain::scope::Recipients;
use crate::domain::testing::*;
use crate::domain::vocabulary::CpniClass::{Billing, CallDetail, Location, Type};
use crate::domain::vocabulary::Medium;
use crate::domain::vocabulary::RecipientKind::{Affiliate, Agent, Company, PartnerOrContractor};

mod by_template;
mod narrowing;
mod rulebooks;

const SENT: &str = "2026-01-05T15:00:00Z";
const MATURE: &str = "2026-02-04T15:00:00Z";

/// A customer of the FCC baseline who holds LOCAL, and templates for each form.
fn story() -> Story {
    story_of(baseline())
}

fn story_of(rulebook: Rulebook) -> Story {
    let mut story = Story::begun_with(rulebook);
    story.template("online-30", Medium::Electronic, Some(30));
    story.template("post-30", Medium::Written, Some(30));
    story.template("online-60", Medium::Electronic, Some(60));
    story.template("opt-in", Medium::Electronic, None);
    story.join("acme", Affiliate, true);
    story.join("shoes", Affiliate, false);
    story.join("jv", PartnerOrContractor, true);
    story
}

/// The same after a notice of everything, sent electronically.
fn asked() -> (Story, u64) {
    let mut story = story();
    let notice = story.send_at(
        utc(SENT),
        "online-30",
        Delivery::Electronic,
        Scope::everything(),
    );
    (story, notice)
}

fn state(story: &Story, question: &Question, at: &str) -> (bool, State) {
    let ruling = story.ask_at(question, utc(at));
    (ruling.allowed, ruling.state)
}

fn reasons(story: &Story, question: &Question, at: &str) -> Vec<ReasonCode> {
    let ruling = story.ask_at(question, utc(at));
    ruling.reasons.iter().map(|reason| reason.code).collect()
}

fn cmrs() -> Question {
    market(Billing, "cmrs")
}

const APPROVED: (bool, State) = (true, State::OptOutApproved);
const WAITING: (bool, State) = (false, State::Waiting);
const UNKNOWN: (bool, State) = (false, State::Unknown);
const OVERDUE: (bool, State) = (false, State::RefreshOverdue);

#[test]
fn f5_r18_an_answer_changes_as_the_period_ends_and_says_beforehand_when() {
    let (story, notice) = asked();
    let waiting = story.ask_at(&cmrs(), utc("2026-02-04T14:59:59Z"));
    assert_eq!((waiting.allowed, waiting.state), WAITING);
    assert_eq!(waiting.valid_until, Some(utc(MATURE)));
    assert_eq!(waiting.reasons[0].code, ReasonCode::Waiting);
    assert_eq!(waiting.reasons[0].positions, [Position(notice)]);
    assert!(waiting.remedies.contains(&Remedy::OptIn));
    let approved = story.ask_at(&cmrs(), utc(MATURE));
    assert_eq!((approved.allowed, approved.state), APPROVED);
    assert_eq!(approved.basis, Some(Basis::OptOut));
    assert_eq!(approved.reasons[0].positions, [Position(notice)]);
    assert_eq!(approved.valid_until, Some(utc("2028-01-05T07:00:00Z")));
    let overdue = story.ask_at(&cmrs(), utc("2028-01-05T07:00:00Z"));
    assert_eq!((overdue.allowed, overdue.state), OVERDUE);
    assert_eq!(overdue.reasons[0].code, ReasonCode::RefreshOverdue);
    assert!(overdue.remedies.contains(&Remedy::GiveNotice));
    assert_eq!(overdue.valid_until, None);
}

#[test]
fn r5_the_clock_starts_at_the_record_and_the_two_years_at_the_sending() {
    let mut story = story();
    story.now = utc("2026-01-05T14:59:00Z");
    story.occurred(utc("2026-01-05T06:00:00Z"));
    story.act(send("online-30", Delivery::Electronic, Scope::everything()));
    assert_eq!(state(&story, &cmrs(), "2026-02-04T14:59:59Z"), WAITING);
    assert_eq!(state(&story, &cmrs(), MATURE), APPROVED);
    // 06:00 in UTC is still the fourth in Denver.
    assert_eq!(state(&story, &cmrs(), "2028-01-04T07:00:00Z"), OVERDUE);
}

#[test]
fn f3_opt_out_reaches_the_company_and_who_provides_communications_services_and_nothing_else() {
    let (mut story, _) = asked();
    story.join("ag", Agent, true);
    story.send_at(
        utc("2026-01-06T15:00:00Z"),
        "online-30",
        Delivery::Electronic,
        Scope::everything(),
    );
    let at = "2026-04-01T00:00:00Z";
    for (recipient, entity, expected) in [
        (Company, None, true),
        (Company, Some("infotech"), true),
        (Agent, Some("ag"), true),
        (Agent, None, true),
        (Affiliate, Some("acme"), true),
        (Affiliate, Some("shoes"), false),
        // One of them doesn't provide communications-related services.
        (Affiliate, None, false),
        // Nobody registered it, or as something else.
        (Affiliate, Some("stranger"), false),
        (Agent, Some("acme"), false),
        (Company, Some("acme"), false),
        (PartnerOrContractor, Some("jv"), false),
    ] {
        let ruling = story.ask_at(&market_by(recipient, entity, Billing, "cmrs"), utc(at));
        assert_eq!(ruling.allowed, expected, "{recipient} {entity:?}");
        let opt_in = ruling
            .reasons
            .iter()
            .any(|one| one.code == ReasonCode::OptInRequired);
        assert_eq!(opt_in, !expected, "{recipient} {entity:?}");
    }
    let mut other = cmrs();
    other.purpose = crate::domain::vocabulary::Purpose::MarketingOther;
    assert!(reasons(&story, &other, at).contains(&ReasonCode::OptInRequired));
}

#[test]
fn f3_a_contractor_who_is_an_agent_too_is_no_agent() {
    let (mut story, _) = asked();
    let at = "2026-04-01T00:00:00Z";
    story.join("jv", Agent, true);
    let by = market_by(Agent, Some("jv"), Billing, "cmrs");
    assert_eq!(state(&story, &by, at), UNKNOWN);
    // An agent who was a contractor for a while lost what was asked before.
    story.join("ag", Agent, true);
    let by = market_by(Agent, Some("ag"), Billing, "cmrs");
    story.act(send("online-30", Delivery::Electronic, Scope::everything()));
    assert_eq!(state(&story, &by, at), APPROVED);
    story.join("ag", PartnerOrContractor, true);
    story.leave("ag", PartnerOrContractor, None);
    assert_eq!(state(&story, &by, at), UNKNOWN);
}

#[test]
fn v45_the_place_of_mobile_and_voip_users_is_never_approved_by_opt_out() {
    let at = "2026-04-01T00:00:00Z";
    let (mut story, _) = asked();
    for class in [Location, CallDetail] {
        assert_eq!(
            state(&story, &market(class, "voip"), at),
            APPROVED,
            "{class}"
        );
        let mut of_mobile = market(class, "voip");
        of_mobile.source_category = Some(category("cmrs"));
        assert_eq!(state(&story, &of_mobile, at), UNKNOWN, "{class}");
    }
    story.open("cmrs");
    for class in [Location, CallDetail] {
        assert_eq!(state(&story, &market(class, "voip"), at), UNKNOWN);
        assert!(reasons(&story, &market(class, "voip"), at).contains(&ReasonCode::OptInRequired));
    }
    assert_eq!(state(&story, &market(Billing, "voip"), at), APPROVED);
    // What was recorded of a mobile user stays so.
    story.close("cmrs");
    assert_eq!(state(&story, &market(Location, "voip"), at), UNKNOWN);
}

#[test]
fn r10_each_notice_has_its_own_clock_and_the_first_to_end_counts() {
    let mut story = story();
    let slow = story.send_at(
        utc(SENT),
        "online-60",
        Delivery::Electronic,
        Scope::everything(),
    );
    let fast = story.send_at(
        utc("2026-01-10T15:00:00Z"),
        "online-30",
        Delivery::Electronic,
        Scope::everything(),
    );
    assert_eq!(state(&story, &cmrs(), "2026-02-09T14:59:59Z"), WAITING);
    let ruling = story.ask_at(&cmrs(), utc("2026-02-09T15:00:00Z"));
    assert_eq!((ruling.allowed, ruling.state), APPROVED);
    assert_eq!(ruling.reasons[0].positions, [Position(fast)]);
    // The faster one bounces: the slower one's clock goes on.
    story.report(fast, Outcome::Bounced);
    assert_eq!(state(&story, &cmrs(), "2026-02-09T15:00:00Z"), WAITING);
    let ruling = story.ask_at(&cmrs(), utc("2026-03-06T15:00:00Z"));
    assert_eq!(ruling.reasons[0].positions, [Position(slow)]);
}

#[test]
fn f6_a_timely_notice_goes_on_without_a_break_and_a_late_one_waits_again() {
    let (mut timely, first) = asked();
    let second = timely.send_at(
        utc("2028-01-05T06:59:59Z"),
        "online-60",
        Delivery::Electronic,
        Scope::everything(),
    );
    for at in [
        "2028-01-05T07:00:00Z",
        "2028-02-01T00:00:00Z",
        "2030-01-04T06:59:59Z",
    ] {
        assert_eq!(state(&timely, &cmrs(), at), APPROVED, "{at}");
    }
    let ruling = timely.ask_at(&cmrs(), utc("2028-02-01T00:00:00Z"));
    assert_eq!(
        ruling.reasons[0].positions,
        [Position(first), Position(second)]
    );
    assert_eq!(state(&timely, &cmrs(), "2030-01-04T07:00:00Z"), OVERDUE);
    // It never arrived, so nothing went on: what was used since the first one's two years was used without approval.
    timely.now = utc("2028-02-10T00:00:00Z");
    let events = timely.report(second, Outcome::Bounced);
    let [Event::Notices(NoticeEvent::Failed(NoticeFailed { voids_since, .. }))] = events.as_slice()
    else {
        panic!("{events:?}");
    };
    assert_eq!(*voids_since, Some(utc("2028-01-05T07:00:00Z")));
    assert_eq!(state(&timely, &cmrs(), "2028-02-10T01:00:00Z"), OVERDUE);

    let (mut late, _) = asked();
    late.send_at(
        utc("2028-01-05T07:00:00Z"),
        "online-30",
        Delivery::Electronic,
        Scope::everything(),
    );
    assert_eq!(state(&late, &cmrs(), "2028-01-05T07:00:00Z"), WAITING);
    assert_eq!(state(&late, &cmrs(), "2028-02-04T07:00:00Z"), APPROVED);
}

#[test]
fn f7_an_e_mail_takes_prior_consent_to_e_mail_and_the_consent_can_be_taken_back() {
    let mut story = story();
    let email = || send("online-30", Delivery::Email, Scope::everything());
    assert_eq!(story.refused(email()), RefusalCode::EmailConsentRequired);
    story.minutes(120);
    let consent = story.act(agree_to_email());
    let before = story.now.minus_hours(1);
    let late = story.occurred(before).refused(email());
    assert_eq!(late, RefusalCode::EmailConsentRequired);
    let events = story.attempt(&email()).unwrap();
    let [Event::Notices(NoticeEvent::Sent(sent))] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(sent.email_consent, Some(Position(consent)));
    story.act(Command::Notices(NoticeCommand::RevokeEmail));
    assert_eq!(story.refused(email()), RefusalCode::EmailConsentRequired);
    assert_eq!(
        story.refused(Command::Notices(NoticeCommand::RevokeEmail)),
        RefusalCode::EmailConsentRequired
    );
    // What was sent while it stood goes on; one that asks for opt-in needs none.
    let later = story.now.plus_hours(24 * 40);
    assert!(story.ask_at(&cmrs(), later).allowed);
    story.act(send("opt-in", Delivery::Email, Scope::everything()));
}

#[test]
fn v30_f7_after_a_bounced_e_mail_only_another_form_starts_a_clock_in_its_cells() {
    let mut story = story();
    story.act(agree_to_email());
    let billing = company(classes(&[Billing]));
    let first = story.send_at(utc(SENT), "online-30", Delivery::Email, billing.clone());
    story.now = utc("2026-01-15T15:00:00Z");
    story.report(first, Outcome::Bounced);
    story.send_at(
        utc("2026-01-16T15:00:00Z"),
        "online-30",
        Delivery::Email,
        company(CpniClasses::ALL),
    );
    let at = "2026-03-06T15:00:00Z";
    assert_eq!(state(&story, &cmrs(), at), UNKNOWN);
    assert!(reasons(&story, &cmrs(), at).contains(&ReasonCode::AnotherFormRequired));
    let ruling = story.ask_at(&cmrs(), utc(at));
    assert!(ruling.remedies.contains(&Remedy::GiveNotice));
    // Other cells are none of that notice's.
    assert_eq!(state(&story, &market(Type, "cmrs"), at), APPROVED);
    for (delivery, template) in [
        (Delivery::Post, "post-30"),
        (Delivery::Electronic, "online-30"),
    ] {
        let mut other = story.clone();
        other.send_at(
            utc("2026-01-20T15:00:00Z"),
            template,
            delivery,
            billing.clone(),
        );
        assert_eq!(state(&other, &cmrs(), at), APPROVED, "{delivery}");
    }
}

#[test]
fn r10_a_late_bounce_voids_an_approval_that_had_matured_and_its_record_says_since_when() {
    let (mut story, notice) = asked();
    story.now = utc("2026-06-01T00:00:00Z");
    assert_eq!(state(&story, &cmrs(), "2026-06-01T00:00:00Z"), APPROVED);
    let events = story.report(notice, Outcome::Returned);
    let [Event::Notices(NoticeEvent::Failed(failed))] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(failed.voids_since, Some(utc(MATURE)));
    assert_eq!(state(&story, &cmrs(), "2026-06-02T00:00:00Z"), UNKNOWN);
    // There is no notice any more: neither to report on nor to grant upon.
    assert_eq!(
        story.refused(report(notice, Outcome::Delivered)),
        RefusalCode::NoticeUnknown
    );
    let mut grant = story.speaking(vec![granting(company(CpniClasses::ALL))]);
    grant.statement.notice = Some(Position(notice));
    assert_eq!(
        story.refused(Command::Speak(grant)),
        RefusalCode::NoticeRequired
    );

    let (mut story, notice) = asked();
    let events = story.report(notice, Outcome::Bounced);
    let [Event::Notices(NoticeEvent::Failed(failed))] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(failed.voids_since, None, "it hadn't matured");
}

#[test]
fn r10_a_block_while_waiting_stops_its_cells_only_and_for_good() {
    let (mut story, _) = asked();
    story.now = utc("2026-01-20T00:00:00Z");
    let denial = story.deny(company(classes(&[Billing])));
    let at = "2026-04-01T00:00:00Z";
    assert_eq!(state(&story, &cmrs(), at), (false, State::Denied));
    assert_eq!(state(&story, &market(Type, "cmrs"), at), APPROVED);
    // The grant that lifts it is the customer's word; the notice of before is none any more.
    story.join("beta", Affiliate, true);
    let everything = |recipients: Recipients| marketing(recipients, CpniClasses::ALL);
    story.deny(everything(named(Affiliate, "beta")));
    story.grant(everything(named(Affiliate, "beta")));
    let by = market_by(Affiliate, Some("beta"), Billing, "cmrs");
    assert_eq!(state(&story, &by, at), (true, State::Granted));
    story.leave("beta", Affiliate, None);
    story.join("beta", Affiliate, true);
    assert_eq!(state(&story, &by, at), UNKNOWN);
    assert!(denial > 0);
}

#[test]
fn r10_no_clock_runs_under_a_block_that_stands_and_one_that_was_lifted_before_is_none() {
    let mut story = story();
    story.deny(company(CpniClasses::ALL));
    story.send_at(
        utc(SENT),
        "online-30",
        Delivery::Electronic,
        Scope::everything(),
    );
    assert_eq!(
        state(&story, &cmrs(), "2026-04-01T00:00:00Z"),
        (false, State::Denied)
    );

    let mut lifted = self::story();
    let acme = || marketing(named(Affiliate, "acme"), CpniClasses::ALL);
    lifted.deny(acme());
    lifted.grant(acme());
    lifted.leave("acme", Affiliate, None);
    lifted.join("acme", Affiliate, true);
    lifted.send_at(
        utc(SENT),
        "online-30",
        Delivery::Electronic,
        Scope::everything(),
    );
    let by = market_by(Affiliate, Some("acme"), Billing, "cmrs");
    assert_eq!(state(&lifted, &by, "2026-04-01T00:00:00Z"), APPROVED);
}

#[test]
fn r9_the_last_service_closed_ends_clocks_and_approvals_for_good() {
    for closed in ["2026-01-20T00:00:00Z", "2026-06-01T00:00:00Z"] {
        let (mut story, notice) = asked();
        story.now = utc(closed);
        story.close("local");
        let ruling = story.ask(&cmrs());
        assert_eq!((ruling.allowed, ruling.state), (false, State::Lapsed));
        assert_eq!(ruling.cells[0].positions, [Position(notice)]);
        // Opt-out never reaches a partner, so that no clock ran there.
        let partner = market_by(PartnerOrContractor, Some("jv"), Billing, "cmrs");
        assert_eq!(story.ask(&partner).state, State::Unknown);
        // A notice to somebody who holds nothing starts no clock.
        story.act(send("online-30", Delivery::Electronic, Scope::everything()));
        story.open("local");
        assert_eq!(state(&story, &cmrs(), "2027-01-01T00:00:00Z"), UNKNOWN);
        story.act(send("online-30", Delivery::Electronic, Scope::everything()));
        assert_eq!(state(&story, &cmrs(), "2027-01-01T00:00:00Z"), APPROVED);
    }
}

#[test]
fn r18_a_service_or_a_membership_that_ends_on_record_bounds_the_answer() {
    let (mut story, _) = asked();
    let end = utc("2026-05-01T00:00:00Z");
    story.leave("acme", Affiliate, Some(end));
    let by = market_by(Affiliate, Some("acme"), Billing, "cmrs");
    let ruling = story.ask_at(&by, utc("2026-04-01T00:00:00Z"));
    assert_eq!((ruling.allowed, ruling.valid_until), (true, Some(end)));
    let earlier = utc("2026-04-15T00:00:00Z");
    story.act(change(&[], &[("local", Some(earlier))]));
    let ruling = story.ask_at(&by, utc("2026-04-01T00:00:00Z"));
    assert_eq!((ruling.allowed, ruling.valid_until), (true, Some(earlier)));
}
