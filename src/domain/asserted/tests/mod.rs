//! Imports, told as stories: what counts, what is history, what never lifts and never widens.

use super::*;
use crate::domain::command::Command;
use crate::domain::consent::speak::WORDS_MAX;
use crate::domain::consent::word::{Block, BlockKind};
use crate::domain::disclosures::grounds::GroundKind;
use crate::domain::ids::{Position, Sha256Digest};
use crate::domain::ruling::{Basis, State};
use crate::domain::testing::*;
use crate::domain::vocabulary::CpniClass::Billing;
use crate::domain::vocabulary::{CpniClass, CpniClasses, Medium, Purpose, RecipientKind, Speaker};

mod services;

/// The first instant of a year; imports assert what happened in years past.
fn year(year: i64) -> Time {
    let leap_days = (1970..year)
        .filter(|y| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0))
        .count() as i64;
    Time(((year - 1970) * 365 + leap_days) * 86_400_000_000)
}

fn company_all() -> Scope {
    company(CpniClasses::ALL)
}

fn account(opened: i64) -> Asserted {
    Asserted::Account(AssertedAccount {
        legal_entity: entity("infotech"),
        opened_at: year(opened),
        closed_at: None,
    })
}

fn service(name: &str, opened: i64, closed: Option<i64>) -> Asserted {
    Asserted::Service(AssertedService {
        category: category(name),
        opened_at: year(opened),
        closed_at: closed.map(year),
    })
}

fn given(version: &str, at: i64, covers: Scope) -> AssertedNotice {
    AssertedNotice {
        version: version.into(),
        given_at: year(at),
        form: Medium::Written,
        language: "en".into(),
        covers,
        opt_out: false,
        text_digest: None,
    }
}

/// Full evidence, said in that year, answering the notice `v1`.
fn full(said: i64) -> Circumstances {
    Circumstances {
        said_at: Some(year(said)),
        method: Some(Medium::Written),
        speaker: Some(Speaker::AccountHolder),
        notice_version: Some("v1".into()),
        evidence_digest: Some(Sha256Digest([9; 32])),
    }
}

fn grant(said: i64) -> Asserted {
    grant_of(company_all(), full(said))
}

fn grant_of(scope: Scope, said: Circumstances) -> Asserted {
    Asserted::Grant(AssertedGrant { scope, said })
}

fn deny(scope: Scope, said: Option<i64>) -> Asserted {
    Asserted::Block(AssertedBlock {
        block: Block {
            kind: BlockKind::Deny,
            scope,
            except: Box::default(),
        },
        said: Circumstances {
            said_at: said.map(year),
            ..Circumstances::default()
        },
    })
}

/// An import into a story: each fact is a line.
struct Import {
    story: Story,
    line: u64,
}

impl Import {
    fn new() -> Self {
        Self::into(Story::new(policy()))
    }

    fn into(story: Story) -> Self {
        Self { story, line: 0 }
    }

    /// An account of 2015 with local service since then, and a notice `v1` of 2016 that covers everything.
    fn begun() -> Self {
        let mut import = Self::new();
        for fact in [
            account(2015),
            service("local", 2015, None),
            Asserted::Notice(given("v1", 2016, Scope::everything())),
        ] {
            assert_eq!(import.bring(fact), []);
        }
        import
    }

    fn attempt(&mut self, fact: Asserted) -> Result<Vec<Event>, Refusal> {
        self.line += 1;
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.line.to_le_bytes());
        self.attempt_keyed(fact, Token(key))
    }

    fn attempt_keyed(&mut self, fact: Asserted, key: Token) -> Result<Vec<Event>, Refusal> {
        let source = Source {
            import: entity("crm-2026"),
            line: self.line,
            key,
        };
        self.story.attempt(&Command::Assert(Assert {
            source,
            fact,
            reference: told("box 7"),
        }))
    }

    /// Imports the fact, and gives back what it falls short of.
    fn bring(&mut self, fact: Asserted) -> Vec<Shortfall> {
        match self.attempt(fact).unwrap().last() {
            Some(Event::Asserted(event)) => event.shortfalls().to_vec(),
            other => panic!("{other:?}"),
        }
    }

    fn refused(&mut self, fact: Asserted) -> (RefusalCode, String) {
        let before = self.story.customer.clone();
        let refusal = self.attempt(fact).unwrap_err();
        assert_eq!(self.story.customer, before);
        (refusal.code, refusal.field)
    }

    /// May the company use billing data to market mobile service?
    fn answer(&self) -> (bool, State, Vec<u64>) {
        let ruling = self.story.ask(&market(Billing, "cmrs"));
        let positions = ruling.cells[0].positions.iter().map(|one| one.0).collect();
        (ruling.allowed, ruling.state, positions)
    }

    fn last(&self) -> u64 {
        self.story.state().last.0
    }
}

#[test]
fn v16_an_asserted_grant_never_lifts_a_witnessed_denial_however_late_it_claims_to_be() {
    let mut story = Story::begun();
    let denial = story.deny(company_all());
    let mut import = Import::into(story);
    import.bring(service("local", 2015, None));
    import.bring(Asserted::Notice(given("v1", 2016, Scope::everything())));
    assert_eq!(import.bring(grant(2017)), []);
    assert_eq!(import.answer(), (false, State::Denied, vec![denial]));
    // The answer to the import names the denial.
    match import.attempt(grant_of(company(classes(&[Billing])), full(2018))) {
        Ok(events) => match &events[..] {
            [Event::Asserted(AssertedEvent::Granted(event))] => {
                assert_eq!(event.still_blocked_by, [Position(denial)]);
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
    assert_eq!(import.answer(), (false, State::Denied, vec![denial]));
}

#[test]
fn v17_an_asserted_grant_without_its_evidence_is_history_and_the_answer_says_why() {
    type Lose = fn(&mut Circumstances);
    let losses: [(Lose, Shortfall); 6] = [
        (
            |said| said.evidence_digest = None,
            Shortfall::EvidenceMissing,
        ),
        (|said| said.said_at = None, Shortfall::DateMissing),
        (|said| said.method = None, Shortfall::MethodMissing),
        (|said| said.notice_version = None, Shortfall::NoticeMissing),
        (|said| said.speaker = None, Shortfall::SpeakerMayNotGrant),
        (
            |said| said.speaker = Some(Speaker::Other),
            Shortfall::SpeakerMayNotGrant,
        ),
    ];
    for (lose, shortfall) in losses {
        let mut import = Import::begun();
        let mut said = full(2017);
        lose(&mut said);
        assert_eq!(import.bring(grant_of(company_all(), said)), [shortfall]);
        assert_eq!(import.answer(), (false, State::Unknown, vec![]));
        assert!(import.story.state().words.is_empty());
    }
}

#[test]
fn v18_an_asserted_grant_with_all_evidence_counts_from_its_record_and_not_before() {
    let mut import = Import::begun();
    let before = import.story.now;
    assert_eq!(import.bring(grant(2017)), []);
    assert_eq!(import.answer(), (true, State::Granted, vec![import.last()]));
    let question = market(Billing, "cmrs");
    let hindsight = import.story.ask_at(&question, before);
    assert!(!hindsight.allowed);
    let unknown = Story::new(policy()).ask_at(&question, before);
    assert!(!unknown.allowed);
}

#[test]
fn r15_an_asserted_grant_answers_a_notice_that_was_given_by_then_and_covers_it() {
    let mut import = Import::begun();
    assert_eq!(import.bring(grant(2015)), [Shortfall::NoticeNotGiven]);
    let mut unknown = full(2017);
    unknown.notice_version = Some("v9".into());
    let unknown = grant_of(company_all(), unknown);
    assert_eq!(import.bring(unknown), [Shortfall::NoticeNotGiven]);
    let narrow = given("v2", 2016, company(classes(&[Billing])));
    assert_eq!(import.bring(Asserted::Notice(narrow)), []);
    let mut said = full(2017);
    said.notice_version = Some("v2".into());
    let wide = grant_of(company_all(), said.clone());
    assert_eq!(import.bring(wide), [Shortfall::NoticeTooNarrow]);
    let within = grant_of(company(classes(&[Billing])), said);
    assert_eq!(import.bring(within), []);
}

#[test]
fn r15_an_asserted_opt_out_never_matures_and_no_grant_answers_it() {
    let mut import = Import::new();
    import.bring(account(2015));
    import.bring(service("local", 2015, None));
    let mut notice = given("v1", 2016, Scope::everything());
    notice.opt_out = true;
    assert_eq!(import.bring(Asserted::Notice(notice)), [Shortfall::OptOut]);
    assert_eq!(import.bring(grant(2017)), [Shortfall::NoticeNotGiven]);
    let ruling = (import.story).ask_at(&market(Billing, "cmrs"), year(2090));
    assert_eq!((ruling.allowed, ruling.state), (false, State::Unknown));
}

#[test]
fn c2_no_witnessed_grant_answers_an_asserted_notice() {
    let mut import = Import::begun();
    let mut command = import.story.speaking(vec![granting(company_all())]);
    command.statement.notice = Some(Position(import.last()));
    let refused = import.story.refused(Command::Speak(command));
    assert_eq!(refused, RefusalCode::NoticeRequired);
}

#[test]
fn r4_two_asserted_words_go_by_their_dates_whatever_their_order_in_the_import() {
    for turned in [false, true] {
        for (granted, denied, allowed) in
            [(2018, 2017, true), (2017, 2018, false), (2017, 2017, false)]
        {
            let mut import = Import::begun();
            let mut words = vec![grant(granted), deny(company_all(), Some(denied))];
            if turned {
                words.reverse();
            }
            for word in words {
                import.bring(word);
            }
            assert_eq!(import.answer().0, allowed, "{granted} {denied}");
        }
    }
}

#[test]
fn r4_an_asserted_denial_without_a_date_stands_until_the_customer_lifts_it_here() {
    let mut import = Import::begun();
    import.bring(deny(company_all(), None));
    import.bring(grant(2020));
    assert!(!import.answer().0);
    import.story.notice(Scope::everything());
    import.story.grant(company_all());
    assert!(import.answer().0);
    // A denial of before, imported after that: nobody knows that the grant was meant to lift it.
    import.bring(deny(company(classes(&[Billing])), Some(2019)));
    let denial = import.last();
    assert_eq!(import.answer(), (false, State::Denied, vec![denial]));
    // The verified customer lifts it by name.
    import.story.grant_lifting(company_all(), &[denial]);
    assert!(import.answer().0);
}

#[test]
fn c2_the_same_fact_is_recorded_once() {
    let mut import = Import::begun();
    let key = Token([7; 16]);
    import.attempt_keyed(grant(2017), key).unwrap();
    let before = import.story.customer.clone();
    let again = import.attempt_keyed(grant(2017), key).unwrap_err();
    assert_eq!(again.code, RefusalCode::AlreadyAsserted);
    assert_eq!(import.story.customer, before);
}

#[test]
fn c2_thousands_of_asserted_words_stay_bounded_and_the_latest_date_of_a_repeat_counts() {
    let mut import = Import::begun();
    for turn in 0..3_000 {
        let said = if turn == 17 { 2024 } else { 2016 + turn % 4 };
        import.bring(deny(company_all(), Some(said)));
    }
    assert_eq!(import.story.state().words.len(), 1);
    assert_eq!(
        import.story.state().imported.as_ref().unwrap().keys.len(),
        KEYS_MAX
    );
    import.bring(grant(2023));
    assert!(!import.answer().0, "the denial was repeated in 2024");
    import.bring(grant(2025));
    assert!(import.answer().0);
}

#[test]
fn c2_beyond_what_is_kept_grants_are_history_and_denials_reach_everything() {
    let mut import = Import::begun();
    let by_name = |turn: usize| {
        marketing(
            named(RecipientKind::Affiliate, &format!("a{turn}")),
            CpniClasses::ALL,
        )
    };
    let mut counted = 0;
    for turn in 0..300 {
        counted += usize::from(import.bring(grant_of(by_name(turn), full(2017))).is_empty());
    }
    assert_eq!(counted, WORDS_WITH_GRANT_MAX);
    assert_eq!(
        import.bring(grant_of(by_name(300), full(2017))),
        [Shortfall::TooManyWords]
    );
    for turn in 0..300 {
        import.bring(deny(by_name(turn), Some(2018)));
    }
    assert!(import.story.state().words.len() <= WORDS_MAX + 1);
    assert_eq!(import.answer().1, State::Denied);
}

#[test]
fn c2_facts_that_are_not_of_the_past_or_not_clear_are_refused_with_their_field() {
    let mut import = Import::new();
    assert_eq!(
        import
            .attempt(service("local", 2015, None))
            .unwrap_err()
            .code,
        RefusalCode::CustomerUnknown
    );
    import.bring(account(2015));
    for line in [0, 1 << 53] {
        let source = Source {
            import: entity("crm-2026"),
            line,
            key: Token([5; 16]),
        };
        let fact = deny(company_all(), None);
        let command = Command::Assert(Assert {
            source,
            fact,
            reference: None,
        });
        assert_eq!(import.story.refused(command), RefusalCode::Invalid);
    }
    let empty = grant_of(marketing(kinds(&[]), CpniClasses::ALL), full(2017));
    let mut third = company_all();
    third.recipients = kinds(&[RecipientKind::ThirdParty]);
    let mut nameless = given("v1", 2016, Scope::everything());
    nameless.version = "Version 1".into();
    for (fact, code, field) in [
        (
            service("local", 2030, None),
            RefusalCode::OccurredAt,
            "service.opened_at",
        ),
        (
            service("local", 2015, Some(2015)),
            RefusalCode::Invalid,
            "service.closed_at",
        ),
        (
            service("telex", 2015, None),
            RefusalCode::CategoryUnknown,
            "service.category",
        ),
        (
            deny(company_all(), Some(2030)),
            RefusalCode::OccurredAt,
            "word.said_at",
        ),
        (empty, RefusalCode::ScopeRequired, "word.scope.recipients"),
        (
            grant_of(third, full(2017)),
            RefusalCode::ScopeRequired,
            "word.scope.recipients",
        ),
        (
            Asserted::Notice(nameless),
            RefusalCode::Invalid,
            "notice.version",
        ),
    ] {
        assert_eq!(import.refused(fact), (code, field.to_owned()));
    }
}

#[test]
fn p8_an_asserted_disclosure_is_history_and_changes_no_answer() {
    let mut import = Import::begun();
    import.bring(grant(2017));
    let words = import.story.state().words.clone();
    let disclosure = Asserted::Disclosure(AssertedDisclosure {
        made_at: year(2018),
        recipient: RecipientKind::Agent,
        entity: Some(entity("ag")),
        classes: classes(&[Billing]),
        purpose: Purpose::MarketingComms,
        ground: GroundKind::Approval,
    });
    assert_eq!(import.bring(disclosure), []);
    assert_eq!(import.story.state().words, words);
}

#[test]
fn asserted_events_write_themselves_as_records_do() {
    let mut import = Import::begun();
    let event = AssertedEvent::Blocked(OnRecord {
        source: Source {
            import: entity("crm-2026"),
            line: 3,
            key: Token([1; 16]),
        },
        fact: match deny(
            marketing(named(RecipientKind::Affiliate, "acme"), CpniClasses::ALL),
            Some(2017),
        ) {
            Asserted::Block(block) => block,
            other => panic!("{other:?}"),
        },
        reference: None,
        shortfalls: Vec::new(),
        still_blocked_by: Vec::new(),
    });
    let AssertedEvent::Blocked(blocked) = &event else {
        return;
    };
    let text = serde_json::to_string(blocked).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"source":{"import":"crm-2026","line":3,"key":"01010101010101010101010101010101"},"#,
            r#""fact":{"block":{"kind":"deny","scope":{"recipients":["affiliate/acme"],"classes":"all","#,
            r#""purposes":["marketing_comms"]},"except":[]},"said":{"said_at":"2017-01-01T00:00:00.000000Z"}}}"#
        )
    );
    let read: OnRecord<AssertedBlock> = serde_json::from_str(&text).unwrap();
    assert_eq!(read, *blocked);
    // And the state reads itself back from a view.
    import.bring(grant(2017));
    let customer = import.story.state();
    let bytes = postcard::to_stdvec(customer).unwrap();
    assert_eq!(postcard::from_bytes::<Customer>(&bytes).unwrap(), *customer);
}
