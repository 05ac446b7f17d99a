//! The gRPC door: the contract `consent.v1` on a socket.
//!
//! One file a service; `convert` turns messages into the domain's words and back, `status` gives every failure one code,
//! `call` lets callers in, `doors` speaks to the engine, `in_order` carries the streams. Decides nothing about
//! consent, and never answers a command before the engine says that it is durable.

mod accounts;
mod audit;
mod authentication;
mod bulk;
mod call;
mod campaigns;
mod checks;
mod compliance;
mod conduct;
mod consents;
mod contacts;
mod convert;
mod customer_walk;
mod disclosures;
mod doors;
mod drawing;
mod entities;
mod evidence;
mod imports;
mod in_order;
mod incidents;
mod intake;
mod notices;
mod owed;
mod pages;
mod past;
mod policies;
mod queries;
mod receipts;
mod registers;
mod retention;
mod rulebooks;
mod standing;
mod status;
mod turns;
mod voided;

use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::server::HealthReporter;

use crate::access::{Caller, listen};
use crate::audit::Controller;
use crate::audit::questions::Questioner;
use crate::projections::Views;
use crate::proto::{self, v1 as wire};
use crate::sequencer::Handle;

use wire::account_service_server::AccountServiceServer;
use wire::audit_service_server::AuditServiceServer;
use wire::authentication_service_server::AuthenticationServiceServer;
use wire::campaign_service_server::CampaignServiceServer;
use wire::check_service_server::CheckServiceServer;
use wire::compliance_service_server::ComplianceServiceServer;
use wire::conduct_service_server::ConductServiceServer;
use wire::consent_service_server::ConsentServiceServer;
use wire::contact_service_server::ContactServiceServer;
use wire::disclosure_service_server::DisclosureServiceServer;
use wire::entity_service_server::EntityServiceServer;
use wire::evidence_service_server::EvidenceServiceServer;
use wire::import_service_server::ImportServiceServer;
use wire::incident_service_server::IncidentServiceServer;
use wire::intake_service_server::IntakeServiceServer;
use wire::notice_service_server::NoticeServiceServer;
use wire::policy_service_server::PolicyServiceServer;
use wire::query_service_server::QueryServiceServer;
use wire::receipt_service_server::ReceiptServiceServer;
use wire::retention_service_server::RetentionServiceServer;
use wire::rulebook_service_server::RulebookServiceServer;

pub use convert::comparisons::outcome as comparison_messages;
pub use convert::rulings::with_texts as ruling_message;
pub use doors::{Checkpoints, Proofs};

/// How the door behaves; every limit has its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Largest request message: a command of 32 words fits many times over.
    pub message_bytes_max: usize,
    /// Most calls at a time on one connection.
    pub concurrent_streams_max: u32,
    /// Most unanswered commands of one stream of commands; fewer than the engine's queue holds.
    pub in_flight_max: usize,
    /// Bytes that a stream may have on the way before it is read: half the memory a slow reader costs.
    pub stream_window_bytes: u32,
    /// Bytes that a connection may have on the way before they are read.
    pub connection_window_bytes: u32,
    /// A connection that is silent so long is asked whether it is alive.
    pub keepalive_interval: Duration,
    /// A connection that doesn't answer so long is closed.
    pub keepalive_timeout: Duration,
    /// Longest wait for `min_position` where the caller gives no deadline.
    pub wait_max: Duration,
    /// Longest time that calls get to end when the server stops.
    pub drain_max: Duration,
    /// Who every caller is taken for while callers can't prove who they are (T1).
    pub caller: Caller,
    /// Who answers for the processing, as receipts name it (C8); none: no receipts are given.
    pub controller: Option<Controller>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            message_bytes_max: 64 * 1024,
            concurrent_streams_max: 1024,
            in_flight_max: 4096,
            stream_window_bytes: 1024 * 1024,
            connection_window_bytes: 4 * 1024 * 1024,
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            wait_max: Duration::from_secs(10),
            drain_max: Duration::from_secs(10),
            caller: Caller::loopback(),
            controller: None,
        }
    }
}

/// Why the door isn't open.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is not one to listen on.
    #[error(transparent)]
    Listen(#[from] listen::NotLoopback),
    /// The socket can't be used.
    #[error("the gRPC socket can't be used: {0}")]
    Socket(#[from] std::io::Error),
    /// The compiled contract can't be served by reflection.
    #[error("reflection can't be built: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The server ended by itself.
    #[error("the gRPC server failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// What the door opens on.
pub struct Engine {
    /// Takes commands.
    pub handle: Handle,
    /// Answers questions.
    pub views: Views,
    /// Signs checkpoints.
    pub checkpoints: Checkpoints,
    /// Asks the standing questions.
    pub questioner: Questioner,
    /// What proofs are made of.
    pub proofs: Proofs,
}

/// Serves on `listener` until `stopping` is cancelled, then lets running calls end, within [`Options::drain_max`].
///
/// # Errors
/// When the address is not loopback, or the socket fails.
pub async fn serve(
    listener: TcpListener,
    engine: Engine,
    options: &Options,
    stopping: CancellationToken,
) -> Result<(), ServeError> {
    listen::check(listener.local_addr()?)?;
    let doors = doors::Doors::new(engine, stopping.clone(), options.wait_max);
    let (health, health_service) = tonic_health::server::health_reporter();
    report(&health, true).await;

    let mut routes = Routes::builder();
    routes.add_service(health_service);
    add_services(&mut routes, &doors, options);
    add_reflection(&mut routes)?;

    let signal = {
        let stopping = stopping.clone();
        async move {
            stopping.cancelled().await;
            report(&health, false).await;
        }
    };
    let serving = server(options)
        .layer(call::AdmissionLayer::of_everybody(options.caller.clone()))
        .add_routes(routes.routes())
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), signal);
    let too_long = async {
        stopping.cancelled().await;
        tokio::time::sleep(options.drain_max).await;
    };
    tokio::select! {
        ended = serving => Ok(ended?),
        () = too_long => {
            tracing::warn!("calls that didn't end in time were cut off");
            Ok(())
        }
    }
}

fn server(options: &Options) -> Server {
    Server::builder()
        .max_concurrent_streams(options.concurrent_streams_max)
        .initial_stream_window_size(options.stream_window_bytes)
        .initial_connection_window_size(options.connection_window_bytes)
        .http2_keepalive_interval(Some(options.keepalive_interval))
        .http2_keepalive_timeout(Some(options.keepalive_timeout))
}

fn add_services(
    routes: &mut tonic::service::RoutesBuilder,
    doors: &doors::Doors,
    options: &Options,
) {
    let max = options.message_bytes_max;
    let imports = imports::Imports {
        doors: doors.clone(),
        in_flight_max: options.in_flight_max,
    };
    let intake = intake::Intake {
        doors: doors.clone(),
        in_flight_max: options.in_flight_max,
    };
    routes
        .add_service(
            AccountServiceServer::new(accounts::Accounts(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            ConsentServiceServer::new(consents::Consents(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            CheckServiceServer::new(checks::Checks(doors.clone())).max_decoding_message_size(max),
        )
        .add_service(
            DisclosureServiceServer::new(disclosures::Disclosures(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            QueryServiceServer::new(queries::Queries(doors.clone())).max_decoding_message_size(max),
        )
        .add_service(
            AuditServiceServer::new(audit::Audit::new(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            ReceiptServiceServer::new(receipts::Receipts {
                doors: doors.clone(),
                controller: options.controller.clone(),
            })
            .max_decoding_message_size(max),
        )
        .add_service(
            RulebookServiceServer::new(rulebooks::Rulebooks(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            EntityServiceServer::new(entities::Entities(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            EvidenceServiceServer::new(evidence::Evidence(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            PolicyServiceServer::new(policies::Policies(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            ContactServiceServer::new(contacts::Contacts(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            AuthenticationServiceServer::new(authentication::Callers(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            RetentionServiceServer::new(retention::Retention(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(ImportServiceServer::new(imports).max_decoding_message_size(max))
        .add_service(
            CampaignServiceServer::new(campaigns::Campaigns(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            IncidentServiceServer::new(incidents::Incidents(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            ConductServiceServer::new(conduct::Conduct(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            ComplianceServiceServer::new(compliance::Compliance(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(
            NoticeServiceServer::new(notices::Notices(doors.clone()))
                .max_decoding_message_size(max),
        )
        .add_service(IntakeServiceServer::new(intake).max_decoding_message_size(max));
}

fn add_reflection(
    routes: &mut tonic::service::RoutesBuilder,
) -> Result<(), tonic_reflection::server::Error> {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    routes.add_service(reflection);
    Ok(())
}

/// Says of every service whether it serves.
async fn report(health: &HealthReporter, serving: bool) {
    use tonic_health::ServingStatus;

    let status = if serving {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    let services = [
        "",
        wire::account_service_server::SERVICE_NAME,
        wire::consent_service_server::SERVICE_NAME,
        wire::check_service_server::SERVICE_NAME,
        wire::disclosure_service_server::SERVICE_NAME,
        wire::query_service_server::SERVICE_NAME,
        wire::audit_service_server::SERVICE_NAME,
        wire::evidence_service_server::SERVICE_NAME,
        wire::import_service_server::SERVICE_NAME,
        wire::receipt_service_server::SERVICE_NAME,
        wire::rulebook_service_server::SERVICE_NAME,
        wire::intake_service_server::SERVICE_NAME,
        wire::entity_service_server::SERVICE_NAME,
        wire::notice_service_server::SERVICE_NAME,
        wire::policy_service_server::SERVICE_NAME,
        wire::retention_service_server::SERVICE_NAME,
        wire::campaign_service_server::SERVICE_NAME,
        wire::incident_service_server::SERVICE_NAME,
        wire::conduct_service_server::SERVICE_NAME,
        wire::compliance_service_server::SERVICE_NAME,
        wire::contact_service_server::SERVICE_NAME,
        wire::authentication_service_server::SERVICE_NAME,
    ];
    for service in services {
        health.set_service_status(service, status).await;
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;
    use crate::access::table::METHODS;

    #[test]
    fn t2_the_permission_table_has_a_row_for_each_method_of_the_contract_and_no_other() {
        let descriptors = FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
        let mut contract = Vec::new();
        for file in &descriptors.file {
            for service in &file.service {
                for method in &service.method {
                    contract.push(format!(
                        "/{}.{}/{}",
                        file.package(),
                        service.name(),
                        method.name()
                    ));
                }
            }
        }
        let mut table: Vec<_> = METHODS.iter().map(|(path, _)| (*path).to_owned()).collect();
        contract.sort();
        table.sort();
        assert_eq!(table, contract);
    }

    #[test]
    fn c7_reflection_can_serve_the_contract() {
        add_reflection(&mut Routes::builder()).unwrap();
    }
}
