//! Who calls, and how the company knows: numbers and addresses of record, verifications, the password or PIN, the
//! back-up questions, what is owed after an account change, the business exemption (policy clause 4; 47 CFR 64.2010;
//! P11–P14, F14–F17; R19, R22).
//!
//! No secret comes here, and nothing that a guess could be tested against: a password, a PIN, an answer is compared in
//! the vault, and the rules get the verdict and the place of the hash.
//!
//! Reading order: `authority` (on what an account is changed), `of_record`, `verification`, `portions`, `credentials`,
//! `challenge`, `change_notices`, `sim_changes`, `exemption`, `tickets`, and `telling`: when the customer or a contact may
//! be told.

pub mod authority;
pub mod challenge;
pub mod change_notices;
pub mod credentials;
pub mod exemption;
pub mod of_record;
pub mod portions;
pub mod sim_changes;
pub mod telling;
pub mod tickets;
pub mod verification;

use serde::{Deserialize, Serialize};

use super::customer::{Context, Customer};
use super::event::{Event, Placed};
use super::ids::{Position, Token};
use super::refusal::Refusal;
use super::time::Time;
use authority::Authority;
use challenge::{
    AnswerChallenge, Challenge, ChallengeFailed, ChallengePassed, ChallengeSet, Reset, SetChallenge,
};
use change_notices::{ChangeNoticeSent, DueNotice, SendChangeNotice, SentNotice};
use credentials::{
    CheckFailed, CheckSecret, Credential, CredentialEstablished, CredentialLocked,
    CredentialRefused, CredentialUnlocked, EstablishCredential, Failures, LiftLock, Lock,
    SecretPlace,
};
use exemption::{EndLeg, Exemption, LegBegun, LegEnded};
use of_record::{Associate, Associated, Dissociate, Dissociated, OfRecord};
use sim_changes::{
    RequestSimChange, SimChangeRefused, SimChangeRequested, SimChanges, SimLockLifted, SimLockSet,
    SimStepTaken,
};
use tickets::{OpenTicket, TicketOpened};
use verification::{IssueMail, MailIssued, OpenVerification, Verification, VerificationOpened};

/// What can be asked about who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthenticationCommand {
    /// A number or an address belongs to the account (F14).
    Associate(Associate),
    /// A number or an address no longer belongs to it (F14).
    Dissociate(Dissociate),
    /// The caller was verified by other means than a password (P11).
    OpenVerification(OpenVerification),
    /// Documents are mailed to an address of record (P11).
    IssueMail(IssueMail),
    /// A new password or PIN was weighed (P12, F15).
    Establish(EstablishCredential),
    /// The caller's password or PIN was compared (P11).
    Check(CheckSecret),
    /// The lock is lifted by another method (P13, R22).
    LiftLock(LiftLock),
    /// Back-up questions are set (F15).
    SetChallenge(SetChallenge),
    /// The caller's answers were compared (P13).
    AnswerChallenge(AnswerChallenge),
    /// The online account was created or changed (F16).
    ChangeOnlineAccount(Authority),
    /// A notification of an account change was sent (F16).
    SendChangeNotice(SendChangeNotice),
    /// A representative was assigned, or a contract made (F17).
    BeginLeg(LegBegun),
    /// One of the two is over (F17).
    EndLeg(EndLeg),
    /// A trouble ticket is opened (P14).
    OpenTicket(OpenTicket),
    /// A SIM change is asked for (64.2010(h)).
    RequestSimChange(RequestSimChange),
    /// A SIM change was made, or something else became of it (64.2010(h)).
    TakeSimStep(SimStepTaken),
    /// The customer locks the account against SIM changes (64.2010(h)).
    LockSim(Authority),
    /// The customer lifts that lock (64.2010(h)).
    LiftSimLock(Authority),
}

/// What was recorded of who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthenticationEvent {
    /// A number or an address belongs to the account.
    Associated(Associated),
    /// A number or an address no longer belongs to it.
    Dissociated(Dissociated),
    /// The caller is verified for a while.
    VerificationOpened(VerificationOpened),
    /// Documents were mailed; nothing live is opened (R19).
    MailIssued(MailIssued),
    /// A new password or PIN is in force.
    Established(CredentialEstablished),
    /// A new password or PIN was not taken.
    EstablishRefused(CredentialRefused),
    /// A password or PIN was wrong.
    CheckFailed(CheckFailed),
    /// Too many attempts.
    Locked(CredentialLocked),
    /// The lock is lifted.
    Unlocked(CredentialUnlocked),
    /// Back-up questions are set.
    ChallengeSet(ChallengeSet),
    /// All answers were right: a new password or PIN must be set.
    ChallengePassed(ChallengePassed),
    /// Not all answers were right.
    ChallengeFailed(ChallengeFailed),
    /// The online account was created or changed.
    OnlineAccountChanged(OnlineAccountChanged),
    /// A notification of an account change was sent.
    ChangeNoticeSent(ChangeNoticeSent),
    /// A leg of the business exemption stands.
    LegBegun(LegBegun),
    /// A leg of the business exemption is over.
    LegEnded(LegEnded),
    /// A trouble ticket was opened.
    TicketOpened(TicketOpened),
    /// A SIM change was asked for, and may go on.
    SimChangeRequested(SimChangeRequested),
    /// A SIM change was asked for and refused.
    SimChangeRefused(SimChangeRefused),
    /// Something became of a SIM change.
    SimStepTaken(SimStepTaken),
    /// The account is locked against SIM changes.
    SimLockSet(SimLockSet),
    /// That lock is lifted.
    SimLockLifted(SimLockLifted),
}

impl AuthenticationEvent {
    /// The place in the vault that the event cites: a vault that lacks it can't serve this ledger.
    pub fn cited_place(&self) -> Option<SecretPlace> {
        match self {
            Self::Established(event) => Some(event.place),
            Self::ChallengeSet(event) => Some(event.place),
            _ => None,
        }
    }
}

/// The customer's online account was created or changed (F16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnlineAccountChanged {
    /// On what.
    pub authority: Authority,
    /// By when the customer must be told; none at the start of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_due_at: Option<Time>,
}

/// What the ledger knows of how callers are verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// Verifications that stand, oldest first.
    pub verifications: Vec<Verification>,
    /// Numbers and addresses, in the order of their records.
    pub of_record: Vec<OfRecord>,
    /// The password or PIN in force.
    pub credential: Option<Credential>,
    /// The back-up questions in force.
    pub challenge: Option<Challenge>,
    /// Wrong attempts.
    pub failures: Failures,
    /// Set while too many attempts have failed.
    pub lock: Option<Lock>,
    /// Set from a passed challenge until a new password or PIN is set.
    pub reset: Option<Reset>,
    /// Whether there is an online account: it was created, or somebody was logged in to it.
    pub online_account: bool,
    /// Notifications that are owed, oldest first.
    pub due: Vec<DueNotice>,
    /// Those that were sent, oldest first, bounded.
    pub sent: Vec<SentNotice>,
    /// The legs of the business exemption.
    pub exemption: Exemption,
    /// SIM changes and the lock against them; few customers have any.
    pub sim: Option<Box<SimChanges>>,
}

impl Authentication {
    /// Whether nothing is open to a caller until a lock is lifted or a new secret set (P13, R22). It never stops a
    /// denial, an out-of-service ticket, or mail to an address of record.
    pub fn is_suspended(&self) -> bool {
        self.lock.is_some() || self.reset.is_some()
    }

    /// Where the secret lies for which the record `first` was made: that of an attempt, or the one that it set. None once
    /// another is in force, and while nothing is open to a caller: then nobody can tell any more.
    pub fn place_of(&self, asked: &AuthenticationCommand, first: Position) -> Option<SecretPlace> {
        use AuthenticationCommand as Asked;

        let (since, place) = match asked {
            Asked::Check(_) | Asked::Establish(_) => self
                .credential
                .as_ref()
                .map(|one| (one.position, one.place)),
            Asked::AnswerChallenge(_) | Asked::SetChallenge(_) => {
                self.challenge.as_ref().map(|one| (one.position, one.place))
            }
            _ => None,
        }?;
        (since <= first && self.lock.is_none()).then_some(place)
    }

    fn online_account_changed(&mut self, placed: &Placed<'_, OnlineAccountChanged>) {
        self.online_account = true;
        let what = change_notices::AccountChange::OnlineAccount;
        self.owe(what, None, placed.event.notice_due_at, placed);
    }

    /// Ends what was opened in a call (R19).
    pub(super) fn end_call(&mut self, call: Token) {
        self.verifications.retain(|one| one.call != call);
    }

    /// Ends what a contact was verified for, who is one no longer (R19).
    pub(super) fn end_contact(&mut self, person: Token) {
        self.verifications
            .retain(|one| one.caller.person() != Some(person));
    }
}

/// The events that `command` leads to, or why it changes nothing.
pub(super) fn decide(
    customer: &Customer,
    command: &AuthenticationCommand,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    use AuthenticationCommand as Asked;

    let events = match command {
        Asked::Associate(command) => of_record::associate(customer, command, context),
        Asked::Dissociate(command) => of_record::dissociate(customer, command, context),
        Asked::OpenVerification(command) => verification::open(customer, command, context),
        Asked::IssueMail(command) => verification::issue_mail(customer, command, context),
        Asked::Establish(command) => credentials::establish(customer, command, context),
        Asked::Check(command) => credentials::check(customer, command, context),
        Asked::LiftLock(command) => credentials::lift(customer, command, context),
        Asked::SetChallenge(command) => challenge::set(customer, command, context),
        Asked::AnswerChallenge(command) => challenge::answer(customer, command, context),
        Asked::ChangeOnlineAccount(authority) => change_online(customer, authority, context),
        Asked::SendChangeNotice(command) => change_notices::send(customer, command, context),
        Asked::BeginLeg(command) => exemption::begin(command, context),
        Asked::EndLeg(command) => exemption::end(customer, command, context),
        Asked::OpenTicket(command) => tickets::open(customer, command, context),
        Asked::RequestSimChange(command) => sim_changes::request(customer, command, context),
        Asked::TakeSimStep(command) => sim_changes::take_step(customer, command, context),
        Asked::LockSim(authority) => sim_changes::lock(customer, authority, context),
        Asked::LiftSimLock(authority) => sim_changes::lift_lock(customer, authority, context),
    }?;
    Ok(events.into_iter().map(Event::Authentication).collect())
}

fn change_online(
    customer: &Customer,
    authority: &Authority,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    let known = (customer.authentication.as_ref()).is_some_and(|state| state.online_account);
    authority.require_for(!known, customer, context)?;
    Ok(vec![AuthenticationEvent::OnlineAccountChanged(
        OnlineAccountChanged {
            authority: *authority,
            notice_due_at: change_notices::due_at(customer, context)?,
        },
    )])
}

/// The customer after the event.
pub(super) fn follow(customer: &mut Customer, placed: &Placed<'_, AuthenticationEvent>) {
    use AuthenticationEvent as Done;

    let state = customer.authentication.get_or_insert_default();
    match placed.event {
        Done::Associated(event) => state.associated(&placed.of(event)),
        Done::Dissociated(event) => state.dissociated(&placed.of(event)),
        Done::VerificationOpened(event) => state.verification_opened(&placed.of(event)),
        Done::Established(event) => state.established(&placed.of(event)),
        Done::EstablishRefused(_) => state.failures.count(credentials::Attempt::Establish),
        Done::CheckFailed(_) => state.failures.count(credentials::Attempt::Check),
        Done::ChallengeFailed(_) => state.failures.count(credentials::Attempt::Challenge),
        Done::Locked(event) => state.locked(&placed.of(event)),
        Done::Unlocked(_) => state.unlocked(),
        Done::ChallengeSet(event) => state.challenge_set(&placed.of(event)),
        Done::ChallengePassed(event) => state.challenge_passed(&placed.of(event)),
        Done::OnlineAccountChanged(event) => state.online_account_changed(&placed.of(event)),
        Done::ChangeNoticeSent(event) => state.change_notice_sent(&placed.of(event)),
        Done::LegBegun(event) => state.exemption.begin(&placed.of(event)),
        Done::LegEnded(event) => state.exemption.end(event),
        Done::SimChangeRequested(event) => state.sim_requested(&placed.of(event)),
        Done::SimChangeRefused(event) => state.sim_refused(&placed.of(event)),
        Done::SimStepTaken(event) => state.sim_step_taken(&placed.of(event)),
        Done::SimLockSet(event) => state.sim_lock_set(&placed.of(event)),
        Done::SimLockLifted(event) => state.sim_lock_lifted(&placed.of(event)),
        Done::MailIssued(_) | Done::TicketOpened(_) => {}
    }
}

#[cfg(test)]
mod tests;
