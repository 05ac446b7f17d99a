//! Callers, told as stories.

mod changes;
mod credentials;
mod grants;
mod sim_changes;
mod telling;
mod verifications;

use super::Authentication;
use super::authority::Authority;
use super::credentials::{
    CheckSecret, Compared, CredentialKind, EstablishCredential, SecretPlace, Weighed,
};
use super::of_record::{Associate, Reach, ReachKind};
use super::portions::{Checks, Verdict};
use super::verification::{Caller, Identified, Means, OpenVerification, VerifiedFor};
use crate::domain::command::Command;
use crate::domain::contacts::{
    Basis, ContactCommand, ContactPermission, ContactPermissions, NewContact,
};
use crate::domain::event::Event;
use crate::domain::ids::{Position, Sha256Digest, Token};
use crate::domain::refusal::RefusalCode;
use crate::domain::testing::*;
use crate::domain::vocabulary::Channel;

pub const DAY: u32 = 24 * 60;
pub const CALL: Token = Token([0xca; 16]);
pub const NUMBER: Token = Token([0x11; 16]);
pub const ADDRESS: Token = Token([0x22; 16]);
pub const CONTACT: Token = Token([0x33; 16]);

pub const fn number(value: Token) -> Reach {
    Reach {
        kind: ReachKind::TelephoneNumber,
        value,
    }
}

pub const fn postal(value: Token) -> Reach {
    Reach {
        kind: ReachKind::PostalAddress,
        value,
    }
}

pub const fn associate(reach: Reach, replaces: Option<Token>, authority: Authority) -> Asked {
    Asked::Associate(Associate {
        reach,
        text: None,
        replaces,
        authority,
    })
}

pub use super::AuthenticationCommand as Asked;
pub use super::AuthenticationEvent as Done;

pub const PASSED: Checks = Checks {
    form: Verdict::Pass,
    social_security_number: Verdict::Pass,
    mothers_maiden_name: Verdict::NotPerformed,
    telephone_number: Verdict::Pass,
    pet_name: Verdict::NotPerformed,
};

pub fn place(slot: u8) -> SecretPlace {
    SecretPlace {
        slot: slot.into(),
        digest: Sha256Digest([slot; 32]),
    }
}

pub fn compared(slot: u8, right: bool) -> Option<Compared> {
    let place = place(slot);
    Some(Compared { place, right })
}

/// An account of forty days with a number and an address of record.
pub fn aged() -> Story {
    let mut story = Story::begun();
    for reach in [number(NUMBER), postal(ADDRESS)] {
        story.ask_for(associate(reach, None, Authority::StartOfService));
    }
    story.minutes(40 * DAY);
    story
}

/// The same with a PIN whose hash lies at place 1.
pub fn with_pin() -> Story {
    let mut story = Story::begun();
    for reach in [number(NUMBER), postal(ADDRESS)] {
        story.ask_for(associate(reach, None, Authority::StartOfService));
    }
    story.ask_for(establish(1, Authority::StartOfService));
    story.minutes(40 * DAY);
    story
}

pub fn establish(slot: u8, authority: Authority) -> Asked {
    Asked::Establish(EstablishCredential {
        kind: CredentialKind::Pin,
        authority,
        weighed: Some(Weighed {
            checks: PASSED,
            place: Some(place(slot)),
        }),
    })
}

pub fn identified(purpose: VerifiedFor) -> Identified {
    Identified {
        caller: Caller::AccountHolder,
        purpose,
        call: CALL,
    }
}

pub fn by_pin(purpose: VerifiedFor, slot: u8, right: bool) -> Asked {
    Asked::Check(CheckSecret {
        identified: identified(purpose),
        compared: compared(slot, right),
        prompted: false,
    })
}

/// A letter of the client's, by e-mail.
pub fn letter() -> Basis {
    Basis::Letterhead {
        medium: Channel::Email,
        digest: Sha256Digest([9; 32]),
    }
}

pub fn listing(person: Token, permissions: &[ContactPermission]) -> NewContact {
    NewContact {
        person,
        name: None,
        permissions: permissions.iter().copied().collect::<ContactPermissions>(),
    }
}

impl Story {
    pub fn ask_for(&mut self, asked: Asked) -> u64 {
        self.act(Command::Authentication(asked))
    }

    pub fn asked(&mut self, asked: Asked) -> Vec<Done> {
        let events = self.attempt(&Command::Authentication(asked)).unwrap();
        let of_authentication = |event| match event {
            Event::Authentication(event) => event,
            other => panic!("{other:?}"),
        };
        events.into_iter().map(of_authentication).collect()
    }

    pub fn denied(&mut self, asked: Asked) -> RefusalCode {
        self.refused(Command::Authentication(asked))
    }

    pub fn authentication(&self) -> &Authentication {
        self.state().authentication.as_ref().unwrap()
    }

    pub fn contact(&mut self, person: Token, permissions: &[ContactPermission]) -> u64 {
        self.act(Command::Contacts(ContactCommand::Add {
            contact: listing(person, permissions),
            basis: letter(),
        }))
    }

    /// Verified by call back, in the call.
    pub fn call_back(&mut self, purpose: VerifiedFor) -> Authority {
        self.called_back(identified(purpose))
    }

    pub fn called_back(&mut self, identified: Identified) -> Authority {
        let asked_at = self.now;
        let record = self.ask_for(Asked::OpenVerification(OpenVerification {
            identified,
            means: Means::CallBack {
                number: NUMBER,
                asked_at,
            },
        }));
        Authority::Verification {
            record: Position(record),
            call: identified.call,
        }
    }
}
