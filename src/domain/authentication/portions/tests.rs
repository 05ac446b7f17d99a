//! What is a portion, and that nothing but portions is.

use proptest::prelude::*;

use super::*;
use crate::domain::testing::policy;

const LENGTHS: PortionLengths = PortionLengths {
    digits: 4,
    letters: 3,
};

fn shares(secret: &str, value: &str) -> bool {
    shares_portion(secret, value, LENGTHS)
}

#[test]
fn p12_four_digits_or_three_letters_in_a_row_are_a_portion() {
    for (secret, value) in [
        ("1234", "801-210-1234"),
        ("x2101z", "801-210-1651"),
        ("80-12", "801-210-1651"),
        ("6789", "123-45-6789"),
        ("tiger-SMI-1", "Smith"),
        ("mIt", "Smith"),
        ("s m i", "Smith"),
        ("müllers", "MULLER"),
        ("MULLER", "mu\u{308}ller"),
        ("ＦＩＤＯ", "Fido"),
        ("Rebo9", "Bo"),
        ("xr2d2", "R2-D2"),
    ] {
        assert!(shares(secret, value), "{secret} {value}");
    }
    for (secret, value) in [
        ("123", "801-210-1234"),
        ("1235", "801-210-1234"),
        ("4321", "801-210-1234"),
        ("12a34", "801-210-1234"),
        ("sm", "Smith"),
        ("s1m2i3", "Smith"),
        ("anything", "y"),
        ("x", ""),
        ("", "Smith"),
    ] {
        assert!(!shares(secret, value), "{secret} {value}");
    }
}

#[test]
fn r22_what_is_not_at_hand_is_not_performed_and_refuses_nothing() {
    let checks = check("95137", true, &Known::default(), LENGTHS);
    assert_eq!(checks.social_security_number, Verdict::NotPerformed);
    assert_eq!(checks.pet_name, Verdict::NotPerformed);
    assert!(checks.pass());
    let known = Known {
        mothers_maiden_name: " ",
        pet_names: &["", "Rex"],
        ..Known::default()
    };
    let checks = check("95137", true, &known, LENGTHS);
    assert_eq!(checks.mothers_maiden_name, Verdict::NotPerformed);
    assert_eq!(checks.pet_name, Verdict::Pass);
}

#[test]
fn p12_each_rule_has_a_verdict_of_its_own_and_one_failing_refuses() {
    let known = Known {
        social_security_number: "123-45-6789",
        mothers_maiden_name: "Novák",
        telephone_numbers: &["801-210-1651", "801-555-0147"],
        pet_names: &["Rex"],
    };
    let failing = |secret: &str| {
        let checks = check(secret, true, &known, LENGTHS);
        [
            checks.social_security_number,
            checks.mothers_maiden_name,
            checks.telephone_number,
            checks.pet_name,
        ]
        .map(|verdict| verdict == Verdict::Fail)
    };
    assert_eq!(failing("4567"), [true, false, false, false]);
    assert_eq!(failing("novaks"), [false, true, false, false]);
    assert_eq!(failing("0147"), [false, false, true, false]);
    assert_eq!(failing("trex9"), [false, false, false, true]);
    assert_eq!(failing("95137"), [false; 4]);
    assert!(!check("95137", false, &known, LENGTHS).pass());
}

#[test]
fn p12_a_pin_has_four_digits_at_least_and_a_password_eight_characters() {
    let rulebook = policy();
    let form = |kind, secret| {
        weigh(kind, secret, &Known::default(), rulebook.authentication()).form == Verdict::Pass
    };
    let (pin, password) = (CredentialKind::Pin, CredentialKind::Password);
    assert!(form(pin, "9513") && form(password, "a walk by night"));
    for wrong in ["951", "", "95a3", "7777"] {
        assert!(!form(pin, wrong), "{wrong}");
    }
    assert!(!form(password, "sevench"));
}

proptest! {
    #[test]
    fn p12_whatever_surrounds_a_portion_it_is_found(
        value in "[0-9]{7,11}",
        at in 0usize..7,
        before in "[a-z]{0,5}",
        after in "[a-z]{0,5}",
        separator in "[ ._-]{0,2}",
    ) {
        let at = at.min(value.len() - 4);
        let portion = &value[at..at + 4];
        let secret = format!("{before}{}{separator}{}{after}", &portion[..2], &portion[2..]);
        prop_assert!(shares(&secret, &value));
    }

    #[test]
    fn p12_letters_are_found_in_any_case_and_with_any_mark(
        value in "[a-z]{3,12}",
        at in 0usize..10,
        marks in proptest::collection::vec(0usize..3, 3),
    ) {
        let at = at.min(value.len() - 3);
        let mut secret = String::from("7");
        for (letter, mark) in value[at..at + 3].chars().zip(marks) {
            match mark {
                0 => secret.push(letter),
                1 => secret.extend(letter.to_uppercase()),
                _ => secret.extend([letter, '\u{301}']),
            }
        }
        prop_assert!(shares(&secret, &value));
    }

    #[test]
    fn p12_what_shares_no_character_shares_no_portion(
        secret in "[0-4a-m]{4,16}",
        value in "[5-9n-z]{1,16}",
    ) {
        prop_assert!(!shares(&secret, &value));
    }

    #[test]
    fn p12_a_longer_portion_is_never_found_more_often(
        secret in "[0-9]{4,12}",
        value in "[0-9]{4,12}",
    ) {
        let longer = PortionLengths { digits: 5, letters: 3 };
        prop_assert!(!shares_portion(&secret, &value, longer) || shares(&secret, &value));
    }
}
