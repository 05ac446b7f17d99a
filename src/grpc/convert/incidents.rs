//! Breaches and failed ways to opt out on the wire (F13, F18).

use super::commands::command_requests;
use super::lists::{Listed, member, members, numbers};
use super::registers::{about, document, item, step, words, year};
use super::values::{entity, optional_time, required_time, timestamp};
use super::{Malformed, Tokens, Within, answers};
use crate::domain::command::Command;
use crate::domain::company::CompanyCommand;
use crate::domain::company::breaches::{
    AgencyNotified, AgencySaid, Breach, BreachClosed, BreachCommand, BreachSuspected,
    CustomersNotified, Findings, NoticesHeld, Release, SummaryFiled,
};
use crate::domain::company::mechanism_failures::{
    Failure, FailureClosed, FailureCommand, FailureDetected, LetterFiled,
};
use crate::domain::company::register::ItemId;
use crate::domain::rulebook::Rulebook;
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, SubjectRef};

command_requests! {
    RecordBreachRequest => RecordBreachResponse = "/consent.v1.IncidentService/RecordBreach":
        breach, answers::breach_recorded;
    RecordBreachSummaryRequest => RecordBreachSummaryResponse = "/consent.v1.IncidentService/RecordBreachSummary":
        summary, answers::breach_summary_recorded;
    RecordOptOutFailureRequest => RecordOptOutFailureResponse = "/consent.v1.IncidentService/RecordOptOutFailure":
        failure, answers::opt_out_failure_recorded;
}

fn breach(
    given: wire::RecordBreachRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let breach = item("breach_id", &given.breach_id)?;
    let step = given.step.ok_or_else(|| Malformed::missing("step"))?;
    Ok(about(CompanyCommand::Breaches(breach_step(breach, step)?)))
}

fn breach_step(
    breach: ItemId,
    step: wire::record_breach_request::Step,
) -> Result<BreachCommand, Malformed> {
    use wire::record_breach_request::Step;

    let notified = |breach, field: &str, notice| {
        let notice = document(field, Some(notice))?;
        Ok(AgencyNotified { breach, notice })
    };
    Ok(match step {
        Step::Suspected(given) => suspected(breach, &given).within("suspected")?,
        Step::Determined(given) => determined(breach, &given).within("determined")?,
        Step::LawEnforcementNotified(notice) => BreachCommand::NotifyLawEnforcement(notified(
            breach,
            "law_enforcement_notified",
            notice,
        )?),
        Step::CommissionNotified(notice) => {
            BreachCommand::NotifyCommission(notified(breach, "commission_notified", notice)?)
        }
        Step::NoticesHeld(given) => held(breach, given).within("notices_held")?,
        Step::NoticesReleased(given) => {
            BreachCommand::Release(said(breach, given).within("notices_released")?)
        }
        Step::UrgencyAgreed(given) => {
            BreachCommand::AgreeUrgency(said(breach, given).within("urgency_agreed")?)
        }
        Step::CustomersNotified(given) => told(breach, given).within("customers_notified")?,
        Step::Closed(outcome) => BreachCommand::Close(BreachClosed {
            breach,
            outcome: words("closed", &outcome)?,
        }),
    })
}

fn suspected(breach: ItemId, given: &wire::BreachSuspicion) -> Result<BreachCommand, Malformed> {
    Ok(BreachCommand::Suspect(BreachSuspected {
        breach,
        description: words("description", &given.description)?,
        classes: members("classes", &given.classes)?,
    }))
}

fn determined(
    breach: ItemId,
    given: &wire::BreachDetermination,
) -> Result<BreachCommand, Malformed> {
    Ok(BreachCommand::Determine {
        found: Findings {
            breach,
            classes: members("classes", &given.classes)?,
            customers: given.customers,
            intentional: given.intentional,
            harmless: given.harmless,
            circumstances: words("circumstances", &given.circumstances)?,
        },
        determined_at: optional_time("determined_at", given.determined_at.as_ref())?,
    })
}

fn held(breach: ItemId, given: wire::BreachHold) -> Result<BreachCommand, Malformed> {
    Ok(BreachCommand::Hold(NoticesHeld {
        breach,
        agency: entity("agency", &given.agency)?,
        writing: document("writing", given.writing)?,
        until: required_time("until", given.until.as_ref())?,
    }))
}

fn said(breach: ItemId, given: wire::AgencyWriting) -> Result<AgencySaid, Malformed> {
    Ok(AgencySaid {
        breach,
        agency: entity("agency", &given.agency)?,
        writing: document("writing", given.writing)?,
    })
}

fn told(breach: ItemId, given: wire::CustomersTold) -> Result<BreachCommand, Malformed> {
    Ok(BreachCommand::NotifyCustomers(CustomersNotified {
        breach,
        customers: given.customers,
        complete: given.complete,
        notice: document("notice", given.notice)?,
    }))
}

fn summary(
    given: wire::RecordBreachSummaryRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let filed = SummaryFiled {
        year: year("year", given.year)?,
        summary: document("summary", given.summary)?,
    };
    Ok(about(CompanyCommand::Breaches(BreachCommand::FileSummary(
        filed,
    ))))
}

fn failure(
    given: wire::RecordOptOutFailureRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let failure = item("failure_id", &given.failure_id)?;
    let step = given.step.ok_or_else(|| Malformed::missing("step"))?;
    Ok(about(CompanyCommand::Failures(failure_step(
        failure, step,
    )?)))
}

fn failure_step(
    failure: ItemId,
    step: wire::record_opt_out_failure_request::Step,
) -> Result<FailureCommand, Malformed> {
    use wire::record_opt_out_failure_request::Step;

    Ok(match step {
        Step::Detected(given) => {
            let detected = || {
                Ok(FailureDetected {
                    failure,
                    mechanism: member("mechanism", given.mechanism)?,
                    description: words("description", &given.description)?,
                })
            };
            FailureCommand::Detect(detected().within("detected")?)
        }
        Step::Determined(given) => FailureCommand::Determine {
            failure,
            customers: given.customers,
            determined_at: optional_time("determined_at", given.determined_at.as_ref())
                .within("determined")?,
        },
        Step::LetterFiled(given) => {
            let filed = || {
                Ok(LetterFiled {
                    failure,
                    contents: members("contents", &given.contents)?,
                    letter: document("letter", given.letter)?,
                })
            };
            FailureCommand::FileLetter(filed().within("letter_filed")?)
        }
        Step::Closed(outcome) => FailureCommand::Close(FailureClosed {
            failure,
            outcome: words("closed", &outcome)?,
        }),
    })
}

/// A breach on the wire.
pub fn wire_breach(id: &ItemId, breach: &Breach) -> wire::Breach {
    let determined = breach.determined.as_ref();
    let (from, waits_for) = match breach.release() {
        Release::From(at) => (Some(timestamp(at)), ""),
        Release::After(what) => (None, what),
    };
    wire::Breach {
        breach_id: id.to_string(),
        description: breach.description.as_str().to_owned(),
        classes: numbers(breach.classes.members()),
        suspected: Some(step(breach.suspected)),
        determined: determined.map(|one| step(one.step)),
        text: determined.map_or(0, |one| one.owed.text.number()),
        customers: determined.map_or(0, |one| one.customers),
        law_enforcement_notified: breach.law_enforcement.map(step),
        commission_notified: breach.commission.map(step),
        held_until: breach.held.map(|(_, until)| timestamp(until)),
        customers_from: from,
        waits_for: waits_for.to_owned(),
        customers_told: breach.customers_told,
        all_told: breach.all_told.map(step),
        closed: breach.closed.map(step),
    }
}

/// A failed way to opt out on the wire.
pub fn wire_failure(id: &ItemId, failure: &Failure) -> wire::OptOutFailure {
    wire::OptOutFailure {
        failure_id: id.to_string(),
        mechanism: failure.mechanism.number(),
        description: failure.description.as_str().to_owned(),
        detected: Some(step(failure.detected)),
        determined: failure.determined.map(|(determined, _)| step(determined)),
        letter_by: failure.determined.map(|(_, by)| timestamp(by)),
        customers: failure.customers,
        letter_filed: failure.letter.map(step),
        closed: failure.closed.map(step),
    }
}
