//! Complaints, data brokers, access, training and sanctions on the wire (F12, F21).

use super::commands::command_requests;
use super::lists::member;
use super::registers::{about, document, item, step, words};
use super::values::{optional_time, outside_id};
use super::{Malformed, Tokens, Within, answers};
use crate::domain::command::Command;
use crate::domain::company::CompanyCommand;
use crate::domain::company::complaints::{ComplaintCommand, ComplaintResolved};
use crate::domain::company::training::{
    AccessGiven, AccessTaken, Disciplined, Person, TrainingCommand,
};
use crate::domain::ids::Token;
use crate::domain::rulebook::Rulebook;
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, SubjectRef};

command_requests! {
    RecordComplaintRequest => RecordComplaintResponse = "/consent.v1.ConductService/RecordComplaint":
        complaint, answers::complaint_recorded;
    RecordBrokerActionRequest => RecordBrokerActionResponse = "/consent.v1.ConductService/RecordBrokerAction":
        broker_action, answers::broker_action_recorded;
    RecordPersonRequest => RecordPersonResponse = "/consent.v1.ConductService/RecordPerson":
        person, answers::person_recorded;
}

fn complaint(
    given: wire::RecordComplaintRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    use wire::record_complaint_request::Step;

    let complaint = item("complaint_id", &given.complaint_id)?;
    let step = given.step.ok_or_else(|| Malformed::missing("step"))?;
    let command = match step {
        Step::Received(given) => {
            let received = || {
                Ok(ComplaintCommand::Receive {
                    complaint,
                    category: member("category", given.category)?,
                    received_at: optional_time("received_at", given.received_at.as_ref())?,
                })
            };
            received().within("received")?
        }
        Step::Resolved(given) => ComplaintCommand::Resolve(ComplaintResolved {
            complaint,
            substantiated: given.substantiated,
            outcome: words("resolved.outcome", &given.outcome)?,
        }),
    };
    Ok(about(CompanyCommand::Complaints(command)))
}

fn broker_action(
    given: wire::RecordBrokerActionRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let filing = given.filing.map(|filing| document("filing", Some(filing)));
    let command = ComplaintCommand::ActAgainstBroker {
        action: item("action_id", &given.action_id)?,
        measure: member("measure", given.measure)?,
        description: words("description", &given.description)?,
        filing: filing.transpose()?,
        taken_at: optional_time("taken_at", given.taken_at.as_ref())?,
    };
    Ok(about(CompanyCommand::Complaints(command)))
}

fn person(
    given: wire::RecordPersonRequest,
    tokens: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    use wire::record_person_request::Step;

    let person = token("person_id", &given.person_id, tokens)?;
    let step = given.step.ok_or_else(|| Malformed::missing("step"))?;
    let command = match step {
        Step::AccessGiven(role) => TrainingCommand::GiveAccess(AccessGiven {
            person,
            role: item("access_given", &role)?,
        }),
        Step::AccessTaken(true) => TrainingCommand::TakeAccess(AccessTaken { person }),
        Step::AccessTaken(false) => {
            return Err(Malformed::invalid("access_taken", "must be true or unset"));
        }
        Step::Trained(given) => {
            let trained = || {
                Ok(TrainingCommand::Train {
                    person,
                    course: item("course", &given.course)?,
                    completed_at: optional_time("completed_at", given.completed_at.as_ref())?,
                })
            };
            trained().within("trained")?
        }
        Step::Disciplined(given) => {
            let disciplined = || {
                Ok(TrainingCommand::Discipline(Disciplined {
                    person,
                    measure: words("measure", &given.measure)?,
                    file: document("file", given.file)?,
                }))
            };
            disciplined().within("disciplined")?
        }
    };
    Ok(about(CompanyCommand::Training(command)))
}

/// The keyed digest of a person: the same that a header's `taken_by` becomes.
///
/// # Errors
/// When it is empty, too long or holds control characters.
pub fn token(field: &str, person: &str, tokens: Tokens<'_>) -> Result<Token, Malformed> {
    Ok(tokens("person", outside_id(field, person)?))
}

/// A person on the wire.
pub fn wire_person(token: Token, id: &str, person: &Person) -> wire::Person {
    let steps = |steps: &[crate::domain::company::register::Step]| {
        steps.iter().copied().map(step).collect()
    };
    wire::Person {
        person_token: token.to_string(),
        person_id: id.to_owned(),
        access_since: person.access.map(step),
        trainings: steps(&person.trainings),
        sanctions: steps(&person.sanctions),
    }
}
