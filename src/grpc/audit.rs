//! AuditService: the exact bytes, for whoever doesn't want to trust this server, and the questions that must come back
//! empty.

use futures_util::stream::{self, BoxStream, StreamExt};
use prost::bytes::Bytes;
use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::values;
use super::customer_walk::Parts;
use super::doors::Doors;
use super::in_order::UntilStopping;
use super::pages::Page;
use super::standing::Asking;
use super::status;
use super::voided;
use crate::domain::ids::Position;
use crate::proto::v1 as wire;

/// Serves AuditService.
pub struct Audit {
    doors: Doors,
    asking: Asking,
}

impl Audit {
    /// The service behind these doors.
    pub fn new(doors: Doors) -> Self {
        Self {
            asking: Asking::new(&doors),
            doors,
        }
    }
}

#[tonic::async_trait]
impl wire::audit_service_server::AuditService for Audit {
    async fn get_record(
        &self,
        request: Request<wire::GetRecordRequest>,
    ) -> Result<Response<wire::GetRecordResponse>, Status> {
        let call = Call::of(&request)?;
        let position = request.into_inner().position;
        let read = move |doors: &Doors| line(doors, position);
        let line = call.in_time(self.doors.read(read)).await?;
        Ok(Response::new(wire::GetRecordResponse { position, line }))
    }

    type ExportRecordsStream = BoxStream<'static, Result<wire::ExportRecordsResponse, Status>>;

    async fn export_records(
        &self,
        request: Request<wire::ExportRecordsRequest>,
    ) -> Result<Response<Self::ExportRecordsStream>, Status> {
        Call::of(&request)?;
        let given = request.into_inner();
        let newest = self.doors.position().0.saturating_add(1);
        let until = given
            .until_position
            .map_or(newest, |until| until.min(newest));
        let doors = self.doors.clone();
        let blocks = stream::try_unfold(given.from_position, move |from| {
            let doors = doors.clone();
            async move { doors.read(move |doors| block(doors, from, until)).await }
        });
        Ok(Response::new(
            UntilStopping::new(blocks.boxed(), self.doors.stopping()).boxed(),
        ))
    }

    async fn get_checkpoint(
        &self,
        request: Request<wire::GetCheckpointRequest>,
    ) -> Result<Response<wire::GetCheckpointResponse>, Status> {
        let call = Call::of(&request)?;
        let read = |doors: &Doors| Ok((doors.checkpoints().sign)());
        let note = call.in_time(self.doors.read(read)).await?;
        Ok(Response::new(wire::GetCheckpointResponse {
            note,
            verifier_key: self.doors.checkpoints().verifier_key.to_string(),
        }))
    }

    async fn list_voided_uses(
        &self,
        request: Request<wire::ListVoidedUsesRequest>,
    ) -> Result<Response<wire::ListVoidedUsesResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.doors);
        let given = request.into_inner();
        let page = Page::parse(given.page_size, &given.page_token)?;
        let customer = values::customer(given.customer)?;
        let as_of = given.as_of.as_ref();
        let registers = doors.told_registers(&call, given.min_position, as_of);
        let registers = registers.await?;
        let found = doors.voided_uses(&call, customer, page, registers);
        found.await.map(Response::new)
    }

    type ListAllVoidedUsesStream = Parts<wire::ListAllVoidedUsesResponse>;

    async fn list_all_voided_uses(
        &self,
        request: Request<wire::ListAllVoidedUsesRequest>,
    ) -> Result<Response<Self::ListAllVoidedUsesStream>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.doors);
        let given = request.into_inner();
        let as_of = given.as_of.as_ref();
        let registers = doors.told_registers(&call, given.min_position, as_of);
        Ok(Response::new(voided::list(doors, registers.await?)))
    }

    type AskStandingQuestionsStream =
        BoxStream<'static, Result<wire::AskStandingQuestionsResponse, Status>>;

    async fn ask_standing_questions(
        &self,
        request: Request<wire::AskStandingQuestionsRequest>,
    ) -> Result<Response<Self::AskStandingQuestionsStream>, Status> {
        Call::of(&request)?;
        let parts = self.asking.begin(request.into_inner())?;
        Ok(Response::new(
            UntilStopping::new(parts, self.doors.stopping()).boxed(),
        ))
    }
}

fn line(doors: &Doors, position: u64) -> Result<Bytes, Status> {
    let line = doors
        .views()
        .line(Position(position))
        .map_err(status::view)?;
    line.map(Bytes::from)
        .ok_or_else(|| status::record_unknown(position))
}

/// The lines from `from` on that lie in one block, and where to go on; `None` at the end.
fn block(
    doors: &Doors,
    from: u64,
    until: u64,
) -> Result<Option<(wire::ExportRecordsResponse, u64)>, Status> {
    if from >= until {
        return Ok(None);
    }
    let found = doors.views().block(Position(from)).map_err(status::view)?;
    let Some(found) = found else {
        return Err(status::failed(format!(
            "the log has no position {from}, below its head"
        )));
    };
    let next = found.next().min(until);
    let open = found.open().map_err(status::failed)?;
    let asked = open
        .iter()
        .filter(|(position, _)| (from..next).contains(position));
    let lines = asked
        .map(|(_, line)| Bytes::copy_from_slice(line))
        .collect();
    let response = wire::ExportRecordsResponse {
        first_position: from,
        lines,
    };
    Ok(Some((response, next)))
}
