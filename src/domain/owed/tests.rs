//! What is owed about a customer, told as stories.

use super::*;
use crate::domain::authentication::change_notices::{NoticeTarget, SendChangeNotice};
use crate::domain::authentication::of_record::{Associate, Reach, ReachKind};
use crate::domain::authentication::verification::{
    Caller, Identified, Means, OpenVerification, VerifiedFor,
};
use crate::domain::authentication::{AuthenticationCommand, authority::Authority};
use crate::domain::command::Command;
use crate::domain::consent::evidence::{OWED_MAX, SUPPLIED_MAX, SupplyEvidence};
use crate::domain::consent::word::GrantOnce;
use crate::domain::event::Event;
use crate::domain::ids::{Sha256Digest, Token};
use crate::domain::notices::send::{Delivery, Outcome};
use crate::domain::refusal::RefusalCode;
use crate::domain::rulebook::Rulebook;
use crate::domain::scope::Scope;
use crate::domain::testing::*;
use crate::domain::vocabulary::CpniClass::{Billing, Type};
use crate::domain::vocabulary::RecipientKind::{Affiliate, Agent};
use crate::domain::vocabulary::{Channel, CpniClasses, Medium};
use CustomerDuty::{ChangeNotice, OptOutRepeat, RecordingDigest};

const SENT: &str = "2026-01-05T15:00:00Z";
/// The last instant of 2028-01-04 in Denver.
const LAST: &str = "2028-01-05T06:59:59.999999Z";
const DAYS: u32 = 24 * 60;

impl Story {
    /// Everything that is owed at that instant, done or not, however far its date lies.
    fn owed_at(&self, at: Time) -> Vec<Owed> {
        let all = Horizon {
            standings: Standing::EVERY.to_vec(),
            ..Horizon::open(Time(i64::MAX))
        };
        owed(self.state(), self.world(), at, &all)
    }

    fn standings(&self, at: &str) -> Vec<(u64, Standing)> {
        let owed = self.owed_at(utc(at)).into_iter();
        owed.map(|one| (one.caused_by.0, one.standing)).collect()
    }

    /// Without the digest of the recording.
    fn once_without_digest(&mut self, number: u8) -> u64 {
        let command = self.once(call(number), company(classes(&[Billing])));
        let position = self.act(command);
        self.end_call(call(number));
        position
    }
}

/// A customer of the FCC baseline who holds LOCAL, and what asks for opt-out approval.
fn noticed(covers: Scope) -> (Story, u64) {
    let mut story = Story::begun_with(baseline());
    story.template("online-30", Medium::Electronic, Some(30));
    story.join("acme", Affiliate, true);
    story.join("beta", Affiliate, true);
    let notice = story.send_at(utc(SENT), "online-30", Delivery::Electronic, covers);
    (story, notice)
}

fn again(story: &mut Story, at: &str, covers: Scope) -> u64 {
    story.send_at(utc(at), "online-30", Delivery::Electronic, covers)
}

fn supply(approval: u64) -> Command {
    Command::SupplyEvidence(SupplyEvidence {
        approval: Position(approval),
        evidence_digest: Sha256Digest([5; 32]),
    })
}

#[test]
fn f6_a_notice_is_owed_again_until_the_day_before_its_two_years_are_over() {
    let (story, notice) = noticed(Scope::everything());
    let owed = story.owed_at(utc("2026-06-01T00:00:00Z"));
    let [owed] = owed.as_slice() else {
        panic!("{owed:?}");
    };
    assert_eq!(
        (owed.duty, owed.caused_by),
        (OptOutRepeat, Position(notice))
    );
    assert_eq!((owed.from, owed.due_by), (utc(SENT), utc(LAST)));
    assert_eq!((owed.standing, owed.done), (Standing::Due, None));
    assert_eq!(story.standings(LAST), [(notice, Standing::Due)]);
    assert_eq!(
        story.standings("2028-01-05T07:00:00Z"),
        [(notice, Standing::Late)]
    );
}

#[test]
fn f6_a_list_appears_ahead_of_time_and_no_further_than_its_horizon() {
    let (story, notice) = noticed(Scope::everything());
    let listed = |until: Time| {
        let owed = owed(
            story.state(),
            story.world(),
            story.now,
            &Horizon::open(until),
        );
        owed.iter().map(|one| one.caused_by.0).collect::<Vec<_>>()
    };
    assert_eq!(listed(utc(LAST)), [notice]);
    assert!(listed(Time(utc(LAST).0 - 1)).is_empty());
    let others = Horizon {
        duties: vec![ChangeNotice, RecordingDigest],
        ..Horizon::open(utc(LAST))
    };
    assert!(owed(story.state(), story.world(), story.now, &others).is_empty());
}

#[test]
fn f6_a_timely_notice_settles_the_one_before_and_a_late_one_settles_it_late() {
    let (mut story, first) = noticed(Scope::everything());
    let second = again(&mut story, "2027-12-01T12:00:00Z", Scope::everything());
    let at = "2028-06-01T00:00:00Z";
    let settled = [(first, Standing::Done), (second, Standing::Due)];
    assert_eq!(story.standings(at), settled);
    assert_eq!(
        story.owed_at(utc(at))[0].done,
        Some(Step {
            position: Position(second),
            at: utc("2027-12-01T12:00:00Z")
        })
    );
    let third = again(&mut story, "2030-02-01T12:00:00Z", Scope::everything());
    assert_eq!(
        story.standings("2030-02-02T00:00:00Z"),
        [
            (first, Standing::Done),
            (second, Standing::DoneLate),
            (third, Standing::Due)
        ]
    );
}

#[test]
fn f6_what_a_notice_owes_may_be_settled_in_some_cells_only() {
    let (mut story, first) = noticed(Scope::everything());
    let narrow = company(classes(&[Billing]));
    let second = again(&mut story, "2027-12-01T12:00:00Z", narrow);
    assert_eq!(
        story.standings("2028-01-10T00:00:00Z"),
        [
            (first, Standing::Late),
            (first, Standing::Done),
            (second, Standing::Due)
        ]
    );
}

#[test]
fn f6_nothing_is_owed_where_no_approval_rests_on_silence() {
    let at = "2028-02-01T00:00:00Z";
    let everything = Scope::everything;
    let silent = |change: &dyn Fn(&mut Story, u64)| {
        let (mut story, notice) = noticed(everything());
        change(&mut story, notice);
        story.standings(at)
    };
    assert_eq!(silent(&|_, _| {}).len(), 1);
    let denied = |story: &mut Story, _| {
        story.deny(everything());
    };
    let left = |story: &mut Story, _| {
        story.close("local");
    };
    let bounced = |story: &mut Story, notice| {
        story.report(notice, Outcome::Bounced);
    };
    for ends in [&denied as &dyn Fn(&mut Story, u64), &left, &bounced] {
        assert!(silent(ends).is_empty());
    }
    let left_and_back = |story: &mut Story, _| {
        story.close("local");
        story.open("local");
    };
    assert!(silent(&left_and_back).is_empty());
    // One affiliate is blocked, the company was granted: the other affiliate's approval rests on the notice still.
    let others = |story: &mut Story, _| {
        story.deny(marketing(named(Affiliate, "acme"), CpniClasses::ALL));
        story.grant(company(CpniClasses::ALL));
    };
    assert_eq!(silent(&others).len(), 1);
    let all = |story: &mut Story, notice| {
        others(story, notice);
        story.deny(marketing(kinds(&[Affiliate, Agent]), CpniClasses::ALL));
    };
    assert!(silent(&all).is_empty());
}

#[test]
fn f6_r24_nothing_is_owed_under_a_rulebook_without_opt_out_or_for_what_was_sent_before_one() {
    let at = utc("2028-02-01T00:00:00Z");
    let (mut story, _) = noticed(Scope::everything());
    let since = |opt_out_since| {
        let world = World {
            opt_out_since,
            ..story.world()
        };
        owed(story.state(), world, at, &Horizon::open(at)).len()
    };
    assert_eq!(since(utc(SENT)), 1);
    assert_eq!(since(Time(utc(SENT).0 + 1)), 0, "enabled only since then");
    story.rulebook = policy();
    assert!(story.owed_at(at).is_empty());

    let (mut under_the_policy, _) = noticed(Scope::everything());
    under_the_policy.rulebook = policy();
    again(
        &mut under_the_policy,
        "2026-02-01T00:00:00Z",
        Scope::everything(),
    );
    under_the_policy.rulebook = baseline();
    let owed = under_the_policy.owed_at(at);
    assert_eq!(owed.len(), 1, "the second one asked in vain: {owed:?}");
}

#[test]
fn f6_only_who_is_asked_for_is_owed_a_repetition() {
    let (story, _) = noticed(marketing(kinds(&[Agent]), classes(&[Type])));
    assert!(
        story.owed_at(utc("2028-02-01T00:00:00Z")).is_empty(),
        "no agent is registered"
    );
    let (story, notice) = noticed(marketing(named(Affiliate, "beta"), classes(&[Type])));
    let late = [(notice, Standing::Late)];
    assert_eq!(story.standings("2028-02-01T00:00:00Z"), late);
}

#[test]
fn f16_f19_a_notification_is_owed_from_the_change_and_done_by_its_record() {
    let number = Reach {
        kind: ReachKind::TelephoneNumber,
        value: Token([0x11; 16]),
    };
    let associate = |value, authority| {
        let reach = Reach { value, ..number };
        Command::Authentication(AuthenticationCommand::Associate(Associate {
            reach,
            text: None,
            replaces: None,
            authority,
        }))
    };
    let mut story = Story::begun();
    story.act(associate(number.value, Authority::StartOfService));
    assert!(story.owed_at(story.now).is_empty(), "the start of service");
    story.minutes(40 * DAYS);
    let verified = story.act(Command::Authentication(
        AuthenticationCommand::OpenVerification(OpenVerification {
            identified: Identified {
                caller: Caller::AccountHolder,
                purpose: VerifiedFor::AccountChanges,
                call: call(1),
            },
            means: Means::OnlineAccount,
        }),
    ));
    let authority = Authority::Verification {
        record: Position(verified),
        call: call(1),
    };
    let changes = [0x12, 0x13].map(|value| story.act(associate(Token([value; 16]), authority)));
    let second = story.now;
    let owed = story.owed_at(second);
    assert_eq!((owed[0].duty, owed[1].from), (ChangeNotice, second));
    assert_eq!(owed[1].due_by, second.plus_minutes(5));

    let send = |change| {
        Command::Authentication(AuthenticationCommand::SendChangeNotice(SendChangeNotice {
            change: Position(change),
            channel: Some(Channel::Text),
            to: NoticeTarget::OfRecord(number),
        }))
    };
    let done = story.act(send(changes[0]));
    story.minutes(10);
    let standings = |story: &Story| {
        let owed = story.owed_at(story.now).into_iter();
        owed.map(|one| one.standing).collect::<Vec<_>>()
    };
    assert_eq!(standings(&story), [Standing::Done, Standing::Late]);
    let owed = story.owed_at(story.now);
    assert_eq!(owed[0].done.map(|step| step.position), Some(Position(done)));
    story.act(send(changes[1]));
    assert_eq!(standings(&story), [Standing::Done, Standing::DoneLate]);
}

#[test]
fn p4_r11_the_digest_of_a_recording_is_owed_until_the_end_of_the_last_of_its_days() {
    let mut story = Story::begun();
    let approval = story.once_without_digest(1);
    // Given at 00:03 UTC of New Year's Day: New Year's Eve in Denver, whose day is day 0.
    let last = utc("2026-01-31T06:59:59.999999Z");
    let owed = story.owed_at(story.now);
    let [one] = owed.as_slice() else {
        panic!("{owed:?}");
    };
    assert_eq!(
        (one.duty, one.caused_by),
        (RecordingDigest, Position(approval))
    );
    assert_eq!((one.due_by, one.standing), (last, Standing::Due));
    assert_eq!(story.owed_at(last)[0].standing, Standing::Due);
    assert_eq!(story.owed_at(Time(last.0 + 1))[0].standing, Standing::Late);
}

#[test]
fn p4_a_digest_given_at_once_settles_it() {
    let mut story = Story::begun();
    let command = story.once(call(1), company(classes(&[Billing])));
    let Command::GrantOnce(mut command) = command else {
        panic!("{command:?}");
    };
    command.statement.evidence_digest = Some([6; 32]);
    let approval = story.act(Command::GrantOnce(GrantOnce { ..command }));
    assert!(story.state().evidence.is_none());
    assert_eq!(story.refused(supply(approval)), RefusalCode::EvidenceState);
}

#[test]
fn p4_a_digest_supplied_late_is_taken_and_shown_as_late() {
    let mut story = Story::begun();
    let first = story.once_without_digest(1);
    let second = story.once_without_digest(2);
    let in_time = story.act(supply(first));
    story.minutes(40 * DAYS);
    let late = story.act(supply(second));
    let owed = story.owed_at(story.now);
    let seen: Vec<_> = (owed.iter())
        .map(|one| (one.caused_by.0, one.standing, one.done.unwrap().position.0))
        .collect();
    assert_eq!(
        seen,
        [
            (first, Standing::Done, in_time),
            (second, Standing::DoneLate, late)
        ]
    );
    for settled in [first, second] {
        assert_eq!(story.refused(supply(settled)), RefusalCode::EvidenceState);
    }
}

#[test]
fn p4_only_a_one_time_approval_of_this_customer_takes_a_digest_later() {
    let mut story = Story::begun();
    let grant = story.grant(company(classes(&[Billing])));
    let approval = story.once_without_digest(1);
    for other in [1, grant, approval + 1, 4711] {
        assert_eq!(story.refused(supply(other)), RefusalCode::EvidenceState);
    }
    story.act(supply(approval));
}

#[test]
fn p4_it_is_owed_after_the_customer_left_and_whatever_rulebook_came_since() {
    let mut story = Story::begun();
    let approval = story.once_without_digest(1);
    let before = story.owed_at(story.now);
    story.close("local");
    story.rulebook = policy_with("one_time_evidence_days = 30", "one_time_evidence_days = 90");
    assert_eq!(story.owed_at(story.now), before);
    let event = story.attempt(&supply(approval)).unwrap().remove(0);
    let Event::EvidenceSupplied(supplied) = event else {
        panic!("{event:?}");
    };
    assert_eq!(supplied.due_by, before[0].due_by);
}

#[test]
fn p4_the_days_are_the_rulebooks_and_a_text_that_says_nothing_means_thirty() {
    let due_by = |rulebook: Rulebook| {
        let mut story = Story::begun_with(rulebook);
        story.once_without_digest(1);
        story.owed_at(story.now)[0].due_by
    };
    let line = "one_time_evidence_days = 30";
    let one = due_by(policy_with(line, "one_time_evidence_days = 1"));
    assert_eq!(one, utc("2026-01-02T06:59:59.999999Z"));
    assert_eq!(due_by(policy_with(line, "")), due_by(policy()));
    for wrong in ["0", "366"] {
        let text = crate::domain::rulebook::DEFAULT_TEXT;
        let text = text.replace(line, &format!("one_time_evidence_days = {wrong}"));
        let fault = Rulebook::parse(&text, [0; 32]).unwrap_err();
        assert_eq!(fault.rule, "periods.one_time_evidence_days");
    }
}

#[test]
fn p4_t5_what_is_kept_is_bounded_and_what_is_owed_is_never_forgotten() {
    let mut story = Story::begun();
    let approvals: Vec<_> = (0..OWED_MAX)
        .map(|number| story.once_without_digest(u8::try_from(number).unwrap()))
        .collect();
    story.minutes(1);
    let one_more = story.once(call(200), company(classes(&[Billing])));
    assert_eq!(story.refused(one_more.clone()), RefusalCode::Limit);
    // With its digest it is taken, and a block or the end of a call always is.
    let Command::GrantOnce(mut whole) = one_more.clone() else {
        panic!("{one_more:?}");
    };
    whole.statement.evidence_digest = Some([6; 32]);
    story.act(Command::GrantOnce(whole));
    for approval in &approvals {
        story.act(supply(*approval));
    }
    let evidence = story.state().evidence.as_ref().unwrap();
    assert_eq!(
        (evidence.owed().len(), evidence.supplied().len()),
        (0, SUPPLIED_MAX)
    );
    let again = story.once(call(201), company(classes(&[Billing])));
    story.act(again);
    assert!(story.standings("2026-02-01T00:00:00Z").len() > SUPPLIED_MAX);
}
