//! Rulebooks that enable opt-out, and those that don't (R10, R24, P17).

use super::*;

#[test]
fn v31_r10_r24_opt_out_is_enabled_when_the_notice_was_sent_and_now_or_nothing_matures() {
    let at = "2026-04-01T00:00:00Z";
    let mut story = story_of(policy());
    story.send_at(
        utc(SENT),
        "online-30",
        Delivery::Electronic,
        Scope::everything(),
    );
    assert_eq!(state(&story, &cmrs(), at), UNKNOWN);
    assert!(reasons(&story, &cmrs(), at).contains(&ReasonCode::OptOutNotEnabled));
    // A switch never matures what was sent under another rule.
    story.rulebook = baseline();
    assert_eq!(state(&story, &cmrs(), at), UNKNOWN);
    assert!(reasons(&story, &cmrs(), at).contains(&ReasonCode::OptOutNotEnabled));

    let (mut story, _) = asked();
    story.rulebook = policy();
    assert_eq!(state(&story, &cmrs(), at), UNKNOWN);
}

#[test]
fn r24_a_rulebook_that_enables_opt_out_again_revives_no_approval() {
    let at = "2026-06-01T00:00:00Z";
    let (mut story, _) = asked();
    story.now = utc("2026-03-01T00:00:00Z");
    story.adopt(baseline());
    assert_eq!(state(&story, &cmrs(), at), APPROVED);
    story.adopt(policy());
    story.minutes(10);
    // It was sent under the one and recorded under the other.
    let sent = story.now;
    story.minutes(10);
    story.adopt(baseline());
    story.occurred(sent);
    story.act(send("online-30", Delivery::Electronic, Scope::everything()));
    assert_eq!(state(&story, &cmrs(), at), UNKNOWN);
    assert!(reasons(&story, &cmrs(), at).contains(&ReasonCode::OptOutNotEnabled));
    story.minutes(10);
    story.act(send("online-30", Delivery::Electronic, Scope::everything()));
    assert_eq!(state(&story, &cmrs(), "2026-03-15T00:00:00Z"), WAITING);
    assert_eq!(state(&story, &cmrs(), at), APPROVED);
}

#[test]
fn r10_r24_what_was_recorded_at_the_instant_of_a_switch_may_have_come_before_it() {
    // While the wall clock is behind, records and switches are of one instant: of the newest record.
    let at = "2026-06-01T00:00:00Z";
    let mut story = story_of(baseline());
    story.send_at(
        utc(SENT),
        "online-30",
        Delivery::Electronic,
        Scope::everything(),
    );
    assert_eq!(state(&story, &cmrs(), at), APPROVED);
    story.now = utc(SENT);
    story.adopt(policy());
    story.adopt(baseline());
    assert_eq!(state(&story, &cmrs(), at), UNKNOWN);
    assert!(reasons(&story, &cmrs(), at).contains(&ReasonCode::OptOutNotEnabled));
}

#[test]
fn p17_r18_the_dates_of_the_rule_bound_the_answer() {
    let dated = FCC_TEXT.replace(
        "[rules.opt_out]\nstatus = \"in_force\"",
        "[rules.opt_out]\nstatus = \"in_force\"\neffective_from = \"2026-01-05\"\neffective_to = \"2026-06-01\"",
    );
    let dated = Rulebook::parse(&dated, [0; 32]).unwrap();
    let mut story = story_of(dated.clone());
    story.send_at(
        utc(SENT),
        "online-30",
        Delivery::Electronic,
        Scope::everything(),
    );
    let ruling = story.ask_at(&cmrs(), utc("2026-03-01T00:00:00Z"));
    assert_eq!((ruling.allowed, ruling.state), APPROVED);
    assert_eq!(ruling.valid_until, Some(utc("2026-06-01T06:00:00Z")));
    assert_eq!(state(&story, &cmrs(), "2026-06-01T06:00:00Z"), UNKNOWN);
    // Sent a moment before the rule began.
    let mut early = story_of(dated);
    early.send_at(
        utc("2026-01-05T06:59:59Z"),
        "online-30",
        Delivery::Electronic,
        Scope::everything(),
    );
    assert_eq!(state(&early, &cmrs(), "2026-03-01T00:00:00Z"), UNKNOWN);
}
