//! AuthenticationService: how callers are verified.
//!
//! What is secret in a request is taken out of it before anything else looks at it; it is compared or hashed beside the
//! writer, which gets the verdict. Whether it would be looked at at all is asked first, so that nothing is hashed for a
//! command that is refused; the writer then gets the command without a verdict, and refuses it, or answers a repeat.
//!
//! A secret is no part of what a request's content is known by. So a repeat of a yes is given only to who sends the same
//! secret again; a repeat of a no is a no, whatever is sent, for otherwise it would answer guesses that nobody counts.

use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::call::Call;
use super::convert::authentication::{
    wire_credential, wire_due, wire_of_record, wire_sim_change, wire_verification,
};
use super::convert::commands::CommandRequest;
use super::convert::secrets::{self, NewSecret};
use super::convert::values;
use super::doors::Doors;
use super::registers::Registers;
use super::status;
use crate::domain::authentication::Authentication;
use crate::domain::authentication::AuthenticationCommand as Asked;
use crate::domain::authentication::challenge::{
    AnswerChallenge, challenge_to_check, require_settable,
};
use crate::domain::authentication::credentials::{
    CheckSecret, Compared, SecretPlace, Weighed, place_to_check, require_establishable,
};
use crate::domain::authentication::portions::weigh;
use crate::domain::authentication::sim_changes::is_demanded;
use crate::domain::command::Command;
use crate::domain::company::Company;
use crate::domain::customer::{Context, Customer};
use crate::domain::ids::{Personal, Position, Pseudonym};
use crate::domain::refusal::Refusal;
use crate::domain::services::VaultHead;
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, Intent, Outcome, SubmitError};

/// Serves AuthenticationService.
pub struct Callers(pub Doors);

#[tonic::async_trait]
impl wire::authentication_service_server::AuthenticationService for Callers {
    async fn associate_reach(
        &self,
        request: Request<wire::AssociateReachRequest>,
    ) -> Result<Response<wire::AssociateReachResponse>, Status> {
        self.0.command(request).await
    }

    async fn dissociate_reach(
        &self,
        request: Request<wire::DissociateReachRequest>,
    ) -> Result<Response<wire::DissociateReachResponse>, Status> {
        self.0.command(request).await
    }

    async fn open_verification(
        &self,
        request: Request<wire::OpenVerificationRequest>,
    ) -> Result<Response<wire::OpenVerificationResponse>, Status> {
        self.0.command(request).await
    }

    async fn verify_secret(
        &self,
        request: Request<wire::VerifySecretRequest>,
    ) -> Result<Response<wire::VerifySecretResponse>, Status> {
        let (call, mut given) = (Call::of(&request)?, request.into_inner());
        let secret = secrets::secret(&mut given)?;
        self.attempt(&call, given, Secret::Current(secret)).await
    }

    async fn issue_mail(
        &self,
        request: Request<wire::IssueMailRequest>,
    ) -> Result<Response<wire::IssueMailResponse>, Status> {
        self.0.command(request).await
    }

    async fn establish_credential(
        &self,
        request: Request<wire::EstablishCredentialRequest>,
    ) -> Result<Response<wire::EstablishCredentialResponse>, Status> {
        let (call, mut given) = (Call::of(&request)?, request.into_inner());
        let secret = NewSecret::take(&mut given)?;
        self.attempt(&call, given, Secret::New(secret)).await
    }

    async fn lift_lock(
        &self,
        request: Request<wire::LiftLockRequest>,
    ) -> Result<Response<wire::LiftLockResponse>, Status> {
        self.0.command(request).await
    }

    async fn set_challenge(
        &self,
        request: Request<wire::SetChallengeRequest>,
    ) -> Result<Response<wire::SetChallengeResponse>, Status> {
        let (call, mut given) = (Call::of(&request)?, request.into_inner());
        let answers = secrets::answers(&mut given.answers)?;
        self.attempt(&call, given, Secret::Current(answers)).await
    }

    async fn answer_challenge(
        &self,
        request: Request<wire::AnswerChallengeRequest>,
    ) -> Result<Response<wire::AnswerChallengeResponse>, Status> {
        let (call, mut given) = (Call::of(&request)?, request.into_inner());
        let answers = secrets::answers(&mut given.answers)?;
        self.attempt(&call, given, Secret::Current(answers)).await
    }

    async fn change_online_account(
        &self,
        request: Request<wire::ChangeOnlineAccountRequest>,
    ) -> Result<Response<wire::ChangeOnlineAccountResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_change_notice(
        &self,
        request: Request<wire::RecordChangeNoticeRequest>,
    ) -> Result<Response<wire::RecordChangeNoticeResponse>, Status> {
        self.0.command(request).await
    }

    async fn begin_exemption_leg(
        &self,
        request: Request<wire::BeginExemptionLegRequest>,
    ) -> Result<Response<wire::BeginExemptionLegResponse>, Status> {
        self.0.command(request).await
    }

    async fn end_exemption_leg(
        &self,
        request: Request<wire::EndExemptionLegRequest>,
    ) -> Result<Response<wire::EndExemptionLegResponse>, Status> {
        self.0.command(request).await
    }

    async fn open_ticket(
        &self,
        request: Request<wire::OpenTicketRequest>,
    ) -> Result<Response<wire::OpenTicketResponse>, Status> {
        self.0.command(request).await
    }

    async fn request_sim_change(
        &self,
        request: Request<wire::RequestSimChangeRequest>,
    ) -> Result<Response<wire::RequestSimChangeResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_sim_change_step(
        &self,
        request: Request<wire::RecordSimChangeStepRequest>,
    ) -> Result<Response<wire::RecordSimChangeStepResponse>, Status> {
        self.0.command(request).await
    }

    async fn lock_sim(
        &self,
        request: Request<wire::LockSimRequest>,
    ) -> Result<Response<wire::LockSimResponse>, Status> {
        self.0.command(request).await
    }

    async fn lift_sim_lock(
        &self,
        request: Request<wire::LiftSimLockRequest>,
    ) -> Result<Response<wire::LiftSimLockResponse>, Status> {
        self.0.command(request).await
    }

    async fn get_authentication(
        &self,
        request: Request<wire::GetAuthenticationRequest>,
    ) -> Result<Response<wire::GetAuthenticationResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let customer = values::customer(given.customer)?;
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        let customer = doors.known_by(&call, customer, &registers).await?;
        let mut response = wire::GetAuthenticationResponse {
            evaluated_at: registers.at(),
            position: registers.position(),
            sim_rule_in_force: is_demanded(registers.book(), registers.now),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
            ..wire::GetAuthenticationResponse::default()
        };
        if let Some(state) = &customer.authentication {
            describe(state, &customer, &registers, &mut response);
        }
        Ok(Response::new(response))
    }

    async fn list_due_change_notices(
        &self,
        request: Request<wire::ListDueChangeNoticesRequest>,
    ) -> Result<Response<wire::ListDueChangeNoticesResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let customer = values::customer(given.customer)?;
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        let customer = doors.known_by(&call, customer, &registers).await?;
        let (days, now) = (of_record_days(&registers), registers.now);
        let state = customer.authentication.iter();
        let notices = state.flat_map(|state| {
            (state.due.iter()).map(|due| {
                let targets = match due.contact {
                    Some(_) => Vec::new(),
                    None => state.targets(due, days),
                };
                wire_due(due, &targets, days, now)
            })
        });
        Ok(Response::new(wire::ListDueChangeNoticesResponse {
            notices: notices.collect(),
            position: registers.position(),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
        }))
    }
}

/// What was taken out of a request.
enum Secret {
    /// A password, a PIN or answers.
    Current(Personal),
    /// A new password or PIN, with what it is compared with.
    New(NewSecret),
}

impl Secret {
    /// The password, PIN or answers once more, for a repeat.
    fn again(&self) -> Personal {
        match self {
            Self::Current(secret) => secret.clone(),
            Self::New(new) => new.secret.clone(),
        }
    }
}

fn of_record_days(registers: &Registers) -> u32 {
    registers.book().authentication().of_record_days
}

/// How callers are verified, by what is on record of it.
fn describe(
    state: &Authentication,
    customer: &Customer,
    registers: &Registers,
    response: &mut wire::GetAuthenticationResponse,
) {
    let (now, days) = (registers.now, of_record_days(registers));
    let questions = state
        .challenge
        .iter()
        .flat_map(|challenge| &challenge.questions);
    let belonging = state.of_record.iter().filter(|one| one.belongs(now));
    let standing = (state.verifications.iter())
        .filter(|one| now < one.ends_at && one.is_good(customer, now, registers.book()));
    response.credential = state.credential.as_ref().map(wire_credential);
    response.questions = questions.map(ToString::to_string).collect();
    response.locked = state.lock.is_some();
    response.reset_required = state.reset.is_some();
    response.reaches = belonging.map(|one| wire_of_record(one, days)).collect();
    response.verifications = standing.map(wire_verification).collect();
    response.exempt = state.exemption.holds(now);
    if let Some(sim) = &state.sim {
        response.sim_locked = sim.lock.is_some();
        response.sim_changes = sim.changes.iter().map(wire_sim_change).collect();
        response.sim_changes_refused = sim.refused;
    }
}

impl Callers {
    /// The way of a command whose secret was taken out of it.
    async fn attempt<R: CommandRequest>(
        &self,
        call: &Call,
        given: R,
        secret: Secret,
    ) -> Result<Response<R::Response>, Status> {
        let doors = &self.0;
        let intent = doors.intent(call, given)?;
        let again = secret.again();
        let work = async {
            let intent = self.judged(intent, secret).await?;
            let answer = doors.submit(intent.clone()).await?;
            let is_no = matches!(
                answer.outcome,
                Outcome::Attempted {
                    succeeded: false,
                    ..
                }
            );
            if !answer.repeated || is_no || self.is_same(&intent, &answer, again).await? {
                return Ok(answer);
            }
            let id = intent.request_id;
            self.count_guess(intent).await;
            Err(status::submit(SubmitError::RequestIdReused(id)))
        };
        let answer = call.in_time(work).await?;
        doors.respond::<R>(&answer, true)
    }

    /// The command with what came of its secret; without, where the command is refused whatever came of it.
    async fn judged(&self, mut intent: Intent, secret: Secret) -> Result<Intent, Status> {
        let (pseudonym, customer) = self.0.known(&intent.subject)?;
        let company = self.0.views().company();
        let context = self.context(&intent, &company);
        match (&mut intent.command, secret) {
            (Command::Authentication(Asked::Check(command)), Secret::Current(secret)) => {
                if let Ok(place) = place_to_check(&customer, &command.identified) {
                    command.compared = Some(self.compared(pseudonym, place, secret).await?);
                }
            }
            (
                Command::Authentication(Asked::AnswerChallenge(command)),
                Secret::Current(answers),
            ) => {
                let asked = challenge_to_check(&customer, command.caller, command.call);
                if let Ok(challenge) = asked {
                    let place = challenge.place;
                    command.compared = Some(self.compared(pseudonym, place, answers).await?);
                }
            }
            (Command::Authentication(Asked::SetChallenge(command)), Secret::Current(answers)) => {
                let (questions, authority) = (&command.questions, &command.authority);
                if is_taken(require_settable(&customer, questions, authority, &context)) {
                    let kept = self
                        .0
                        .handle()
                        .weigh_secret(pseudonym, answers, |_| ((), true));
                    command.place = kept.await.map_err(status::submit)?.1;
                }
            }
            (Command::Authentication(Asked::Establish(command)), Secret::New(secret)) => {
                if is_taken(require_establishable(
                    &customer,
                    &command.authority,
                    &context,
                )) {
                    command.weighed = Some(self.weighed(pseudonym, command.kind, secret).await?);
                }
            }
            _ => return Err(status::failed("a secret came with another command")),
        }
        Ok(intent)
    }

    /// Whether the secret is the one that was sent the first time. No, where nobody can tell any more.
    async fn is_same(
        &self,
        intent: &Intent,
        first: &Answer,
        secret: Personal,
    ) -> Result<bool, Status> {
        let Command::Authentication(asked) = &intent.command else {
            return Ok(false);
        };
        let (pseudonym, customer) = self.0.known(&intent.subject)?;
        let state = customer.authentication.as_ref();
        let Some(place) = state.and_then(|state| state.place_of(asked, first.first)) else {
            return Ok(false);
        };
        match asked {
            // They were compared already, unless the caller is one to whom nothing is open any more.
            Asked::Check(CheckSecret { compared, .. })
            | Asked::AnswerChallenge(AnswerChallenge { compared, .. }) => {
                Ok(compared.is_some_and(|one| one.right && one.place == place))
            }
            _ => Ok(self.compared(pseudonym, place, secret).await?.right),
        }
    }

    /// A wrong secret under the id of a right one is an attempt like any other, and counts as one (P13). Where it would
    /// be refused, nothing was told of it either.
    async fn count_guess(&self, mut intent: Intent) {
        let compared = match &intent.command {
            Command::Authentication(
                Asked::Check(CheckSecret { compared, .. })
                | Asked::AnswerChallenge(AnswerChallenge { compared, .. }),
            ) => *compared,
            _ => None,
        };
        if compared.is_some_and(|compared| !compared.right) {
            intent.request_id = Uuid::new_v4();
            intent.expected_version = None;
            // The answer is that of a reused id, whatever comes of it.
            drop(self.0.submit(intent).await);
        }
    }

    fn context<'a>(&'a self, intent: &Intent, company: &'a Company) -> Context<'a> {
        let doors = &self.0;
        Context {
            now: doors.views().now(),
            occurred_at: intent.occurred_at,
            position: Position(doors.position().0.saturating_add(1)),
            rulebook: doors.rulebook(),
            opt_out_since: doors.views().ledger().opt_out_since,
            pic_request_used: false,
            company,
            person: intent.person,
            vault: VaultHead::default(),
        }
    }

    async fn compared(
        &self,
        customer: Pseudonym,
        place: SecretPlace,
        secret: Personal,
    ) -> Result<Compared, Status> {
        let matches = self.0.handle().secret_matches(customer, place, secret);
        let right = matches.await.map_err(status::submit)?;
        Ok(Compared { place, right })
    }

    async fn weighed(
        &self,
        customer: Pseudonym,
        kind: crate::domain::authentication::credentials::CredentialKind,
        secret: NewSecret,
    ) -> Result<Weighed, Status> {
        let (secret, known) = secret.into_parts();
        let rulebook = std::sync::Arc::clone(self.0.rulebook());
        let weigh = move |secret: &str| {
            let rules = rulebook.authentication();
            let checks = known.with(|known| weigh(kind, secret, known, rules));
            (checks, checks.pass())
        };
        let weighed = self.0.handle().weigh_secret(customer, secret, weigh);
        let (checks, place) = weighed.await.map_err(status::submit)?;
        Ok(Weighed { checks, place })
    }
}

/// The refusal itself is the writer's to give: a repeat is answered like the first time.
fn is_taken(asked: Result<(), Refusal>) -> bool {
    asked.is_ok()
}
