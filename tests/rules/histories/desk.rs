//! Contacts and callers: who may speak for the account, how callers are verified, and what goes wrong with it.

use consent_ledger::domain::authentication::AuthenticationCommand as Asked;
use consent_ledger::domain::authentication::authority::Authority;
use consent_ledger::domain::authentication::challenge::{AnswerChallenge, SetChallenge};
use consent_ledger::domain::authentication::credentials::{
    CheckSecret, Compared, CredentialKind, EstablishCredential, LiftLock, SecretPlace, Weighed,
};
use consent_ledger::domain::authentication::exemption::{EndLeg, LegBegun, LegKind};
use consent_ledger::domain::authentication::of_record::{Associate, Dissociate, Reach, ReachKind};
use consent_ledger::domain::authentication::portions::{Checks, Verdict};
use consent_ledger::domain::authentication::tickets::{OpenTicket, TicketCondition};
use consent_ledger::domain::authentication::verification::{
    Caller, Identified, Means, OpenVerification, VerifiedFor,
};
use consent_ledger::domain::command::Command;
use consent_ledger::domain::contacts::{
    Basis, ContactCommand, ContactPermission, ContactPermissions, NewContact,
};
use consent_ledger::domain::customer::Customer;
use consent_ledger::domain::ids::{EntityId, Personal, Sha256Digest, Token};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::Channel;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::random::CALLS;
use crate::rules::notation::call;

/// What may be done.
#[derive(Clone, Debug)]
pub enum Desk {
    /// A contact is listed with these permissions; by a letter, or by a verified caller.
    Lists(u8, Vec<ContactPermission>, bool),
    /// A contact is taken off the list; by a letter, or by a verified caller.
    Removes(u8, bool),
    /// A number or an address comes to the account, or leaves it.
    Belongs(ReachKind, bool),
    /// A password is set, or one that is not good enough refused.
    Sets(bool),
    /// A caller's password is right, or wrong, for a purpose.
    Checks(Speaking, bool),
    /// Back-up questions are set.
    SetsQuestions,
    /// A caller's answers are right, or wrong.
    Answers(Speaking, bool),
    /// A caller is verified without a password.
    Verifies(Speaking, Way),
    /// The lock is lifted.
    LiftsLock,
    /// A leg of the business exemption begins, or ends.
    Leg(LegKind, bool),
    /// A ticket is opened: out of service, or something else.
    Ticket(bool),
}

/// A way to verify a caller.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    CallBack,
    LogIn,
    Contract,
}

/// Who calls, what for, and in which call.
#[derive(Clone, Copy, Debug)]
pub struct Speaking {
    /// A contact, or the holder.
    pub contact: Option<u8>,
    pub purpose: VerifiedFor,
    pub call: &'static str,
}

/// A contact's token.
pub fn person(number: u8) -> Token {
    Token([0xa0 + number; 16])
}

/// The number or the address of that kind; there is one of each.
pub fn reach(kind: ReachKind) -> Reach {
    Reach {
        kind,
        value: Token([0xb0 + kind as u8; 16]),
    }
}

impl Speaking {
    fn caller(self) -> Caller {
        match self.contact {
            Some(number) => Caller::Contact(person(number)),
            None => Caller::AccountHolder,
        }
    }

    fn identified(self) -> Identified {
        Identified {
            caller: self.caller(),
            purpose: self.purpose,
            call: call(self.call),
        }
    }
}

/// The newest verification for account changes, if there is one; or the start of service.
fn authority(customer: &Customer) -> Authority {
    let state = customer.authentication.as_ref();
    let verifications = state.iter().flat_map(|state| &state.verifications);
    let mut for_changes = verifications.filter(|one| one.purpose == VerifiedFor::AccountChanges);
    let newest = for_changes.next_back().map(|one| Authority::Verification {
        record: one.position,
        call: one.call,
    });
    // Who passed the challenge may set a new one.
    let reset = state.and_then(|state| state.reset.as_ref());
    let challenge = reset.map(|reset| Authority::Challenge { call: reset.call });
    challenge.or(newest).unwrap_or(Authority::StartOfService)
}

fn basis(customer: &Customer, by_letter: bool) -> Basis {
    match by_letter {
        true => Basis::Letterhead {
            medium: Channel::Post,
            digest: Sha256Digest([9; 32]),
        },
        false => Basis::Caller(authority(customer)),
    }
}

/// A place that no other secret has.
fn place(customer: &Customer) -> SecretPlace {
    SecretPlace {
        slot: customer.version,
        digest: Sha256Digest([8; 32]),
    }
}

impl Desk {
    /// Whether it puts a secret on record, for which a vault must have a place.
    pub fn sets_secret(&self) -> bool {
        matches!(self, Self::Sets(_) | Self::SetsQuestions)
    }

    /// What is asked of the ledger.
    pub fn command(&self, customer: &Customer, now: Time) -> Command {
        let state = customer.authentication.as_ref();
        let asked = match self {
            Self::Lists(number, permissions, by_letter) => {
                return Command::Contacts(ContactCommand::Add {
                    contact: NewContact {
                        person: person(*number),
                        name: None,
                        permissions: permissions.iter().copied().collect::<ContactPermissions>(),
                    },
                    basis: basis(customer, *by_letter),
                });
            }
            Self::Removes(number, by_letter) => {
                return Command::Contacts(ContactCommand::Remove {
                    person: person(*number),
                    basis: basis(customer, *by_letter),
                });
            }
            Self::Belongs(kind, true) => Asked::Associate(Associate {
                reach: reach(*kind),
                text: None,
                replaces: None,
                authority: authority(customer),
            }),
            Self::Belongs(kind, false) => Asked::Dissociate(Dissociate {
                reach: reach(*kind),
                authority: authority(customer),
            }),
            Self::Sets(good) => Asked::Establish(EstablishCredential {
                kind: CredentialKind::Pin,
                authority: authority(customer),
                weighed: Some(weighed(*good, place(customer))),
            }),
            Self::Checks(speaking, right) => {
                let credential = state.and_then(|state| state.credential.as_ref());
                Asked::Check(CheckSecret {
                    identified: speaking.identified(),
                    compared: credential.map(|one| compared(one.place, *right)),
                    prompted: false,
                })
            }
            Self::SetsQuestions => Asked::SetChallenge(SetChallenge {
                questions: ["first_concert", "favorite_teacher"]
                    .map(|one| EntityId::parse(one).unwrap())
                    .into(),
                place: Some(place(customer)),
                authority: authority(customer),
            }),
            Self::Answers(speaking, right) => {
                let challenge = state.and_then(|state| state.challenge.as_ref());
                Asked::AnswerChallenge(AnswerChallenge {
                    caller: speaking.caller(),
                    call: call(speaking.call),
                    compared: challenge.map(|one| compared(one.place, *right)),
                })
            }
            Self::Verifies(speaking, way) => Asked::OpenVerification(OpenVerification {
                identified: speaking.identified(),
                means: match way {
                    Way::CallBack => Means::CallBack {
                        number: reach(ReachKind::TelephoneNumber).value,
                        asked_at: now,
                    },
                    Way::LogIn => Means::OnlineAccount,
                    Way::Contract => Means::BusinessContract,
                },
            }),
            Self::LiftsLock => Asked::LiftLock(LiftLock {
                authority: authority(customer),
            }),
            Self::Leg(leg, true) => Asked::BeginLeg(begun(*leg)),
            Self::Leg(leg, false) => Asked::EndLeg(EndLeg { leg: *leg }),
            Self::Ticket(out_of_service) => Asked::OpenTicket(OpenTicket {
                condition: match out_of_service {
                    true => TicketCondition::OutOfService,
                    false => TicketCondition::Other,
                },
                ticket: Personal::new("T-1"),
                verification: (state.iter())
                    .flat_map(|state| &state.verifications)
                    .last()
                    .map(|one| (one.position, one.call)),
            }),
        };
        Command::Authentication(asked)
    }
}

fn weighed(good: bool, place: SecretPlace) -> Weighed {
    let form = match good {
        true => Verdict::Pass,
        false => Verdict::Fail,
    };
    Weighed {
        checks: Checks {
            form,
            social_security_number: Verdict::Pass,
            mothers_maiden_name: Verdict::NotPerformed,
            telephone_number: Verdict::Pass,
            pet_name: Verdict::NotPerformed,
        },
        place: Some(place).filter(|_| good),
    }
}

const fn compared(place: SecretPlace, right: bool) -> Compared {
    Compared { place, right }
}

fn begun(leg: LegKind) -> LegBegun {
    let contract = leg == LegKind::Contract;
    LegBegun {
        leg,
        representative: (!contract).then_some(Token([0xc0; 16])),
        contract: contract.then(|| Personal::new("C-1")),
        contract_digest: contract.then_some(Sha256Digest([3; 32])),
        addresses_cpni: contract,
        ends_at: None,
    }
}

/// Anybody who may call.
pub fn speaking() -> impl Strategy<Value = Speaking> {
    let contact = prop::option::weighted(0.4, 0..2_u8);
    (
        contact,
        select(VerifiedFor::EVERY.to_vec()),
        select(&CALLS[..]),
    )
        .prop_map(|(contact, purpose, call)| Speaking {
            contact,
            purpose,
            call,
        })
}

/// Anything about contacts and callers.
pub fn desk() -> impl Strategy<Value = Desk> {
    use ContactPermission::{AccountInformation, Administrative, TechnicalSupport};
    let permissions = || {
        vec(
            select(vec![TechnicalSupport, AccountInformation, Administrative]),
            1..=3,
        )
    };
    let kind = select(vec![
        ReachKind::TelephoneNumber,
        ReachKind::PostalAddress,
        ReachKind::ElectronicAddress,
    ]);
    let leg = select(vec![LegKind::Representative, LegKind::Contract]);
    let way = select(vec![Way::CallBack, Way::LogIn, Way::LogIn, Way::Contract]);
    let mostly = || prop::bool::weighted(0.7);
    prop_oneof![
        4 => (0..2_u8, permissions(), mostly())
            .prop_map(|(number, permissions, letter)| Desk::Lists(number, permissions, letter)),
        2 => (0..2_u8, mostly()).prop_map(|(number, letter)| Desk::Removes(number, letter)),
        3 => (kind, mostly()).prop_map(|(kind, belongs)| Desk::Belongs(kind, belongs)),
        2 => mostly().prop_map(Desk::Sets),
        3 => (speaking(), any::<bool>()).prop_map(|(who, right)| Desk::Checks(who, right)),
        1 => Just(Desk::SetsQuestions),
        1 => (speaking(), any::<bool>()).prop_map(|(who, right)| Desk::Answers(who, right)),
        5 => (speaking(), way).prop_map(|(who, way)| Desk::Verifies(who, way)),
        1 => Just(Desk::LiftsLock),
        2 => (leg, mostly()).prop_map(|(leg, begins)| Desk::Leg(leg, begins)),
        1 => any::<bool>().prop_map(Desk::Ticket),
    ]
}
