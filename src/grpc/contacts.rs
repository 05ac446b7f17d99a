//! ContactService: who, besides the holder, may speak for an account.

use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::callers::person;
use super::convert::contacts::wire_contact;
use super::convert::values;
use super::doors::Doors;
use crate::proto::v1 as wire;

/// Serves ContactService.
pub struct Contacts(pub Doors);

#[tonic::async_trait]
impl wire::contact_service_server::ContactService for Contacts {
    async fn request_contacts(
        &self,
        request: Request<wire::RequestContactsRequest>,
    ) -> Result<Response<wire::RequestContactsResponse>, Status> {
        self.0.command(request).await
    }

    async fn set_contacts(
        &self,
        request: Request<wire::SetContactsRequest>,
    ) -> Result<Response<wire::SetContactsResponse>, Status> {
        self.0.command(request).await
    }

    async fn add_contact(
        &self,
        request: Request<wire::AddContactRequest>,
    ) -> Result<Response<wire::AddContactResponse>, Status> {
        self.0.command(request).await
    }

    async fn remove_contact(
        &self,
        request: Request<wire::RemoveContactRequest>,
    ) -> Result<Response<wire::RemoveContactResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_contact_unreachable(
        &self,
        request: Request<wire::RecordContactUnreachableRequest>,
    ) -> Result<Response<wire::RecordContactUnreachableResponse>, Status> {
        self.0.command(request).await
    }

    async fn get_contacts(
        &self,
        request: Request<wire::GetContactsRequest>,
    ) -> Result<Response<wire::GetContactsResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let customer = values::customer(given.customer)?;
        let only = match given.person.as_str() {
            "" => None,
            id => Some(person("person", id, &|kind, value| {
                doors.token(kind, value)
            })?),
        };
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        let customer = doors.known_by(&call, customer, &registers).await?;
        let mut response = wire::GetContactsResponse {
            position: registers.position(),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
            ..wire::GetContactsResponse::default()
        };
        if let Some(list) = &customer.contacts {
            let listed = list.listed.iter();
            let listed = listed.filter(|one| only.is_none_or(|person| one.person == person));
            response.contacts = listed.map(wire_contact).collect();
            response.given = list.is_listed();
            response.list_position = list.version().unwrap_or_default().0;
            response.requested_position = list.requested.unwrap_or_default().0;
            response.unreached = list.unreached;
        }
        Ok(Response::new(response))
    }
}
