//! The yearly certificate: its figures from the registers, and its way to the Commission (F12, 47 CFR 64.2009(e)).
//!
//! Each figure comes with the records that it counts, so that anybody can count again. An officer signs, by his own
//! knowledge; it is due by March 1 for the year before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Company;
use super::complaints::{BrokerMeasure, ComplaintCategory};
use super::deadlines::{Deadline, Standing};
use super::register::{Document, Step, invalid, out_of_order, person};
use super::yearly::Yearly;
use crate::domain::calendar;
use crate::domain::customer::Context;
use crate::domain::event::Placed;
use crate::domain::ids::{Position, Token};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;
use crate::domain::vocabulary::{closed_list, named_list};

/// The first year for which certificates are filed.
const FIRST_YEAR: i16 = 2007;

closed_list! {
    /// What the certificate's statement must contain (64.2009(e)).
    StatementContent,
    /// A set of what the statement contains.
    StatementContents {
        /// How the company's procedures ensure that it complies.
        Procedures = "procedures",
        /// What was done against data brokers in the year.
        BrokerActions = "broker_actions",
        /// A summary of the year's complaints about unauthorized release.
        Complaints = "complaints",
    }
}

named_list! {
    /// What a figure counts.
    Counted {
        /// Complaints received, by category.
        Complaints = "complaints",
        /// Those of them that were right.
        ComplaintsSubstantiated = "complaints_substantiated",
        /// Actions against data brokers, by measure.
        BrokerActions = "broker_actions",
        /// Breaches determined.
        Breaches = "breaches",
        /// Failures of a way to opt out, determined to be more than an anomaly.
        OptOutFailures = "opt_out_failures",
        /// Campaigns that a supervisor approved.
        CampaignsApproved = "campaigns_approved",
        /// Campaigns that a supervisor rejected.
        CampaignsRejected = "campaigns_rejected",
        /// Trainings completed.
        Trainings = "trainings",
        /// Sanctions.
        Sanctions = "sanctions",
        /// People who have access now and were never trained.
        Untrained = "untrained",
        /// Duties whose date was in the year, done late or not at all.
        LateDuties = "late_duties",
    }
}

/// A number and the records that it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What is counted.
    pub counted: Counted,
    /// Of which kind, where there are kinds.
    pub kind: Option<&'static str>,
    /// How many.
    pub count: u64,
    /// The records, in their order; of trainings and sanctions as far as they are named ([`Yearly`]).
    pub positions: Vec<Position>,
    /// The duties that it counts, where it counts duties: what the calendar makes due has no record.
    pub duties: Vec<Deadline>,
}

/// A number as the draft states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// What is counted.
    pub counted: Counted,
    /// Of which kind, where there are kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Box<str>>,
    /// How many.
    pub count: u64,
}

/// What can be asked of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateCommand {
    /// Drafts one, or drafts it anew.
    Draft {
        /// The calendar year.
        year: i16,
        /// The statement.
        statement: Document,
        /// What the statement contains.
        contents: StatementContents,
    },
    /// An officer signs it.
    Sign {
        /// The calendar year.
        year: i16,
        /// Whether the officer states to have personal knowledge (64.2009(e)).
        personal_knowledge: bool,
    },
    /// It was filed.
    File(CertificateFiled),
}

/// What was recorded of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateEvent {
    /// Drafted.
    Drafted(CertificateDrafted),
    /// Signed by an officer.
    Signed(CertificateSigned),
    /// Filed.
    Filed(CertificateFiled),
}

/// A certificate was drafted: the year's figures as the records before it make them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateDrafted {
    /// The calendar year.
    pub year: i16,
    /// The statement.
    pub statement: Document,
    /// What the statement contains.
    pub contents: StatementContents,
    /// The figures.
    pub figures: Vec<Stated>,
}

/// An officer signed it, stating to have personal knowledge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateSigned {
    /// The calendar year.
    pub year: i16,
    /// The officer.
    pub officer: Token,
}

/// It was filed with the Commission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateFiled {
    /// The calendar year.
    pub year: i16,
    /// What was filed, by the filing's reference.
    pub filing: Document,
}

/// The certificates, by year.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificates {
    by_year: BTreeMap<i16, Certificate>,
}

/// A certificate and where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The newest draft.
    pub drafted: Option<Step>,
    /// That draft's signing.
    pub signed: Option<Step>,
    /// The filing.
    pub filed: Option<Step>,
}

/// The last instant at which the certificate of `year` is in time: the end of March 1 of the next.
pub fn due_by(year: i16) -> Time {
    calendar::end_of_day_next_year(year, 3, 1)
}

impl Certificates {
    /// The certificate of a year.
    pub fn of(&self, year: i16) -> Option<&Certificate> {
        self.by_year.get(&year)
    }

    pub(super) fn decide(
        &self,
        command: &CertificateCommand,
        context: &Context<'_>,
    ) -> Result<Vec<CertificateEvent>, Refusal> {
        let event = match command {
            CertificateCommand::Draft {
                year,
                statement,
                contents,
            } => {
                self.require_draftable(*year, *contents, context)?;
                let figures = context.company.figures(*year, context.now);
                CertificateEvent::Drafted(CertificateDrafted {
                    year: *year,
                    statement: statement.clone(),
                    contents: *contents,
                    figures: figures.iter().map(Figure::stated).collect(),
                })
            }
            CertificateCommand::Sign {
                year,
                personal_knowledge,
            } => {
                let drafted = self.of(*year).filter(|one| one.drafted.is_some());
                match drafted {
                    Some(one) if one.signed.is_none() => {}
                    Some(_) => return Err(out_of_order("year", "the draft is signed already")),
                    None => return Err(out_of_order("year", "no certificate is drafted for it")),
                }
                if !personal_knowledge {
                    return Err(Refusal::new(
                        RefusalCode::ContentRequired,
                        "signed_with_personal_knowledge",
                        "the officer states to have personal knowledge (64.2009(e))",
                    ));
                }
                CertificateEvent::Signed(CertificateSigned {
                    year: *year,
                    officer: person(context)?,
                })
            }
            CertificateCommand::File(filed) => {
                let signed = self.of(filed.year).filter(|one| one.signed.is_some());
                match signed {
                    Some(one) if one.filed.is_none() => {}
                    Some(_) => return Err(out_of_order("year", "it was filed already")),
                    None => return Err(out_of_order("year", "no officer has signed the draft")),
                }
                CertificateEvent::Filed(filed.clone())
            }
        };
        Ok(vec![event])
    }

    fn require_draftable(
        &self,
        year: i16,
        contents: StatementContents,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        if year < FIRST_YEAR || calendar::year_of_calendar(year).1 >= context.now {
            return Err(invalid(
                "year",
                "a certificate is of a calendar year that is over",
            ));
        }
        if self.of(year).is_some_and(|one| one.filed.is_some()) {
            return Err(out_of_order("year", "its certificate was filed already"));
        }
        let lacking = (StatementContent::EVERY.iter()).find(|one| !contents.contains(**one));
        match lacking {
            None => Ok(()),
            Some(content) => Err(Refusal::new(
                RefusalCode::ContentRequired,
                "drafted.contents",
                format!("the statement must contain this too: {content} (64.2009(e))"),
            )),
        }
    }

    pub(super) fn follow(&mut self, placed: &Placed<'_, CertificateEvent>) {
        let step = Step::of(placed);
        let (year, change): (i16, fn(&mut Certificate, Step)) = match placed.event {
            CertificateEvent::Drafted(event) => (event.year, |one, step| {
                one.drafted = Some(step);
                // Who signed signed another text.
                one.signed = None;
            }),
            CertificateEvent::Signed(event) => (event.year, |one, step| one.signed = Some(step)),
            CertificateEvent::Filed(event) => (event.year, |one, step| one.filed = Some(step)),
        };
        change(self.by_year.entry(year).or_default(), step);
    }
}

impl Figure {
    fn of(
        counted: Counted,
        kind: Option<&'static str>,
        positions: impl Iterator<Item = Position>,
    ) -> Self {
        let mut positions: Vec<_> = positions.collect();
        positions.sort_unstable();
        Self {
            counted,
            kind,
            count: positions.len() as u64,
            positions,
            duties: Vec::new(),
        }
    }

    fn of_year(counted: Counted, yearly: &Yearly, year: i16) -> Self {
        let (count, named) = yearly.of(year);
        Self {
            count,
            ..Self::of(counted, None, named.iter().copied())
        }
    }

    fn stated(&self) -> Stated {
        Stated {
            counted: self.counted,
            kind: self.kind.map(Into::into),
            count: self.count,
        }
    }
}

impl Company {
    /// The certificate's figures of a calendar year, from what is recorded now (F12).
    pub fn figures(&self, year: i16, now: Time) -> Vec<Figure> {
        let (first, last) = calendar::year_of_calendar(year);
        let within = move |step: &Step| first <= step.at && step.at <= last;
        let of = |counted, steps: &mut dyn Iterator<Item = Step>| {
            Figure::of(
                counted,
                None,
                steps.filter(within).map(|step| step.position),
            )
        };
        let campaigns = || self.campaigns.all().map(|(_, campaign)| campaign);
        let breaches = self.breaches.register.all();
        let failures = self.failures.all();
        let mut figures = self.complaint_figures(&within);
        figures.extend([
            of(
                Counted::Breaches,
                &mut breaches.filter_map(|(_, breach)| Some(breach.determined?.step)),
            ),
            of(
                Counted::OptOutFailures,
                &mut failures.filter_map(|(_, failure)| Some(failure.determined?.0)),
            ),
            of(
                Counted::CampaignsApproved,
                &mut campaigns().filter_map(|one| one.approved),
            ),
            of(
                Counted::CampaignsRejected,
                &mut campaigns().filter_map(|one| one.rejected),
            ),
            Figure::of_year(Counted::Trainings, self.training.trainings(), year),
            Figure::of_year(Counted::Sanctions, self.training.sanctions(), year),
            Figure::of(
                Counted::Untrained,
                None,
                self.training.untrained().map(|(_, step)| step.position),
            ),
            self.late_duties(first, last, now),
        ]);
        figures
    }

    fn complaint_figures(&self, within: &impl Fn(&Step) -> bool) -> Vec<Figure> {
        let received = || {
            let all = self
                .complaints
                .complaints
                .all()
                .map(|(_, complaint)| complaint);
            all.filter(|complaint| within(&complaint.received))
        };
        let right = received().filter(|one| one.resolved.is_some_and(|(_, right)| right));
        let mut figures: Vec<_> = (ComplaintCategory::EVERY.iter())
            .map(|category| {
                let of_it = received().filter(|one| one.category == *category);
                let positions = of_it.map(|one| one.received.position);
                Figure::of(Counted::Complaints, Some(category.name()), positions)
            })
            .collect();
        figures.push(Figure::of(
            Counted::ComplaintsSubstantiated,
            None,
            right.map(|one| one.received.position),
        ));
        figures.extend(BrokerMeasure::EVERY.iter().map(|measure| {
            let all = self
                .complaints
                .broker_actions
                .all()
                .map(|(_, action)| action);
            let of_it = all.filter(|one| one.measure == *measure && within(&one.taken));
            let positions = of_it.map(|one| one.taken.position);
            Figure::of(Counted::BrokerActions, Some(measure.name()), positions)
        }));
        figures
    }

    /// Duties of the year by their due date; their records are those that made them due, and those that fulfilled them.
    fn late_duties(&self, first: Time, last: Time, now: Time) -> Figure {
        let late: Vec<_> = (self.deadlines(now).into_iter())
            .filter(|one| matches!(one.standing, Standing::Late | Standing::DoneLate))
            .filter(|one| one.due_by.is_some_and(|by| first <= by && by <= last))
            .collect();
        let caused = late.iter().filter_map(|one| one.caused_by);
        let done = late.iter().filter_map(|one| Some(one.done?.position));
        // One breach makes several duties due, and one record may fulfil several.
        let positions: BTreeSet<Position> = caused.chain(done).collect();
        Figure {
            count: late.len() as u64,
            duties: late,
            ..Figure::of(Counted::LateDuties, None, positions.into_iter())
        }
    }
}

#[cfg(test)]
mod tests;
