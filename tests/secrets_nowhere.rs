//! A secret is nowhere but in the vault, and there only as a hash: not in a record, a view, the vault, a log line of any level, an answer or an error (P12, T3).
//!
//! The real program runs with every log line on, callers use secrets in every way that there is, right and wrong; then
//! all that the process wrote or answered is searched for them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

mod server;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use consent_ledger::app::{Ledger, Options};
use consent_ledger::audit::lines_of_folder;
use consent_ledger::clock::System;
use consent_ledger::proto::v1 as wire;
use prost::Message;
use server::{Server, customer, header, open_account};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Status;
use tonic::transport::Channel;
use wire::account_service_client::AccountServiceClient;
use wire::audit_service_client::AuditServiceClient;
use wire::authentication_service_client::AuthenticationServiceClient;
use wire::authority::Authority;
use wire::query_service_client::QueryServiceClient;

const PIN: &str = "9513724680";
const WRONG_PIN: &str = "1029384756";
const REFUSED_PIN: &str = "8880014797";
const SSN: &str = "523-71-8880";
const MAIDEN_NAME: &str = "Quixotemaiden";
const KNOWN_NUMBER: &str = "801-479-7331";
const PET: &str = "Zanzibarpet";
const ANSWERS: [&str; 2] = ["Orchestralhall", "Timbuktutown"];
const WRONG_ANSWER: &str = "Mistakenplace";
/// Kept on purpose, but only sealed.
const SEALED_NUMBER: &str = "801-210-1651";

const EVERY: [&str; 10] = [
    PIN,
    WRONG_PIN,
    REFUSED_PIN,
    SSN,
    MAIDEN_NAME,
    KNOWN_NUMBER,
    PET,
    ANSWERS[0],
    ANSWERS[1],
    WRONG_ANSWER,
];

/// Everything that the server said.
#[derive(Default)]
struct Heard(Vec<Vec<u8>>);

impl Heard {
    fn note<M: Message>(&mut self, answer: Result<tonic::Response<M>, Status>) -> Option<M> {
        match answer {
            Ok(response) => {
                let message = response.into_inner();
                self.0.push(message.encode_to_vec());
                Some(message)
            }
            Err(status) => {
                self.0.push(format!("{status:?}").into_bytes());
                self.0.push(status.details().to_vec());
                None
            }
        }
    }
}

fn authority(authority: Authority) -> Option<wire::Authority> {
    Some(wire::Authority {
        authority: Some(authority),
    })
}

fn start_of_service() -> Option<wire::Authority> {
    authority(Authority::StartOfService(true))
}

fn holder() -> Option<wire::Caller> {
    Some(wire::Caller {
        caller: Some(wire::caller::Caller::AccountHolder(true)),
    })
}

fn establish(secret: &str, authority: Option<wire::Authority>) -> wire::EstablishCredentialRequest {
    wire::EstablishCredentialRequest {
        header: header(),
        customer: customer("K-1"),
        kind: wire::CredentialKind::Pin.into(),
        secret: secret.into(),
        known: Some(wire::KnownValues {
            social_security_number: SSN.into(),
            mothers_maiden_name: MAIDEN_NAME.into(),
            telephone_numbers: vec![KNOWN_NUMBER.into()],
            pet_names: vec![PET.into()],
        }),
        authority,
    }
}

fn verify(secret: &str) -> wire::VerifySecretRequest {
    wire::VerifySecretRequest {
        header: header(),
        customer: customer("K-1"),
        identified: Some(wire::Identified {
            caller: holder(),
            purpose: wire::VerificationPurpose::AccountChanges.into(),
            call_id: "c-1".into(),
        }),
        secret: secret.into(),
        prompted: false,
    }
}

fn answers(second: &str) -> Vec<wire::ChallengeAnswer> {
    let answer = |(question, answer): (&str, &str)| wire::ChallengeAnswer {
        question: question.into(),
        answer: answer.into(),
    };
    [("first_concert", ANSWERS[0]), ("first_job_town", second)]
        .map(answer)
        .into()
}

fn answer(second: &str) -> wire::AnswerChallengeRequest {
    wire::AnswerChallengeRequest {
        header: header(),
        customer: customer("K-1"),
        caller: holder(),
        call_id: "c-2".into(),
        answers: answers(second),
    }
}

/// Uses secrets in every way, right and wrong, well-formed and malformed.
async fn use_secrets(channel: &Channel, heard: &mut Heard) {
    let mut accounts = AccountServiceClient::new(channel.clone());
    let mut callers = AuthenticationServiceClient::new(channel.clone());
    heard.note(accounts.open_account(open_account("K-1", &["local"])).await);
    let number = wire::AssociateReachRequest {
        header: header(),
        customer: customer("K-1"),
        reach: Some(wire::Reach {
            kind: wire::ReachKind::TelephoneNumber.into(),
            value: SEALED_NUMBER.into(),
        }),
        keep_text: true,
        replaces: String::new(),
        authority: start_of_service(),
    };
    heard.note(callers.associate_reach(number).await);
    let refused = callers
        .establish_credential(establish(REFUSED_PIN, start_of_service()))
        .await;
    assert!(!heard.note(refused).unwrap().accepted);
    let set = callers
        .establish_credential(establish(PIN, start_of_service()))
        .await;
    assert!(heard.note(set).unwrap().accepted);
    let unproven = callers
        .establish_credential(establish(WRONG_PIN, start_of_service()))
        .await;
    assert!(heard.note(unproven).is_none());
    let malformed = callers.establish_credential(establish(PIN, None)).await;
    assert!(heard.note(malformed).is_none());
    let nobody = wire::VerifySecretRequest {
        customer: customer("K-nobody"),
        ..verify(PIN)
    };
    assert!(heard.note(callers.verify_secret(nobody).await).is_none());
    let wrong = callers.verify_secret(verify(WRONG_PIN)).await;
    assert!(!heard.note(wrong).unwrap().verified);
    let right = heard
        .note(callers.verify_secret(verify(PIN)).await)
        .unwrap();
    assert!(right.verified);
    let verified = authority(Authority::Verification(wire::VerificationAuthority {
        position: right.receipt.unwrap().position,
        call_id: "c-1".into(),
    }));
    let questions = wire::SetChallengeRequest {
        header: header(),
        customer: customer("K-1"),
        answers: answers(ANSWERS[1]),
        authority: verified,
    };
    assert!(heard.note(callers.set_challenge(questions).await).is_some());
    let wrong = callers.answer_challenge(answer(WRONG_ANSWER)).await;
    assert!(!heard.note(wrong).unwrap().passed);
    let right = callers.answer_challenge(answer(ANSWERS[1])).await;
    assert!(heard.note(right).unwrap().passed);
    let status = wire::GetAuthenticationRequest {
        customer: customer("K-1"),
        ..wire::GetAuthenticationRequest::default()
    };
    heard.note(callers.get_authentication(status).await);
}

/// Reads all that can be read, as an administrator.
async fn read_all(channel: &Channel, heard: &mut Heard) {
    let mut queries = QueryServiceClient::new(channel.clone());
    let history = wire::GetHistoryRequest {
        customer: customer("K-1"),
        ..wire::GetHistoryRequest::default()
    };
    let entries = heard
        .note(queries.get_history(history).await)
        .unwrap()
        .entries;
    let mut audit = AuditServiceClient::new(channel.clone());
    for entry in entries {
        let record = wire::GetRecordRequest {
            position: entry.position,
        };
        heard.note(audit.get_record(record).await);
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files
}

/// Whether the bytes hold the text, in whatever case.
fn holds(bytes: &[u8], text: &str) -> bool {
    let (bytes, text) = (bytes.to_ascii_lowercase(), text.to_ascii_lowercase());
    memchr::memmem::find(&bytes, text.as_bytes()).is_some()
}

/// The records as an auditor reads them: on disk they lie compressed.
fn lines(dir: &Path) -> Vec<u8> {
    let mut lines = Vec::new();
    lines_of_folder(dir, |line| lines.extend_from_slice(line)).unwrap();
    lines
}

/// The metrics as Prometheus gets them.
async fn scraped(address: SocketAddr) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /metrics HTTP/1.0\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_t3_no_secret_is_in_anything_that_the_process_wrote_or_said() {
    let dir = tempfile::tempdir().unwrap();
    let (data, log) = (dir.path().join("data"), dir.path().join("log"));
    let metrics = server::free();
    let told = fs::File::create(&log).unwrap();
    let server = Server::start_telling_all(&data, told, metrics).await;
    let channel = server.connect().await;
    let mut heard = Heard::default();
    use_secrets(&channel, &mut heard).await;
    read_all(&channel, &mut heard).await;
    let metrics = scraped(metrics).await;
    assert!(holds(&metrics, "consent_"));
    heard.0.push(metrics);
    assert!(server.stop().await);

    let mut searched = 0;
    for path in files(dir.path()) {
        let bytes = fs::read(&path).unwrap();
        searched += bytes.len();
        for secret in EVERY {
            assert!(!holds(&bytes, secret), "{}: {secret}", path.display());
        }
        assert!(!holds(&bytes, SEALED_NUMBER), "{}", path.display());
    }
    let logged = fs::read(&log).unwrap();
    assert!(holds(&logged, "TRACE") && holds(&logged, "EstablishCredential"));
    assert!(searched > 100_000);
    assert!(data.join("vault").join("secrets").exists());
    for bytes in &heard.0 {
        for secret in EVERY {
            assert!(!holds(bytes, secret), "{}", String::from_utf8_lossy(bytes));
        }
    }
    assert!(
        heard
            .0
            .iter()
            .any(|bytes| holds(bytes, "credential.established.v1"))
    );
    let lines = lines(&data);
    assert!(holds(&lines, "challenge.passed.v1"));
    for secret in EVERY.into_iter().chain([SEALED_NUMBER]) {
        assert!(!holds(&lines, secret), "{secret}");
    }
}

/// Opens the ledger without doors; why it isn't served.
fn refused(data: &Path) -> Option<String> {
    let fatal = Arc::new(|problem: &str| panic!("fatal: {problem}"));
    let clock = Arc::new(System::default());
    let mut options = Options::new(data);
    options.log.tail_bytes = 1 << 20;
    match Ledger::open(options, clock, fatal, &|_, _, _| {}) {
        Ok(ledger) => {
            ledger.close().unwrap();
            None
        }
        Err(error) => Some(error.to_string()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_a_ledger_is_not_served_without_the_secrets_that_its_records_cite() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let channel = server.connect().await;
    use_secrets(&channel, &mut Heard::default()).await;
    assert!(server.stop().await);
    let secrets = dir.path().join("vault").join("secrets");
    let whole = fs::read(&secrets).unwrap();

    fs::remove_file(&secrets).unwrap();
    let why = refused(dir.path()).unwrap();
    assert!(why.contains("secrets") && why.contains("restore"), "{why}");
    fs::write(&secrets, &whole[..whole.len() - 128]).unwrap();
    let why = refused(dir.path()).unwrap();
    assert!(why.contains("secrets") && why.contains("restore"), "{why}");
    fs::write(&secrets, &whole).unwrap();
    assert_eq!(refused(dir.path()), None);
}
