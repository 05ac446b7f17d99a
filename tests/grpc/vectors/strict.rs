//! The page can't pass by being misread: each mistake on it fails, and says where and what.

use tokio::task::LocalSet;

use super::{faults, page};

const HEADING: &str = "## V1 A vector (P1)\n\n";
const CASE: &str = "Under DEF, K holds LOCAL.\n\n";
const HEAD: &str = "| when | what happens | what follows |\n| --- | --- | --- |\n";

#[test]
fn a_line_that_is_no_row_where_one_must_be_is_refused_by_its_number() {
    let row = "| | `ask COMPANY; BILLING; M→LOCAL` | yes, unknown, HELD_CATEGORY, on LOCAL |\n";
    let whole = format!("{HEADING}{CASE}{HEAD}{row}");
    assert_eq!(page::read(&whole).unwrap()[0].rows.len(), 1);
    for (wrong, line, why) in [
        (format!("{CASE}{HEAD}{row}"), 1, "under a vector's heading"),
        (format!("{HEADING}{HEAD}{row}"), 3, "no case is begun"),
        (format!("{whole}\n{row}"), 9, "no case is begun"),
        (format!("{HEADING}{CASE}{row}"), 5, "is missing"),
        (
            format!("{HEADING}{CASE}Words.\n\n{HEAD}{row}"),
            5,
            "is missing",
        ),
        (format!("{whole}Words.\n"), 8, "no row"),
        (format!("{whole}| | `d(*; *; *)` |\n"), 8, "not three cells"),
        (
            format!("{whole}| | `d(*; *; *)` | | |\n"),
            8,
            "not three cells",
        ),
        (
            format!("{whole}| | `d(*; *; *)` | \n"),
            8,
            "ends with a bar",
        ),
        (format!("{whole}| | d(*; *; *) | |\n"), 8, "in back quotes"),
        (
            format!("{whole}| | `d(*; *; *)` `w(*; *; *)` | |\n"),
            8,
            "in back quotes",
        ),
        (
            format!("{HEADING}Under DEF, K holds LOCAL\n"),
            3,
            "full stop",
        ),
        (
            format!("{HEADING}Under ABC, K holds LOCAL.\n"),
            3,
            "no rulebook",
        ),
        (
            format!("{HEADING}Under DEF, K has LOCAL.\n"),
            3,
            "begins no case",
        ),
        (
            format!("{HEADING}Under DEF, from 2026-01-01, K holds LOCAL.\n"),
            3,
            "no day",
        ),
        (
            format!("{HEADING}Under DEF, FCC, since 2026-01-01, K is unknown.\n"),
            3,
            "takes",
        ),
    ] {
        let said = page::read(&wrong).unwrap_err();
        assert!(
            said.starts_with(&format!("{line}: ")) && said.contains(why),
            "{said}: {wrong}"
        );
    }
    let empty = page::read(&format!("{HEADING}{CASE}## V2 Another (P1)\n")).unwrap_err();
    assert!(empty.contains("no rows"), "{empty}");
}

/// What is said of a case that ends with that row.
async fn wrong_with(rows: &[&str]) -> String {
    let rows: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let cases = page::read(&format!("{HEADING}{CASE}{HEAD}{rows}")).unwrap();
    faults(cases).await.join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_says_more_or_less_than_what_comes_fails() {
    let given = "| | `g1: g(COMPANY; ALL; M)` | |";
    let asked = |follows: &str| format!("| | `ask COMPANY; BILLING; M→CMRS` | {follows} |");
    let wrong = [
        (
            "| | `d(*; *; *) [quickly]` | |".to_owned(),
            "says nothing of how",
        ),
        ("| | `d(*; *; *) [oral, oral]` | |".into(), "said twice"),
        ("| | `d(*; *; *) [oral` | |".into(), "no bracket ends"),
        (
            "| | `d(*; *; *) [offering cpe]` | |".into(),
            "changes nothing",
        ),
        (
            "| | `d(*; *; *) [without ENTITIES]` | |".into(),
            "changes nothing",
        ),
        ("| | `open VOIP [oral]` | |".into(), "changes nothing"),
        (
            "| | `g(COMPANY; BILLING; M) [verified long before]` | |".into(),
            "panicked",
        ),
        ("| | `d2 d3: d(*; *; *)` | |".into(), "d3 has no record"),
        ("| | `g1: d(*; *; *)` | |".into(), "named twice"),
        (
            "| | `q: ask COMPANY; BILLING; M` | yes, granted, on g1 |".into(),
            "called q",
        ),
        ("| +2 hours | `d(*; *; *)` | |".into(), "no number of days"),
        ("| 08:00 | `d(*; *; *)` | |".into(), "the clock goes on"),
        (
            "| | `d(*; *; *)` | refused, NO_SERVICE |".into(),
            "instead of",
        ),
        (asked("no, granted, on g1"), "yes"),
        (
            asked("yes, unknown, GRANTED, on g1"),
            "the state is GRANTED",
        ),
        (asked("yes, granted"), "it cites g1"),
        (asked("yes, granted, on g1 + LOCAL"), "it cites g1"),
        (
            asked("yes, granted, GRANTED + DENIED, on g1"),
            "the reasons are",
        ),
        (
            asked("yes, granted, GRANTED, surely, on g1"),
            "is no answer",
        ),
        (asked("yes, granted, on g1; until 2027-01-01"), "it ends at"),
        (
            asked("yes, granted, on g1; for ever"),
            "says nothing of an answer",
        ),
        (
            asked("yes, granted, on g1; would be yes by OPT_IN"),
            "would be yes by",
        ),
        (
            asked("yes, granted, on g1; of the classes TYPE"),
            "the classes are",
        ),
    ];
    LocalSet::new()
        .run_until(async {
            assert_eq!(
                wrong_with(&[given, &asked("yes, granted, on g1")]).await,
                ""
            );
            for (row, why) in &wrong {
                let said = wrong_with(&[given, row]).await;
                assert!(
                    said.contains(why),
                    "`{row}` is wrong, and this is said: {said}"
                );
            }
        })
        .await;
}
