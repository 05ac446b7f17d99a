//! A list of customers, scrubbed before a campaign: each is asked about, and only a yes stays on it.

use std::collections::BTreeMap;
use std::time::Instant;

use super::callers::{
    by_phone, classes, customer, denial, everything, grant, header, marketing_to, may_market,
    restriction, unverified, verified,
};
use super::consents::{notice, said};
use super::print::grouped;
use super::scene::Scene;
use super::surprise::{Surprise, same};
use super::words;
use crate::proto::v1 as wire;
use wire::submit_request::Command;
use wire::submit_response::Answer;
use wire::{
    ChangeServicesRequest, Channel, CloseService, CommandReceipt, CpniClass, Medium,
    OpenAccountRequest, ReasonCode, RecipientKind, SubmitRequest,
};

/// Customers on the list.
const LIST: usize = 1_000;

/// What is the case with a customer of the list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Situation {
    Silent,
    HasMobile,
    Granted,
    Denied,
    Restricted,
    Left,
    Stranger,
}

impl Situation {
    /// Of twenty customers nine never said anything, and so on.
    fn of(index: usize) -> Self {
        match index % 20 {
            0..=8 => Self::Silent,
            9..=11 => Self::HasMobile,
            12..=14 => Self::Granted,
            15..=16 => Self::Denied,
            17 => Self::Restricted,
            18 => Self::Left,
            _ => Self::Stranger,
        }
    }

    fn services(self) -> &'static [&'static str] {
        match self {
            Self::HasMobile | Self::Restricted => &["local", "cmrs"],
            _ => &["local"],
        }
    }

    /// The answer that follows from the policy.
    const fn answer(self) -> (bool, ReasonCode) {
        match self {
            Self::Silent => (false, ReasonCode::ApprovalRequired),
            Self::HasMobile => (true, ReasonCode::HeldCategory),
            Self::Granted => (true, ReasonCode::Granted),
            Self::Denied => (false, ReasonCode::Denied),
            Self::Restricted => (false, ReasonCode::Restricted),
            Self::Left => (false, ReasonCode::Lapsed),
            Self::Stranger => (false, ReasonCode::CustomerUnknown),
        }
    }

    const fn explained(self) -> &'static str {
        match self {
            Self::Silent => "never said anything",
            Self::HasMobile => "has mobile service already",
            Self::Granted => "granted after a notice",
            Self::Denied => "denied everything",
            Self::Restricted => "has mobile, restricted billing data",
            Self::Left => "had granted, then left",
            Self::Stranger => "not in the ledger",
        }
    }

    const EVERY: [Self; 7] = [
        Self::HasMobile,
        Self::Granted,
        Self::Silent,
        Self::Denied,
        Self::Restricted,
        Self::Left,
        Self::Stranger,
    ];
}

fn id(index: usize) -> String {
    format!("ACCT-{}", 20_000 + index)
}

fn those(wanted: &[Situation]) -> Vec<usize> {
    (0..LIST)
        .filter(|index| wanted.contains(&Situation::of(*index)))
        .collect()
}

/// Builds the list's customers through one stream of commands, and scrubs the list through one stream of checks.
pub async fn scrubbed(scene: &mut Scene<'_>) -> Result<(), Surprise> {
    scene.page.step("A campaign list is scrubbed");
    let first = scene.head + 1;
    let began = Instant::now();
    let commands = build(scene).await?;
    scene.page.done(&format!(
        "{} customers: {} commands, streamed without a wait between them; {} records, each durable before its answer, in {} ms",
        grouped(those(&BUILT).len() as u64),
        grouped(commands),
        grouped(scene.head + 1 - first),
        began.elapsed().as_millis()
    ));

    scene.page.act(&format!(
        "Marketing has a list of {} accounts, chosen by their bills, for an offer of mobile service: who may stay on it?",
        grouped(LIST as u64)
    ));
    let began = Instant::now();
    let answers = check_all(scene).await?;
    let took = began.elapsed().as_millis();
    let mut counted: BTreeMap<(bool, &'static str), u64> = BTreeMap::new();
    for (index, ruling) in answers.iter().enumerate() {
        let (allowed, code) = Situation::of(index).answer();
        let codes: Vec<_> = ruling.reasons.iter().map(wire::Reason::code).collect();
        same(
            &id(index),
            (ruling.allowed, codes.as_slice()),
            (allowed, [code].as_slice()),
        )?;
        *counted.entry((allowed, code.as_str_name())).or_default() += 1;
    }
    let rows = Situation::EVERY.map(|situation| {
        let (allowed, code) = situation.answer();
        let count = counted
            .get(&(allowed, code.as_str_name()))
            .copied()
            .unwrap_or_default();
        [
            if allowed { "YES" } else { "no" }.to_owned(),
            grouped(count),
            words::bare(code.as_str_name(), "REASON_CODE_").to_owned(),
            situation.explained().to_owned(),
        ]
    });
    scene
        .page
        .table(["", "customers", "reason", "because the customer"], rows);
    let may = answers.iter().filter(|ruling| ruling.allowed).count() as u64;
    scene.page.done(&format!(
        "{} of {} may be called; all answers in {took} ms, each the one that the policy demands",
        grouped(may),
        grouped(LIST as u64)
    ));
    Ok(())
}

const BUILT: [Situation; 6] = [
    Situation::Silent,
    Situation::HasMobile,
    Situation::Granted,
    Situation::Denied,
    Situation::Restricted,
    Situation::Left,
];

/// Opens the accounts, gives notices, takes words, closes. Gives back how many commands that took.
async fn build(scene: &mut Scene<'_>) -> Result<u64, Surprise> {
    let accounts = those(&BUILT);
    let asked = those(&[Situation::Granted, Situation::Left]);
    let blocking = those(&[Situation::Denied, Situation::Restricted]);
    let leaving = those(&[Situation::Left]);
    let company = [RecipientKind::Company];

    let open = accounts.iter().map(|index| {
        Command::OpenAccount(OpenAccountRequest {
            header: header(Channel::System),
            customer_id: id(*index),
            legal_entity: "infotech".to_owned(),
            services: Situation::of(*index)
                .services()
                .iter()
                .map(|one| (*one).to_owned())
                .collect(),
        })
    });
    let mut sent = submit(scene, open.collect()).await?.len();
    let notices = asked
        .iter()
        .map(|index| Command::RecordNotice(notice(&id(*index), Medium::Electronic, &company)));
    let notices = submit(scene, notices.collect()).await?;
    sent += notices.len();
    let grants = asked.iter().zip(&notices).map(|(index, notice)| {
        let statement = by_phone(&id(*index), verified(), Some(notice.position));
        let words = vec![grant(marketing_to(&company))];
        Command::RecordConsent(said(&id(*index), words, Some(statement)))
    });
    let blocks = blocking.iter().map(|index| {
        let word = match Situation::of(*index) {
            Situation::Restricted => restriction(classes(&[CpniClass::Billing])),
            _ => denial(everything()),
        };
        Command::RecordConsent(said(
            &id(*index),
            vec![word],
            unverified(Medium::Electronic),
        ))
    });
    let words = submit(scene, grants.chain(blocks).collect()).await?;
    let closings = leaving.iter().map(|index| {
        Command::ChangeServices(ChangeServicesRequest {
            header: header(Channel::System),
            customer: customer(&id(*index)),
            open: Vec::new(),
            close: vec![CloseService {
                category: "local".to_owned(),
                ends_at: None,
            }],
        })
    });
    let closings = submit(scene, closings.collect()).await?;
    sent += words.len() + closings.len();
    Ok(sent as u64)
}

/// Sends commands through one stream, without waiting for the answer to one before the next.
async fn submit(
    scene: &mut Scene<'_>,
    commands: Vec<Command>,
) -> Result<Vec<CommandReceipt>, Surprise> {
    let count = commands.len();
    let requests = commands.into_iter().map(|command| SubmitRequest {
        command: Some(command),
    });
    let mut answers = scene
        .callers
        .intake
        .submit(tokio_stream::iter(requests))
        .await?
        .into_inner();
    let mut receipts = Vec::with_capacity(count);
    while let Some(response) = answers.message().await? {
        let receipt = match response.answer {
            Some(Answer::OpenAccount(opened)) => opened.receipt,
            Some(Answer::ChangeServices(changed)) => changed.receipt,
            Some(Answer::RecordNotice(given)) => given.receipt,
            Some(Answer::RecordConsent(spoken)) => spoken.receipt,
            Some(Answer::Refused(refused)) => {
                return Err(Surprise::otherwise(
                    "a command of the stream",
                    "recorded",
                    refused.message,
                ));
            }
            _ => None,
        };
        receipts.push(scene.recorded(receipt)?);
        same(
            "the answer's number",
            response.sequence,
            receipts.len() as u64,
        )?;
    }
    same("answers of the stream", receipts.len(), count)?;
    Ok(receipts)
}

/// The answer about each customer of the list, in the list's order.
async fn check_all(scene: &mut Scene<'_>) -> Result<Vec<wire::Ruling>, Surprise> {
    let question = wire::Question {
        selected_by: vec![CpniClass::Billing.into()],
        ..may_market("cmrs", &[CpniClass::Billing])
    };
    scene.rulings((0..LIST).map(id).collect(), question).await
}
