//! R5: hindsight against the oracle, and what must hold of it whatever the history.

use std::collections::BTreeSet;

use consent_ledger::domain::asserted::Asserted;
use consent_ledger::domain::authentication::of_record::ReachKind;
use consent_ledger::domain::authentication::telling::Telling;
use consent_ledger::domain::authentication::verification::{Caller, VerifiedFor};
use consent_ledger::domain::company::Company;
use consent_ledger::domain::consent::word::Assurance;
use consent_ledger::domain::customer::{Customer, World, rule};
use consent_ledger::domain::disclosures::Ground;
use consent_ledger::domain::event::Event;
use consent_ledger::domain::hindsight::{self, Folding, Then};
use consent_ledger::domain::ids::{Position, Token};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::ruling::{Ruling, State};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{AssuranceMethod, Purpose};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::histories::{
    Asked, Play, Step, asked, config, config_of, desk, reach, step, steps, switching_step,
};
use crate::oracle::Answer;
use crate::rules::books::{def, fcc};
use crate::rules::grounds::some;
use crate::rules::imports::{asserted, full, held, line, notice};
use crate::rules::ledger::{Adopted, Ledger, Record, placed};
use crate::rules::notation::question;

/// Instants around those at which something happened or was recorded, some of them, and only once the customer was known.
fn moments(records: &[Record]) -> Vec<Time> {
    let opened = records.first().map(|record| record.recorded_at);
    let mut all = BTreeSet::new();
    for record in records {
        for at in [Some(record.recorded_at), record.occurred_at]
            .iter()
            .flatten()
        {
            all.extend([Time(at.0 - 1), *at]);
        }
    }
    all.retain(|at| opened.is_some_and(|opened| *at >= opened));
    let step = all.len().div_ceil(16).max(1);
    all.into_iter().step_by(step).collect()
}

/// Whether the state may have forgotten that something was held: it keeps the newest interval of each category, and a
/// closing that is dated back, recorded after a category was opened for the second time, may look like a lapse. A grant
/// then counts as ended: a doubt is no.
fn may_have_forgotten(records: &[Record]) -> bool {
    let mut opened = Vec::new();
    let mut twice = false;
    records.iter().any(|record| match &record.event {
        Event::ServiceOpened(event) => {
            twice |= opened.contains(&event.category);
            opened.push(event.category.clone());
            false
        }
        Event::ServiceClosed(event) => twice && event.ends_at < record.recorded_at,
        _ => false,
    })
}

/// What the rules know of a moment: as of then, or in hindsight.
struct Past {
    then: Then,
    customer: Option<Customer>,
    rulebook: Adopted,
    company: Company,
    known: Option<Company>,
}

impl Past {
    fn as_of(ledger: &Ledger, then: Then) -> Self {
        let mut known = (ledger.records.iter())
            .filter(|record| then.knew(record.position, record.recorded_at))
            .map(|record| record.position);
        Self {
            then,
            customer: (known.next_back()).and_then(|newest| ledger.replayed_to(newest)),
            rulebook: rulebook(ledger, then),
            company: company(ledger, then),
            known: None,
        }
    }

    fn in_hindsight(ledger: &Ledger, then: Then) -> Self {
        let of_company = ledger.of_company.iter().map(|record| record.placed());
        Self {
            then,
            customer: hindsight::customer(ledger.records.iter().map(placed), then),
            rulebook: rulebook(ledger, then),
            company: hindsight::company(of_company, then),
            known: Some(company(ledger, then)),
        }
    }

    fn answer(&self, question: &Question) -> Ruling {
        let world = World {
            rulebook: self.rulebook.book,
            opt_out_since: self.rulebook.opt_out_since,
            pic_request_used: false,
            company: &self.company,
            known: self.known.as_ref(),
        };
        rule(self.customer.as_ref(), world, question, self.then.at)
    }
}

/// The rulebook in force then (R24).
fn rulebook(ledger: &Ledger, then: Then) -> Adopted {
    let mut newest_first = ledger.adopted.iter().rev();
    let known = |one: &&Adopted| then.knew(one.position, one.recorded_at);
    *newest_first.find(known).unwrap()
}

/// The company as it was known then.
fn company(ledger: &Ledger, then: Then) -> Company {
    let mut company = Company::default();
    let known =
        (ledger.of_company.iter()).filter(|record| then.knew(record.position, record.recorded_at));
    known.for_each(|record| company.follow(&record.placed()));
    company
}

/// Every position, with the clock of its record.
fn positions(ledger: &Ledger) -> Vec<Then> {
    let of_customer = (ledger.records.iter()).map(|one| (one.position, one.recorded_at));
    let of_company = (ledger.of_company.iter()).map(|one| (one.position, one.recorded_at));
    let adopted = (ledger.adopted.iter()).map(|one| (one.position, one.recorded_at));
    let all = of_customer.chain(of_company).chain(adopted);
    let all: BTreeSet<(Position, Time)> = all.collect();
    let then = |(position, at)| Then {
        at,
        through: Some(position),
    };
    all.into_iter().map(then).collect()
}

/// The stricter of two answers, and the states that it may give; none where an answer is left open.
fn stricter(one: Answer, other: Answer) -> (Option<bool>, Option<[State; 2]>) {
    let states = |answer: Answer| Some([answer.state, answer.or_state]);
    match (one.allowed, other.allowed) {
        (Some(true), Some(false)) => (Some(false), states(other)),
        (Some(false), Some(true)) => (Some(false), states(one)),
        (Some(false), Some(false)) | (Some(true), Some(true)) => {
            let state = one.state.max(other.state);
            (one.allowed, Some([state, one.or_state.max(other.or_state)]))
        }
        (Some(false), None) | (None, Some(false)) => (Some(false), None),
        _ => (None, None),
    }
}

/// What is imported into a history that goes on.
#[derive(Clone, Debug)]
enum Turn {
    Step(Step),
    /// A line of an import: what it asserts, and of which month of the year before.
    Import(usize, u32),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        12 => step().prop_map(Turn::Step),
        4 => switching_step().prop_map(Turn::Step),
        5 => desk().prop_map(Step::Desk).prop_map(Turn::Step),
        2 => (0..5_usize, 1..=12_u32).prop_map(|(what, month)| Turn::Import(what, month)),
    ];
    vec(turn, 5..40)
}

fn imported(what: usize, month: u32) -> Asserted {
    let day = format!("2025-{month:02}-01");
    match what {
        0 => asserted("d(COMPANY; BILLING; M)", full(&day)),
        1 => asserted("g(COMPANY; BILLING; M)", full(&day)),
        2 => held("LOCAL", "2020-01-01", Some(&day)),
        3 => held("VOIP", &day, None),
        _ => notice(&day),
    }
}

impl Turn {
    fn live(&self, play: &mut Play) {
        match self {
            Self::Step(step) => {
                play.step(step);
            }
            Self::Import(what, month) => {
                let command = line(play.ledger.next, &imported(*what, *month));
                play.submit(&command, None);
            }
        }
    }
}

/// What may be asked whatever the history.
const ALWAYS_ASKED: [&str; 14] = [
    "COMPANY; BILLING; M→CMRS",
    "COMPANY; BILLING; M→LOCAL",
    "COMPANY; QUANTITY; M→VOIP",
    "AFFILIATE; BILLING; M→CMRS",
    "AFFILIATE acme; BILLING; M→CMRS",
    "AFFILIATE acme; BILLING; M→LOCAL",
    "AFFILIATE beta; BILLING; M→CMRS",
    "AGENT; BILLING; M→CMRS",
    "AGENT; BILLING; M→LOCAL",
    "AGENT ag; BILLING; M→LOCAL",
    "AGENT acme; BILLING; M→CMRS",
    "PARENT; BILLING; M→CMRS",
    "PARENT mom; BILLING; M→CMRS",
    "PARTNER_OR_CONTRACTOR jv; BILLING; M→CMRS",
];

/// Questions about telling the customer or a contact: on every verification that there ever was, on one that is stated, and
/// by mail.
fn tellings(ledger: &Ledger) -> Vec<Question> {
    use consent_ledger::domain::authentication::AuthenticationEvent::VerificationOpened;

    let mailed = Telling::Mailed {
        address: reach(ReachKind::PostalAddress).value,
    };
    let mut questions = vec![telling("CUSTOMER; BILLING; BILLING", mailed, None)];
    for record in &ledger.records {
        let Event::Authentication(VerificationOpened(opened)) = &record.event else {
            continue;
        };
        let asked = match (opened.identified.caller, opened.identified.purpose) {
            (Caller::AccountHolder, VerifiedFor::TechnicalSupport) => "CUSTOMER; BILLING; SERVICE",
            (Caller::AccountHolder, _) => "CUSTOMER; BILLING; BILLING",
            (_, VerifiedFor::TechnicalSupport) => "AUTHORIZED_CONTACT; BILLING; SERVICE",
            (..) => "AUTHORIZED_CONTACT; BILLING; BILLING",
        };
        let on_record = Telling::OnRecord {
            record: record.position,
            cited_by_caller: false,
        };
        let stated = Telling::Stated(Assurance {
            method: AssuranceMethod::OnlineAccount,
            reference: some("verification 9"),
            at: record.recorded_at,
        });
        for told in [on_record, stated] {
            questions.push(telling(asked, told, Some(opened.identified.call)));
        }
    }
    questions
}

fn telling(asked: &str, telling: Telling, call: Option<Token>) -> Question {
    let (asked, verification) = (question(asked), Some(telling));
    let ground = match asked.purpose {
        Purpose::Service => Ground::Service {
            ticket: some("ticket 5"),
            open: true,
            verification,
        },
        _ => Ground::Billing {
            invoice: some("run 7"),
            verification,
        },
    };
    Question {
        call,
        ground: Some(ground),
        ..asked
    }
}

proptest! {
    #![proptest_config(config())]

    /// R5: at every moment of the history, on every question.
    #[test]
    fn r05_hindsight_and_oracle_agree_at_every_moment(
        by_fcc: bool,
        steps in prop_oneof![2 => steps(), 1 => vec(switching_step(), 1..25)],
        questions in vec(asked(), 4),
    ) {
        let book = if by_fcc { fcc() } else { def() };
        let play = Play::new(book, by_fcc, &["LOCAL"]).through(&steps);
        let is_exact = !may_have_forgotten(&play.ledger.records);
        for at in moments(&play.ledger.records) {
            let past = Past::in_hindsight(&play.ledger, Then { at, through: None });
            let oracle = play.oracle.in_hindsight(at);
            let known = play.oracle.in_hindsight_as_known(at);
            for question in &questions {
                let expected = [oracle.ask(question, at), known.ask(question, at)];
                let ruling = past.answer(question);
                let context = || format!("{question:?}\nat {at}: {expected:?}\n{ruling:#?}");
                let [one, other] = expected.clone();
                let (allowed, state) = stricter(one, other);
                let agree = state.is_none_or(|states| states.contains(&ruling.state));
                prop_assert!(!is_exact || agree, "{}", context());
                if let Some(allowed) = allowed {
                    let agree = ruling.allowed == allowed || !is_exact && allowed;
                    prop_assert!(agree, "{}", context());
                }
            }
        }
    }

    /// Asked for one moment after another, whatever their order, it says what it says of each alone; and of moments that
    /// rise it follows no record twice (T5).
    #[test]
    fn r05_t5_states_in_hindsight_follow_from_each_other(turns in turns()) {
        let mut play = Play::new(def(), false, &["LOCAL", "VOIP"]);
        turns.iter().for_each(|turn| turn.live(&mut play));
        let records = || play.ledger.records.iter().map(placed);
        let rising = positions(&play.ledger);
        let mut states = Folding::of(records());
        for then in rising.iter().chain(rising.iter().rev()) {
            let alone = hindsight::customer(records(), *then);
            let found = states.at(*then);
            prop_assert_eq!(found.as_deref(), alone.as_ref(), "{:?}", then);
        }
        let (mut states, mut narrowing) = (Folding::of(records()), 0);
        for then in &rising {
            states.at(*then);
            let before = states.looked_at();
            // The same moment again: only what narrows it later is looked at.
            states.at(*then);
            narrowing += states.looked_at() - before;
        }
        prop_assert_eq!(states.looked_at() - 2 * narrowing, play.ledger.records.len());
    }

    /// After the last record there is nothing that hindsight could know better.
    #[test]
    fn r05_hindsight_of_the_newest_record_is_the_present(steps in steps()) {
        let play = Play::new(def(), false, &["LOCAL"]).through(&steps);
        let then = Then { at: play.ledger.now, through: None };
        let past = Past::in_hindsight(&play.ledger, then);
        prop_assert_eq!(past.customer, play.ledger.customer);
        prop_assert_eq!(past.company, play.ledger.company);
    }
}

proptest! {
    #![proptest_config(config_of(256))]

    /// R5: no record makes a past use lawful, so that hindsight never says yes where the ledger said no then: at every
    /// position and around every instant of a history with imports, callers, contacts, entities and rulebooks.
    #[test]
    fn r05_what_was_no_as_of_then_is_no_in_hindsight(
        by_fcc: bool,
        turns in turns(),
        questions in vec(asked(), 4),
        every in select(vec![1_usize, 3]),
    ) {
        let book = if by_fcc { fcc() } else { def() };
        let mut play = Play::new(book, by_fcc, &["LOCAL", "VOIP"]);
        turns.iter().for_each(|turn| turn.live(&mut play));
        let ledger = &play.ledger;
        let mut questions: Vec<Question> = questions.into_iter().map(|Asked(one)| one).collect();
        questions.extend(ALWAYS_ASKED.map(question));
        questions.extend(tellings(ledger));
        let instants = moments(&ledger.records).into_iter();
        let moments = positions(ledger).into_iter().step_by(every);
        for then in moments.chain(instants.map(|at| Then { at, through: None })) {
            let (as_of, hindsight) = (Past::as_of(ledger, then), Past::in_hindsight(ledger, then));
            for question in &questions {
                let then = as_of.answer(question);
                let hindsight = hindsight.answer(question);
                let context = || format!(
                    "{question:?}\nat {:?}\n{then:#?}\n{hindsight:#?}\n{:#?}",
                    as_of.then, ledger.records,
                );
                prop_assert!(then.allowed || !hindsight.allowed, "{}", context());
            }
        }
    }
}
