//! The decision vectors of `docs/vectors.md`, each row played against a running service.

mod asked;
mod company;
mod imported;
mod lists;
mod notation;
mod page;
mod play;
mod prepared;
mod steps;
mod strict;

use std::collections::BTreeSet;

use page::Case;
use play::Play;
use tokio::task::{JoinSet, LocalSet, spawn_local};

/// How many houses stand beside each other.
const AT_ONCE: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_decision_vectors_hold() {
    let cases = page::cases();
    let count = cases.len();
    // A house is opened on one thread.
    let mut faults = LocalSet::new().run_until(faults(cases)).await;
    faults.sort();
    assert!(
        faults.is_empty(),
        "{} of {count} cases:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// What is wrong with the cases, a few of them played beside each other.
async fn faults(cases: Vec<Case>) -> Vec<String> {
    let (mut playing, mut faults) = (JoinSet::new(), Vec::new());
    for case in cases {
        if playing.len() == AT_ONCE {
            faults.extend(playing.join_next().await.unwrap().unwrap());
        }
        playing.spawn_local(fault(case));
    }
    while let Some(fault) = playing.join_next().await {
        faults.extend(fault.unwrap());
    }
    faults
}

/// What is wrong with a case: the first row that doesn't hold, by its line on the page.
async fn fault(case: Case) -> Option<String> {
    let name = format!("{} under {}", case.vector, case.rulebook);
    let played = spawn_local(async move {
        let mut play = Play::begin(&case).await;
        for row in &case.rows {
            let at = format!("docs/vectors.md:{}: {}", row.line, row.what);
            play = play
                .play(row)
                .await
                .map_err(|wrong| format!("{at}\n    {wrong}"))?;
        }
        play.house
            .running
            .close()
            .await
            .map_err(|error| error.to_string())
    });
    match played.await {
        Ok(Ok(())) => None,
        Ok(Err(wrong)) => Some(format!("{name}: {wrong}")),
        Err(panicked) => Some(format!("{name}: {panicked}")),
    }
}

#[test]
fn every_vector_of_the_specification_is_on_the_page() {
    let cases = page::cases();
    let vectors: BTreeSet<_> = cases.iter().map(|case| case.vector.as_str()).collect();
    for number in 1..=48 {
        let vector = format!("V{number}");
        assert!(vectors.contains(vector.as_str()), "{vector}");
    }
}
