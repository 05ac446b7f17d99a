//! ReceiptService: what a customer gets to keep of a consent.

use tonic::{Request, Response, Status};
use uuid::Builder;

use super::call::Call;
use super::convert::values;
use super::doors::Doors;
use super::status;
use crate::audit::{CitedNotice, Consent, Controller, ReceiptFacts, receipt};
use crate::domain::event::{Event, Placed};
use crate::domain::ids::{Position, Pseudonym, Sha256Digest};
use crate::domain::notices::send::NoticeSent;
use crate::domain::notices::{NoticeEvent, NoticeGiven};
use crate::domain::time::Time;
use crate::projections::Entry;
use crate::proto::v1 as wire;
use crate::sequencer::SubjectRef;

/// The kind of token that a receipt's id is.
const RECEIPT: &str = "receipt";

/// Serves ReceiptService.
pub struct Receipts {
    /// The engine.
    pub doors: Doors,
    /// Who answers for the processing; none: there are no receipts.
    pub controller: Option<Controller>,
}

#[tonic::async_trait]
impl wire::receipt_service_server::ReceiptService for Receipts {
    async fn get_receipt(
        &self,
        request: Request<wire::GetReceiptRequest>,
    ) -> Result<Response<wire::GetReceiptResponse>, Status> {
        let call = Call::of(&request)?;
        let given = request.into_inner();
        let customer = values::customer(given.customer)?;
        let controller = self.controller.clone();
        let controller = controller.ok_or_else(status::no_controller)?;
        self.doors
            .wait_for(&call, Position(given.min_position))
            .await?;
        let position = Position(given.position);
        let read = move |doors: &Doors| note(doors, &customer, position, &controller);
        let note = call.in_time(self.doors.read(read)).await?;
        Ok(Response::new(wire::GetReceiptResponse {
            note,
            verifier_key: self.doors.checkpoints().verifier_key.to_string(),
        }))
    }
}

fn note(
    doors: &Doors,
    customer: &SubjectRef,
    position: Position,
    controller: &Controller,
) -> Result<String, Status> {
    let (pseudonym, state) = doors.known(customer)?;
    let entry = (doors.views().record(position)).map_err(status::view)?;
    // One answer, whatever is there instead: it gives no record of another's away, nor that one is withheld (P7).
    let unknown = || status::consent_unknown("position");
    let entry = entry.ok_or_else(unknown)?;
    let placed = about(&entry, pseudonym).ok_or_else(unknown)?;
    let consent = Consent::of(placed.event).ok_or_else(unknown)?;
    let cited = consent.statement.notice.ok_or_else(unknown)?;
    let notice = doors.record(cited)?;
    let notice = given(doors, &notice, pseudonym)?.ok_or_else(|| {
        status::failed(format!("record {cited} is no notice, and is cited as one"))
    })?;
    let checkpoints = doors.checkpoints();
    let facts = ReceiptFacts {
        record_id: &record_id(doors, position),
        pseudonym,
        legal_entity: &state.legal_entity,
        consent,
        said_at: said_at(&placed),
        recorded_at: placed.recorded_at,
        channel: entry
            .decoded
            .record
            .actor
            .channel
            .as_deref()
            .unwrap_or("system"),
        notice: &notice,
        controller,
        verifier_key: &checkpoints.verifier_key,
    };
    let json = receipt(&facts).map_err(status::failed)?;
    (checkpoints.sign_document)(&json).map_err(status::failed)
}

/// A keyed digest of the position, as a UUID: it names the consent again, and nobody outside can read or count it.
fn record_id(doors: &Doors, position: Position) -> String {
    let token = doors.token(RECEIPT, &position.to_string());
    Builder::from_custom_bytes(token.0).into_uuid().to_string()
}

fn about(entry: &Entry, customer: Pseudonym) -> Option<Placed<'_>> {
    let (pseudonym, placed) = entry.decoded.placed()?;
    (pseudonym == customer).then_some(placed)
}

/// The notice that the record is: given by its digest, or sent by an approved template, which knows its language.
fn given(doors: &Doors, entry: &Entry, customer: Pseudonym) -> Result<Option<CitedNotice>, Status> {
    let Some(placed) = about(entry, customer) else {
        return Ok(None);
    };
    let given_at = said_at(&placed);
    match placed.event {
        Event::NoticeGiven(NoticeGiven { notice, .. }) => Ok(Some(CitedNotice {
            version: notice.version.clone(),
            text_digest: Sha256Digest(notice.text_digest),
            form: notice.form,
            language: notice.language.clone(),
            given_at,
        })),
        Event::Notices(NoticeEvent::Sent(sent)) => Ok(Some(CitedNotice {
            version: sent.template.to_string(),
            text_digest: sent.text_digest,
            form: sent.delivery.form(),
            language: language(doors, sent)?,
            given_at,
        })),
        _ => Ok(None),
    }
}

/// The language of the template by which the notice was sent. An approved template never changes and is never forgotten.
fn language(doors: &Doors, sent: &NoticeSent) -> Result<String, Status> {
    let company = doors.views().company();
    let template = company.templates.get(&sent.template).ok_or_else(|| {
        let version = &sent.template;
        status::failed(format!(
            "template {version} is cited, and nobody approved it"
        ))
    })?;
    Ok(template.approved.language.clone())
}

fn said_at(placed: &Placed<'_>) -> Time {
    placed.occurred_at.unwrap_or(placed.recorded_at)
}
