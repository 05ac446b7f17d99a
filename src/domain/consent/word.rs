//! Words: grants and blocks as they were spoken, with their scope, circumstances and position.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{Personal, Position, Token};
use crate::domain::scope::Scope;
use crate::domain::time::Time;
use crate::domain::vocabulary::{AssuranceMethod, Medium, Speaker};

/// One or more words said in one breath: atomic, at the same instant (R4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speak {
    /// 1 to 32 words.
    pub words: Vec<SpokenWord>,
    /// How they were said.
    pub statement: Statement,
}

/// A word with its scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpokenWord {
    /// A standing grant. Recipients, classes and purposes must all be named (`SCOPE_REQUIRED`).
    Grant {
        /// What is granted.
        scope: Scope,
        /// Blocks that the customer names as lifted, wider or not (R3).
        lifts: Vec<Position>,
    },
    /// A block; what it leaves empty means "all" (R2).
    Block(Block),
}

/// A denial, withdrawal or restriction (R2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Which word was used.
    pub kind: BlockKind,
    /// What is blocked.
    pub scope: Scope,
    /// Restrictions only: what stays as it was; never granted by that.
    pub except: Box<[Scope]>,
}

/// The three blocking words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// "Don't."
    Deny,
    /// "No longer": state denied, cause `withdrawn`.
    Withdraw,
    /// "Not that": state restricted.
    Restrict,
}

/// The circumstances of what was said (P4): the company bears the burden of proof (64.2007(a)(1)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Written, oral or electronic.
    pub medium: Medium,
    /// Who spoke.
    pub speaker: Speaker,
    /// How the speaker's identity was established; a block needs none.
    pub assurance: Option<Assurance>,
    /// The verification on record by which it was: checked for a grant; of a block as it was cited, for it needs none.
    pub verification: Option<CitedVerification>,
    /// The notice that the words answer, by its record.
    pub notice: Option<Position>,
    /// SHA-256 of the evidence (recording, scanned letter, form).
    pub evidence_digest: Option<[u8; 32]>,
    /// Where the evidence is kept.
    pub evidence_reference: Option<Personal>,
}

/// An established identity: one person, one account, one call (R15, R19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assurance {
    /// By which method.
    pub method: AssuranceMethod,
    /// The verification's own reference.
    pub reference: Option<Personal>,
    /// When.
    pub at: Time,
}

/// A verification on record, and the call, visit or session in which it is cited: good for that one only (R19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CitedVerification {
    /// Its record.
    pub record: Position,
    /// The call.
    pub call: Token,
}

/// A one-time oral approval for the length of a call (R11, 64.2008(f)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantOnce {
    /// The call.
    pub call: Token,
    /// Recipients (company unless the notice named others), classes by name, purposes.
    pub scope: Scope,
    /// How it was said; a recording reference is required.
    pub statement: Statement,
}

/// The call is over: one-time approvals given in it end (R11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndCall {
    /// The call.
    pub call: Token,
}

/// A grant was spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// What is granted.
    pub scope: Scope,
    /// Blocks named as lifted.
    pub lifts: Vec<Position>,
    /// Blocks that still stand in some cell of the scope (R3).
    pub still_blocked_by: Vec<Position>,
    /// How it was said.
    pub statement: Statement,
}

/// A block was spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The block.
    pub block: Block,
    /// How it was said.
    pub statement: Statement,
}

/// A one-time approval was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedOnce {
    /// The approval.
    pub grant: GrantOnce,
    /// When it ends at the latest, whether or not the call's end is recorded (R11: 4 h).
    pub ends_at: Time,
    /// The last instant at which the recording's digest is in time, where the approval came without it (P4).
    pub evidence_due_by: Option<Time>,
}

/// A call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEnded {
    /// The call.
    pub call: Token,
}

/// A word as the state remembers it: enough to derive every cell, nothing personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Its record.
    pub position: Position,
    /// The first position of the command that said it: words of one command are at the same instant (R4).
    pub command: Position,
    /// When the ledger recorded it.
    pub recorded_at: Time,
    /// When it was said, where that was stated.
    pub occurred_at: Option<Time>,
    /// Whether the ledger witnessed it, or an import asserts it (R4).
    pub witnessed: bool,
    /// What was said.
    pub said: Said,
    /// Older records that said the same and are no longer kept apart, the newest of them (R2).
    pub repeats: Box<[Position]>,
    /// Blocks only: the record said less. It is remembered as a block of everything because the customer has too
    /// many words, and no grant lifts it: which of its cells one would lift is no longer known.
    pub widened: bool,
}

impl Word {
    /// When it was said: as stated, else when it was recorded (R4).
    pub fn said_at(&self) -> Time {
        self.occurred_at.unwrap_or(self.recorded_at)
    }

    /// The records that the word stands for.
    pub fn records(&self) -> impl Iterator<Item = Position> {
        self.repeats.iter().copied().chain([self.position])
    }
}

/// What a remembered word says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// A grant.
    Grant {
        /// Its scope.
        scope: Scope,
        /// The blocks it names.
        lifts: Box<[Position]>,
    },
    /// A block.
    Block(Block),
}

/// A one-time approval as the state remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTime {
    /// Its record.
    pub position: Position,
    /// The call.
    pub call: Token,
    /// What it covers.
    pub scope: Scope,
    /// When it ends at the latest.
    pub ends_at: Time,
}
