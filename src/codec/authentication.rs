//! Who calls, and how the company knows: `verification.*.v1`, `credential.*.v1` and so on. No secret is in any of them.

use super::areas::stored_events;
use crate::domain::authentication::AuthenticationEvent;

stored_events! {
    AuthenticationEvent {
        Associated = "of_record.associated.v1" [text],
        Dissociated = "of_record.dissociated.v1",
        VerificationOpened = "verification.opened.v1",
        MailIssued = "verification.mail_issued.v1",
        Established = "credential.established.v1",
        EstablishRefused = "credential.refused.v1",
        CheckFailed = "credential.check_failed.v1",
        Locked = "credential.locked.v1",
        Unlocked = "credential.unlocked.v1",
        ChallengeSet = "challenge.set.v1",
        ChallengePassed = "challenge.passed.v1",
        ChallengeFailed = "challenge.failed.v1",
        OnlineAccountChanged = "online_account.changed.v1",
        ChangeNoticeSent = "change_notice.sent.v1",
        LegBegun = "exemption.begun.v1" [contract],
        LegEnded = "exemption.ended.v1",
        TicketOpened = "ticket.opened.v1" [ticket],
        SimChangeRequested = "sim_change.requested.v1",
        SimChangeRefused = "sim_change.refused.v1",
        SimStepTaken = "sim_change.step_taken.v1",
        SimLockSet = "sim_lock.set.v1",
        SimLockLifted = "sim_lock.lifted.v1",
    }
}
