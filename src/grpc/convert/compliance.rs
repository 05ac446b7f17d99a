//! What is due, and the yearly certificate, on the wire (F12, F19).

use std::collections::BTreeSet;

use super::commands::command_requests;
use super::lists::{Listed, members};
use super::registers::{about, document, step, year};
use super::values::timestamp;
use super::{Malformed, Tokens, Within, answers, values};
use crate::domain::calendar;
use crate::domain::command::Command;
use crate::domain::company::CompanyCommand;
use crate::domain::company::certificates::{CertificateCommand, CertificateFiled, Figure};
use crate::domain::company::deadlines::{Deadline, Standing};
use crate::domain::owed::{CustomerDuty, Horizon, Owed};
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, SubjectRef};

command_requests! {
    RecordCertificateRequest => RecordCertificateResponse = "/consent.v1.ComplianceService/RecordCertificate":
        certificate, answers::certificate_recorded;
}

fn certificate(
    given: wire::RecordCertificateRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    use wire::record_certificate_request::Step;

    let year = year("year", given.year)?;
    let step = given.step.ok_or_else(|| Malformed::missing("step"))?;
    let command = match step {
        Step::Drafted(given) => {
            let drafted = || {
                Ok(CertificateCommand::Draft {
                    year,
                    statement: document("statement", given.statement)?,
                    contents: members("contents", &given.contents)?,
                })
            };
            drafted().within("drafted")?
        }
        Step::SignedWithPersonalKnowledge(personal_knowledge) => CertificateCommand::Sign {
            year,
            personal_knowledge,
        },
        Step::Filed(filing) => CertificateCommand::File(CertificateFiled {
            year,
            filing: document("filed", Some(filing))?,
        }),
    };
    Ok(about(CompanyCommand::Certificates(command)))
}

/// A duty on the wire.
pub fn wire_deadline(deadline: &Deadline) -> wire::Deadline {
    wire::Deadline {
        duty: deadline.duty.number(),
        about: deadline.about.clone(),
        rule: deadline.duty.rule().to_owned(),
        from: deadline.from.map(timestamp),
        due_by: deadline.due_by.map(timestamp),
        due_day: deadline.due_by.map_or_else(String::new, calendar::day_text),
        waits_for: deadline.waits_for.unwrap_or_default().to_owned(),
        standing: deadline.standing.number(),
        caused_by: deadline.caused_by.map(|position| position.0),
        done: deadline.done.map(step),
        holidays_unknown: !deadline.holidays_known(),
    }
}

/// Days within which a duty is due that a list holds, where the caller names none.
const WITHIN_DAYS: u32 = 90;
/// Most days that a caller may name: ten years.
const WITHIN_DAYS_MAX: u32 = 3660;

/// Whose duties a list holds, and which.
pub struct WantedOwed {
    /// Only this customer's; none: every one's.
    pub customer: Option<SubjectRef>,
    days: u32,
    duties: BTreeSet<CustomerDuty>,
    standings: Vec<Standing>,
}

impl WantedOwed {
    /// Which duties the list holds at that instant.
    pub fn horizon(&self, now: Time) -> Horizon {
        let mut horizon = Horizon::open(now.plus_hours(self.days.saturating_mul(24)));
        if !self.duties.is_empty() {
            horizon.duties = self.duties.iter().copied().collect();
        }
        if !self.standings.is_empty() {
            horizon.standings.clone_from(&self.standings);
        }
        horizon
    }
}

/// The list that a request asks for.
///
/// # Errors
/// Names the field that is wrong.
pub fn wanted_owed(given: wire::ListCustomerDeadlinesRequest) -> Result<WantedOwed, Malformed> {
    let days = match given.within_days {
        0 => WITHIN_DAYS,
        some if some > WITHIN_DAYS_MAX => {
            let problem = format!("is {some}; at most {WITHIN_DAYS_MAX}");
            return Err(Malformed::invalid("within_days", problem));
        }
        some => some,
    };
    let customer = given.customer.map(|named| values::customer(Some(named)));
    Ok(WantedOwed {
        customer: customer.transpose()?,
        days,
        duties: members("duties", &given.duties)?,
        standings: members("standings", &given.standings)?,
    })
}

/// A duty about a customer on the wire.
pub fn wire_owed(owed: &Owed, rulebook: &Rulebook) -> wire::CustomerDeadline {
    wire::CustomerDeadline {
        duty: owed.duty.number(),
        rule: owed.duty.rule().to_owned(),
        caused_by: owed.caused_by.0,
        from: Some(timestamp(owed.from)),
        due_by: Some(timestamp(owed.due_by)),
        due_day: calendar::day_text_in(owed.due_by, rulebook.time_zone()),
        standing: owed.standing.number(),
        done: owed.done.map(step),
    }
}

/// A figure on the wire.
pub fn wire_figure(figure: &Figure) -> wire::CertificateFigure {
    wire::CertificateFigure {
        counted: figure.counted.number(),
        kind: figure.kind.unwrap_or_default().to_owned(),
        count: figure.count,
        positions: values::numbers(&figure.positions),
        duties: figure.duties.iter().map(wire_deadline).collect(),
    }
}
