//! Why a command that grants something, or gives or sends a notice, is refused (F4, F11, R2, R3, R9, R11, R15, R19).

use std::collections::BTreeSet;

use consent_ledger::domain::command::Command;
use consent_ledger::domain::consent::word::{SpokenWord, Statement};
use consent_ledger::domain::ids::Position;
use consent_ledger::domain::notices::NoticeCommand;
use consent_ledger::domain::notices::send::Delivery;
use consent_ledger::domain::refusal::RefusalCode;
use consent_ledger::domain::scope::Scope;
use consent_ledger::domain::served::AffiliateCommand;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{AssuranceMethod, Medium, Speaker};

use super::Oracle;
use super::cells::{block_cells, grant_cells, number};
use super::facts::{Fact, What, ended_by_lapse, says_all};
use crate::rules::company::ASKING;

/// What the specification says of a command that grants, or gives or sends a notice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refusals {
    /// The codes that apply; none: it is accepted.
    pub codes: BTreeSet<RefusalCode>,
    /// The specification leaves open whether it is accepted.
    pub open: bool,
}

impl Oracle {
    /// Why the command is refused, as far as it grants something, or gives or sends a notice (F4, F11, R2, R3, R9, R11, R15,
    /// R19).
    pub fn refusals(&self, command: &Command, now: Time, occurred_at: Option<Time>) -> Refusals {
        let mut refusals = Refusals::default();
        match command {
            Command::Speak(speak) => {
                for word in &speak.words {
                    match word {
                        SpokenWord::Grant { scope, lifts } => {
                            self.refuse_grant(
                                &mut refusals,
                                scope,
                                &speak.statement,
                                now,
                                occurred_at,
                            );
                            if speak.statement.medium == Medium::Oral
                                && speak.statement.evidence_digest.is_none()
                            {
                                refusals.codes.insert(RefusalCode::EvidenceRequired);
                            }
                            if !lifts.iter().all(|block| self.is_block(*block)) {
                                refusals.codes.insert(RefusalCode::BlockUnknown);
                            }
                            // Whether a repeated block can be named by its older record is left open.
                            refusals.open |= lifts.iter().any(|block| self.was_repeated(*block));
                        }
                        // A restriction that excepts all it restricts says nothing.
                        SpokenWord::Block(block) => refusals.open |= block_cells(block).is_empty(),
                    }
                }
            }
            Command::GrantOnce(once) => {
                self.refuse_grant(
                    &mut refusals,
                    &once.scope,
                    &once.statement,
                    now,
                    occurred_at,
                );
                if once.statement.evidence_reference.is_none() {
                    refusals.codes.insert(RefusalCode::EvidenceRequired);
                }
                for fact in &self.facts {
                    match &fact.what {
                        What::CallEnded(call) if *call == once.call => {
                            refusals.codes.insert(RefusalCode::Call);
                        }
                        What::Once { call, ends_at, .. } if *call == once.call => {
                            refusals.open |= *ends_at <= now;
                        }
                        _ => {}
                    }
                }
            }
            Command::GiveNotice(given) => {
                let lacks = |found| !says_all(found, given.notice.form);
                if given.statements.is_some_and(lacks) {
                    refusals.codes.insert(RefusalCode::NoticeTemplate);
                }
            }
            // The templates are there, and every notice reported on is one that stands.
            Command::Notices(command) => {
                // 64.2009(d): whatever is sent here goes out, and asks for approval.
                if let NoticeCommand::Send(send) = command
                    && (send.campaign.as_ref()).is_none_or(|id| id.as_str() != ASKING)
                {
                    refusals.codes.insert(RefusalCode::CampaignNotApproved);
                }
                let needed = match command {
                    NoticeCommand::Send(send) if send.delivery == Delivery::Email => {
                        Some(occurred_at.unwrap_or(now))
                    }
                    NoticeCommand::RevokeEmail => Some(now),
                    _ => None,
                };
                if needed.is_some_and(|at| !self.consented_to_email(at)) {
                    (refusals.codes).insert(RefusalCode::EmailConsentRequired);
                }
            }
            Command::Affiliates(command) => {
                let refused = match command {
                    AffiliateCommand::Begin(one) => self.served(number(one), now) == Some(None),
                    AffiliateCommand::End { affiliate, .. } => {
                        self.served(number(affiliate), now).is_none()
                    }
                };
                if refused {
                    refusals.codes.insert(RefusalCode::EntityState);
                }
            }
            // No answer without a ground depends on what callers and contacts do.
            Command::Contacts(_) | Command::Authentication(_) => refusals.open = true,
            // Whether a call can end twice is left open.
            Command::EndCall(_) => refusals.open = true,
            _ => {}
        }
        refusals
    }

    /// Whether what was said at `said_at`, after all that was recorded before `known`, has ended by a lapse.
    fn lapsed_since(&self, said_at: Time, known: Time, now: Time) -> bool {
        let before = self.facts.iter().rfind(|fact| fact.recorded_at < known);
        before.is_some_and(|fact| {
            let said = Fact {
                recorded_at: said_at,
                ..fact.clone()
            };
            ended_by_lapse(&self.facts, &said, now)
        })
    }

    /// Whether the consent to e-mail that stands was on record at that instant (F7).
    fn consented_to_email(&self, at: Time) -> bool {
        let newest = (self.facts.iter())
            .rfind(|fact| matches!(fact.what, What::EmailAgreed | What::EmailRevoked));
        newest.is_some_and(|fact| matches!(fact.what, What::EmailAgreed) && fact.recorded_at <= at)
    }

    fn is_block(&self, position: Position) -> bool {
        let mut facts = self.facts.iter();
        facts.any(|fact| fact.position == position && matches!(fact.what, What::Block { .. }))
    }

    fn refuse_grant(
        &self,
        refusals: &mut Refusals,
        scope: &Scope,
        statement: &Statement,
        now: Time,
        occurred_at: Option<Time>,
    ) {
        let said_at = occurred_at.unwrap_or(now);
        let recipients = &scope.recipients;
        if recipients.kinds.is_empty() && recipients.named.is_empty()
            || scope.classes.is_empty()
            || scope.purposes.is_empty()
        {
            refusals.codes.insert(RefusalCode::ScopeRequired);
        }
        if self.held(now).is_empty() {
            refusals.codes.insert(RefusalCode::NoService);
        }
        if occurred_at.is_some() {
            // R9: what was said before a lapse ended with it. Left open: a lapse at the very instant, and whether
            // the service must have been held when the grant was said, where none had been held before.
            if self.lapsed_since(said_at, Time(said_at.0 + 1), now) {
                refusals.codes.insert(RefusalCode::NoService);
            }
            refusals.open |= self.held(said_at).is_empty();
            refusals.open |= self.lapsed_since(said_at, said_at, now);
        }
        let cells = grant_cells(scope);
        let answered = self.facts.iter().any(|fact| match &fact.what {
            What::Notice(covers) => {
                statement.notice == Some(fact.position)
                    && fact.recorded_at <= said_at
                    && cells.is_subset_of(covers)
            }
            _ => false,
        });
        if !answered {
            refusals.codes.insert(RefusalCode::NoticeRequired);
        }
        let verified = statement.assurance.as_ref().is_some_and(|assurance| {
            assurance.method != AssuranceMethod::Mail
                && assurance.at <= said_at
                && said_at < assurance.at.plus_minutes(30)
        });
        if !verified || statement.speaker == Speaker::Other {
            refusals.codes.insert(RefusalCode::VerificationRequired);
        }
    }
}
