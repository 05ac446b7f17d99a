//! What all services share: the engine behind the doors, and how each of them speaks to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::Engine;
use super::call::Call;
use super::convert::commands::{CommandRequest, Header, header};
use super::convert::rulings::{Detail, Evaluated, ruling};
use super::turns::Turns;
use super::{convert, status};
use crate::access::Role;
use crate::access::table::Right;
use crate::audit::questions::{Questioner, Rulebooks};
use crate::audit::{DocumentSigner, Tree};
use crate::domain::command::Command;
use crate::domain::customer::{Customer, World, rule};
use crate::domain::ids::{Position, Pseudonym, Token};
use crate::domain::question::Question;
use crate::domain::rulebook::Rulebook;
use crate::projections::{Entry, Views};
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, Handle, Intent, SubjectRef, SubmitError};

/// Answers from the past that are read at a time: each may replay all records about a customer.
const PAST_AT_A_TIME: usize = 8;
/// Steps of walks over all customers that are made at a time: walks share one core among them.
const STEPS_AT_A_TIME: usize = 1;

/// Signs checkpoints for auditors.
#[derive(Clone)]
pub struct Checkpoints {
    /// Signs a checkpoint of the log as it is at the call: a C2SP signed note.
    pub sign: Arc<dyn Fn() -> String + Send + Sync>,
    /// Signs what customers and callers keep: JSON on one line (C8).
    pub sign_document: DocumentSigner,
    /// The key that verifies both, in its C2SP text form.
    pub verifier_key: Arc<str>,
}

/// What proofs and evidence are made of.
#[derive(Clone)]
pub struct Proofs {
    /// The tree's nodes.
    pub tree: Tree,
    /// The texts of rulebooks.
    pub rulebooks: Rulebooks,
}

/// The engine as the doors see it; cheap to clone.
#[derive(Clone)]
pub struct Doors {
    handle: Handle,
    views: Views,
    checkpoints: Checkpoints,
    questioner: Questioner,
    proofs: Proofs,
    past: Turns,
    walks: Turns,
    /// Ends the streams that have no end of their own.
    stopping: CancellationToken,
    /// Longest wait for `min_position` where the caller gives no deadline.
    wait_max: Duration,
}

impl Doors {
    /// Doors to this engine; streams end when `stopping` is cancelled.
    pub fn new(engine: Engine, stopping: CancellationToken, wait_max: Duration) -> Self {
        let Engine {
            handle,
            views,
            checkpoints,
            questioner,
            proofs,
        } = engine;
        Self {
            handle,
            views,
            checkpoints,
            questioner,
            proofs,
            past: Turns::new(PAST_AT_A_TIME),
            walks: Turns::new(STEPS_AT_A_TIME),
            stopping,
            wait_max,
        }
    }

    /// The views.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// What signs checkpoints.
    pub fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// What asks the standing questions.
    pub fn questioner(&self) -> &Questioner {
        &self.questioner
    }

    /// What proofs and evidence are made of.
    pub fn proofs(&self) -> &Proofs {
        &self.proofs
    }

    /// Says when the server stops.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// The rulebook in force.
    pub fn rulebook(&self) -> &Arc<Rulebook> {
        self.views.rulebook()
    }

    /// All records up to and with this one are in the views.
    pub fn position(&self) -> Position {
        // The genesis record is there before anything is served.
        Position(self.views.reached().0.saturating_sub(1))
    }

    /// The keyed digest of an identifier from outside.
    pub fn token(&self, kind: &'static str, value: &str) -> Token {
        self.handle.pseudonymise(kind, value)
    }

    /// A command as the engine takes it, by the caller's identity and never by what the request says (T2).
    ///
    /// # Errors
    /// INVALID_ARGUMENT naming the field that is wrong.
    pub fn intent<R: CommandRequest>(&self, call: &Call, mut request: R) -> Result<Intent, Status> {
        let tokens = |kind: &'static str, value: &str| self.token(kind, value);
        let header = header(&mut request, &tokens)?;
        let (subject, command) = request.command(&tokens)?;
        Ok(Self::intended(call, header, subject, command))
    }

    /// A command of which the header is read already.
    pub fn intended(call: &Call, header: Header, subject: SubjectRef, command: Command) -> Intent {
        Intent {
            request_id: header.request_id,
            caller: Arc::clone(&call.actor),
            channel: header.channel,
            person: header.person,
            subject,
            occurred_at: header.occurred_at,
            expected_version: header.expected_version,
            deadline: call.deadline,
            content: header.content,
            command,
        }
    }

    /// Answers when the command is durable.
    ///
    /// # Errors
    /// The refusal or failure as a status.
    pub async fn submit(&self, intent: Intent) -> Result<Answer, Status> {
        self.handle.submit(intent).await.map_err(status::submit)
    }

    /// Answers when all commands are durable or refused, in their order; waits for room in the queue (T5).
    pub async fn submit_many(&self, intents: Vec<Intent>) -> Vec<Result<Answer, Status>> {
        let answers = self.try_submit_many(intents).await.into_iter();
        answers
            .map(|answer| answer.map_err(status::submit))
            .collect()
    }

    /// As [`Self::submit_many`], for whoever looks at why a command was refused.
    pub async fn try_submit_many(&self, intents: Vec<Intent>) -> Vec<Result<Answer, SubmitError>> {
        self.handle.submit_many(intents).await
    }

    /// The whole way of a command that is a call of its own.
    ///
    /// # Errors
    /// What is wrong with the request, or why it changed nothing.
    pub async fn command<R: CommandRequest>(
        &self,
        request: Request<R>,
    ) -> Result<Response<R::Response>, Status> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let texts = request.wants_texts();
        let intent = self.intent(&call, request)?;
        let answer = call.in_time(self.submit(intent)).await?;
        self.respond::<R>(&answer, texts)
    }

    /// The response to a command that is durable.
    ///
    /// # Errors
    /// INTERNAL when the outcome is another command's.
    pub fn respond<R: CommandRequest>(
        &self,
        answer: &Answer,
        texts: bool,
    ) -> Result<Response<R::Response>, Status> {
        tracing::Span::current().record("position", answer.position.0);
        let response = R::response(answer, self.rulebook(), texts);
        let response = response.ok_or_else(|| {
            status::failed(format!("{} got another command's outcome", R::METHOD))
        })?;
        Ok(Response::new(response))
    }

    /// Takes commands, and does what must not be done on the writer's thread.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Waits until the views reflect the record at `min_position` (C6).
    ///
    /// # Errors
    /// DEADLINE_EXCEEDED when they don't in time.
    pub async fn wait_for(&self, call: &Call, min_position: Position) -> Result<(), Status> {
        if min_position <= self.position() {
            return Ok(());
        }
        let patience = self.patience(call);
        let reached = self.views.wait_for(min_position, patience).await;
        reached.map_err(status::view)
    }

    /// Waits until histories reflect the record at `min_position`, or whatever is there now (C6).
    ///
    /// # Errors
    /// DEADLINE_EXCEEDED when they don't in time.
    pub async fn wait_for_history(
        &self,
        call: &Call,
        min_position: Position,
    ) -> Result<(), Status> {
        // A history is made behind the commit, and must not be older than the customer's state.
        self.wait_for(call, min_position).await?;
        let newest = min_position.max(self.position());
        let reached = self
            .views
            .wait_for_history(newest, self.patience(call))
            .await;
        reached.map_err(status::view)
    }

    fn patience(&self, call: &Call) -> Duration {
        let left = call
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        left.map_or(self.wait_max, |left| left.min(self.wait_max))
    }

    /// The customer's pseudonym and state; `None` where the ledger knows no such customer.
    ///
    /// # Errors
    /// INTERNAL when vault or views can't be read.
    pub fn customer(
        &self,
        reference: &SubjectRef,
    ) -> Result<Option<(Pseudonym, Arc<Customer>)>, Status> {
        let Some(pseudonym) = self.pseudonym(reference)? else {
            return Ok(None);
        };
        let customer = self.views.customer(pseudonym).map_err(status::view)?;
        Ok(customer.map(|customer| (pseudonym, customer)))
    }

    /// The pseudonym that is named; `None` where the vault has none.
    ///
    /// # Errors
    /// INTERNAL when the vault can't be read.
    pub fn pseudonym(&self, reference: &SubjectRef) -> Result<Option<Pseudonym>, Status> {
        match reference {
            SubjectRef::Id(id) => self.pseudonym_of(id),
            SubjectRef::Pseudonym(pseudonym) => Ok(Some(*pseudonym)),
            SubjectRef::Company => Ok(None),
        }
    }

    /// The pseudonym of an account; `None` where the vault has none.
    ///
    /// # Errors
    /// INTERNAL when the vault can't be read.
    pub fn pseudonym_of(&self, id: &str) -> Result<Option<Pseudonym>, Status> {
        self.handle.find(id).map_err(status::failed)
    }

    /// The customer, who must be known and not erased: of whom was erased nothing is told (E8).
    ///
    /// # Errors
    /// NOT_FOUND, FAILED_PRECONDITION, or INTERNAL when vault or views can't be read.
    pub fn known(&self, reference: &SubjectRef) -> Result<(Pseudonym, Arc<Customer>), Status> {
        let known = self.known_or_erased(reference)?;
        match known.1.erased {
            None => Ok(known),
            Some(_) => Err(status::customer_erased("customer")),
        }
    }

    /// The customer, who must be known: for auditors, who see what is on record of whom was erased, too.
    ///
    /// # Errors
    /// NOT_FOUND, or INTERNAL when vault or views can't be read.
    pub fn known_or_erased(
        &self,
        reference: &SubjectRef,
    ) -> Result<(Pseudonym, Arc<Customer>), Status> {
        self.customer(reference)?
            .ok_or_else(|| status::customer_unknown("customer"))
    }

    /// The customer named in `field`, who must be known, and not erased unless the role sees whole histories (E8).
    ///
    /// # Errors
    /// As [`Doors::known`].
    pub fn known_to(
        &self,
        role: Role,
        reference: &SubjectRef,
        field: &str,
    ) -> Result<(Pseudonym, Arc<Customer>), Status> {
        let found = self.customer(reference)?;
        let known = found.ok_or_else(|| status::customer_unknown(field))?;
        match known.1.erased.is_some() && !role.has(Right::WholeHistory) {
            true => Err(status::customer_erased(field)),
            false => Ok(known),
        }
    }

    /// Rules on a question from what is recorded now; an unknown customer is answered no (R16).
    ///
    /// # Errors
    /// INTERNAL when vault or views can't be read.
    pub fn rule(
        &self,
        reference: &SubjectRef,
        question: &Question,
        detail: Detail,
    ) -> Result<wire::Ruling, Status> {
        // Position first: what is read after it can only be newer.
        let position = self.position();
        let customer = self.customer(reference)?;
        let (rulebook, at) = (self.rulebook(), self.views.now());
        let customer = customer.as_ref().map(|(_, customer)| customer.as_ref());
        let company = self.views.company();
        let world = World {
            pic_request_used: self
                .views
                .pic_request_used(question)
                .map_err(status::view)?,
            ..self.views.world(&company)
        };
        let ruled = rule(customer, world, question, at);
        let evaluated = Evaluated {
            rulebook,
            at,
            position,
            detail,
        };
        Ok(ruling(&ruled, &evaluated))
    }

    /// A record that a view names.
    ///
    /// # Errors
    /// INTERNAL when the log can't be read, or has no such record.
    pub fn record(&self, position: Position) -> Result<Entry, Status> {
        let record = self.views.record(position).map_err(status::view)?;
        record.ok_or_else(|| {
            status::failed(format!(
                "a view names position {position}, the log has none"
            ))
        })
    }

    /// The customer id behind a pseudonym; empty where there is none any more.
    ///
    /// # Errors
    /// INVALID_ARGUMENT when it is no pseudonym, INTERNAL when the vault can't be read.
    pub fn resolve(&self, pseudonym: &str) -> Result<String, Status> {
        let pseudonym = convert::values::pseudonym("pseudonym", pseudonym)?;
        let id = self.views.customer_id(pseudonym).map_err(status::failed)?;
        Ok(id.unwrap_or_default())
    }

    /// Reads from views that may touch the disk, away from the threads that serve.
    ///
    /// # Errors
    /// What `read` fails with.
    pub async fn read<T, F>(&self, read: F) -> Result<T, Status>
    where
        F: FnOnce(&Self) -> Result<T, Status> + Send + 'static,
        T: Send + 'static,
    {
        let doors = self.clone();
        let span = tracing::Span::current();
        let reading = tokio::task::spawn_blocking(move || span.in_scope(|| read(&doors)));
        reading.await.map_err(status::failed)?
    }

    /// As [`Self::read`], for answers from the past: so many at a time, and the others wait without a thread (T5).
    ///
    /// # Errors
    /// What `read` fails with.
    pub async fn read_past<T, F>(&self, read: F) -> Result<T, Status>
    where
        F: FnOnce(&Self) -> Result<T, Status> + Send + 'static,
        T: Send + 'static,
    {
        self.in_turn(&self.past, read).await
    }

    /// As [`Self::read`], for the steps of walks over all customers: one at a time, whoever walks (T5).
    ///
    /// # Errors
    /// What `read` fails with.
    pub async fn read_step<T, F>(&self, read: F) -> Result<T, Status>
    where
        F: FnOnce(&Self) -> Result<T, Status> + Send + 'static,
        T: Send + 'static,
    {
        self.in_turn(&self.walks, read).await
    }

    async fn in_turn<T, F>(&self, turns: &Turns, read: F) -> Result<T, Status>
    where
        F: FnOnce(&Self) -> Result<T, Status> + Send + 'static,
        T: Send + 'static,
    {
        let doors = self.clone();
        let span = tracing::Span::current();
        turns.read(move || span.in_scope(|| read(&doors))).await
    }
}
