//! Callers: what was of record, and is no longer.

use super::*;
use crate::domain::authentication::AuthenticationCommand as Asked;
use crate::domain::authentication::authority::Authority;
use crate::domain::authentication::of_record::{Associate, Dissociate, Reach, ReachKind};
use crate::domain::authentication::telling::Telling;
use crate::domain::authentication::verification::{
    Caller, Identified, Means, OpenVerification, VerifiedFor,
};
use crate::domain::ids::Personal;

const OLD: Token = Token([4; 16]);
const CALL: Token = Token([6; 16]);

fn associate(value: Token, replaces: Option<Token>, authority: Authority) -> Asked {
    Asked::Associate(Associate {
        reach: postal(value),
        text: None,
        replaces,
        authority,
    })
}

fn postal(value: Token) -> Reach {
    let kind = ReachKind::PostalAddress;
    Reach { kind, value }
}

/// A bill to the old address.
fn mailed() -> Question {
    let billing = Ground::Billing {
        invoice: Some(Personal::new("run 7")),
        verification: Some(Telling::Mailed { address: OLD }),
    };
    let (purpose, recipient) = (Purpose::Billing, RecipientKind::Customer);
    on_ground(billing, purpose, recipient, None, &[Billing])
}

#[test]
fn r05_an_address_was_no_longer_of_record_from_when_it_was_taken_off_or_replaced() {
    for replaced in [false, true] {
        let mut told = Told::begun();
        let first = associate(OLD, None, Authority::StartOfService);
        told.act(Command::Authentication(first));
        told.story.minutes(40 * 24 * 60);
        let ten = told.story.now.plus_minutes(1);
        told.story.minutes(60);
        let eleven = told.story.now;
        told.story.minutes(60);
        let verified = Asked::OpenVerification(OpenVerification {
            identified: Identified {
                caller: Caller::AccountHolder,
                purpose: VerifiedFor::AccountChanges,
                call: CALL,
            },
            means: Means::OnlineAccount,
        });
        let record = told.act(Command::Authentication(verified));
        let authority = Authority::Verification { record, call: CALL };
        told.story.occurred(ten);
        told.act(Command::Authentication(match replaced {
            true => associate(Token([5; 16]), Some(OLD), authority),
            false => Asked::Dissociate(Dissociate {
                reach: postal(OLD),
                authority,
            }),
        }));
        let before = Time(ten.0 - 1);
        assert!(told.hindsight(&mailed(), before).allowed, "{replaced}");
        assert!(told.as_of(&mailed(), eleven).allowed, "{replaced}");
        let ruling = told.hindsight(&mailed(), eleven);
        assert!(!ruling.allowed, "{replaced} {ruling:#?}");
        assert!(!told.as_of(&mailed(), told.story.now).allowed, "{replaced}");
    }
}
