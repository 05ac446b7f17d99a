//! kill -9 at any moment: nothing acknowledged is lost (T4, C1, E2).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be"
)]

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use consent_ledger::audit::audit_folder;
use consent_ledger::proto::v1 as wire;
use server::{Server, deny, marketing, open_account};
use wire::account_service_client::AccountServiceClient;
use wire::audit_service_client::AuditServiceClient;
use wire::consent_service_client::ConsentServiceClient;

const ROUNDS: usize = 6;
const CALLERS: usize = 8;

/// What a caller was told: position, pseudonym, version.
type Acknowledged = (u64, String, u64);

#[tokio::test(flavor = "multi_thread")]
async fn t4_nothing_acknowledged_is_lost_by_kill_nine_during_load() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    for round in 0..ROUNDS {
        let server = Server::start(dir.path()).await;
        check(&server, &acknowledged).await;
        let stop = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let id = format!("K-{round}-{caller}");
                tokio::spawn(load(server.address, id, Arc::clone(&stop)))
            })
            .collect();
        // Each round dies at another point of the load.
        tokio::time::sleep(Duration::from_millis(300 + 170 * round as u64)).await;
        server.kill().await;
        stop.store(true, Ordering::Relaxed);
        for caller in callers {
            acknowledged.extend(caller.await.unwrap());
        }
    }
    assert!(
        acknowledged.len() > ROUNDS * CALLERS,
        "there was hardly any load"
    );
    let server = Server::start(dir.path()).await;
    check(&server, &acknowledged).await;
    assert!(server.stop().await);
    let audited = audit_folder(dir.path(), true, &|_| {}).unwrap();
    let newest = acknowledged
        .iter()
        .map(|(position, _, _)| *position)
        .max()
        .unwrap();
    assert!(audited.verified.records > newest);
}

/// Opens an account and denies again and again until the server is gone; gives what was acknowledged.
async fn load(
    address: std::net::SocketAddr,
    id: String,
    stop: Arc<AtomicBool>,
) -> Vec<Acknowledged> {
    let mut acknowledged = Vec::new();
    let Ok(channel) = tonic::transport::Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
    else {
        return acknowledged;
    };
    let mut accounts = AccountServiceClient::new(channel.clone());
    let mut consents = ConsentServiceClient::new(channel);
    let Ok(opened) = accounts.open_account(open_account(&id, &["local"])).await else {
        return acknowledged;
    };
    acknowledged.push(of(opened.into_inner().receipt));
    while !stop.load(Ordering::Relaxed) {
        let request = deny(&id, marketing(wire::RecipientKind::Affiliate));
        match consents.record_consent(request).await {
            Ok(answer) => acknowledged.push(of(answer.into_inner().receipt)),
            Err(_) => break,
        }
    }
    acknowledged
}

fn of(receipt: Option<wire::CommandReceipt>) -> Acknowledged {
    let receipt = receipt.unwrap();
    (
        receipt.position,
        receipt.pseudonym,
        receipt.customer_version,
    )
}

/// Every acknowledged record is at its position, about its customer, in its version.
async fn check(server: &Server, acknowledged: &[Acknowledged]) {
    let mut audit = AuditServiceClient::new(server.connect().await);
    for (position, pseudonym, version) in acknowledged {
        let request = wire::GetRecordRequest {
            position: *position,
        };
        let line = audit.get_record(request).await.unwrap().into_inner().line;
        let record = consent_ledger::ledger::Record::parse(&line).unwrap();
        assert_eq!((record.position, record.version), (*position, *version));
        assert!(String::from_utf8_lossy(&line).contains(pseudonym));
    }
}
