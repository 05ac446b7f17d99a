//! A notice that cites a template: it says what a person approved, or it is refused (F4, R23).

use super::NoticeText;
use crate::domain::company::templates::Template;
use crate::domain::customer::Context;
use crate::domain::ids::{EntityId, Position, Sha256Digest};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::scope::Scope;
use crate::domain::time::Time;
use crate::domain::vocabulary::Medium;

/// The field of a command that names the template.
const TEMPLATE: &str = "template_version";

/// What a notice that cites a template says of itself.
pub(super) struct Cited<'a> {
    /// The template's version.
    pub template: &'a EntityId,
    /// SHA-256 of its text.
    pub text_digest: Sha256Digest,
    /// Its form, and the field that says so.
    pub form: (&'static str, Medium),
    /// Its language, where the command says it.
    pub language: Option<&'a str>,
    /// What it covers.
    pub covers: &'a Scope,
}

/// The template, where it says what the notice is said to say, and was approved by then (F4).
pub(super) fn require<'a>(
    cited: &Cited<'_>,
    given_at: Time,
    context: &Context<'a>,
) -> Result<&'a Template, Refusal> {
    let refuse = |field: &str, why: &str| Err(refusal(cited.template.as_str(), field, why));
    let Some(template) = context.company.templates.get(cited.template) else {
        return refuse(TEMPLATE, "no such version is approved; approve it first");
    };
    let approved = &template.approved;
    if template.approved_at > given_at {
        return refuse(TEMPLATE, "it was approved after the notice was given");
    }
    if approved.text_digest != cited.text_digest {
        return refuse("text_digest", "its text has another digest");
    }
    let (form_field, form) = cited.form;
    if approved.form != form {
        return refuse(form_field, "it was approved for another form");
    }
    if cited
        .language
        .is_some_and(|language| language != approved.language)
    {
        return refuse("language", "it was approved in another language");
    }
    if !approved.covers.covers_all(cited.covers) {
        return refuse("covers", "it doesn't cover all that the notice covers");
    }
    Ok(template)
}

/// The record that approved the template of which a notice that was given, not sent, is the text.
pub(super) fn require_given(
    notice: &NoticeText,
    context: &Context<'_>,
) -> Result<Position, Refusal> {
    let given_at = context.occurred_at.unwrap_or(context.now);
    let refuse = |why| refusal(&notice.version, TEMPLATE, why);
    let version = EntityId::parse(&notice.version)
        .ok_or_else(|| refuse("a version is 1 to 64 of a-z 0-9 . _ -"))?;
    let cited = Cited {
        template: &version,
        text_digest: Sha256Digest(notice.text_digest),
        form: ("form", notice.form),
        language: Some(&notice.language),
        covers: &notice.covers,
    };
    let template = require(&cited, given_at, context)?;
    match template.approved.opt_out_days {
        None => Ok(template.position),
        Some(_) => Err(refuse(
            "it asks for opt-out approval; record it as a notice that is sent, which starts its clock (64.2008(d))",
        )),
    }
}

fn refusal(template: &str, field: &str, why: &str) -> Refusal {
    Refusal::new(
        RefusalCode::NoticeTemplate,
        field,
        format!("template {template}: {why}"),
    )
}
