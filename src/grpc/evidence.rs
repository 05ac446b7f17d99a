//! EvidenceService: proofs, and all that an answer rests on, for whoever doesn't want to trust this server.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt};
use prost::bytes::Bytes;
use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::Malformed;
use super::convert::past::moment;
use super::convert::questions::question;
use super::convert::rulings::{rulebook_version, with_texts};
use super::convert::values::{self, timestamp};
use super::doors::Doors;
use super::in_order::UntilStopping;
use super::status;
use crate::audit::KeptNodes;
use crate::domain::customer::{World, rule};
use crate::domain::ids::Position;
use crate::domain::question::Question;
use crate::ledger::{
    Checkpoint, ConsistencyProof, Hash, InclusionProof, VerifyingKey, leaf_hash, open, root,
};
use crate::projections::AsOf;
use crate::proto::v1 as wire;
use crate::sequencer::SubjectRef;

/// Most records that are proven by one request.
const RECORDS_MAX: usize = 1000;
/// Records that are proven at a time, in one turn.
const AT_ONCE: usize = 64;

/// Serves EvidenceService.
pub struct Evidence(pub Doors);

#[tonic::async_trait]
impl wire::evidence_service_server::EvidenceService for Evidence {
    type ProveRecordsStream = BoxStream<'static, Result<wire::ProveRecordsResponse, Status>>;

    async fn prove_records(
        &self,
        request: Request<wire::ProveRecordsRequest>,
    ) -> Result<Response<Self::ProveRecordsStream>, Status> {
        use wire::prove_records_response::Part;
        let (call, doors) = (Call::of(&request)?, &self.0);
        let positions = request.into_inner().positions;
        if positions.is_empty() {
            return Err(Malformed::missing("positions").into());
        }
        values::at_most("positions", positions.len(), RECORDS_MAX)?;
        let positions: Vec<_> = positions.into_iter().map(Position).collect();
        let signed = call.in_time(doors.read(Signed::now)).await?;
        // The first of them before the answer begins, so that a position which is not there is the call's own error.
        let head = part_of(Part::Checkpoint(signed.message()));
        let records = call.in_time(prove_all(doors, signed, positions)).await?;
        let records = records.map(|record| record.map(|record| part_of(Part::Record(record))));
        let parts = stream::iter([Ok(head)]).chain(records);
        Ok(Response::new(
            UntilStopping::new(parts.boxed(), doors.stopping()).boxed(),
        ))
    }

    async fn prove_consistency(
        &self,
        request: Request<wire::ProveConsistencyRequest>,
    ) -> Result<Response<wire::ProveConsistencyResponse>, Status> {
        let call = Call::of(&request)?;
        let from_size = request.into_inner().from_size;
        let read = move |doors: &Doors| consistency(doors, from_size);
        let proof = call.in_time(self.0.read_past(read)).await?;
        Ok(Response::new(proof))
    }

    type GatherEvidenceStream = BoxStream<'static, Result<wire::GatherEvidenceResponse, Status>>;

    async fn gather_evidence(
        &self,
        request: Request<wire::GatherEvidenceRequest>,
    ) -> Result<Response<Self::GatherEvidenceStream>, Status> {
        use wire::gather_evidence_response::Part;
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let customer = values::customer(given.customer)?;
        let moment = moment(given.as_of.as_ref(), false)?;
        let tokens = |kind: &'static str, value: &str| doors.token(kind, value);
        let question = match given.question {
            None => None,
            asked => Some(question(asked, &tokens)?),
        };
        doors
            .wait_for_history(&call, Position(given.min_position))
            .await?;
        if let Some(moment) = moment {
            doors.wait_for_past(&call, moment).await?;
        }
        let as_of = moment.map(|moment| moment.as_of);
        let wanted = Wanted {
            customer,
            as_of,
            question,
            whole_ledger: given.whole_ledger,
        };
        let gather = move |doors: &Doors| gather(doors, &wanted);
        let (signed, head, records) = call.in_time(doors.read_past(gather)).await?;
        let head = wire::GatherEvidenceResponse {
            part: Some(Part::Head(head)),
        };
        let records = call.in_time(prove_all(doors, signed, records)).await?;
        let records = records.map(|record| {
            record.map(|record| wire::GatherEvidenceResponse {
                part: Some(Part::Record(record)),
            })
        });
        let parts = stream::iter([Ok(head)]).chain(records);
        Ok(Response::new(
            UntilStopping::new(parts.boxed(), doors.stopping()).boxed(),
        ))
    }
}

fn part_of(part: wire::prove_records_response::Part) -> wire::ProveRecordsResponse {
    wire::ProveRecordsResponse { part: Some(part) }
}

/// A checkpoint that all proofs of an answer lead to.
#[derive(Clone)]
struct Signed {
    note: Arc<str>,
    key: Arc<str>,
    checkpoint: Checkpoint,
}

impl Signed {
    fn now(doors: &Doors) -> Result<Self, Status> {
        let checkpoints = doors.checkpoints();
        let note = (checkpoints.sign)();
        let key = VerifyingKey::parse(&checkpoints.verifier_key).map_err(status::failed)?;
        let checkpoint = open(&note, &key).map_err(status::failed)?;
        Ok(Self {
            note: note.into(),
            key: Arc::clone(&checkpoints.verifier_key),
            checkpoint,
        })
    }

    fn message(&self) -> wire::SignedCheckpoint {
        wire::SignedCheckpoint {
            note: self.note.to_string(),
            verifier_key: self.key.to_string(),
        }
    }
}

/// What evidence is asked for.
struct Wanted {
    customer: SubjectRef,
    as_of: Option<AsOf>,
    question: Option<Question>,
    whole_ledger: bool,
}

fn gather(
    doors: &Doors,
    wanted: &Wanted,
) -> Result<(Signed, wire::EvidenceHead, Vec<Position>), Status> {
    let (pseudonym, _) = doors.known_or_erased(&wanted.customer)?;
    let basis = (doors.views()).basis(pseudonym, wanted.as_of, wanted.whole_ledger);
    let basis =
        (basis.map_err(status::view)?).ok_or_else(|| status::customer_unknown("customer"))?;
    // Later than the records, so that a gag order that came with one of them is known.
    let (_, now) = doors.known_or_erased(&wanted.customer)?;
    // After the records were found, so that it covers them all.
    let signed = Signed::now(doors)?;
    let (past, then) = (&basis.past, basis.past.then);
    let ruling = wanted.question.as_ref().map(|question| {
        let used = doors.views().pic_request_used_by(question, then);
        let world = World {
            pic_request_used: used.map_err(status::view)?,
            ..past.world()
        };
        let ruled = rule(Some(&basis.customer), world, question, then.at);
        let position = past.position(Some(&basis.customer));
        Ok::<_, Status>(with_texts(&ruled, &past.rulebook, then.at, position))
    });
    let hidden = |position: &&Position| {
        let at = doors.views().now();
        now.gags
            .as_ref()
            .is_some_and(|gags| gags.hide(**position, at))
    };
    let text = doors.proofs().rulebooks.text(past.rulebook.digest);
    let head = wire::EvidenceHead {
        pseudonym: pseudonym.to_string(),
        at: Some(timestamp(then.at)),
        through_position: then.through.map(|position| position.0),
        checkpoint: Some(signed.message()),
        rulebook: Some(rulebook_version(
            &past.rulebook.name,
            &past.rulebook.version,
        )),
        rulebook_text: text.map_err(status::failed)?,
        records: basis.records.len() as u64,
        ruling: ruling.transpose()?,
        erased: now.erased.is_some(),
        under_gag_order: (basis.records.iter().filter(hidden))
            .map(|position| position.0)
            .collect(),
    };
    Ok((signed, head, basis.records))
}

/// The records in their order, proven some at a time; the first of them already.
async fn prove_all(
    doors: &Doors,
    signed: Signed,
    mut positions: Vec<Position>,
) -> Result<BoxStream<'static, Result<wire::ProvenRecord, Status>>, Status> {
    let rest = positions.split_off(positions.len().min(AT_ONCE));
    let first = prove_some(doors, signed.clone(), positions).await?;
    let doors = doors.clone();
    let some = stream::try_unfold(rest, move |mut rest| {
        let (doors, signed) = (doors.clone(), signed.clone());
        async move {
            if rest.is_empty() {
                return Ok::<_, Status>(None);
            }
            let later = rest.split_off(rest.len().min(AT_ONCE));
            let proven = prove_some(&doors, signed, rest).await?;
            Ok(Some((stream::iter(proven.into_iter().map(Ok)), later)))
        }
    });
    let rest = futures_util::TryStreamExt::try_flatten(some);
    Ok(stream::iter(first.into_iter().map(Ok)).chain(rest).boxed())
}

async fn prove_some(
    doors: &Doors,
    signed: Signed,
    positions: Vec<Position>,
) -> Result<Vec<wire::ProvenRecord>, Status> {
    let prove = move |doors: &Doors| {
        let nodes = doors.proofs().tree.nodes().map_err(status::tree)?;
        let proven = positions.iter();
        proven
            .map(|position| prove(doors, &signed.checkpoint, &nodes, *position))
            .collect()
    };
    doors.read_past(prove).await
}

fn prove(
    doors: &Doors,
    checkpoint: &Checkpoint,
    nodes: &KeptNodes<'_>,
    position: Position,
) -> Result<wire::ProvenRecord, Status> {
    let unknown = || status::record_unknown(position.0);
    let proof = InclusionProof::of(position.0, checkpoint.size, nodes);
    let proof = proof.map_err(status::tree)?.ok_or_else(unknown)?;
    let line = doors.views().line(position).map_err(status::view)?;
    let line = line.ok_or_else(unknown)?;
    if proof.root(leaf_hash(&line)) != Some(checkpoint.root) {
        return Err(lied(doors));
    }
    let openings = doors.views().openings(&line).map_err(status::view)?;
    let opened = openings.into_iter().map(|opening| {
        let text = String::from_utf8(opening.opened.plaintext.to_vec());
        Ok(wire::SealedOpening {
            field: opening.field,
            text: text.map_err(|_| status::failed("a sealed field is no text"))?,
            salt: Bytes::copy_from_slice(&opening.opened.salt),
        })
    });
    Ok(wire::ProvenRecord {
        position: position.0,
        path: bytes(&proof.path),
        openings: opened.collect::<Result<_, Status>>()?,
        line: line.into(),
    })
}

fn consistency(doors: &Doors, from_size: u64) -> Result<wire::ProveConsistencyResponse, Status> {
    let signed = Signed::now(doors)?;
    let checkpoint = &signed.checkpoint;
    let nodes = doors.proofs().tree.nodes().map_err(status::tree)?;
    let proof = ConsistencyProof::of(from_size, checkpoint.size, &nodes).map_err(status::tree)?;
    let proof = proof.ok_or_else(|| status::size_ahead(from_size, checkpoint.size))?;
    // The nodes are those of the tree that was signed, or the proof does not lead there.
    let older = root(from_size, &nodes).map_err(status::tree)?;
    if !proof.holds(older, checkpoint.root) {
        return Err(lied(doors));
    }
    Ok(wire::ProveConsistencyResponse {
        checkpoint: Some(signed.message()),
        path: bytes(&proof.path),
    })
}

fn lied(doors: &Doors) -> Status {
    let what = "a proof did not lead to the root that was signed".to_owned();
    status::tree(doors.proofs().tree.broken(what))
}

fn bytes(path: &[Hash]) -> Vec<Bytes> {
    (path.iter())
        .map(|hash| Bytes::copy_from_slice(&hash.0))
        .collect()
}
