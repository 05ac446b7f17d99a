//! Templates of notices: what a notice says, checked once by a person before it is sent to anybody (F4, 64.2008).
//!
//! A template that asks for opt-out approval says how long the customer has, and holds every statement that 64.2008(c)
//! and (d) demand; without one of them no clock could start, so it is refused here.

use serde::{Deserialize, Serialize};

use crate::domain::customer::Context;
use crate::domain::event::Placed;
use crate::domain::ids::{EntityId, Position, Sha256Digest, Token};
use crate::domain::notices::{is_language, require_covers};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::rulebook::{Number, RuleName};
use crate::domain::scope::Scope;
use crate::domain::time::Time;
use crate::domain::vocabulary::{Medium, closed_list};

/// Templates that the ledger keeps; further ones are refused.
pub const TEMPLATES_MAX: usize = 1_000;
/// Days that a notice may leave at most.
pub const OPT_OUT_DAYS_MAX: u32 = 365;

closed_list! {
    /// What a notice must say, and how (64.2008(c), (d)).
    Statement,
    /// A set of required statements.
    Statements {
        /// The customer's right, and the carrier's duty, under federal law to protect CPNI: (c)(1).
        RightAndDuty = "right_and_duty",
        /// The types of CPNI: (c)(2).
        CpniTypes = "cpni_types",
        /// The specific entities that will receive it: (c)(2).
        Entities = "entities",
        /// The purposes: (c)(2).
        Purposes = "purposes",
        /// The right to disapprove, and to deny or withdraw access at any time: (c)(2).
        RightToDeny = "right_to_deny",
        /// The precise steps to grant or deny: (c)(3).
        Steps = "steps",
        /// A denial won't affect the provision of any service: (c)(3).
        NoEffectOnService = "no_effect_on_service",
        /// Comprehensible and not misleading: (c)(4).
        Comprehensible = "comprehensible",
        /// Clearly legible, in large enough type, placed to be seen: (c)(5).
        Legible = "legible",
        /// Translated whole, if any part of it is: (c)(6).
        FullyTranslated = "fully_translated",
        /// No encouragement to freeze third-party access: (c)(8).
        NoFreezeEncouragement = "no_freeze_encouragement",
        /// Approval and denial are valid until the customer revokes or limits them: (c)(9).
        ValidUntilRevoked = "valid_until_revoked",
        /// The solicitation is proximate to the notice: (c)(10).
        ProximateSolicitation = "proximate_solicitation",
        /// The waiting period, before which approval is not assumed: (d)(1). Opt-out only.
        WaitingPeriod = "waiting_period",
        /// A way to opt out at no cost and at all hours: (d)(3). Opt-out only.
        NoCostMethod = "no_cost_method",
        /// The approval is limited to this one use: (f)(2)(iii). Oral, for one call.
        LimitedToOneUse = "limited_to_one_use",
        /// The customer can deny access for the call: (f)(2)(iv). Oral, for one call.
        DenialForCall = "denial_for_call",
    }
}

/// What every notice says, in whatever way it asks for approval.
const ALWAYS: Statements = Statements::of(Statement::RightAndDuty)
    .with(Statement::CpniTypes)
    .with(Statement::Entities)
    .with(Statement::Purposes)
    .with(Statement::RightToDeny)
    .with(Statement::Steps)
    .with(Statement::NoEffectOnService)
    .with(Statement::Comprehensible)
    .with(Statement::FullyTranslated)
    .with(Statement::NoFreezeEncouragement)
    .with(Statement::ValidUntilRevoked)
    .with(Statement::ProximateSolicitation);

/// The statements that a notice must hold.
fn required(form: Medium, opt_out: bool) -> Statements {
    let mut required = ALWAYS;
    if form != Medium::Oral {
        required = required.with(Statement::Legible);
    }
    if opt_out {
        required = (required.with(Statement::WaitingPeriod)).with(Statement::NoCostMethod);
    }
    required
}

/// What can be asked about templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateCommand {
    /// Approves a template, by the person who takes the command.
    Approve(ApproveTemplate),
}

/// A template and what its reviewer found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApproveTemplate {
    /// Its version: the name by which notices cite it; 1 to 64 of `a-z 0-9 . _ -`.
    pub version: EntityId,
    /// The form in which it is given.
    pub form: Medium,
    /// Language as a BCP 47 tag.
    pub language: String,
    /// SHA-256 of the text.
    pub text_digest: Sha256Digest,
    /// What it covers: no notice that cites it covers more.
    pub covers: Scope,
    /// The statements that the reviewer found in it.
    pub statements: Statements,
    /// Asks for opt-out approval: the days that the customer has. None: it asks for opt-in.
    pub opt_out_days: Option<u32>,
}

/// What was recorded of templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateEvent {
    /// A template was approved.
    Approved(TemplateApproved),
}

/// A template was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateApproved {
    /// Its version.
    pub version: EntityId,
    /// The form.
    pub form: Medium,
    /// The language.
    pub language: String,
    /// SHA-256 of the text.
    pub text_digest: Sha256Digest,
    /// What it covers.
    pub covers: Scope,
    /// The statements found in it.
    pub statements: Statements,
    /// The days that the customer has to opt out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_out_days: Option<u32>,
    /// The person who approved it.
    pub reviewer: Token,
}

/// The approved templates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Templates {
    /// Sorted by version.
    all: Vec<Template>,
}

/// An approved template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The record.
    pub position: Position,
    /// When it was approved: notices cite it from then on.
    pub approved_at: Time,
    /// What was approved.
    pub approved: TemplateApproved,
}

impl Templates {
    /// The template of that version.
    pub fn get(&self, version: &EntityId) -> Option<&Template> {
        let place = self.place(version).ok()?;
        self.all.get(place)
    }

    /// Every template, in the order of the versions.
    pub fn all(&self) -> &[Template] {
        &self.all
    }

    fn place(&self, version: &EntityId) -> Result<usize, usize> {
        (self.all).binary_search_by(|template| template.approved.version.cmp(version))
    }

    pub(super) fn decide(
        &self,
        command: &TemplateCommand,
        context: &Context<'_>,
    ) -> Result<Vec<TemplateEvent>, Refusal> {
        let TemplateCommand::Approve(command) = command;
        let refuse = |code, field: &str, why: String| Err(Refusal::new(code, field, why));
        let Some(reviewer) = context.person else {
            let why = "a template is approved by a named person; say who takes the command";
            return refuse(RefusalCode::Invalid, "taken_by", why.into());
        };
        if self.get(&command.version).is_some() {
            let why = format!(
                "{} is approved already; a changed text is a new version",
                command.version
            );
            return refuse(RefusalCode::NoticeTemplate, "version", why);
        }
        if self.all.len() >= TEMPLATES_MAX {
            let why = format!("the ledger keeps {TEMPLATES_MAX} templates");
            return refuse(RefusalCode::Limit, "version", why);
        }
        if !is_language(&command.language) {
            let why = "a language is a BCP 47 tag such as en or es-419";
            return refuse(RefusalCode::Invalid, "language", why.into());
        }
        require_covers(&command.covers, "")?;
        command.require_opt_out(context)?;
        let opt_out = command.opt_out_days.is_some();
        require_statements(command.statements, command.form, opt_out)?;
        Ok(vec![TemplateEvent::Approved(TemplateApproved {
            version: command.version.clone(),
            form: command.form,
            language: command.language.clone(),
            text_digest: command.text_digest,
            covers: command.covers.in_order(),
            statements: command.statements.members().collect(),
            opt_out_days: command.opt_out_days,
            reviewer,
        })])
    }

    pub(super) fn follow(&mut self, placed: &Placed<'_, TemplateEvent>) {
        let TemplateEvent::Approved(approved) = placed.event;
        let template = Template {
            position: placed.position,
            approved_at: placed.recorded_at,
            approved: approved.clone(),
        };
        match self.place(&approved.version) {
            Ok(place) => {
                if let Some(known) = self.all.get_mut(place) {
                    *known = template;
                }
            }
            Err(place) => self.all.insert(place, template),
        }
    }
}

impl ApproveTemplate {
    fn require_opt_out(&self, context: &Context<'_>) -> Result<(), Refusal> {
        let Some(days) = self.opt_out_days else {
            return Ok(());
        };
        let refuse =
            |field: &str, why: String| Err(Refusal::new(RefusalCode::NoticeTemplate, field, why));
        if self.form == Medium::Oral {
            let why = "a notice that asks for opt-out approval is never oral (64.2008(d))";
            return refuse("form", why.into());
        }
        let rule = context.rulebook.rule(RuleName::OptOut);
        let minimum = rule.number(Number::MinimumDays);
        if !(minimum..=OPT_OUT_DAYS_MAX).contains(&days) {
            return refuse(
                "opt_out_days",
                format!(
                    "{days} days; the customer has {minimum} to {OPT_OUT_DAYS_MAX} days (64.2008(d)(1))"
                ),
            );
        }
        Ok(())
    }
}

/// The statements that the rules demand of such a notice and that weren't found in it.
pub(in crate::domain) fn lacking(
    found: Statements,
    form: Medium,
    opt_out: bool,
) -> impl Iterator<Item = Statement> {
    (required(form, opt_out).members()).filter(move |statement| !found.contains(*statement))
}

/// The statements that an oral notice for one call must hold and that weren't found in it. It may leave out who else
/// receives CPNI where nobody does, the means to deny in future where it says that the approval is for one use, and the
/// steps where it says that access can be denied for the call (64.2008(f)(2)(ii) to (iv)).
pub(in crate::domain) fn lacking_for_one_call(
    found: Statements,
) -> impl Iterator<Item = Statement> {
    let spared = move |statement: &Statement| match statement {
        Statement::Entities => true,
        Statement::RightToDeny => found.contains(Statement::LimitedToOneUse),
        Statement::Steps => found.contains(Statement::DenialForCall),
        _ => false,
    };
    let lacking = lacking(found, Medium::Oral, false);
    lacking.filter(move |statement| !spared(statement))
}

/// Refuses a given notice that no approval could answer, neither a standing one nor, where it is oral, one for a call.
pub(in crate::domain) fn require_statements_given(
    found: Statements,
    form: Medium,
) -> Result<(), Refusal> {
    if form == Medium::Oral && lacking_for_one_call(found).next().is_none() {
        return Ok(());
    }
    require_statements(found, form, false)
}

/// Refuses a notice in which a statement is missing that the rules demand, and names each (64.2008(c), (d)).
pub(in crate::domain) fn require_statements(
    found: Statements,
    form: Medium,
    opt_out: bool,
) -> Result<(), Refusal> {
    let missing: Vec<_> = lacking(found, form, opt_out).map(Statement::name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::NoticeTemplate,
        "statements",
        format!(
            "the text lacks {}; a notice says each of them (64.2008(c))",
            missing.join(", ")
        ),
    ))
}

#[cfg(test)]
mod tests;
