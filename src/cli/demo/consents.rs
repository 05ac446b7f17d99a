//! What the customer is told and says: clauses 1 and 2 of the policy.

use tonic_types::StatusExt;

use super::callers::{
    affiliate, by_phone, classes, customer, denial, digest, everything, grant, header,
    marketing_to, may_affiliate_market, may_market, restriction, unverified, verified,
};
use super::scene::Detail::{Brief, Full};
use super::scene::{MAIN, Scene};
use super::surprise::{Surprise, same, there};
use crate::generate::STATEMENTS;
use crate::proto::v1 as wire;
use wire::{
    Channel, CpniClass, Medium, OpenAccountRequest, ReasonCode, RecipientKind,
    RecordConsentRequest, RecordNoticeRequest, SpokenWord, Statement,
};

/// The customer who denied everything and then calls.
const OTHER: &str = "ACCT-1002";
/// An affiliate that the customer doesn't want.
const UNWANTED: &str = "infotech-cloud";
/// An affiliate like any other.
const WIRELESS: &str = "infotech-wireless";
/// The call in which something is approved once.
const CALL: &str = "call 7002";

/// An account with two services, and what may be asked about it before anybody said anything.
pub async fn account(scene: &mut Scene<'_>) -> Result<(), Surprise> {
    scene.page.step("An account opens");
    scene.page.act(&format!(
        "CRM opens {MAIN} with local and long-distance service."
    ));
    let receipt = open_account(scene, MAIN, &["local", "interexchange"]).await?;
    scene.page.aside(&format!(
        "Acknowledged when durable, not before. Records name the customer {} and nothing else: which account that is, \
         the vault alone knows.",
        receipt.pseudonym
    ));

    scene.page.step("May we? Silence is no consent");
    let billing = [CpniClass::Billing];
    let asked = "Marketing: may we look at the bill and offer mobile service?";
    let no = (false, ReasonCode::ApprovalRequired);
    scene
        .ask((asked, MAIN, may_market("cmrs", &billing)), no, Full)
        .await?;
    let asked =
        "Marketing: and a better long-distance plan, which is a category that the customer has?";
    let yes = (true, ReasonCode::HeldCategory);
    scene
        .ask(
            (asked, MAIN, may_market("interexchange", &billing)),
            yes,
            Full,
        )
        .await?;
    let asked = "Marketing: and for an account of which the ledger has never heard?";
    let unknown = (false, ReasonCode::CustomerUnknown);
    scene
        .ask(
            (asked, "ACCT-9999", may_market("cmrs", &billing)),
            unknown,
            Brief,
        )
        .await?;
    Ok(())
}

/// Notice, a grant that is refused, the grant, the same request again.
pub async fn approval(scene: &mut Scene<'_>) -> Result<(), Surprise> {
    scene
        .page
        .step("The customer is asked, and grants by telephone");
    let kinds = [
        RecipientKind::Company,
        RecipientKind::Affiliate,
        RecipientKind::Agent,
    ];
    scene.page.act("Call centre reads out the notice: what CPNI is, who would use it, that a no has no effect on service.");
    let notice = give_notice(scene, MAIN, &kinds).await?;

    let words = vec![grant(marketing_to(&kinds))];
    scene
        .page
        .act("The caller says yes, but nobody has verified who is calling.");
    let request = said(
        MAIN,
        words.clone(),
        Some(by_phone("call 7001", None, Some(notice))),
    );
    refused(scene, request, "VERIFICATION_REQUIRED").await?;

    scene
        .page
        .act("The caller gives the account's password, and says yes again. The recording is kept.");
    let request = said(
        MAIN,
        words,
        Some(by_phone("call 7001", verified(), Some(notice))),
    );
    let spoken = scene
        .callers
        .consents
        .record_consent(request.clone())
        .await?
        .into_inner();
    same("blocks that still stand", spoken.still_blocked_by.len(), 0)?;
    let receipt = scene.tell_recorded(
        "granted, with notice, verification and evidence",
        spoken.receipt,
    )?;
    scene.grant = receipt.position;

    let asked = "Marketing asks again: may we look at the bill and offer mobile service?";
    let question = may_market("cmrs", &[CpniClass::Billing]);
    scene
        .ask((asked, MAIN, question), (true, ReasonCode::Granted), Full)
        .await?;

    scene.page.act("The call centre's connection broke, and it sends the grant once more, under the same request id.");
    let again = scene
        .callers
        .consents
        .record_consent(request.clone())
        .await?
        .into_inner();
    let again = there("the repeated receipt", again.receipt)?;
    same(
        "repeated",
        (again.repeated, again.position),
        (true, receipt.position),
    )?;
    same(
        "the newest record",
        scene.reached().await?,
        receipt.position,
    )?;
    scene.page.done(&format!(
        "the first answer again: record {}; nothing was added",
        again.position
    ));
    let mut other = request;
    other.words = vec![denial(everything())];
    scene
        .page
        .act("And once under the same id with other content, which can only be a defect:");
    refused(scene, other, "REQUEST_ID_REUSED").await
}

/// A denial of one affiliate and a restriction of one class.
pub async fn changes_of_mind(scene: &mut Scene<'_>) -> Result<(), Surprise> {
    scene.page.step("A denial by telephone: not that affiliate");
    scene.page.act(&format!(
        "The customer calls: “not {UNWANTED}”. A no needs no password, no notice and no evidence."
    ));
    let request = said(
        MAIN,
        vec![denial(affiliate(UNWANTED))],
        unverified(Medium::Oral),
    );
    let spoken = scene
        .callers
        .consents
        .record_consent(request)
        .await?
        .into_inner();
    scene.denial = scene.tell_recorded("denied", spoken.receipt)?.position;
    for (entity, answer, detail) in [
        (UNWANTED, (false, ReasonCode::Denied), Full),
        (WIRELESS, (true, ReasonCode::Granted), Brief),
        ("", (false, ReasonCode::Denied), Brief),
    ] {
        let who = if entity.is_empty() {
            "our affiliates, all of them,"
        } else {
            entity
        };
        let asked = format!("May {who} use the billing data to offer mobile service?");
        scene
            .ask((&asked, MAIN, may_affiliate_market(entity)), answer, detail)
            .await?;
    }

    scene.page.step("A restriction: not where I am");
    scene
        .page
        .act("The customer, in the web portal: never use my location, for anything.");
    let words = vec![restriction(classes(&[CpniClass::Location]))];
    let request = said(MAIN, words, unverified(Medium::Electronic));
    let spoken = scene
        .callers
        .consents
        .record_consent(request)
        .await?
        .into_inner();
    scene.tell_recorded("restricted", spoken.receipt)?;
    let question = may_market("cmrs", &[CpniClass::Billing, CpniClass::Location]);
    let asked = "May the company use bill and location to offer mobile service?";
    scene
        .ask(
            (asked, MAIN, question),
            (false, ReasonCode::Restricted),
            Brief,
        )
        .await?;
    let question = may_market("cmrs", &[CpniClass::Billing]);
    let asked = "And the bill alone?";
    scene
        .ask((asked, MAIN, question), (true, ReasonCode::Granted), Brief)
        .await?;
    Ok(())
}

/// Another customer denied everything and approves something for the length of one call.
pub async fn one_call(scene: &mut Scene<'_>) -> Result<(), Surprise> {
    scene.page.step("A yes for the length of one call");
    scene.page.act(&format!(
        "{OTHER} opens with local service and denies everything to everybody."
    ));
    open_account(scene, OTHER, &["local"]).await?;
    let request = said(
        OTHER,
        vec![denial(everything())],
        unverified(Medium::Written),
    );
    let spoken = scene
        .callers
        .consents
        .record_consent(request)
        .await?
        .into_inner();
    scene.tell_recorded("denied", spoken.receipt)?;
    let asked =
        "May the company use the bill to offer even the local service that the customer has?";
    let question = may_market("local", &[CpniClass::Billing]);
    scene
        .ask((asked, OTHER, question), (false, ReasonCode::Denied), Brief)
        .await?;

    scene.page.act("The customer calls, is verified, and says: look at my bill and tell me what mobile would cost, just now.");
    let notice = give_notice(scene, OTHER, &[RecipientKind::Company]).await?;
    let mut scope = marketing_to(&[RecipientKind::Company]);
    if let Some(scope) = &mut scope {
        scope.all_classes = false;
        scope.classes = vec![CpniClass::Billing.into()];
    }
    let request = wire::GrantOnceRequest {
        header: header(Channel::Phone),
        customer: customer(OTHER),
        call_id: CALL.to_owned(),
        scope,
        statement: Some(by_phone(CALL, verified(), Some(notice))),
    };
    let granted = scene
        .callers
        .consents
        .grant_once(request)
        .await?
        .into_inner();
    scene.tell_recorded("approved for this call", granted.receipt)?;
    let question = may_market("cmrs", &[CpniClass::Billing]);
    let in_call = wire::Question {
        call_id: CALL.to_owned(),
        ..question.clone()
    };
    let asked = "The agent, in this call: may I?";
    let ruling = scene
        .ask(
            (asked, OTHER, in_call.clone()),
            (true, ReasonCode::OneTime),
            Full,
        )
        .await?;
    there("the end of a one-time approval", ruling.valid_until)?;
    let asked = "Marketing, at the same moment, outside the call: may we?";
    scene
        .ask((asked, OTHER, question), (false, ReasonCode::Denied), Brief)
        .await?;
    let request = wire::EndCallRequest {
        header: header(Channel::Phone),
        customer: customer(OTHER),
        call_id: CALL.to_owned(),
    };
    let ended = scene.callers.consents.end_call(request).await?.into_inner();
    scene.tell_recorded("the call ends", ended.receipt)?;
    let asked = "The agent, a minute later: may I still?";
    scene
        .ask((asked, OTHER, in_call), (false, ReasonCode::Denied), Brief)
        .await?;
    Ok(())
}

async fn open_account(
    scene: &mut Scene<'_>,
    id: &str,
    services: &[&str],
) -> Result<wire::CommandReceipt, Surprise> {
    let request = OpenAccountRequest {
        header: header(Channel::System),
        customer_id: id.to_owned(),
        legal_entity: "infotech".to_owned(),
        services: services
            .iter()
            .map(|service| (*service).to_owned())
            .collect(),
    };
    let opened = scene
        .callers
        .accounts
        .open_account(request)
        .await?
        .into_inner();
    scene.tell_recorded("account and services", opened.receipt)
}

/// The notice's record.
async fn give_notice(
    scene: &mut Scene<'_>,
    id: &str,
    kinds: &[RecipientKind],
) -> Result<u64, Surprise> {
    let request = notice(id, Medium::Oral, kinds);
    let given = scene
        .callers
        .consents
        .record_notice(request)
        .await?
        .into_inner();
    Ok(scene.tell_recorded("notice given", given.receipt)?.position)
}

/// A notice of the policy's version that covers marketing by these recipients.
pub fn notice(id: &str, form: Medium, kinds: &[RecipientKind]) -> RecordNoticeRequest {
    RecordNoticeRequest {
        header: header(if form == Medium::Oral {
            Channel::Phone
        } else {
            Channel::Web
        }),
        customer: customer(id),
        notice_version: "2024-05-29".to_owned(),
        text_digest: digest("the notice's text"),
        form: form.into(),
        language: "en-US".to_owned(),
        covers: marketing_to(kinds),
        template_version: String::new(),
        statements: STATEMENTS.map(i32::from).to_vec(),
        call_id: String::new(),
    }
}

/// Words in one breath.
pub fn said(
    id: &str,
    words: Vec<SpokenWord>,
    statement: Option<Statement>,
) -> RecordConsentRequest {
    let channel = match statement.as_ref().map(Statement::medium) {
        Some(Medium::Oral) => Channel::Phone,
        Some(Medium::Written) => Channel::Post,
        _ => Channel::Web,
    };
    RecordConsentRequest {
        header: header(channel),
        customer: customer(id),
        words,
        statement,
    }
}

/// Sends words that must be refused for `reason`, and must leave no record.
async fn refused(
    scene: &mut Scene<'_>,
    request: RecordConsentRequest,
    reason: &str,
) -> Result<(), Surprise> {
    let what = "a command that must be refused";
    let Err(status) = scene.callers.consents.record_consent(request).await else {
        return Err(Surprise::otherwise(what, reason, "it was recorded"));
    };
    let found = status.get_details_error_info().map(|info| info.reason);
    same(what, found.as_deref(), Some(reason))?;
    same("the newest record", scene.reached().await?, scene.head)?;
    scene.page.no(&format!(
        "{reason}: {}. Nothing was recorded.",
        status.message().trim_end_matches('.')
    ));
    Ok(())
}
