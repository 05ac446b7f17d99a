//! `docs/rules.md` against the source: from each clause to the code that answers it, and the tests that prove it (P17, U4).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what can't be read fails the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../docs/rules.md");

/// Its headings name a vector and, in brackets, what it rests on; `tests/grpc/vectors` plays it.
const VECTORS: &str = include_str!("../docs/vectors.md");

/// Every family of ids, and how many there are of it.
const FAMILIES: [(&str, std::ops::RangeInclusive<u32>); 7] = [
    ("P", 1..=17),
    ("F", 1..=21),
    ("C", 1..=9),
    ("E", 3..=3),
    ("E", 9..=10),
    ("R", 1..=24),
    ("V", 1..=48),
];

/// What is not built. Take an entry off when it is; putting one on is giving something up.
const NOT_BUILT: &[&str] = &[];

/// What is built in part; its row says what is missing.
const IN_PART: &[&str] = &[];

struct Row {
    id: String,
    modules: Vec<String>,
    state: String,
    tests: Vec<String>,
}

fn rows() -> Vec<Row> {
    let lines = PAGE.lines().filter(|line| line.starts_with("| "));
    let rows = lines.filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [id, clauses, short, modules, state, tests] = cells.as_slice() else {
            panic!("not six cells: {line}");
        };
        if matches!(*id, "id" | "---") {
            return None;
        }
        assert!(!clauses.is_empty() && !short.is_empty(), "{line}");
        Some(Row {
            id: (*id).to_owned(),
            modules: quoted(modules),
            state: (*state).to_owned(),
            tests: quoted(tests),
        })
    });
    rows.collect()
}

/// The names between back quotes.
fn quoted(cell: &str) -> Vec<String> {
    let parts = cell.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}

#[test]
fn p17_no_requirement_reading_or_vector_is_without_a_row_and_none_has_two() {
    let mut wanted = BTreeMap::new();
    for (family, numbers) in FAMILIES {
        wanted.extend(numbers.map(|number| (format!("{family}{number}"), 0)));
    }
    for row in rows() {
        let count = wanted.get_mut(&row.id);
        *count.unwrap_or_else(|| panic!("{} is no id", row.id)) += 1;
    }
    let wrong: Vec<_> = wanted.iter().filter(|(_, count)| **count != 1).collect();
    assert!(wrong.is_empty(), "not one row each: {wrong:?}");
}

#[test]
fn p17_what_is_not_built_or_only_in_part_is_listed_by_hand() {
    let (mut not_built, mut in_part) = (Vec::new(), Vec::new());
    for row in rows() {
        match row.state.as_str() {
            "built" => {}
            "not built" => not_built.push(row.id),
            state => {
                let missing = state.strip_prefix("in part: ");
                assert!(
                    missing.is_some_and(|what| !what.is_empty()),
                    "{}: {state}",
                    row.id
                );
                in_part.push(row.id);
            }
        }
    }
    assert_eq!(not_built, NOT_BUILT);
    assert_eq!(in_part, IN_PART);
}

#[test]
fn p17_a_row_names_code_and_tests_that_are_there() {
    let tests = tests();
    let mut faults = Vec::new();
    for row in rows() {
        let built = row.state != "not built";
        if built == row.modules.is_empty() || built == row.tests.is_empty() {
            faults.push(format!(
                "{}: {} and names code or tests, or neither",
                row.id, row.state
            ));
        }
        let gone = row.modules.iter().filter(|module| !is_module(module));
        faults.extend(gone.map(|module| format!("{}: no module `{module}`", row.id)));
        let gone = row.tests.iter().filter(|test| !tests.contains(*test));
        faults.extend(gone.map(|test| format!("{}: no test `{test}`", row.id)));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// A row that a vector rests on names it among its tests: `vector V7`.
#[test]
fn p17_each_vector_is_named_by_the_rows_that_it_rests_on() {
    let rows: BTreeMap<_, _> = rows()
        .into_iter()
        .map(|row| (row.id.clone(), row))
        .collect();
    let mut faults = Vec::new();
    for (vector, rests_on) in vectors() {
        for id in rests_on.iter().chain([&vector]) {
            let row = rows.get(id);
            let name = format!("vector {vector}");
            if !row.is_some_and(|row| row.tests.contains(&name)) {
                faults.push(format!("{id}: `{name}` is missing"));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The vectors, each with the ids that it rests on.
fn vectors() -> Vec<(String, Vec<String>)> {
    let headings = VECTORS.lines().filter_map(|line| line.strip_prefix("## "));
    let vectors = headings.filter_map(|heading| {
        let (vector, _) = heading.split_once(' ')?;
        let (_, rests_on) = heading.strip_suffix(')')?.rsplit_once('(')?;
        let rests_on = rests_on.split(", ").map(str::to_owned);
        Some((vector.to_owned(), rests_on.collect()))
    });
    vectors.collect()
}

/// A test that cites what isn't built says that it is: the row is behind.
#[test]
fn p17_no_test_proves_what_the_page_says_is_not_built() {
    let tests = tests();
    let behind: Vec<_> = (tests.iter())
        .flat_map(|test| cited(test).map(move |id| (id, test)))
        .filter(|(id, _)| NOT_BUILT.contains(&id.as_str()))
        .collect();
    assert!(behind.is_empty(), "these rows are behind: {behind:#?}");
}

/// The ids at the beginning of a test's name: `v07_p3_a_denial` cites V7 and P3.
fn cited(test: &str) -> impl Iterator<Item = String> + '_ {
    test.split('_').map_while(|part| {
        let (family, number) = part.split_at_checked(1)?;
        let number: u32 = number.parse().ok()?;
        let family = family.to_ascii_uppercase();
        let known = FAMILIES.iter().any(|(one, _)| *one == family);
        known.then(|| format!("{family}{number}"))
    })
}

fn is_module(path: &str) -> bool {
    let inside = path.replace("::", "/");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    root.join(format!("{inside}.rs")).exists() || root.join(inside).join("mod.rs").exists()
}

/// The names of all functions that are tests, and of all vectors.
fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = vec![root.join("src"), root.join("tests")];
    let vectors = vectors().into_iter();
    let mut names: BTreeSet<_> = vectors
        .map(|(vector, _)| format!("vector {vector}"))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                names.extend(tests_of(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    names
}

/// The functions that an attribute marks as tests, there or within a macro that makes them.
fn tests_of(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        let line = line.strip_prefix("async ").unwrap_or(line);
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some(rest) = line.strip_prefix("fn ") {
            if marked && let Some((name, _)) = rest.split_once(['(', '<']) {
                names.push(name.to_owned());
            }
            marked = false;
        }
    }
    names
}
