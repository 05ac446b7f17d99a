//! Questions, and what the page says of the answers.

use std::collections::BTreeSet;

use consent_ledger::proto::v1 as wire;
use wire::as_of::Moment;

use super::notation::{called, ground, instant, on_the_wire, question};
use super::play::{Play, Step};
use super::steps::K;
use crate::house::customer;

impl Play {
    /// Puts a question in every way in which it can be put, and holds the answer against the page.
    pub async fn ask(&self, step: &Step<'_>, follows: &str) -> Result<(), String> {
        let request = self.request(step);
        let answer = self.checked(request.clone()).await;
        let mut again = vec![self.checked_in_bulk(request.clone()).await];
        if request.as_of.is_none() {
            let now = Moment::Time(on_the_wire(self.now()));
            let as_of_now = wire::CheckUseRequest {
                as_of: Some(wire::AsOf { moment: Some(now) }),
                ..request
            };
            again.push(self.checked(as_of_now).await);
        }
        for mut other in again {
            // An answer as of then names the customer's own newest record.
            other.position = answer.position;
            if other != answer {
                return Err(format!("{answer:#?}, and asked in another way {other:#?}"));
            }
        }
        let wrong = self.differs(&answer, follows);
        wrong.map_or(Ok(()), |wrong| Err(format!("{wrong}: {answer:#?}")))
    }

    fn request(&self, step: &Step<'_>) -> wire::CheckUseRequest {
        let asked = step.what.strip_prefix("ask ").unwrap();
        let on = step.with("on");
        let hindsight = step.with("in hindsight as of");
        wire::CheckUseRequest {
            customer: customer(K),
            question: Some(wire::Question {
                call_id: step.with("in call").unwrap_or_default().into(),
                offering: step.with("offering").unwrap_or_default().into(),
                ground: on.map(|on| ground(on, &self.names, self.now())),
                ..question(asked)
            }),
            as_of: step.with("as of").or(hindsight).map(|at| self.as_of(at)),
            hindsight: hindsight.is_some(),
            min_position: self.newest,
            ..wire::CheckUseRequest::default()
        }
    }

    /// `11:00`, or the name of a record.
    fn as_of(&self, text: &str) -> wire::AsOf {
        let moment = match self.names.get(text) {
            Some(position) => Moment::Position(*position),
            None => Moment::Time(self.at(text)),
        };
        wire::AsOf {
            moment: Some(moment),
        }
    }

    async fn checked(&self, request: wire::CheckUseRequest) -> wire::Ruling {
        let answer = self.house.checks().check_use(request).await;
        let answer = answer.unwrap_or_else(|status| panic!("a check is never an error: {status}"));
        answer.into_inner().ruling.unwrap()
    }

    async fn checked_in_bulk(&self, request: wire::CheckUseRequest) -> wire::Ruling {
        let request = wire::BulkCheckUseRequest {
            customer: request.customer,
            question: request.question,
            as_of: request.as_of,
            hindsight: request.hindsight,
            min_position: request.min_position,
            clause_texts: true,
            brief: false,
        };
        let requests = tokio_stream::iter([request]);
        let answers = self.house.checks().bulk_check_use(requests).await;
        let answer = answers.unwrap().into_inner().message().await.unwrap();
        match answer.and_then(|answer| answer.answer) {
            Some(wire::bulk_check_use_response::Answer::Ruling(ruling)) => ruling,
            other => panic!("no answer in bulk: {other:?}"),
        }
    }

    /// What of the page's cell isn't so.
    pub fn differs(&self, answer: &wire::Ruling, follows: &str) -> Option<String> {
        let mut parts = follows.split("; ");
        let head = self.head_differs(answer, parts.next().unwrap());
        head.or_else(|| parts.find_map(|part| self.part_differs(answer, part)))
    }

    /// `no, denied, WITHDRAWN, on d1 + d2`.
    fn head_differs(&self, answer: &wire::Ruling, head: &str) -> Option<String> {
        let (head, on) = match head.split_once(", on ") {
            None => (head, None),
            Some((head, on)) => (head, Some(on)),
        };
        let parts: Vec<_> = head.split(", ").collect();
        let (state, codes) = match parts.as_slice() {
            [_, state] => (state.to_uppercase(), None),
            [_, state, codes] => (state.to_uppercase(), Some(*codes)),
            _ => return Some(format!("`{head}` is no answer")),
        };
        let codes = codes.unwrap_or(match state.as_str() {
            "UNKNOWN" => "APPROVAL_REQUIRED",
            own => own,
        });
        let said = if answer.allowed { "yes" } else { "no" };
        if said != parts[0] {
            return Some(said.into());
        }
        let stands = &answer.state().as_str_name()["CELL_STATE_".len()..];
        if stands != state {
            return Some(format!("the state is {stands}"));
        }
        let given = answer.reasons.iter().map(|one| one.code().as_str_name());
        let given: BTreeSet<_> = given.map(|one| &one["REASON_CODE_".len()..]).collect();
        if given != codes.split(" + ").collect() {
            return Some(format!("the reasons are {given:?}"));
        }
        basis_differs(answer, codes).or_else(|| self.citation_differs(answer, on))
    }

    fn citation_differs(&self, answer: &wire::Ruling, on: Option<&str>) -> Option<String> {
        let wanted = on.into_iter().flat_map(|on| on.split(" + "));
        let wanted: BTreeSet<_> = wanted.map(|name| self.position(name)).collect();
        let reasons = answer.reasons.iter();
        let cited: BTreeSet<_> = reasons.flat_map(|one| one.positions.clone()).collect();
        let same = cited == wanted;
        let cited: Vec<_> = cited.into_iter().collect();
        (!same).then(|| format!("it cites {}", called(&self.names, &cited)))
    }

    fn part_differs(&self, answer: &wire::Ruling, part: &str) -> Option<String> {
        let until = answer.valid_until;
        if part == "without end" {
            return until.map(|until| format!("it ends at {until}"));
        }
        if let Some(at) = part.strip_prefix("until ") {
            let wanted = on_the_wire(instant(at, self.now()));
            return (until != Some(wanted)).then(|| format!("it ends at {until:?}"));
        }
        if let Some(classes) = part.strip_prefix("of the classes ") {
            let cells = answer.cells.iter().map(|cell| cell.class().as_str_name());
            let cells: Vec<_> = cells.map(|class| &class["CPNI_CLASS_".len()..]).collect();
            let cells = cells.join(" + ");
            return (cells != classes).then(|| format!("the classes are {cells}"));
        }
        let steps = part.strip_prefix("would be yes by ");
        let steps = steps.unwrap_or_else(|| panic!("`{part}` says nothing of an answer"));
        let remedies = answer.remedies.iter().map(|one| self.step(one));
        let remedies: BTreeSet<_> = remedies.collect();
        let wanted = steps.split(", ").filter(|step| *step != "nothing");
        let wanted: BTreeSet<_> = wanted.map(str::to_owned).collect();
        (remedies != wanted).then(|| format!("it would be yes by {remedies:?}"))
    }

    /// What would make it yes: `LIFT d1`, `OPT_IN`.
    fn step(&self, remedy: &wire::Remedy) -> String {
        use wire::remedy::Remedy;
        match remedy.remedy.as_ref().unwrap() {
            Remedy::OpenService(open) => format!("OPEN_SERVICE {}", open.category),
            Remedy::OptIn(_) => "OPT_IN".into(),
            Remedy::Lift(lift) => format!("LIFT {}", called(&self.names, &lift.positions)),
            Remedy::SupplyFact(supply) => format!("SUPPLY_FACT {}", supply.fact),
            Remedy::Verify(_) => "VERIFY".into(),
            Remedy::GiveNotice(_) => "GIVE_NOTICE".into(),
        }
    }
}

/// A yes, and only a yes, has a basis, which is the code's; it needs no remedy.
fn basis_differs(answer: &wire::Ruling, code: &str) -> Option<String> {
    let basis = &answer.basis().as_str_name()["BASIS_".len()..];
    let wanted = match code {
        _ if !answer.allowed => "UNSPECIFIED",
        "GRANTED" => "GRANT",
        "OPT_OUT_APPROVED" => "OPT_OUT",
        "GROUND_MET" => "GROUND",
        own => own,
    };
    if basis != wanted {
        return Some(format!("the basis is {basis}"));
    }
    let spare = answer.allowed && !answer.remedies.is_empty();
    spare.then(|| "a yes needs no remedy".into())
}
