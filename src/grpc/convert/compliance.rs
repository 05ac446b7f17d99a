//! What is due, and the yearly certificate, on the wire (F12, F19).

use super::commands::command_requests;
use super::lists::{Listed, members};
use super::registers::{about, document, step, year};
use super::values::timestamp;
use super::{Malformed, Tokens, Within, answers};
use crate::domain::calendar;
use crate::domain::command::Command;
use crate::domain::company::CompanyCommand;
use crate::domain::company::certificates::{CertificateCommand, CertificateFiled, Figure};
use crate::domain::company::deadlines::Deadline;
use crate::domain::rulebook::Rulebook;
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

/// A figure on the wire.
pub fn wire_figure(figure: &Figure) -> wire::CertificateFigure {
    wire::CertificateFigure {
        counted: figure.counted.number(),
        kind: figure.kind.unwrap_or_default().to_owned(),
        count: figure.count,
        positions: super::values::numbers(&figure.positions),
    }
}
