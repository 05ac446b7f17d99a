//! What a grant needs and a block doesn't (R15).

use super::word::{Assurance, CitedVerification, Statement};
use crate::domain::authentication::verification::VerifiedFor;
use crate::domain::customer::{Context, Customer};
use crate::domain::ids::{Position, Token};
use crate::domain::notices::GivenNotice;
use crate::domain::notices::one_call::Contents;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::rulebook::Rulebook;
use crate::domain::scope::{Scope, require_named_in_bounds};
use crate::domain::time::Time;
use crate::domain::vocabulary::{Medium, RecipientKind, RecipientKinds, Speaker};

/// Recipients to whom a grant must name the entity (R12).
const BY_NAME_ONLY: RecipientKinds =
    RecipientKinds::of(RecipientKind::ThirdParty).with(RecipientKind::PartnerOrContractor);

/// A grant about to be accepted.
pub(super) struct Grant<'a> {
    /// What it grants.
    pub scope: &'a Scope,
    /// How it was said.
    pub statement: &'a Statement,
    /// Where the scope stands in the command.
    pub field: &'a str,
    /// The call for which it is said, where it is for one only.
    pub call: Option<Token>,
}

impl Grant<'_> {
    /// Refuses the grant unless scope, service, notice and speaker are as R15 demands. Evidence differs between
    /// standing and one-time grants and is asked for by each.
    pub(super) fn require(
        &self,
        customer: &Customer,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let said_at = context.occurred_at.unwrap_or(context.now);
        require_grant_scope(self.scope, self.field)?;
        require_service(customer, said_at, context.now)?;
        self.require_notice(customer, said_at, context.rulebook)?;
        self.require_speaker(customer, context, said_at)?;
        require_open_account(customer)
    }

    /// Who speaks is verified on record, by the caller's word, or both: then both must hold.
    fn require_speaker(
        &self,
        customer: &Customer,
        context: &Context<'_>,
        said_at: Time,
    ) -> Result<(), Refusal> {
        let refuse =
            |field: &str, why| Err(Refusal::new(RefusalCode::VerificationRequired, field, why));
        let statement = self.statement;
        if statement.speaker == Speaker::Other {
            return refuse(
                "statement.speaker",
                "only the account holder or the administrative contact grants".to_owned(),
            );
        }
        if let Some(cited) = statement.verification
            && !self.is_carried_by(cited, customer, context, said_at)
        {
            return refuse(
                "statement.verification",
                format!(
                    "record {} is no verification of this speaker for account changes that stood in this call when the grant was said; verify the caller anew",
                    cited.record
                ),
            );
        }
        let rulebook = context.rulebook;
        match &statement.assurance {
            Some(assurance) if assurance.stood_at(said_at, rulebook) => Ok(()),
            None if statement.verification.is_some() => Ok(()),
            _ => refuse(
                "statement.assurance",
                format!(
                    "the speaker must have been verified within {} min before the grant, and not by mail; verify first",
                    rulebook.periods().verification_minutes
                ),
            ),
        }
    }

    /// Whether the cited verification is this customer's, of this call, and carries the grant (R19).
    fn is_carried_by(
        &self,
        cited: CitedVerification,
        customer: &Customer,
        context: &Context<'_>,
        said_at: Time,
    ) -> bool {
        let (purpose, speaker) = (VerifiedFor::AccountChanges, self.statement.speaker);
        let standing = (customer.authentication.as_ref())
            .and_then(|state| state.standing(cited.record, cited.call, purpose, said_at));
        self.call.is_none_or(|call| call == cited.call)
            && standing.is_some_and(|one| {
                one.carries_grant(speaker, said_at, context.rulebook)
                    && one.is_good(customer, context.now, context.rulebook)
            })
    }

    fn require_notice(
        &self,
        customer: &Customer,
        said_at: Time,
        rulebook: &Rulebook,
    ) -> Result<(), Refusal> {
        let refuse = |why: String| {
            Err(Refusal::new(
                RefusalCode::NoticeRequired,
                "statement.notice",
                why,
            ))
        };
        let Some(cited) = self.statement.notice else {
            return refuse("a grant answers a notice; name the record of the notice given".into());
        };
        let Some(notice) = notice_at(customer, cited) else {
            return refuse(format!(
                "record {cited} is none of this customer's newest notices; give a notice and name its record"
            ));
        };
        if let Some(why) = self.not_answering(notice, said_at, rulebook) {
            return refuse(format!(
                "notice {cited} {why}; give one by an approved template or with the list of its statements"
            ));
        }
        if !notice.given_by(said_at) {
            return refuse(format!(
                "notice {cited} was given or recorded after the grant was said; a notice comes first"
            ));
        }
        if !notice.covers.covers_all(self.scope) {
            return refuse(format!(
                "notice {cited} doesn't cover all of {}; grant within it, or give a notice that covers it",
                self.field
            ));
        }
        Ok(())
    }
}

impl Grant<'_> {
    /// Why what the notice holds can't be answered by this grant; `None`: it can (F4, F8).
    fn not_answering(
        &self,
        notice: &GivenNotice,
        said_at: Time,
        rulebook: &Rulebook,
    ) -> Option<&'static str> {
        if let Some(call) = self.call {
            let hours = rulebook.periods().one_time_hours;
            return notice.unfit_for_one_call(call, self.scope, said_at, hours);
        }
        match notice.contents {
            Contents::Whole => None,
            Contents::Unknown => Some("is not known to hold each required statement (64.2008(c))"),
            Contents::ForOneCall(_) => {
                Some("left out what only an approval for its call may do without (64.2008(f)(2))")
            }
        }
    }
}

/// Refuses a grant that leaves something empty, or names by its kind what takes a name (R2, R12).
pub(in crate::domain) fn require_grant_scope(scope: &Scope, field: &str) -> Result<(), Refusal> {
    for (part, empty) in [
        ("recipients", scope.recipients.is_empty()),
        ("classes", scope.classes.is_empty()),
        ("purposes", scope.purposes.is_empty()),
    ] {
        if empty {
            return Err(Refusal::new(
                RefusalCode::ScopeRequired,
                format!("{field}.{part}"),
                format!("a grant names its {part}; silence grants nothing"),
            ));
        }
    }
    if scope.recipients.kinds.meets(BY_NAME_ONLY) {
        return Err(Refusal::new(
            RefusalCode::ScopeRequired,
            format!("{field}.recipients"),
            "a grant to third_party or partner_or_contractor names the entity; name each",
        ));
    }
    require_named_in_bounds(scope, field)
}

fn notice_at(customer: &Customer, position: Position) -> Option<&GivenNotice> {
    (customer.notices.iter()).find(|notice| notice.position == position)
}

/// A service must be held now, and some have been held ever since the grant was said: one said before a lapse
/// ended with it (R9).
fn require_service(customer: &Customer, said_at: Time, now: Time) -> Result<(), Refusal> {
    let services = &customer.services;
    if services.any_held(now) && said_at >= services.held_since {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::NoService,
        "",
        "no service is held, or none was held without a break since the grant was said; open one, then ask again",
    ))
}

/// While a lock stands or a new password is due, no grant is open to a caller, whatever else verified him (P13, R22).
fn require_open_account(customer: &Customer) -> Result<(), Refusal> {
    match &customer.authentication {
        Some(state) if state.is_suspended() => Err(Refusal::new(
            RefusalCode::VerificationRequired,
            "statement.assurance",
            "a lock stands on the account or a new password or PIN is due; lift it or set one first",
        )),
        _ => Ok(()),
    }
}

/// A standing oral grant needs the evidence's digest; the burden of proof is the company's (P4, 64.2007(a)(1)).
pub(super) fn require_digest_when_oral(statement: &Statement) -> Result<(), Refusal> {
    if statement.medium == Medium::Oral && statement.evidence_digest.is_none() {
        return Err(Refusal::new(
            RefusalCode::EvidenceRequired,
            "statement.evidence_digest",
            "an oral grant needs the SHA-256 of its recording",
        ));
    }
    Ok(())
}

impl Assurance {
    /// The first instant at which the verification is over (R19); a call's end may come before.
    pub fn ends_at(&self, rulebook: &Rulebook) -> Time {
        self.at
            .plus_minutes(rulebook.periods().verification_minutes)
    }

    /// Whether the person was verified at that instant, for a grant. Mail opens nothing live (R19).
    pub fn stood_at(&self, at: Time, rulebook: &Rulebook) -> bool {
        rulebook.grant_methods().contains(self.method) && self.stands(at, rulebook)
    }

    /// Whether the person can be told about the account at that instant (P11, R19).
    pub fn opens(&self, at: Time, rulebook: &Rulebook) -> bool {
        rulebook.live_methods().contains(self.method) && self.stands(at, rulebook)
    }

    fn stands(&self, at: Time, rulebook: &Rulebook) -> bool {
        self.at <= at && at < self.ends_at(rulebook)
    }
}
