//! Checks by the million: a stream of customers, many of them looked up at a time, answered in their order.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt, Shared};
use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use tonic::{Status, Streaming};

use super::call::Call;
use super::convert::checks::{Standing, next_of_stream};
use super::convert::past::Moment;
use super::convert::rulings::rulebook_version;
use super::doors::Doors;
use super::in_order::{InOrder, UntilStopping};
use super::status;
use crate::domain::ids::{Position, Token};
use crate::domain::rulebook::Rulebook;
use crate::proto::v1 as wire;
use crate::proto::v1::bulk_check_use_response::Answer;
use crate::sequencer::SubjectRef;

/// Requests read and not answered yet: four batches, which as many cores can look up.
const IN_FLIGHT_MAX: usize = 1024;
/// Customers that are looked up at once without another thread: handing them over would cost more.
const FEW: usize = 16;

/// The answers of a stream of checks.
pub type Answers = BoxStream<'static, Result<wire::BulkCheckUseResponse, Status>>;

/// Answers the checks of `requests`.
pub fn answer(doors: Doors, call: Call, requests: Streaming<wire::BulkCheckUseRequest>) -> Answers {
    let mut requests = UntilStopping::new(requests, doors.stopping());
    // The headers go out before the first request is here: a caller may wait for them before he sends it.
    let answers = async move {
        let first = requests.try_next().await?;
        if let Some(first) = &first {
            doors.wait_for(&call, Position(first.min_position)).await?;
        }
        let requests = stream::iter(first.map(Ok)).chain(requests);
        Ok::<_, Status>(in_order(doors, call, requests))
    };
    stream::once(answers).try_flatten().boxed()
}

fn in_order<S>(
    doors: Doors,
    call: Call,
    requests: S,
) -> impl Stream<Item = Result<wire::BulkCheckUseResponse, Status>>
where
    S: Stream<Item = Result<wire::BulkCheckUseRequest, Status>> + Unpin,
{
    let mut naming = Naming::of(doors.rulebook());
    let mut bulk = Bulk {
        doors,
        call,
        standing: None,
        sequence: 0,
    };
    let answers = InOrder::new(requests.fuse(), IN_FLIGHT_MAX, move |batch| {
        let first = bulk.sequence + 1;
        let asked = bulk.ask_all(batch);
        let doors = bulk.doors.clone();
        async move {
            let answers = rule_all(&doors, asked).await;
            (first..).zip(answers).map(response).collect()
        }
    });
    answers.map_ok(move |answer| naming.name(answer))
}

/// Says in a brief answer which rulebook it follows (P17), where that is not the one named last.
struct Naming {
    /// The one in force, which brief answers come without.
    in_force: wire::RulebookVersion,
    last: Option<wire::RulebookVersion>,
}

impl Naming {
    fn of(in_force: &Rulebook) -> Self {
        Self {
            in_force: rulebook_version(&in_force.name, &in_force.version),
            last: None,
        }
    }

    fn name(&mut self, mut response: wire::BulkCheckUseResponse) -> wire::BulkCheckUseResponse {
        if let Some(Answer::Ruling(ruling)) = &mut response.answer {
            let follows = ruling.rulebook.as_ref().unwrap_or(&self.in_force);
            if self.last.as_ref() != Some(follows) {
                self.last = Some(follows.clone());
                ruling.rulebook.clone_from(&self.last);
            }
        }
        response
    }
}

fn response((sequence, answer): (u64, Ruled)) -> wire::BulkCheckUseResponse {
    let answer = match answer {
        Ok(ruling) => Answer::Ruling(ruling),
        Err(refused) => Answer::Refused(status::as_message(&refused)),
    };
    wire::BulkCheckUseResponse {
        sequence,
        answer: Some(answer),
    }
}

type Ruled = Result<wire::Ruling, Status>;

/// What one request asks.
enum Asked {
    /// Whether it may be now.
    Now(SubjectRef, Arc<Standing>),
    /// Whether it might have been.
    Then(BoxFuture<'static, Ruled>),
    /// Nothing that can be answered.
    Wrong(Status),
}

/// A request's answer: there, or yet to be read from the past.
enum Answered {
    Now(Ruled),
    Then(BoxFuture<'static, Ruled>),
}

/// One stream of checks.
struct Bulk {
    doors: Doors,
    call: Call,
    standing: Option<Arc<Standing>>,
    sequence: u64,
}

impl Bulk {
    /// What the requests of a batch ask, each by the question that stands when it comes.
    fn ask_all(&mut self, batch: Vec<wire::BulkCheckUseRequest>) -> Vec<Asked> {
        // Batches go on beside each other: each waits for the histories that it reads.
        let mut waits = Waits::default();
        (batch.into_iter())
            .map(|request| (self.ask(request, &mut waits)).unwrap_or_else(Asked::Wrong))
            .collect()
    }

    fn ask(
        &mut self,
        request: wire::BulkCheckUseRequest,
        waits: &mut Waits,
    ) -> Result<Asked, Status> {
        self.sequence += 1;
        let doors = &self.doors;
        let tokens = |kind: &'static str, value: &str| -> Token { doors.token(kind, value) };
        let first = self.sequence == 1;
        let (customer, moment) = next_of_stream(request, &mut self.standing, first, &tokens)?;
        let Some(standing) = &self.standing else {
            return Err(status::failed("a stream of checks lost its question"));
        };
        let standing = Arc::clone(standing);
        let Some(moment) = moment else {
            return Ok(Asked::Now(customer, standing));
        };
        let (doors, call) = (doors.clone(), self.call.clone());
        let role = call.caller.role;
        let reached = waits.for_moment(moment, || {
            let doors = doors.clone();
            async move { doors.wait_for_past(&call, moment).await }.boxed()
        });
        let then = async move {
            reached.await?;
            let question = standing.question.clone();
            let past = move |doors: &Doors| doors.past(moment);
            (doors.rule_then(role, customer, question, standing.detail, past)).await
        };
        Ok(Asked::Then(then.boxed()))
    }
}

/// The waits of a batch: one for all requests in a row that ask for the same moment. Where histories don't reach it in time,
/// each of them is refused: what isn't there yet must not be read as never said.
#[derive(Default)]
struct Waits(Option<(Moment, Shared<Wait>)>);

type Wait = BoxFuture<'static, Result<(), Status>>;

impl Waits {
    fn for_moment(&mut self, moment: Moment, wait: impl FnOnce() -> Wait) -> Shared<Wait> {
        match &self.0 {
            Some((waited_for, wait)) if *waited_for == moment => wait.clone(),
            _ => {
                let wait = wait().shared();
                self.0 = Some((moment, wait.clone()));
                wait
            }
        }
    }
}

/// Answers a batch. Looking customers up may touch the disk: many are looked up away from the threads that serve (T5).
async fn rule_all(doors: &Doors, asked: Vec<Asked>) -> Vec<Ruled> {
    let count = asked.len();
    let answered = match count <= FEW {
        true => Ok(look_up(doors, asked)),
        false => (doors.read(move |doors| Ok(look_up(doors, asked)))).await,
    };
    let answered = match answered {
        Ok(answered) => answered,
        Err(failed) => return (0..count).map(|_| Err(failed.clone())).collect(),
    };
    let mut rulings = Vec::with_capacity(count);
    for answer in answered {
        rulings.push(match answer {
            Answered::Now(ruled) => ruled,
            Answered::Then(then) => then.await,
        });
    }
    rulings
}

fn look_up(doors: &Doors, asked: Vec<Asked>) -> Vec<Answered> {
    let look_up = |asked| match asked {
        Asked::Now(customer, standing) => {
            let detail = standing.detail.in_stream();
            Answered::Now(doors.rule(&customer, &standing.question, detail))
        }
        Asked::Then(then) => Answered::Then(then),
        Asked::Wrong(wrong) => Answered::Now(Err(wrong)),
    };
    asked.into_iter().map(look_up).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rulebook::DEFAULT_TEXT;
    use crate::projections::AsOf;

    #[tokio::test]
    async fn c4_who_asks_for_a_moment_that_histories_dont_reach_is_refused_whoever_asked_first() {
        let moment = |position| Moment {
            as_of: AsOf::Position(Position(position)),
            hindsight: false,
        };
        let late = || async { Err(status::deadline_passed()) }.boxed();
        let there = || async { Ok(()) }.boxed();
        let mut waits = Waits::default();
        let first = waits.for_moment(moment(7), late);
        let second = waits.for_moment(moment(7), there);
        let other = waits.for_moment(moment(8), there);
        assert!(first.await.is_err());
        assert!(second.await.is_err(), "it waits as the first did");
        assert!(other.await.is_ok());
    }

    #[test]
    fn p17_a_stream_names_the_rulebook_of_brief_answers_where_it_changes() {
        let in_force = Rulebook::parse(DEFAULT_TEXT, [0; 32]).unwrap();
        let current = rulebook_version(&in_force.name, &in_force.version);
        let older = rulebook_version(&in_force.name, "1.0");
        let mut naming = Naming::of(&in_force);
        let mut name = |given: Option<&wire::RulebookVersion>| {
            let ruling = wire::Ruling {
                rulebook: given.cloned(),
                ..wire::Ruling::default()
            };
            match naming.name(response((1, Ok(ruling)))).answer {
                Some(Answer::Ruling(ruling)) => ruling.rulebook,
                _ => None,
            }
        };
        assert_eq!(name(None).as_ref(), Some(&current));
        assert_eq!(name(None), None);
        assert_eq!(name(Some(&older)).as_ref(), Some(&older), "one of the past");
        assert_eq!(name(None).as_ref(), Some(&current));
        assert_eq!(name(Some(&current)).as_ref(), Some(&current), "a whole one");
        assert_eq!(name(None), None);
    }
}
