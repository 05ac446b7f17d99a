//! What callers may ask the ledger to do.

use super::asserted::{Assert, Asserted};
use super::authentication::AuthenticationCommand;
use super::company::CompanyCommand;
use super::consent::evidence::SupplyEvidence;
use super::consent::word::{EndCall, GrantOnce, Speak};
use super::contacts::ContactCommand;
use super::disclosures::Disclose;
use super::disclosures::gag::GagLifted;
use super::ids::Token;
use super::notices::{GiveNotice, NoticeCommand};
use super::question::Question;
use super::retention::RetentionCommand;
use super::served::AffiliateCommand;
use super::services::{ChangeServices, OpenAccount};

/// A command about one customer, or about the company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Opens the account (R6, R9).
    OpenAccount(OpenAccount),
    /// Opens and closes services (P2, P6).
    ChangeServices(ChangeServices),
    /// Records a notice given (F4, R15).
    GiveNotice(GiveNotice),
    /// Sends notices by template, and records what became of them (F4 to F7, R10).
    Notices(NoticeCommand),
    /// Records which affiliates serve the customer themselves (F1, R7).
    Affiliates(AffiliateCommand),
    /// Records grants and blocks (P3, P4).
    Speak(Speak),
    /// Records a one-time approval (F8, R11).
    GrantOnce(GrantOnce),
    /// Supplies the digest of a one-time approval's recording (P4, R11).
    SupplyEvidence(SupplyEvidence),
    /// Records the end of a call (R11).
    EndCall(EndCall),
    /// Asks for a disclosure and records it, made or refused (P7).
    Disclose(Disclose),
    /// Lifts the gag order of a disclosure (P7).
    LiftGag(GagLifted),
    /// Rules on a question and records the ruling (C3).
    RecordRuling(Question),
    /// Puts legal holds on the customer's records, and lifts them (F20).
    Retention(RetentionCommand),
    /// Records a fact that a migrating company asserts (C2).
    Assert(Assert),
    /// Changes the list of authorised contacts (P9, P10).
    Contacts(ContactCommand),
    /// Records who calls and how the company knows (P11–P14, F14–F17).
    Authentication(AuthenticationCommand),
    /// Records something about the company itself.
    Company(CompanyCommand),
}

impl Command {
    /// The PIC-freeze request on which it is decided (R14).
    pub fn pic_request(&self) -> Option<Token> {
        match self {
            Self::Disclose(command) => command.question.pic_request(),
            Self::RecordRuling(question) => question.pic_request(),
            _ => None,
        }
    }

    /// Whether it may open the account of a customer whom the ledger doesn't know.
    pub fn opens_account(&self) -> bool {
        match self {
            Self::OpenAccount(_) => true,
            Self::Assert(command) => matches!(command.fact, Asserted::Account(_)),
            _ => false,
        }
    }
}
