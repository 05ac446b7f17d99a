//! Proofs and evidence over the wire (E3, E10, P7, E8).

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use consent_ledger::access::Role;
use consent_ledger::audit::Replayed;
use consent_ledger::clock::Manual;
use consent_ledger::domain::time::Time;
use consent_ledger::ledger::{InclusionProof, VerifyingKey, leaf_hash, open};
use consent_ledger::proto::v1 as wire;
use tonic::{Code, Status};
use wire::disclose_request::Seal;
use wire::evidence_service_client::EvidenceServiceClient;

use crate::disclosures::{disclose, order};
use crate::house::*;
use crate::retention::{LATER, erase, left, watched};

type Client = EvidenceServiceClient<tonic::transport::Channel>;

fn client(house: &House) -> Client {
    EvidenceServiceClient::new(house.channel.clone())
}

async fn prove(
    house: &House,
    positions: &[u64],
) -> Result<(wire::SignedCheckpoint, Vec<wire::ProvenRecord>), Status> {
    use wire::prove_records_response::Part;
    let request = wire::ProveRecordsRequest {
        positions: positions.to_vec(),
    };
    let mut parts = client(house).prove_records(request).await?.into_inner();
    let (mut checkpoint, mut records) = (None, Vec::new());
    while let Some(part) = parts.message().await? {
        match part.part.unwrap() {
            Part::Checkpoint(found) => checkpoint = Some(found),
            Part::Record(record) => records.push(record),
        }
    }
    Ok((checkpoint.unwrap(), records))
}

type Gathered = (wire::EvidenceHead, Vec<wire::ProvenRecord>);

async fn gather(
    house: &House,
    as_of: Option<wire::as_of::Moment>,
    question: Option<wire::Question>,
) -> Result<Gathered, Status> {
    use wire::gather_evidence_response::Part;
    let request = wire::GatherEvidenceRequest {
        customer: customer("K-1"),
        as_of: as_of.map(|moment| wire::AsOf {
            moment: Some(moment),
        }),
        question,
        ..wire::GatherEvidenceRequest::default()
    };
    let mut parts = client(house).gather_evidence(request).await?.into_inner();
    let (mut head, mut records) = (None, Vec::new());
    while let Some(part) = parts.message().await? {
        match part.part.unwrap() {
            Part::Head(found) => head = Some(found),
            Part::Record(record) => records.push(record),
        }
    }
    Ok((head.unwrap(), records))
}

/// Whether each record is in the ledger of the checkpoint.
fn assert_proven(checkpoint: &wire::SignedCheckpoint, records: &[wire::ProvenRecord]) {
    let key = VerifyingKey::parse(&checkpoint.verifier_key).unwrap();
    let signed = open(&checkpoint.note, &key).unwrap();
    assert!(!records.is_empty());
    for record in records {
        let path = record
            .path
            .iter()
            .map(|hash| <[u8; 32]>::try_from(&hash[..]).unwrap());
        let proof = InclusionProof {
            index: record.position,
            size: signed.size,
            path: path.map(consent_ledger::ledger::Hash).collect(),
        };
        assert_eq!(proof.root(leaf_hash(&record.line)), Some(signed.root));
    }
}

#[tokio::test]
async fn e3_what_is_not_there_can_not_be_proven() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let (checkpoint, records) = prove(&house, &[2, 0, 2]).await.unwrap();
    assert_proven(&checkpoint, &records);
    let positions: Vec<_> = records.iter().map(|record| record.position).collect();
    assert_eq!(positions, [2, 0, 2], "as they were asked for");
    let ahead = refusal(prove(&house, &[1, 3]).await);
    assert_eq!(ahead, (Code::NotFound, "RECORD_UNKNOWN".into()));
    for wrong in [&[][..], &[0; 1001]] {
        let refused = refusal(prove(&house, wrong).await);
        assert_eq!(refused, (Code::InvalidArgument, "INVALID".into()));
    }
    for (from_size, expected) in [(0, Code::Ok), (3, Code::Ok), (4, Code::OutOfRange)] {
        let request = wire::ProveConsistencyRequest { from_size };
        let answer = client(&house).prove_consistency(request).await;
        let code = answer.as_ref().map_or_else(Status::code, |_| Code::Ok);
        assert_eq!(code, expected, "from {from_size}");
        if let Ok(answer) = answer {
            assert!(answer.into_inner().path.is_empty(), "nothing to show");
        }
    }
}

#[tokio::test]
async fn e3_t4_a_tree_that_is_damaged_while_it_serves_gives_no_proof_and_the_next_start_mends_it() {
    for consistency_first in [true, false] {
        damaged_while_it_serves(consistency_first).await;
    }
}

async fn damaged_while_it_serves(consistency_first: bool) {
    let clock = Arc::new(Manual::at(Time(1_767_225_600_000_000)));
    let house = House::at(Arc::clone(&clock)).await;
    for number in 0..300 {
        let mut opening = open_account(&format!("K-{number}"), &["local"]);
        opening.header = dated();
        house.accounts().open_account(opening).await.unwrap();
    }
    // Kept when it is asked for.
    let (checkpoint, records) = prove(&house, &[10, 300, 600]).await.unwrap();
    assert_proven(&checkpoint, &records);
    let tree = File::options()
        .write(true)
        .open(house.dir().join("views/tree"));
    tree.unwrap().write_all_at(&[7; 32], 32 + 32).unwrap();
    let not_ready = (Code::Unavailable, "TREE_NOT_READY".to_owned());
    if consistency_first {
        let request = wire::ProveConsistencyRequest { from_size: 256 };
        let refused = refusal(client(&house).prove_consistency(request).await);
        assert_eq!(refused, not_ready);
    }
    assert_eq!(refusal(prove(&house, &[10]).await), not_ready);
    let house = house.reopen_for(Role::Auditor, &clock).await;
    let (checkpoint, records) = prove_at_last(&house, &[10, 300, 600]).await;
    assert_proven(&checkpoint, &records);
}

/// As soon as the tree was read from the log.
async fn prove_at_last(
    house: &House,
    positions: &[u64],
) -> (wire::SignedCheckpoint, Vec<wire::ProvenRecord>) {
    loop {
        match prove(house, positions).await {
            Ok(proven) => return proven,
            Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn e10_p7_a_disclosure_under_a_gag_order_is_there_and_named() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let seal = Some(Seal::SealedUntilLifted(true));
    let (_, hidden) = disclose(&house, order("24-77"), seal).await;
    let (_, shown) = disclose(&house, order("24-78"), None).await;
    let (head, records) = gather(&house, None, None).await.unwrap();
    assert_eq!(head.under_gag_order, [hidden.position]);
    assert_eq!(head.through_position, Some(shown.position));
    assert_eq!((head.records, head.ruling), (records.len() as u64, None));
    assert_proven(&head.checkpoint.unwrap(), &records);
    let texts: Vec<_> = (records.iter())
        .flat_map(|record| &record.openings)
        .map(|opening| opening.text.as_str())
        .collect();
    assert!(
        texts.contains(&"24-77") && texts.contains(&"24-78"),
        "{texts:?}"
    );
    let unknown = wire::GatherEvidenceRequest {
        customer: Some(wire::CustomerRef {
            // The ledger's own history goes by this name.
            customer: Some(wire::customer_ref::Customer::Pseudonym("0".repeat(32))),
        }),
        ..wire::GatherEvidenceRequest::default()
    };
    let refused = refusal(client(&house).gather_evidence(unknown).await);
    assert_eq!(refused, (Code::NotFound, "CUSTOMER_UNKNOWN".into()));
}

#[tokio::test]
async fn e10_e8_of_an_erased_customer_the_records_are_proven_and_nothing_is_opened() {
    let clock = Arc::new(Manual::at(Time(1_767_225_600_000_000)));
    let house = House::at(Arc::clone(&clock)).await;
    let disclosed = left(&house, "K-1").await;
    clock.pass(LATER);
    let before = gather(&house, None, None).await.unwrap();
    assert!(before.1.iter().any(|record| !record.openings.is_empty()));
    let requested = erase(&house, "K-1")
        .await
        .unwrap()
        .receipt
        .unwrap()
        .position;
    watched(&house, requested).await;
    let question = crate::retention::order();
    let (head, records) = gather(&house, None, Some(question.clone())).await.unwrap();
    assert_proven(&head.checkpoint.unwrap(), &records);
    assert!(records.iter().all(|record| record.openings.is_empty()));
    assert_eq!(codes(&head.ruling.unwrap()), [wire::ReasonCode::Erased]);
    let then = Some(wire::as_of::Moment::Position(disclosed));
    let (head, records) = gather(&house, then, Some(question)).await.unwrap();
    assert!(head.ruling.unwrap().allowed && head.erased, "then it was");
    assert!(records.iter().all(|record| record.openings.is_empty()));
    let lines = records.iter().map(|record| &record.line[..]);
    let replayed = Replayed::of(lines).unwrap();
    assert_eq!(replayed.last.0, disclosed);
    assert!(replayed.customer.erased.is_none());
}
