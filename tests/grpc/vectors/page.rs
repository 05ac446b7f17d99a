//! `docs/vectors.md`, read: vectors, their cases, and the rows of these. What is no row where one must be is an error.

use consent_ledger::domain::time::Time;

use super::notation::instant;

/// Read when the test runs: a vector that is added needs no build.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/vectors.md");

/// The two lines with which the table of a case begins.
const HEAD: [&str; 2] = [
    "| when | what happens | what follows |",
    "| --- | --- | --- |",
];

/// One case of a vector, under one rulebook.
#[derive(Debug)]
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
#[derive(Clone, Debug)]
pub enum Customer {
    Unknown,
    Holding {
        services: Vec<String>,
        noticed: bool,
    },
}

/// A row of a case.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its line on the page, from 1.
    pub line: usize,
    pub when: String,
    pub what: String,
    pub follows: String,
}

/// Every case of the page, in order.
pub fn cases() -> Vec<Case> {
    let page = std::fs::read_to_string(PAGE).unwrap();
    read(&page).unwrap_or_else(|wrong| panic!("docs/vectors.md:{wrong}"))
}

/// What may stand on the next line.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// What explains the page: its tables are no cases.
    Words,
    /// Under a vector's heading, or behind the table of a case.
    Vector,
    /// Behind the line that begins so many cases; that many lines of its table were read.
    Case { begun: usize, lines: usize },
}

/// The cases of such a page.
///
/// # Errors
/// The line and what is wrong with it.
pub fn read(page: &str) -> Result<Vec<Case>, String> {
    let (mut cases, mut vector, mut place) = (Vec::<Case>::new(), String::new(), Place::Words);
    for (index, text) in page.lines().enumerate() {
        let line = index + 1;
        let next = next(&mut cases, &mut vector, place, line, text);
        place = next.map_err(|wrong| format!("{line}: {wrong}"))?;
    }
    require_rows(&cases, place)?;
    Ok(cases)
}

fn next(
    cases: &mut Vec<Case>,
    vector: &mut String,
    place: Place,
    line: usize,
    text: &str,
) -> Result<Place, String> {
    if let Some(heading) = text.strip_prefix("## ") {
        require_rows(cases, place)?;
        *vector = heading.split(' ').next().unwrap_or_default().to_owned();
        return Ok(if is_vector(vector) {
            Place::Vector
        } else {
            Place::Words
        });
    }
    if let Some(begun) = text.strip_prefix("Under ") {
        require_rows(cases, place)?;
        if !is_vector(vector) {
            return Err("a case stands under a vector's heading".into());
        }
        let begun = begin(vector, begun)?;
        let place = Place::Case {
            begun: begun.len(),
            lines: 0,
        };
        cases.extend(begun);
        return Ok(place);
    }
    match place {
        Place::Vector if text.trim_start().starts_with('|') => Err("no case is begun".into()),
        Place::Case { begun, lines } => case_line(cases, begun, lines, line, text),
        other => Ok(other),
    }
}

/// A line behind `Under …`: its table, and nothing else before that.
fn case_line(
    cases: &mut [Case],
    begun: usize,
    lines: usize,
    line: usize,
    text: &str,
) -> Result<Place, String> {
    let (after, is_row) = (lines + 1, text.starts_with('|'));
    match (lines, text) {
        (0, "") => return Ok(Place::Case { begun, lines }),
        (0 | 1, text) if text == HEAD[lines] => {}
        (0 | 1, _) => return Err(format!("`{}` is missing", HEAD[lines])),
        (3.., "") => return Ok(Place::Vector),
        (_, text) if is_row => {
            let row = row(line, text)?;
            let first = cases.len() - begun;
            cases[first..]
                .iter_mut()
                .for_each(|case| case.rows.push(row.clone()));
        }
        _ => return Err("no row".into()),
    }
    Ok(Place::Case {
        begun,
        lines: after,
    })
}

fn require_rows(cases: &[Case], place: Place) -> Result<(), String> {
    match (place, cases.last()) {
        (Place::Case { .. }, Some(case)) if case.rows.is_empty() => {
            Err(format!("a case of {} has no rows", case.vector))
        }
        _ => Ok(()),
    }
}

/// `V7`, `F12`: a vector, a requirement or a reading.
fn is_vector(id: &str) -> bool {
    let number = id.strip_prefix(['V', 'P', 'F', 'C', 'R']);
    number.is_some_and(|number| number.parse::<u8>().is_ok())
}

/// `DEF and FCC, since 2025-12-01, K holds LOCAL and VOIP without a notice.`
fn begin(vector: &str, text: &str) -> Result<Vec<Case>, String> {
    let text = text.strip_suffix('.').ok_or("no full stop ends the line")?;
    let parts: Vec<_> = text.split(", ").collect();
    let (rulebooks, since, customer) = match parts.as_slice() {
        [rulebooks, customer] => (rulebooks, None, customer),
        [rulebooks, since, customer] => (rulebooks, Some(since), customer),
        _ => return Err("takes rulebooks, since when, and what K holds".into()),
    };
    let begins = match since {
        None => instant("2026-03-02T09:00:00Z", Time(0)),
        Some(since) => {
            let day = since.strip_prefix("since ").filter(|day| day.len() == 10);
            let day = day.ok_or_else(|| format!("`{since}` is no day since when"))?;
            instant(&format!("{day}T12:00:00Z"), Time(0))
        }
    };
    let customer = self::customer(customer)?;
    let case = |rulebook| {
        Ok(Case {
            vector: vector.to_owned(),
            rulebook: match rulebook {
                "DEF" => "default",
                "FCC" => "fcc",
                other => return Err(format!("{other} is no rulebook of the page")),
            },
            begins,
            customer: customer.clone(),
            rows: Vec::new(),
        })
    };
    rulebooks.split(" and ").map(case).collect()
}

fn customer(text: &str) -> Result<Customer, String> {
    if text == "K is unknown" {
        return Ok(Customer::Unknown);
    }
    let holding = text.strip_prefix("K holds ");
    let holding = holding.ok_or_else(|| format!("`{text}` begins no case"))?;
    let (services, noticed) = match holding.strip_suffix(" without a notice") {
        None => (holding, true),
        Some(services) => (services, false),
    };
    let services = services.split(" and ");
    Ok(Customer::Holding {
        services: services.map(str::to_lowercase).collect(),
        noticed,
    })
}

/// A row: three cells, the middle one in back quotes.
fn row(line: usize, text: &str) -> Result<Row, String> {
    let cells = text
        .strip_prefix('|')
        .and_then(|text| text.strip_suffix('|'));
    let cells = cells.ok_or("a row ends with a bar")?;
    let cells: Vec<_> = cells.split('|').map(str::trim).collect();
    let [when, what, follows] = cells.as_slice() else {
        return Err("not three cells".into());
    };
    let what = what
        .strip_prefix('`')
        .and_then(|what| what.strip_suffix('`'));
    let what = what.filter(|what| !what.contains('`'));
    Ok(Row {
        line,
        when: (*when).to_owned(),
        what: what.ok_or("what happens stands in back quotes")?.to_owned(),
        follows: (*follows).to_owned(),
    })
}
