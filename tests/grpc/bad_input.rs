//! What each clause of the policy gets for a bad input: the code, the stable reason, and what is on record after it.
//!
//! The rows follow the obligations of the policy, counted within its sections. Where one answers otherwise than the first
//! reading of the clause proposed, it says so, and by which requirement or reading. A bad input changes nothing; a refused
//! disclosure and a failed attempt leave their own record.

/// A row: the clause, what is sent to the bench, what it gets.
macro_rules! row {
    ($id:literal, |$bench:ident| $sent:expr, $gets:expr) => {
        Row {
            id: $id,
            sent: |$bench| Box::pin(async move { $sent }),
            gets: $gets,
        }
    };
}

mod bench;
mod sections_0_to_2;
mod sections_3_to_5;

use futures_util::future::BoxFuture;
use tonic::Code;

use bench::Bench;

/// A bad input.
struct Row {
    /// The clause.
    id: &'static str,
    sent: Sent,
    gets: Gets,
}

/// Sends it to a house in which everything that it needs is there.
type Sent = for<'a> fn(&'a Bench) -> BoxFuture<'a, Got>;

/// What it gets.
#[derive(Debug)]
enum Gets {
    /// No record, and a status of that code and reason.
    Refused(Code, &'static str),
    /// No record, and a ruling of yes: it is no bad input.
    Yes,
    /// No record, and a ruling of no for that reason (R16).
    No(&'static str),
    /// A disclosure that is refused for that reason, on record (R14).
    NoOnRecord(&'static str),
    /// An attempt that failed, on record (P12).
    FailedOnRecord,
    /// It is no bad input either: it is on record.
    Taken,
}

/// What it got.
#[derive(Debug)]
enum Got {
    Refused(Code, String),
    Yes,
    No(Vec<&'static str>),
    NoOnRecord(Vec<&'static str>),
    FailedOnRecord,
    Taken,
}

impl Gets {
    fn holds(&self, got: &Got) -> bool {
        match (self, got) {
            (Self::Refused(code, reason), Got::Refused(got, why)) => code == got && why == reason,
            (Self::No(reason), Got::No(got)) => got.contains(reason),
            (Self::NoOnRecord(reason), Got::NoOnRecord(got)) => got.contains(reason),
            (Self::Yes, Got::Yes)
            | (Self::FailedOnRecord, Got::FailedOnRecord)
            | (Self::Taken, Got::Taken) => true,
            _ => false,
        }
    }

    fn records(&self) -> std::ops::RangeInclusive<u64> {
        match self {
            Self::Refused(..) | Self::Yes | Self::No(_) => 0..=0,
            Self::NoOnRecord(_) | Self::FailedOnRecord => 1..=1,
            Self::Taken => 1..=8,
        }
    }
}

/// The clauses for which something bad can be sent: P1.5, P2.2, P2.7, P4.9 and P4.10 refuse nothing, and P1.1 is about callers
/// without an identity, who reach no service (T2).
const SENT: [&str; 29] = [
    "P0.1", "P0.2", "P1.2", "P1.3", "P1.4", "P2.1", "P2.3", "P2.4", "P2.5", "P2.6", "P3.1", "P3.2",
    "P3.3", "P3.4", "P3.5", "P3.6", "P3.7", "P3.8", "P4.1", "P4.2", "P4.3", "P4.4", "P4.5", "P4.6",
    "P4.7a", "P4.7b", "P4.8", "P5.1", "P5.2",
];

#[tokio::test]
async fn p0_to_p5_each_bad_input_gets_its_code_and_reason_and_changes_nothing() {
    let bench = Bench::laid().await;
    let rows: Vec<_> = sections_0_to_2::rows()
        .into_iter()
        .chain(sections_3_to_5::rows())
        .collect();
    let mut wrong = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let before = bench.house.marked().await;
        let got = (row.sent)(&bench).await;
        let records = bench.house.marked().await - before - 1;
        if !row.gets.holds(&got) || !row.gets.records().contains(&records) {
            let Row { id, gets, .. } = row;
            wrong.push(format!(
                "{index} {id}: {gets:?}, got {got:?} and {records} records"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    ids.dedup();
    assert_eq!(ids, SENT);
}
