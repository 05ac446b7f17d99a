//! `docs/vectors.md`, read: vectors, their cases, and the rows of these.

use consent_ledger::domain::time::Time;

use super::notation::instant;

/// Read when the test runs: a vector that is added needs no build.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/vectors.md");

/// One case of a vector, under one rulebook.
pub struct Case {
    /// `V7`.
    pub vector: String,
    /// `default` or `fcc`.
    pub rulebook: &'static str,
    pub begins: Time,
    pub customer: Customer,
    pub rows: Vec<Row>,
}

/// What K is when a case begins.
#[derive(Clone)]
pub enum Customer {
    Unknown,
    Holding {
        services: Vec<String>,
        noticed: bool,
    },
}

/// A row of a case.
#[derive(Clone)]
pub struct Row {
    /// Its line on the page, from 1.
    pub line: usize,
    pub when: String,
    pub what: String,
    pub follows: String,
}

/// Every case of the page, in order.
pub fn cases() -> Vec<Case> {
    let (mut cases, mut vector) = (Vec::<Case>::new(), String::new());
    let mut of_this_line = 0;
    let page = std::fs::read_to_string(PAGE).unwrap();
    for (index, text) in page.lines().enumerate() {
        if let Some(heading) = text.strip_prefix("## ") {
            vector = heading.split(' ').next().unwrap().to_owned();
        } else if let Some(begun) = text.strip_prefix("Under ") {
            let begun = begin(&vector, begun);
            of_this_line = begun.len();
            cases.extend(begun);
        } else if of_this_line > 0
            && let Some(row) = row(index + 1, text)
        {
            let first = cases.len() - of_this_line;
            for case in &mut cases[first..] {
                assert_eq!(case.vector, vector, "line {}: no case is begun", index + 1);
                case.rows.push(row.clone());
            }
        }
    }
    cases
}

/// `DEF and FCC, since 2025-12-01, K holds LOCAL and VOIP without a notice.`
fn begin(vector: &str, text: &str) -> Vec<Case> {
    let mut parts: Vec<_> = text.trim_end_matches('.').split(", ").collect();
    let customer = customer(parts.pop().unwrap());
    let rulebooks = parts.remove(0).split(" and ");
    let begins = match parts.pop() {
        None => instant("2026-03-02T09:00:00Z", Time(0)),
        Some(since) => {
            let day = since.strip_prefix("since ").unwrap();
            instant(&format!("{day}T12:00:00Z"), Time(0))
        }
    };
    let cases = rulebooks.map(|rulebook| Case {
        vector: vector.to_owned(),
        rulebook: match rulebook {
            "DEF" => "default",
            "FCC" => "fcc",
            other => panic!("{vector}: {other} is no rulebook of the page"),
        },
        begins,
        customer: customer.clone(),
        rows: Vec::new(),
    });
    cases.collect()
}

fn customer(text: &str) -> Customer {
    if text == "K is unknown" {
        return Customer::Unknown;
    }
    let holding = text.strip_prefix("K holds ");
    let holding = holding.unwrap_or_else(|| panic!("`{text}` begins no case"));
    let (services, noticed) = match holding.strip_suffix(" without a notice") {
        None => (holding, true),
        Some(services) => (services, false),
    };
    let services = services.split(" and ");
    Customer::Holding {
        services: services.map(str::to_lowercase).collect(),
        noticed,
    }
}

/// A row of a table of the page: three cells, the middle one in back quotes.
fn row(line: usize, text: &str) -> Option<Row> {
    let cells = text.strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<_> = cells.split('|').map(str::trim).collect();
    let [when, what, follows] = cells.as_slice() else {
        panic!("line {line}: not three cells");
    };
    let what = what.strip_prefix('`')?.strip_suffix('`')?;
    Some(Row {
        line,
        when: (*when).to_owned(),
        what: what.to_owned(),
        follows: (*follows).to_owned(),
    })
}
