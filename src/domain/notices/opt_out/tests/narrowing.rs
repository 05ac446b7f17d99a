//! What takes a clock away though the notice was recorded in good order (R5, R10).

use super::*;

#[test]
fn r5_f7_an_e_mail_sent_after_the_consent_had_been_taken_back_starts_no_clock() {
    let mut story = story();
    story.act(agree_to_email());
    let email = |story: &mut Story, class| {
        let covers = company(classes(&[class]));
        story.act(send("online-30", Delivery::Email, covers))
    };
    email(&mut story, Type);
    let revoked = story.minutes(60).now;
    story.minutes(60);
    email(&mut story, Billing);
    let online = company(classes(&[CallDetail]));
    story.act(send("online-30", Delivery::Electronic, online));
    let later = story.now.plus_hours(24 * 40);
    assert!(story.ask_at(&cmrs(), later).allowed);
    story.minutes(60).occurred(revoked);
    story.act(Command::Notices(NoticeCommand::RevokeEmail));
    let ruling = story.ask_at(&cmrs(), later);
    assert_eq!((ruling.allowed, ruling.state), UNKNOWN);
    assert_eq!(ruling.reasons[0].code, ReasonCode::AnotherFormRequired);
    // What was sent while the consent stood goes on, and so does what no consent was needed for.
    assert!(story.ask_at(&market(Type, "cmrs"), later).allowed);
    assert!(story.ask_at(&market(CallDetail, "cmrs"), later).allowed);
}

#[test]
fn r10_a_bounced_e_mail_whose_cells_are_no_longer_known_bars_e_mail_in_every_cell() {
    let mut story = story();
    story.act(agree_to_email());
    let covers = || company(classes(&[Billing]));
    let email = |story: &mut Story| story.act(send("online-30", Delivery::Email, covers()));
    let first = email(&mut story);
    for _ in 0..ASKED_MAX {
        email(&mut story);
    }
    let later = story.now.plus_hours(24 * 40);
    assert!(story.ask_at(&cmrs(), later).allowed);
    story.report(first, Outcome::Bounced);
    let ruling = story.ask_at(&cmrs(), later);
    assert_eq!((ruling.allowed, ruling.state), UNKNOWN);
    assert_eq!(ruling.reasons[0].code, ReasonCode::AnotherFormRequired);
    story.act(send("online-30", Delivery::Electronic, covers()));
    let later = story.now.plus_hours(24 * 40);
    assert!(story.ask_at(&cmrs(), later).allowed, "another form");
}

#[test]
fn r10_a_notice_that_asked_for_nothing_bars_no_e_mail_when_it_bounces() {
    let mut story = story();
    story.act(agree_to_email());
    let opt_in = story.act(send("opt-in", Delivery::Email, Scope::everything()));
    story.act(send("online-30", Delivery::Email, Scope::everything()));
    story.report(opt_in, Outcome::Bounced);
    let later = story.now.plus_hours(24 * 40);
    assert!(story.ask_at(&cmrs(), later).allowed);
}

#[test]
fn e9_r10_a_template_that_leaves_less_than_the_least_period_of_today_is_used_no_longer() {
    let mut story = story();
    let longer = FCC_TEXT.replace("minimum_days = 30", "minimum_days = 45");
    story.rulebook = Rulebook::parse(&longer, [0; 32]).unwrap();
    for (template, taken) in [("online-30", false), ("online-60", true)] {
        let sent = story.attempt(&send(template, Delivery::Electronic, Scope::everything()));
        let refused = sent.err().map(|refusal| (refusal.code, refusal.field));
        let expected = (RefusalCode::NoticeTemplate, "template_version".into());
        assert_eq!(refused, (!taken).then_some(expected), "{template}");
    }
}

#[test]
fn r5_r10_a_notice_never_asks_for_an_entity_that_joins_after_it() {
    let (mut story, _) = asked();
    let at = "2026-06-01T00:00:00Z";
    let by = |name| market_by(Affiliate, Some(name), Billing, "cmrs");
    let acme = named(Affiliate, "newcomer");
    let covers = marketing(acme, CpniClasses::ALL);
    story.act(send("online-30", Delivery::Electronic, covers));
    story.now = utc("2026-05-01T00:00:00Z");
    story.leave("shoes", Affiliate, None);
    let kind = market_by(Affiliate, None, Billing, "cmrs");
    assert_eq!(state(&story, &kind, at), APPROVED);
    story.join("newcomer", Affiliate, true);
    assert_eq!(state(&story, &by("newcomer"), at), UNKNOWN);
    assert_eq!(state(&story, &by("acme"), at), APPROVED);
    // A question about the whole kind is one about the newcomer, too.
    assert_eq!(state(&story, &kind, at), UNKNOWN);
    story.act(send("online-30", Delivery::Electronic, Scope::everything()));
    assert_eq!(state(&story, &by("newcomer"), at), APPROVED);
    assert_eq!(state(&story, &kind, at), APPROVED);
}

#[test]
fn r10_a_notice_never_asks_for_who_provided_no_communications_services_when_it_was_given() {
    let (mut story, _) = asked();
    let at = "2026-06-01T00:00:00Z";
    let by = market_by(Affiliate, Some("shoes"), Billing, "cmrs");
    let end = story.now.plus_hours(1);
    story.leave("shoes", Affiliate, Some(end));
    story.join("shoes", Affiliate, true);
    assert_eq!(state(&story, &by, at), UNKNOWN);
}

#[test]
fn usc_222_f_the_location_of_users_of_a_category_that_nobody_knows_takes_opt_in() {
    let (mut story, _) = asked();
    let mut satellite = market(Location, "cmrs");
    let at = "2026-06-01T00:00:00Z";
    assert_eq!(state(&story, &satellite, at), APPROVED);
    satellite.source_category = Some(category("satellite"));
    assert_eq!(state(&story, &satellite, at), UNKNOWN);
    let known = FCC_TEXT.replace(
        "[categories.voip]",
        "[categories.satellite]\ntitle = \"Satellite\"\nlocation_by_opt_in = false\n\n[categories.voip]",
    );
    story.rulebook = Rulebook::parse(&known, [0; 32]).unwrap();
    assert_eq!(state(&story, &satellite, at), APPROVED);
}
