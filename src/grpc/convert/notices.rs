//! Notices by template: what is approved, sent, and what became of it (F4 to F7, R10).

use super::commands::command_requests;
use super::lists::{Listed, member, members, numbers};
use super::registers::optional_item;
use super::scopes::{required_scope, wire_scope};
use super::values::{self, digest, entity, identifier, language, timestamp};
use super::{Malformed, Tokens, Within, answers, callers};
use crate::domain::command::Command;
use crate::domain::company::CompanyCommand;
use crate::domain::company::templates::{
    ApproveTemplate, Template, TemplateApproved, TemplateCommand, TemplateEvent,
};
use crate::domain::ids::{Position, Sha256Digest};
use crate::domain::notices::email::EmailAgreed;
use crate::domain::notices::send::{NoticeSent, OptOutClock, ReportDelivery, SendNotice};
use crate::domain::notices::{
    GiveNotice, NoticeCommand, NoticeEvent, NoticeGiven, NoticeText, Shown,
};
use crate::domain::rulebook::Rulebook;
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, SubjectRef};

command_requests! {
    ApproveNoticeTemplateRequest => ApproveNoticeTemplateResponse = "/consent.v1.NoticeService/ApproveNoticeTemplate":
        approve, answers::template_approved;
    RecordNoticeSentRequest => RecordNoticeSentResponse = "/consent.v1.NoticeService/RecordNoticeSent":
        send, answers::notice_sent;
    RecordNoticeOutcomeRequest => RecordNoticeOutcomeResponse = "/consent.v1.NoticeService/RecordNoticeOutcome":
        report, answers::notice_outcome;
    RecordEmailConsentRequest => RecordEmailConsentResponse = "/consent.v1.NoticeService/RecordEmailConsent":
        agree_to_email, answers::email_agreed;
    RevokeEmailConsentRequest => RevokeEmailConsentResponse = "/consent.v1.NoticeService/RevokeEmailConsent":
        revoke_email, answers::email_revoked;
}

fn approve(
    given: wire::ApproveNoticeTemplateRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let given = (given.template).ok_or_else(|| Malformed::missing("template"))?;
    let command = TemplateCommand::Approve(template(given).within("template")?);
    let command = Command::Company(CompanyCommand::Templates(command));
    Ok((SubjectRef::Company, command))
}

fn template(given: wire::NoticeTemplate) -> Result<ApproveTemplate, Malformed> {
    Ok(ApproveTemplate {
        version: entity("version", &given.version)?,
        form: member("form", given.form)?,
        language: language("language", given.language)?,
        text_digest: Sha256Digest(digest("text_digest", &given.text_digest)?),
        covers: required_scope("covers", given.covers)?,
        statements: members("statements", &given.statements)?,
        opt_out_days: given.opt_out_days,
    })
}

fn send(
    given: wire::RecordNoticeSentRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let command = NoticeCommand::Send(SendNotice {
        template: entity("template_version", &given.template_version)?,
        text_digest: Sha256Digest(digest("text_digest", &given.text_digest)?),
        delivery: member("delivery", given.delivery)?,
        covers: required_scope("covers", given.covers)?,
        campaign: optional_item("campaign_id", &given.campaign_id)?,
    });
    Ok((customer, Command::Notices(command)))
}

/// A notice that was given, as a command.
pub(super) fn give(
    given: wire::RecordNoticeRequest,
    tokens: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let (version, statements) = match given.template_version.as_str() {
        "" => {
            let version = identifier("notice_version", given.notice_version.clone())?;
            (version, Some(members("statements", &given.statements)?))
        }
        template => {
            require_template_alone(&given)?;
            (entity("template_version", template)?.to_string(), None)
        }
    };
    let customer = values::customer(given.customer)?;
    let notice = NoticeText {
        version,
        text_digest: digest("text_digest", &given.text_digest)?,
        form: member("form", given.form)?,
        language: language("language", given.language)?,
        covers: required_scope("covers", given.covers)?,
    };
    let command = Command::GiveNotice(GiveNotice {
        notice,
        statements,
        call: (!given.call_id.is_empty())
            .then(|| callers::call(&given.call_id, tokens))
            .transpose()?,
    });
    Ok((customer, command))
}

/// A template says the version and the statements.
fn require_template_alone(given: &wire::RecordNoticeRequest) -> Result<(), Malformed> {
    if !given.statements.is_empty() {
        return Err(Malformed::invalid(
            "statements",
            "must be empty where `template_version` is given: the template has them",
        ));
    }
    if !given.notice_version.is_empty() && given.notice_version != given.template_version {
        return Err(Malformed::invalid(
            "notice_version",
            "must be the template's version, or empty, where `template_version` is given",
        ));
    }
    Ok(())
}

fn report(
    given: wire::RecordNoticeOutcomeRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let command = NoticeCommand::Report(ReportDelivery {
        notice: Position(given.notice_position),
        outcome: member("outcome", given.outcome)?,
    });
    Ok((customer, Command::Notices(command)))
}

fn agree_to_email(
    given: wire::RecordEmailConsentRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let command = NoticeCommand::AgreeToEmail(EmailAgreed {
        medium: member("medium", given.medium)?,
        speaker: member("speaker", given.speaker)?,
        evidence_digest: Sha256Digest(digest("evidence_digest", &given.evidence_digest)?),
    });
    Ok((customer, Command::Notices(command)))
}

fn revoke_email(
    given: wire::RevokeEmailConsentRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    Ok((customer, Command::Notices(NoticeCommand::RevokeEmail)))
}

/// A template on the wire.
pub fn wire_template(template: &Template) -> wire::NoticeTemplate {
    wire::NoticeTemplate {
        position: template.position.0,
        ..wire_approved(&template.approved)
    }
}

fn wire_approved(approved: &TemplateApproved) -> wire::NoticeTemplate {
    wire::NoticeTemplate {
        version: approved.version.to_string(),
        form: approved.form.number(),
        language: approved.language.clone(),
        text_digest: approved.text_digest.0.to_vec(),
        covers: Some(wire_scope(&approved.covers)),
        statements: numbers(approved.statements.members()),
        opt_out_days: approved.opt_out_days,
        reviewer_token: approved.reviewer.to_string(),
        position: 0,
    }
}

/// An event about templates on the wire.
pub fn wire_template_event(event: &TemplateEvent) -> wire::entry::Event {
    let TemplateEvent::Approved(approved) = event;
    wire::entry::Event::NoticeTemplateApproved(wire::NoticeTemplateApprovedEvent {
        template: Some(wire_approved(approved)),
    })
}

/// A clock on the wire.
pub fn wire_clock(clock: &OptOutClock) -> wire::OptOutClock {
    wire::OptOutClock {
        days: clock.days,
        enabled: clock.enabled,
        matures_at: Some(timestamp(clock.matures_at)),
        refresh_at: Some(timestamp(clock.refresh_at)),
    }
}

/// An event about notices on the wire.
pub fn wire_event(event: &NoticeEvent) -> wire::entry::Event {
    use wire::entry::Event as Wire;

    match event {
        NoticeEvent::Sent(sent) => Wire::NoticeSent(wire_sent(sent)),
        NoticeEvent::Delivered(delivered) => Wire::NoticeDelivered(wire::NoticeDeliveredEvent {
            notice_position: delivered.notice.0,
        }),
        NoticeEvent::Failed(failed) => Wire::NoticeFailed(wire::NoticeFailedEvent {
            notice_position: failed.notice.0,
            outcome: failed.outcome.number(),
            voids_since: failed.voids_since.map(timestamp),
        }),
        NoticeEvent::EmailAgreed(agreed) => Wire::EmailAgreed(wire::EmailAgreedEvent {
            medium: agreed.medium.number(),
            speaker: agreed.speaker.number(),
            evidence_digest: agreed.evidence_digest.0.to_vec(),
        }),
        NoticeEvent::EmailRevoked(revoked) => Wire::EmailRevoked(wire::EmailRevokedEvent {
            consent_position: revoked.consent.0,
        }),
    }
}

/// A notice that was given, on the wire.
pub fn wire_given(given: &NoticeGiven) -> wire::NoticeGivenEvent {
    let (template, statements) = match given.shown {
        Some(Shown::Template(approved)) => (approved.0, Vec::new()),
        Some(Shown::Statements(found)) => (0, numbers(found.members())),
        None => (0, Vec::new()),
    };
    wire::NoticeGivenEvent {
        notice_version: given.notice.version.clone(),
        text_digest: given.notice.text_digest.to_vec(),
        form: given.notice.form.number(),
        language: given.notice.language.clone(),
        covers: Some(wire_scope(&given.notice.covers)),
        template_position: template,
        statements,
        call_token: given.call.map(|call| call.to_string()).unwrap_or_default(),
    }
}

fn wire_sent(sent: &NoticeSent) -> wire::NoticeSentEvent {
    wire::NoticeSentEvent {
        template_version: sent.template.to_string(),
        template_position: sent.approved.0,
        text_digest: sent.text_digest.0.to_vec(),
        delivery: sent.delivery.number(),
        covers: Some(wire_scope(&sent.covers)),
        email_consent_position: sent.email_consent.map_or(0, |consent| consent.0),
        opt_out: sent.opt_out.as_ref().map(wire_clock),
        campaign_id: (sent.campaign.as_ref()).map_or_else(String::new, ToString::to_string),
    }
}
