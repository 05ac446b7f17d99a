//! From a folder to a running ledger, in order: look, recover, catch up, and only then serve.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::audit::{CheckpointError, Checkpointer, read_kept};
use crate::clock::{Clock, ClockError, LedgerTime};
use crate::codec::LEDGER_OPENED;
use crate::domain::rulebook::{Rulebook, RulebookError};
use crate::domain::time::Time;
use crate::ledger::{
    self, BlockBuilder, Finding, Genesis, Hash, Part, Policy, Record, SigningKey, Subject,
    Timestamp, Verified, verify_blocks,
};
use crate::projections::{History, HistoryOptions, Sources, ViewError, Views};
use crate::sequencer::{self, Handle, Parts, Writer, own_actor};
use crate::state::{self, Fatal, Flusher, StateError, States, replay};
use crate::storage::local::{Local, OpenError};
use crate::storage::{AppendError, Journal, files};
use crate::vault::{self, Vault, VaultError};

/// How a ledger is kept.
#[derive(Clone)]
pub struct Options {
    /// The data folder.
    pub dir: PathBuf,
    /// A rulebook file; none: the policy that ships with the program.
    pub rulebook: Option<PathBuf>,
    /// The name under which checkpoints are signed, for a new ledger only.
    pub origin: String,
    /// The log.
    pub log: crate::storage::local::Options,
    /// The state view.
    pub state: state::Options,
    /// The history view.
    pub history: HistoryOptions,
    /// The vault.
    pub vault: vault::Options,
    /// The writer.
    pub sequencer: sequencer::Options,
    /// At most one checkpoint is written in that time.
    pub checkpoint_every: Duration,
}

impl Options {
    /// The defaults for a ledger in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        Self {
            rulebook: None,
            origin: "consent-ledger.local".to_owned(),
            log: crate::storage::local::Options::new(dir.join("log")),
            state: state::Options {
                dir: dir.join("views").join("state"),
                cache_customers: 200_000,
                sled_cache_bytes: 64 << 20,
                flush_every: Duration::from_secs(2),
                flush_dirty: 100_000,
                request_window_days: 30,
            },
            history: HistoryOptions {
                dir: dir.join("views").join("history"),
                sled_cache_bytes: 64 << 20,
                flush_every: Duration::from_secs(2),
                flush_records: 500_000,
            },
            vault: vault::Options::new(dir.join("vault")),
            sequencer: sequencer::Options::default(),
            checkpoint_every: Duration::from_secs(1),
            dir,
        }
    }
}

/// Why a ledger is not opened.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file or folder can't be used.
    #[error("{path}: {problem}", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The log is in doubt.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The vault is in doubt.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The log has records and there is no vault.
    #[error(
        "there is a log in {dir} and no vault: restore the vault from its backup; without it nobody's denial could be found",
        dir = dir.display()
    )]
    VaultMissing {
        /// The data folder.
        dir: PathBuf,
    },
    /// The checkpoint is not this ledger's.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log is shorter than a checkpoint says.
    #[error(
        "the log ends before position {log}, but its checkpoint says {checkpoint}: positions {log} to {last} are missing, the log was rolled back; restore the newest backup, or refill it from the stream",
        last = .checkpoint.saturating_sub(1)
    )]
    RolledBack {
        /// The position after the log's last record.
        log: u64,
        /// The checkpoint's size.
        checkpoint: u64,
    },
    /// The log's newest part doesn't verify.
    #[error("the log doesn't verify: {0}; run `consent-ledger verify` on it and restore a backup")]
    Finding(#[from] Finding),
    /// Position 0 can't be read.
    #[error("position 0 can't be read: {0}; restore the log from a backup")]
    Genesis(String),
    /// The log is of a key that the vault doesn't hold.
    #[error(
        "the log's checkpoints are signed by {log} and this vault holds {vault}: log and vault are of two ledgers; put the right ones together"
    )]
    OtherKey {
        /// The key named at position 0.
        log: String,
        /// The key in the vault.
        vault: String,
    },
    /// The rulebook is not valid.
    #[error("rulebook {path}: {problem}", path = path.display())]
    Rulebook {
        /// Where it was read from.
        path: PathBuf,
        /// What is wrong.
        problem: RulebookError,
    },
    /// The state view can't be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The history view can't be used.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A new ledger's first record can't be stored.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The clock can't be believed.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The signing key is not usable.
    #[error("the checkpoint key can't be used: {0}")]
    Key(String),
}

/// What a start tells while it works: the step, how far, how much in all.
pub type Progress<'a> = &'a dyn Fn(&'static str, u64, u64);

/// A running ledger without doors.
pub struct Ledger {
    /// What position 0 says.
    pub genesis: Genesis,
    /// The writer's handle.
    pub handle: Handle,
    /// The read models.
    pub views: Views,
    /// The log.
    pub journal: Arc<dyn Journal>,
    /// What recovery found, for the operator.
    pub notes: Vec<String>,
    local: Arc<Local>,
    writer: Writer,
    checkpointer: Checkpointer,
    history: History,
    flusher: Flusher,
    vault: Vault,
    sign: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Ledger {
    /// Opens the ledger, or creates it where there is none. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// Why it is not served, and the ways back.
    pub fn open(
        options: Options,
        clock: Arc<dyn Clock>,
        fatal: Fatal,
        progress: Progress<'_>,
    ) -> Result<Self, StartError> {
        let rulebook = Arc::new(read_rulebook(options.rulebook.as_deref(), &options.dir)?);
        if has_log(&options.dir) && !options.vault.dir.join("keys").exists() {
            return Err(StartError::VaultMissing { dir: options.dir });
        }
        files::create_dir_durable(&options.dir).map_err(|error| file(&options.dir, &error))?;
        let (vault, opened) = Vault::create_or_open(options.vault.clone())?;
        let (local, recovery) = open_log(&options)?;
        let mut notes = recovery.notes;
        notes.extend(opened.notes.iter().map(ToString::to_string));
        let local = Arc::new(local);
        let journal: Arc<dyn Journal> = Arc::clone(&local) as Arc<dyn Journal>;
        if journal.head().next == 0 {
            begin(
                &*journal,
                &vault,
                recovery.ledger,
                &options.origin,
                &rulebook,
                &clock,
            )?;
        }
        let genesis = read_genesis(&*journal)?;
        let key = signing_key(&vault, &genesis)?;
        let verified = verify_tail(&options.dir, &key, &journal, progress)?;

        let states = States::open(options.state.clone(), genesis.ledger)?;
        let states = if states.applied() > journal.head().next {
            // A view from a longer log: this one was replaced, and every entry may be of the other.
            notes.push("the state view was ahead of the log and is rebuilt".to_owned());
            drop(states);
            std::fs::remove_dir_all(&options.state.dir)
                .map_err(|error| file(&options.state.dir, &error))?;
            States::open(options.state.clone(), genesis.ledger)?
        } else {
            states
        };
        let flusher = states.write_behind(Arc::clone(&fatal))?;
        replay(&states, &*journal, &|done, all| {
            progress("state view", done, all)
        })?;
        let (sequence, hash) = states.ledger().vault;
        // Before the first account no record cites the vault.
        if sequence > 0 {
            vault.check_not_behind(vault::Head { sequence, hash })?;
        }

        let parts = Parts {
            journal: Arc::clone(&journal),
            states: states.clone(),
            vault: vault.clone(),
            rulebook: Arc::clone(&rulebook),
            clock: Arc::clone(&clock),
            frontier: verified.frontier,
            fatal: Arc::clone(&fatal),
        };
        let (writer, handle) = Writer::start(options.sequencer.clone(), parts)
            .map_err(|error| file(&options.dir, &error))?;
        let checkpointer = Checkpointer::start(
            options.dir.clone(),
            key,
            writer.frontier(),
            Arc::clone(&journal),
            options.checkpoint_every,
        )
        .map_err(|error| file(&options.dir, &error))?;
        let history = History::start(
            options.history.clone(),
            genesis.ledger,
            Arc::clone(&journal),
            handle.committed(),
            fatal,
        )?;
        let sources = Sources {
            states,
            journal: Arc::clone(&journal),
            vault: vault.clone(),
            rulebook,
            clock,
            committed: handle.committed(),
        };
        Ok(Self {
            views: Views::new(sources, history.clone()),
            sign: checkpointer.signer(),
            genesis,
            handle,
            journal,
            notes,
            local,
            writer,
            checkpointer,
            history,
            flusher,
            vault,
        })
    }

    /// The ledger's id, in hex.
    pub fn id(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.genesis.ledger)
    }

    /// Signs a checkpoint of the log as it is at the call.
    pub fn signer(&self) -> Arc<dyn Fn() -> String + Send + Sync> {
        Arc::clone(&self.sign)
    }

    /// Ends everything in order: answers what is queued, writes what is dirty, signs a last checkpoint, settles the log.
    ///
    /// # Errors
    /// When the log can't be settled; it is then as after a crash, and the next start recovers it.
    pub fn close(self) -> Result<(), AppendError> {
        self.writer.stop();
        self.history.stop();
        self.flusher.stop();
        self.checkpointer.stop();
        if let Err(error) = self.vault.save() {
            tracing::warn!(%error, "the vault's index is written at the next start");
        }
        drop((self.views, self.journal, self.handle, self.sign));
        match Arc::try_unwrap(self.local) {
            Ok(local) => local.close(),
            // A reader still holds the log: dropping it is like a crash, which recovery answers.
            Err(_) => {
                tracing::warn!("the log is still being read; it is left to recovery");
                Ok(())
            }
        }
    }
}

fn has_log(dir: &Path) -> bool {
    dir.join("log").join("tail").exists()
}

fn open_log(options: &Options) -> Result<(Local, crate::storage::local::Recovery), StartError> {
    match Local::open(options.log.clone(), None) {
        Err(OpenError::NoLog { .. }) => {
            let mut id = [0; 16];
            getrandom::fill(&mut id).map_err(|error| file(&options.dir, &error))?;
            Ok(Local::open(options.log.clone(), Some(id))?)
        }
        opened => Ok(opened?),
    }
}

/// The first record of a new ledger.
fn begin(
    journal: &dyn Journal,
    vault: &Vault,
    ledger: [u8; 16],
    origin: &str,
    rulebook: &Rulebook,
    clock: &Arc<dyn Clock>,
) -> Result<(), StartError> {
    let key = SigningKey::new(origin, &vault.signing_key())
        .map_err(|error| StartError::Key(error.to_string()))?;
    let genesis = Genesis {
        ledger,
        origin: origin.to_owned(),
        format: 1,
        checkpoint_key: key.verifying_key().to_string(),
        rulebook: ledger::Rulebook {
            name: rulebook.name.clone(),
            version: rulebook.version.clone(),
            digest: Hash(rulebook.digest),
        },
    };
    let now = LedgerTime::new(Arc::clone(clock), Time(0)).now()?;
    let record = Record {
        position: 0,
        recorded_at: Timestamp(now.0),
        occurred_at: None,
        subject: Subject::Ledger,
        version: 1,
        kind: LEDGER_OPENED.to_owned(),
        part: Part { index: 1, of: 1 },
        actor: own_actor(),
        policy: Policy {
            rulebook: rulebook.name.clone(),
            version: rulebook.version.clone(),
        },
        data: genesis.to_json(),
        sealed: Vec::new(),
        request_mac: None,
        prev: Hash::ZERO,
    };
    let mut line = Vec::new();
    record
        .write_checked(&mut line)
        .map_err(|error| StartError::Genesis(error.to_string()))?;
    let mut builder = BlockBuilder::new(0, Hash::ZERO);
    builder.push(&line);
    Ok(journal.append(0, &builder.finish())?)
}

fn read_genesis(journal: &dyn Journal) -> Result<Genesis, StartError> {
    let wrong = |problem: String| StartError::Genesis(problem);
    let block = journal
        .read(0)
        .map_err(|error| wrong(error.to_string()))?
        .ok_or_else(|| wrong("it is not there".to_owned()))?;
    let open = block.open().map_err(|error| wrong(error.to_string()))?;
    let line = open
        .line(0)
        .ok_or_else(|| wrong("its block begins later".to_owned()))?;
    let record = Record::parse(line).map_err(|error| wrong(error.to_string()))?;
    Genesis::parse(&record.data).map_err(|error| wrong(error.to_string()))
}

fn signing_key(vault: &Vault, genesis: &Genesis) -> Result<SigningKey, StartError> {
    let key = SigningKey::new(&genesis.origin, &vault.signing_key())
        .map_err(|error| StartError::Key(error.to_string()))?;
    let own = key.verifying_key().to_string();
    if own != genesis.checkpoint_key {
        return Err(StartError::OtherKey {
            log: genesis.checkpoint_key.clone(),
            vault: own,
        });
    }
    Ok(key)
}

/// Verifies what came after the kept edge of the tree, and that the log holds what the checkpoint signed.
fn verify_tail(
    dir: &Path,
    key: &SigningKey,
    journal: &Arc<dyn Journal>,
    progress: Progress<'_>,
) -> Result<Verified, StartError> {
    let kept = read_kept(dir, key.verifying_key())?;
    let head = journal.head().next;
    if let Some(checkpoint) = &kept.checkpoint
        && checkpoint.size > head
    {
        return Err(StartError::RolledBack {
            log: head,
            checkpoint: checkpoint.size,
        });
    }
    let checkpoints: Vec<_> = kept.checkpoint.into_iter().collect();
    let verify = |start: ledger::Start| {
        let from = start.frontier.size();
        let blocks = Blocks {
            journal: Arc::clone(journal),
            next: from,
            head,
        };
        let options = ledger::Options {
            start: (from > 0).then_some(start),
            checkpoints: checkpoints.clone(),
            deep: false,
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        verify_blocks(blocks, options, threads, &|done| {
            progress("log", done, head)
        })
    };
    let from_start = kept.start.frontier.size() == 0;
    match verify(kept.start) {
        Err(finding) if !from_start => {
            // The kept edge may be the wrong one, not the log: the whole log decides.
            tracing::warn!(%finding, "the kept edge of the tree doesn't fit the log: the whole log is verified");
            Ok(verify(ledger::Start::default())?)
        }
        verified => Ok(verified?),
    }
}

struct Blocks {
    journal: Arc<dyn Journal>,
    next: u64,
    head: u64,
}

impl Iterator for Blocks {
    type Item = Result<ledger::StoredBlock, crate::storage::ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.head {
            return None;
        }
        let block = self.journal.read(self.next).transpose()?;
        self.next = block.as_ref().map_or(self.head, ledger::StoredBlock::next);
        Some(block)
    }
}

/// Reads the rulebook and keeps a copy by its digest, so that its text can be shown for every position that cites it.
fn read_rulebook(path: Option<&Path>, dir: &Path) -> Result<Rulebook, StartError> {
    let (path, text) = match path {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| file(path, &error))?;
            (path.to_owned(), text)
        }
        None => (
            PathBuf::from("(built in)"),
            crate::domain::rulebook::DEFAULT_TEXT.to_owned(),
        ),
    };
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let rulebook =
        Rulebook::parse(&text, digest).map_err(|problem| StartError::Rulebook { path, problem })?;
    let kept = dir.join("rulebooks");
    files::create_dir_durable(&kept).map_err(|error| file(&kept, &error))?;
    let copy = kept.join(format!("{}.toml", Hash(digest)));
    if !copy.exists() {
        files::write_durable(&copy, text.as_bytes()).map_err(|error| file(&copy, &error))?;
    }
    Ok(rulebook)
}

fn file(path: &Path, problem: &dyn std::fmt::Display) -> StartError {
    StartError::File {
        path: path.to_owned(),
        problem: problem.to_string(),
    }
}
