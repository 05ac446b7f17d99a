//! Accounts and services of an import: what is held now, and which grants of the years before still stand.

use super::*;

#[test]
fn r5_what_is_asserted_to_be_held_is_held_now_and_makes_no_past_use_lawful() {
    let import = Import::begun();
    let local = market(Billing, "local");
    assert_eq!(import.story.ask(&local).basis, Some(Basis::HeldCategory));
    assert!(!import.story.ask_at(&local, year(2020)).allowed);
    // Closed in the past: not held now, and not a moment since the record.
    let mut import = import;
    assert_eq!(import.bring(service("voip", 2018, Some(2020))), []);
    assert_eq!(import.bring(service("local", 2015, Some(2021))), []);
    assert!(!import.story.ask(&local).allowed);
    assert!(import.story.state().services.lapsed(import.story.now));
}

#[test]
fn r5_an_asserted_service_does_not_reopen_what_the_ledger_saw_closed() {
    let mut import = Import::into(Story::begun());
    import.story.open("voip");
    import.story.close("voip");
    assert_eq!(
        import.bring(service("voip", 2018, None)),
        [Shortfall::ClosedSince]
    );
    assert!(!import.story.ask(&market(Billing, "voip")).allowed);
    // Nor does an older export what a newer one closed.
    assert_eq!(import.bring(service("cmrs", 2015, Some(2020))), []);
    assert_eq!(
        import.bring(service("cmrs", 2015, None)),
        [Shortfall::ClosedSince]
    );
    assert_eq!(import.bring(service("cmrs", 2021, None)), []);
    assert!(import.story.ask(&market(Billing, "cmrs")).allowed);
}

#[test]
fn r9_an_asserted_grant_from_before_the_last_service_was_closed_is_history() {
    let mut import = Import::new();
    import.bring(account(2010));
    import.bring(service("local", 2010, Some(2014)));
    import.bring(service("voip", 2013, Some(2016)));
    import.bring(Asserted::Notice(given("v1", 2010, Scope::everything())));
    assert_eq!(import.bring(grant(2012)), [Shortfall::NoService]);
    import.bring(service("cmrs", 2017, None));
    // None was held in 2016; since 2017 some always was.
    assert_eq!(import.bring(grant(2013)), [Shortfall::NoService]);
    assert_eq!(import.bring(grant(2018)), []);
    assert!(import.answer().0);
}

#[test]
fn r9_closing_one_of_several_asserted_services_is_no_lapse() {
    for first in [true, false] {
        let mut import = Import::new();
        import.bring(account(2010));
        let mut lines = vec![
            service("local", 2010, Some(2014)),
            service("voip", 2013, None),
        ];
        if !first {
            lines.reverse();
        }
        for line in lines {
            import.bring(line);
        }
        import.bring(Asserted::Notice(given("v1", 2010, Scope::everything())));
        assert_eq!(import.bring(grant(2011)), []);
        assert!(import.answer().0);
    }
}

#[test]
fn r9_an_end_that_is_asserted_later_ends_the_grants_of_before_the_gap_for_good() {
    let mut import = Import::begun();
    import.bring(service("voip", 2021, None));
    let old = grant_of(company(classes(&[Billing])), full(2017));
    let new = grant_of(company(classes(&[CpniClass::Type])), full(2022));
    assert_eq!(import.bring(old), []);
    assert_eq!(import.bring(new), []);
    assert!(import.answer().0);
    // Local service ended in 2019: for two years none was held.
    import.bring(service("local", 2015, Some(2019)));
    assert_eq!(import.answer(), (false, State::Unknown, vec![]));
    assert!(import.story.ask(&market(CpniClass::Type, "cmrs")).allowed);
    // What fills the gap later brings nothing back.
    import.bring(service("interexchange", 2018, Some(2022)));
    assert_eq!(import.answer(), (false, State::Unknown, vec![]));
}

#[test]
fn p6_a_customer_who_left_before_the_migration_is_lapsed_and_returns_without_the_old_grants() {
    let mut import = Import::new();
    import.bring(account(2010));
    import.bring(service("local", 2010, Some(2014)));
    import.bring(Asserted::Notice(given("v1", 2010, Scope::everything())));
    assert_eq!(import.bring(grant(2012)), [Shortfall::NoService]);
    import.bring(deny(company_all(), Some(2013)));
    let denial = import.last();
    assert_eq!(import.answer(), (false, State::Lapsed, vec![denial]));
    import.story.open("local");
    assert_eq!(import.answer(), (false, State::Denied, vec![denial]));
}

#[test]
fn c2_an_account_that_was_left_holds_no_service_after() {
    let mut import = Import::new();
    let left = AssertedAccount {
        legal_entity: entity("infotech"),
        opened_at: year(2010),
        closed_at: Some(year(2014)),
    };
    assert_eq!(import.bring(Asserted::Account(left.clone())), []);
    let (code, field) = import.refused(service("local", 2010, None));
    assert_eq!(
        (code, field.as_str()),
        (RefusalCode::ServiceState, "service.closed_at")
    );
    import.bring(service("local", 2010, Some(2014)));
    import.bring(service("local", 2020, None));
    let (code, field) = import.refused(Asserted::Account(left));
    assert_eq!(
        (code, field.as_str()),
        (RefusalCode::ServiceState, "account.closed_at")
    );
}

#[test]
fn r9_no_import_bridges_a_lapse_that_the_ledger_saw() {
    // Imported before the lapse, and once more after it.
    let mut import = Import::begun();
    assert_eq!(import.bring(grant(2020)), []);
    assert!(import.answer().0);
    import.story.close("local");
    import.story.minutes(60);
    import.story.open("local");
    assert_eq!(import.answer(), (false, State::Unknown, vec![]));
    import.bring(service("local", 2016, None));
    assert_eq!(import.bring(grant(2020)), [Shortfall::NoService]);
    assert_eq!(import.answer(), (false, State::Unknown, vec![]));

    // Imported for the first time over a customer who lapsed here and came back, or comes back by the import.
    for reopened in [true, false] {
        let mut story = Story::begun();
        story.close("local");
        story.minutes(60);
        if reopened {
            story.open("local");
        }
        let mut import = Import::into(story);
        import.bring(Asserted::Notice(given("v1", 2016, Scope::everything())));
        import.bring(service("local", 2015, None));
        import.bring(service("voip", 2015, None));
        assert_eq!(import.bring(grant(2020)), [Shortfall::NoService]);
        assert_eq!(import.answer(), (false, State::Unknown, vec![]));
    }
}
