//! The oracle alone against decision vectors, without the rules: who judges must be judged, too.

use consent_ledger::domain::consent::word::{
    Blocked, CallEnded, GrantOnce, Granted, GrantedOnce, SpokenWord,
};
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{EntityId, Position, Sha256Digest};
use consent_ledger::domain::notices::NoticeEvent;
use consent_ledger::domain::notices::send::{
    Delivery, NoticeFailed, NoticeSent, OptOutClock, Outcome,
};
use consent_ledger::domain::ruling::{Basis, State};
use consent_ledger::domain::services::{ServiceClosed, ServiceOpened};
use consent_ledger::domain::time::Time;

use crate::oracle::Oracle;
use crate::rules::history::{VALID, clock, in_call};
use crate::rules::ledger::Record;
use crate::rules::notation::{Everything, call, category, question, scope, word};

/// Records put down by hand, a minute apart.
struct Facts {
    oracle: Oracle,
    now: Time,
    next: u64,
}

impl Facts {
    fn holding(categories: &[&str], fcc: bool) -> Self {
        let mut facts = Self {
            oracle: Oracle::default(),
            now: clock("09:00"),
            next: 1,
        };
        facts.oracle.fcc = fcc;
        for opened in categories {
            facts.open(opened);
        }
        facts
    }

    fn put(
        &mut self,
        event: Event,
        occurred_at: Option<Time>,
        command: Option<Position>,
    ) -> Position {
        let position = Position(self.next);
        self.next += 1;
        self.oracle.note(&Record {
            position,
            command: command.unwrap_or(position),
            recorded_at: self.now,
            occurred_at,
            event,
        });
        self.now = self.now.plus_minutes(1);
        position
    }

    fn open(&mut self, opened: &str) {
        let category = category(opened);
        self.put(Event::ServiceOpened(ServiceOpened { category }), None, None);
    }

    fn close(&mut self, closed: &str) {
        let (category, ends_at) = (category(closed), self.now);
        self.put(
            Event::ServiceClosed(ServiceClosed { category, ends_at }),
            None,
            None,
        );
    }

    fn say(&mut self, said: &str) -> Position {
        self.say_with(said, &[], None, None)
    }

    fn say_with(
        &mut self,
        said: &str,
        lifts: &[Position],
        occurred_at: Option<Time>,
        command: Option<Position>,
    ) -> Position {
        let statement = VALID.statement(self.now, None);
        let event = match word(said) {
            SpokenWord::Grant { scope, .. } => Event::Granted(Granted {
                scope,
                lifts: lifts.to_vec(),
                still_blocked_by: vec![],
                statement,
            }),
            SpokenWord::Block(block) => Event::Blocked(Blocked { block, statement }),
        };
        self.put(event, occurred_at, command)
    }

    /// A notice of `COMPANY; BILLING; M` that leaves 30 days. The oracle counts its clock itself.
    fn ask_opt_out(&mut self, delivery: Delivery) -> Position {
        let nothing = Time(0);
        let sent = NoticeSent {
            campaign: None,
            template: EntityId::parse("t").unwrap(),
            approved: Position(1),
            text_digest: Sha256Digest([0; 32]),
            delivery,
            covers: scope("COMPANY; BILLING; M", Everything::Written),
            email_consent: None,
            opt_out: Some(OptOutClock {
                days: 30,
                enabled: true,
                matures_at: nothing,
                refresh_at: nothing,
            }),
        };
        self.put(Event::Notices(NoticeEvent::Sent(sent)), None, None)
    }

    #[track_caller]
    fn answer(&self, asked: &str, allowed: bool, state: State, basis: Option<Basis>) {
        let answer = self.oracle.ask(&question(asked), self.now);
        assert_eq!(answer.allowed, Some(allowed), "{asked}: {answer:?}");
        assert_eq!(answer.state, state, "{asked}: {answer:?}");
        assert_eq!(
            answer.bases.first().copied().filter(|_| allowed),
            basis,
            "{asked}"
        );
    }

    #[track_caller]
    fn yes(&self, asked: &str) {
        self.answer(asked, true, State::Granted, Some(Basis::Grant));
    }

    #[track_caller]
    fn no(&self, asked: &str, state: State) {
        self.answer(asked, false, state, None);
    }
}

#[test]
fn v07_to_v09_names_and_lifts() {
    let mut k = Facts::holding(&["LOCAL"], false);
    k.say("g(COMPANY + AFFILIATE; ALL; M)");
    k.say("d(AFFILIATE acme; *; M)");
    k.no("AFFILIATE acme; BILLING; M→CMRS", State::Denied);
    k.yes("AFFILIATE beta; BILLING; M→CMRS");
    k.no("AFFILIATE; BILLING; M→CMRS", State::Denied);
    k.yes("COMPANY; BILLING; M→CMRS");

    let mut k = Facts::holding(&["LOCAL"], false);
    let d1 = k.say("d(AFFILIATE acme; *; M)");
    let g2 = k.say("g(AFFILIATE; ALL; M)");
    assert_eq!(k.oracle.still_blocked_by(g2), [[d1].into(), [d1].into()]);
    k.no("AFFILIATE acme; BILLING; M", State::Denied);
    k.yes("AFFILIATE beta; BILLING; M");
    k.say_with("g(AFFILIATE; ALL; M)", &[d1], None, None);
    k.yes("AFFILIATE acme; BILLING; M");
}

#[test]
fn v10_to_v15_scopes_and_order() {
    let mut k = Facts::holding(&["LOCAL"], false);
    k.say("d(*; *; *)");
    k.say("g(COMPANY; BILLING; M)");
    k.yes("COMPANY; BILLING; M→CMRS");
    k.no("COMPANY; QUANTITY; M→CMRS", State::Denied);
    k.say("d(*; *; *)");
    k.no("COMPANY; BILLING; M→CMRS", State::Denied);

    let mut k = Facts::holding(&["LOCAL"], false);
    let d1 = k.say("d(*; BILLING; M)");
    let g2 = k.say("g(AFFILIATE; ALL; M)");
    assert_eq!(k.oracle.still_blocked_by(g2), [[d1].into(), [d1].into()]);
    k.no("AFFILIATE beta; BILLING; M", State::Denied);
    k.yes("AFFILIATE beta; TYPE; M");

    let mut k = Facts::holding(&["LOCAL"], false);
    let d = k.say("d(COMPANY; BILLING; M)");
    k.say_with("g(COMPANY; BILLING; M)", &[], None, Some(d));
    k.no("COMPANY; BILLING; M", State::Denied);

    let mut k = Facts::holding(&["LOCAL"], false);
    k.say_with("g(COMPANY; BILLING; M)", &[], Some(clock("08:02")), None);
    k.say_with("d(COMPANY; BILLING; M)", &[], Some(clock("08:00")), None);
    k.no("COMPANY; BILLING; M", State::Denied);
}

#[test]
fn v20_v22_v40_v42_restrictions_held_categories_and_what_is_blocked_along() {
    for fcc in [false, true] {
        let mut k = Facts::holding(&["LOCAL"], fcc);
        k.say("g(COMPANY; ALL; M)");
        k.say("r(COMPANY; ALL except BILLING; M)");
        k.yes("COMPANY; BILLING; M→CMRS");
        k.no("COMPANY; QUANTITY; M→CMRS", State::Restricted);
        k.say("d(COMPANY; DESTINATION; M)");
        k.no("COMPANY; CALL_DETAIL; M→CMRS", State::Denied);

        let mut k = Facts::holding(&["LOCAL"], fcc);
        k.answer(
            "COMPANY; BILLING; M→LOCAL",
            true,
            State::Unknown,
            Some(Basis::HeldCategory),
        );
        k.say("d(COMPANY; *; M)");
        let basis = fcc.then_some(Basis::HeldCategory);
        k.answer("COMPANY; BILLING; M→LOCAL", fcc, State::Denied, basis);

        let mut k = Facts::holding(&["LOCAL"], fcc);
        k.say("g(AFFILIATE + PARENT; ALL; M)");
        k.yes("PARENT mom; BILLING; M");
        k.say("d(AFFILIATE; *; M)");
        k.no("PARENT mom; BILLING; M", State::Denied);
    }
}

#[test]
fn v24_the_last_disconnection() {
    let mut k = Facts::holding(&["LOCAL", "VOIP"], false);
    k.say("d(AFFILIATE; *; M)");
    k.say("g(AGENT; ALL; M)");
    let (beta, agent) = (
        "AFFILIATE beta; BILLING; M→CMRS",
        "AGENT ag; BILLING; M→CMRS",
    );
    k.close("LOCAL");
    k.no(beta, State::Denied);
    k.yes(agent);
    k.close("VOIP");
    k.no(beta, State::Lapsed);
    k.no(agent, State::Lapsed);
    k.open("LOCAL");
    k.no(beta, State::Denied);
    k.no(agent, State::Unknown);
}

#[test]
fn v28_to_v34_the_clocks_of_notices() {
    let mut k = Facts::holding(&["LOCAL"], true);
    let asked = question("COMPANY; BILLING; M→CMRS");
    let state = |k: &Facts, at: &str| k.oracle.ask(&asked, clock(at)).state;
    k.now = clock("2027-01-01T15:00:00Z");
    let n1 = k.ask_opt_out(Delivery::Email);
    assert_eq!(state(&k, "2027-01-31T14:59:59Z"), State::Waiting);
    assert_eq!(state(&k, "2027-01-31T15:00:00Z"), State::OptOutApproved);
    assert_eq!(state(&k, "2029-01-01T07:00:00Z"), State::RefreshOverdue);
    k.now = clock("2027-06-01T15:00:00Z");
    let failed = NoticeFailed {
        notice: n1,
        outcome: Outcome::Bounced,
        voids_since: None,
    };
    k.put(Event::Notices(NoticeEvent::Failed(failed)), None, None);
    k.ask_opt_out(Delivery::Email);
    assert_eq!(state(&k, "2027-08-01T00:00:00Z"), State::Unknown);

    k.now = clock("2028-01-01T19:00:00Z");
    k.ask_opt_out(Delivery::Post);
    assert_eq!(state(&k, "2028-02-03T06:59:59Z"), State::Waiting);
    assert_eq!(state(&k, "2028-02-03T07:00:00Z"), State::OptOutApproved);
    assert_eq!(state(&k, "2030-01-01T07:00:00Z"), State::RefreshOverdue);
    let before = k.oracle.clone();
    k.now = clock("2029-12-01T20:00:00Z");
    k.ask_opt_out(Delivery::Electronic);
    assert_eq!(state(&k, "2030-01-15T00:00:00Z"), State::OptOutApproved);
    assert_eq!(state(&k, "2031-12-01T07:00:00Z"), State::RefreshOverdue);
    k.oracle = before;
    k.now = clock("2030-02-01T15:00:00Z");
    k.ask_opt_out(Delivery::Electronic);
    assert_eq!(state(&k, "2030-02-10T00:00:00Z"), State::Waiting);
    assert_eq!(state(&k, "2030-03-03T15:00:00Z"), State::OptOutApproved);
}

#[test]
fn v35_a_one_time_approval() {
    let mut k = Facts::holding(&["LOCAL"], false);
    k.say("d(COMPANY; *; M)");
    let grant = GrantOnce {
        call: call("c7"),
        scope: scope("COMPANY; BILLING; M", Everything::Written),
        statement: VALID.statement(k.now, None),
    };
    let ends_at = k.now.plus_hours(4);
    k.put(
        Event::GrantedOnce(GrantedOnce {
            grant,
            ends_at,
            evidence_due_by: None,
        }),
        None,
        None,
    );
    let asked = in_call("c7", "COMPANY; BILLING; M→CMRS");
    let answer = k.oracle.ask(&asked, k.now);
    assert_eq!((answer.allowed, answer.state), (Some(true), State::Denied));
    k.no("COMPANY; BILLING; M→CMRS", State::Denied);
    assert_eq!(k.oracle.ask(&asked, ends_at).allowed, Some(false));
    k.put(Event::CallEnded(CallEnded { call: call("c7") }), None, None);
    assert_eq!(k.oracle.ask(&asked, k.now).allowed, Some(false));
}
