//! ConductService: complaints, data brokers, access, training and sanctions.

use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::conduct::{token, wire_person};
use super::convert::values::at_most;
use super::doors::Doors;
use crate::domain::company::training::{Person, Training};
use crate::domain::ids::Token;
use crate::proto::v1 as wire;

/// Most people that one question names.
const PEOPLE_ASKED_MAX: usize = 1000;

/// Serves ConductService.
pub struct Conduct(pub Doors);

#[tonic::async_trait]
impl wire::conduct_service_server::ConductService for Conduct {
    async fn record_complaint(
        &self,
        request: Request<wire::RecordComplaintRequest>,
    ) -> Result<Response<wire::RecordComplaintResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_broker_action(
        &self,
        request: Request<wire::RecordBrokerActionRequest>,
    ) -> Result<Response<wire::RecordBrokerActionResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_person(
        &self,
        request: Request<wire::RecordPersonRequest>,
    ) -> Result<Response<wire::RecordPersonResponse>, Status> {
        self.0.command(request).await
    }

    async fn list_people(
        &self,
        request: Request<wire::ListPeopleRequest>,
    ) -> Result<Response<wire::ListPeopleResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        at_most("person_ids", given.person_ids.len(), PEOPLE_ASKED_MAX)?;
        let tokens = |kind: &'static str, value: &str| -> Token { doors.token(kind, value) };
        let mut asked = Vec::with_capacity(given.person_ids.len());
        for (index, id) in given.person_ids.iter().enumerate() {
            asked.push((
                token(&format!("person_ids[{index}]"), id, &tokens)?,
                id.as_str(),
            ));
        }
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        let people = found(&registers.company.training, &asked);
        let people = people.filter(|(_, _, person)| !given.untrained || person.is_untrained());
        Ok(Response::new(wire::ListPeopleResponse {
            people: people
                .map(|(token, id, person)| wire_person(token, id, person))
                .collect(),
            position: registers.position(),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
        }))
    }
}

/// Those asked for who are on record; everybody where nobody is asked for.
fn found<'a>(
    training: &'a Training,
    asked: &'a [(Token, &'a str)],
) -> Box<dyn Iterator<Item = (Token, &'a str, &'a Person)> + Send + 'a> {
    if asked.is_empty() {
        return Box::new(training.people().map(|(token, person)| (token, "", person)));
    }
    Box::new(
        asked
            .iter()
            .filter_map(|(token, id)| Some((*token, *id, training.person(*token)?))),
    )
}
