//! What leaves the company, and on what ground: clause 3 of the policy.

use super::callers::{customer, digest, header, verified};
use super::print::Page;
use super::scene::{MAIN, Scene};
use super::surprise::{Surprise, same, there};
use super::words;
use crate::proto::v1 as wire;
use wire::disclose_request::Seal;
use wire::disclose_response::Outcome;
use wire::question::Ground;
use wire::{
    Assurance, Channel, CpniClass, DiscloseRequest, ListDisclosuresRequest, Purpose, Question,
    ReasonCode, RecipientKind,
};

/// Who is told: an id, in the clear for auditors.
const COURT: &str = "third-district-court-utah";
/// The order's authority and number as told, which the record holds sealed.
const ORDER: [&str; 2] = ["Third District Court, Salt Lake County", "order 26-1193"];

/// One request to disclose, and what must become of it.
struct Case {
    told: &'static str,
    question: Question,
    seal: Option<Seal>,
    refused: Option<ReasonCode>,
}

/// Discloses on several grounds; two are refused, and recorded as refused.
pub async fn grounds(scene: &mut Scene<'_>) -> Result<(), Surprise> {
    scene.page.step("Disclosures: a closed list of grounds");
    scene.page.aside("Check and record are one step. What is refused leaves a record too; a denial stops no bill, no repair and no court.");
    for case in cases(scene.grant) {
        disclose(scene, case).await?;
    }
    sealed_texts(scene).await?;
    accounting(scene).await
}

fn question(purpose: Purpose, to: RecipientKind, entity: &str, class: CpniClass) -> Question {
    Question {
        purpose: purpose.into(),
        recipient_kind: to.into(),
        entity: entity.to_owned(),
        classes: vec![class.into()],
        ..Question::default()
    }
}

fn on(ground: Ground, question: Question) -> Question {
    Question {
        ground: Some(ground),
        ..question
    }
}

fn bill(verification: Option<Assurance>) -> Question {
    let invoice = wire::BillingGround {
        invoice: "invoice 2026-10-4471".to_owned(),
        verification,
        telling: None,
    };
    let to = RecipientKind::Customer;
    on(
        Ground::Billing(invoice),
        question(Purpose::Billing, to, "", CpniClass::Billing),
    )
}

fn ticket() -> Ground {
    Ground::Service(wire::ServiceGround {
        ticket: "trouble ticket 88120".to_owned(),
        open: true,
        verification: None,
        telling: None,
    })
}

fn cases(grant: u64) -> Vec<Case> {
    let made = |told, question| Case {
        told,
        question,
        seal: None,
        refused: None,
    };
    let refused = |told, question, code| Case {
        told,
        question,
        seal: None,
        refused: Some(code),
    };
    let affiliate = question(
        Purpose::MarketingComms,
        RecipientKind::Affiliate,
        "infotech-wireless",
        CpniClass::Billing,
    );
    let court = question(
        Purpose::Legal,
        RecipientKind::LawEnforcement,
        COURT,
        CpniClass::CallDetail,
    );
    let order = Ground::Legal(wire::LegalGround {
        authority: ORDER[0].to_owned(),
        reference: ORDER[1].to_owned(),
        dated: "2026-11-02".to_owned(),
        digest: digest("the court's order"),
    });
    let provider = "acme-long-distance";
    let freeze = Ground::PicFreeze(wire::PicFreezeGround {
        provider: provider.to_owned(),
        request_id: "acme request 5512".to_owned(),
    });
    let carrier = question(
        Purpose::PicFreeze,
        RecipientKind::Carrier,
        provider,
        CpniClass::PicFreezeStatus,
    );
    let agent = "northwind-repairs";
    let repair = question(
        Purpose::Service,
        RecipientKind::Agent,
        agent,
        CpniClass::TechnicalConfiguration,
    );
    let offer = question(
        Purpose::MarketingComms,
        RecipientKind::Agent,
        agent,
        CpniClass::Billing,
    );
    vec![
        made(
            "Billing data to an affiliate that may market, citing the customer's grant.",
            on(
                Ground::Approval(wire::ApprovalGround { cites: Some(grant) }),
                affiliate,
            ),
        ),
        Case {
            seal: Some(Seal::SealedUntilLifted(true)),
            ..made(
                "Call detail to a court, by its order, under a gag until that is lifted.",
                on(order, court),
            )
        },
        refused(
            "The bill, read out to a caller whom nobody verified.",
            bill(None),
            ReasonCode::VerificationRequired,
        ),
        made(
            "The bill, read out to the customer after the password.",
            bill(verified()),
        ),
        made(
            "A carrier asks whether a PIC freeze stands; nothing else leaves.",
            on(freeze, carrier),
        ),
        made(
            "Technical details to the agent who repairs, for an open ticket.",
            on(ticket(), repair),
        ),
        refused(
            "The same agent would like the bill to sell something, on the ground of the ticket.",
            on(ticket(), offer),
            ReasonCode::PurposeNotCovered,
        ),
    ]
}

async fn disclose(scene: &mut Scene<'_>, case: Case) -> Result<(), Surprise> {
    scene.page.act(case.told);
    let ground = words::ground(&case.question);
    let under_gag = case.seal.is_some();
    let request = DiscloseRequest {
        header: header(Channel::Phone),
        customer: customer(MAIN),
        question: Some(case.question),
        seal: case.seal,
    };
    let response = scene
        .callers
        .disclosures
        .disclose(request)
        .await?
        .into_inner();
    let position = scene.recorded(response.receipt)?.position;
    if under_gag {
        scene.gagged = position;
    }
    match (there("the outcome", response.outcome)?, case.refused) {
        (Outcome::Made(_), None) => {
            let gag = if under_gag {
                ", hidden from accounting and publication"
            } else {
                ""
            };
            scene.page.yes(&format!(
                "ground: {ground}; recorded as made (record {position}{gag})"
            ));
        }
        (Outcome::Refused(denied), Some(code)) => {
            tell_refused(scene.page, &denied, code, position)?
        }
        (outcome, refused) => return Err(Surprise::otherwise(case.told, refused, outcome)),
    }
    Ok(())
}

fn tell_refused(
    page: &mut Page,
    denied: &wire::DisclosureDenied,
    code: ReasonCode,
    position: u64,
) -> Result<(), Surprise> {
    let reason = denied.reasons.iter().find(|reason| reason.code() == code);
    let reason = there("the reason of the refusal", reason)?;
    let name = words::bare(code.as_str_name(), "REASON_CODE_");
    page.no(&format!("{name}; recorded as refused (record {position})"));
    if let Some(clause) = reason.clauses.iter().find(|clause| !clause.text.is_empty()) {
        page.under(&format!("{}: “{}”", clause.reference, clause.text));
    }
    Ok(())
}

/// The order's words are in the record only as ciphertext, beside a commitment to them.
async fn sealed_texts(scene: &mut Scene<'_>) -> Result<(), Surprise> {
    let request = wire::GetRecordRequest {
        position: scene.gagged,
    };
    let line = scene
        .callers
        .audit
        .get_record(request)
        .await?
        .into_inner()
        .line;
    let line = String::from_utf8_lossy(&line);
    same(
        "the order's own texts in the record",
        ORDER.iter().any(|text| line.contains(text)),
        false,
    )?;
    same(
        "sealed fields in the record",
        line.contains("\"sealed\":{"),
        true,
    )?;
    scene.page.done(&format!(
        "what the order says of itself is nowhere in record {}: it is sealed under the customer's own key",
        scene.gagged
    ));
    Ok(())
}

async fn accounting(scene: &mut Scene<'_>) -> Result<(), Surprise> {
    scene.page.act("The customer asks: to whom did you give it? The accounting, and then what an auditor sees.");
    let customers = list(scene, false, false).await?;
    let rows = customers.iter().filter_map(|disclosure| {
        let question = disclosure.question.as_ref()?.question.as_ref()?;
        Some([
            words::recipient(question),
            question
                .classes()
                .map(words::class)
                .collect::<Vec<_>>()
                .join(", "),
            words::ground(question).to_owned(),
        ])
    });
    scene.page.table(
        ["given to", "what", "on what ground"],
        rows.collect::<Vec<_>>(),
    );
    let hidden = customers
        .iter()
        .any(|disclosure| disclosure.position == scene.gagged);
    same(
        "the gagged disclosure in the customer's accounting",
        hidden,
        false,
    )?;
    let auditors = list(scene, true, true).await?;
    let refused = auditors
        .iter()
        .filter(|one| !one.refused_for.is_empty())
        .count();
    same(
        "disclosures, the refused and the sealed",
        (customers.len(), auditors.len(), refused),
        (4, 7, 2),
    )?;
    scene.page.done(
        "the customer sees 4; an auditor 7: also the one under the gag order, and the 2 refused",
    );
    Ok(())
}

async fn list(
    scene: &mut Scene<'_>,
    refused: bool,
    sealed: bool,
) -> Result<Vec<wire::Disclosure>, Surprise> {
    let request = ListDisclosuresRequest {
        customer: customer(MAIN),
        include_refused: refused,
        include_sealed: sealed,
        min_position: scene.head,
        ..ListDisclosuresRequest::default()
    };
    Ok(scene
        .callers
        .disclosures
        .list_disclosures(request)
        .await?
        .into_inner()
        .disclosures)
}
