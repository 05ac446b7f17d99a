//! From a folder to a running ledger, in order: look, recover, catch up, and only then serve.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use super::error::{StartError, file};
use super::genesis::{begin, read_genesis, signing_key};
use super::rulebooks;
use crate::audit::questions::{Questioner, Rulebooks};
use crate::audit::{Checkpointer, DocumentSigner, Keeper, Kept, Tree, read_kept};
use crate::clock::Clock;
use crate::domain::ids::Pseudonym;
use crate::ledger::{self, Genesis, SigningKey, Verified, verify_blocks};
use crate::projections::{History, HistoryOptions, OpenHistory, Sources, Views};
use crate::sequencer::{self, Eraser, Handle, Parts, Writer};
use crate::state::{self, Fatal, Flusher, States, replay};
use crate::storage::local::{Local, OpenError, Recovery};
use crate::storage::{AppendError, Journal, files};
use crate::vault::{self, Vault};

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
            state: state::Options::new(dir.join("views").join("state")),
            history: HistoryOptions::new(dir.join("views").join("history")),
            vault: vault::Options::new(dir.join("vault")),
            sequencer: sequencer::Options::default(),
            checkpoint_every: Duration::from_secs(1),
            dir,
        }
    }
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
    dir: PathBuf,
    local: Arc<Local>,
    writer: Writer,
    eraser: Eraser,
    checkpointer: Checkpointer,
    keeper: Keeper,
    history: History,
    flusher: Flusher,
    vault: Vault,
    sign: Arc<dyn Fn() -> String + Send + Sync>,
    sign_document: DocumentSigner,
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
        let rulebook = Arc::new(rulebooks::read(options.rulebook.as_deref(), &options.dir)?);
        if has_log(&options.dir) && !options.vault.dir.join("keys").exists() {
            return Err(StartError::VaultMissing { dir: options.dir });
        }
        files::create_dir_durable(&options.dir).map_err(|error| file(&options.dir, &error))?;
        let ((vault, opened), (local, recovery)) = open_vault_and_log(&options, &fatal)?;
        let mut notes = recovery.notes;
        notes.extend(opened.notes.iter().map(ToString::to_string));
        let rulebooks = Arc::new(rulebooks::read_kept(&options.dir, &mut notes)?);
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
        let kept = read_kept_of(&options.dir, &key, journal.head().next)?;
        let opening = open_views(&options, genesis.ledger, &journal, || {
            verify_tail(kept, &journal, progress)
        });
        let (verified, (states, replaced), history) = opening?;
        if replaced {
            notes.push("the state view was ahead of the log and is rebuilt".to_owned());
        }
        let flusher = states.write_behind(Arc::clone(&fatal))?;
        replay(&states, &*journal, &|done, all| {
            progress("state view", done, all)
        })?;
        let (sequence, hash) = states.ledger().vault;
        // Before the first account no record cites the vault.
        if sequence > 0 {
            vault.check_not_behind(vault::Head { sequence, hash })?;
        }
        check_log_not_behind(&states, &vault)?;
        if let Some(place) = states.ledger().secret {
            vault.check_has_secret(place)?;
        }

        let parts = Parts {
            journal: Arc::clone(&journal),
            states: states.clone(),
            vault: vault.clone(),
            rulebook: Arc::clone(&rulebook),
            rulebooks: Arc::clone(&rulebooks),
            clock: Arc::clone(&clock),
            frontier: verified.frontier,
            fatal: Arc::clone(&fatal),
        };
        let (writer, handle) = Writer::start(options.sequencer.clone(), parts)?;
        let eraser = Eraser::start(
            states.clone(),
            vault.clone(),
            handle.clone(),
            Arc::clone(&fatal),
        )?;
        let keeper = Keeper::start(
            options.dir.join("views").join("tree"),
            genesis.ledger,
            Arc::clone(&journal),
            writer.tree(),
        )
        .map_err(|error| file(&options.dir, &error))?;
        let checkpointer = Checkpointer::start(
            options.dir.clone(),
            key,
            writer.tree(),
            Arc::clone(&journal),
            options.checkpoint_every,
        )
        .map_err(|error| file(&options.dir, &error))?;
        let now = states.clone();
        let history = History::start(
            history,
            handle.committed(),
            Arc::new(move |pseudonym| now.in_memory(pseudonym)),
            fatal,
        )?;
        let sources = Sources {
            states,
            journal: Arc::clone(&journal),
            vault: vault.clone(),
            rulebook,
            rulebooks,
            clock,
            committed: handle.committed(),
        };
        Ok(Self {
            views: Views::new(sources, history.clone()),
            sign: checkpointer.signer(),
            sign_document: checkpointer.document_signer(),
            dir: options.dir,
            genesis,
            handle,
            journal,
            notes,
            local,
            writer,
            eraser,
            checkpointer,
            keeper,
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

    /// Signs what customers and callers keep.
    pub fn document_signer(&self) -> DocumentSigner {
        Arc::clone(&self.sign_document)
    }

    /// The tree's nodes, for proofs.
    pub fn tree(&self) -> Tree {
        self.keeper.tree()
    }

    /// Every rulebook's text.
    pub fn rulebooks(&self) -> Rulebooks {
        Rulebooks::of(&self.dir)
    }

    /// Asks the standing questions of this ledger.
    pub fn questioner(&self) -> Questioner {
        Questioner::new(Arc::clone(&self.journal), Rulebooks::of(&self.dir))
    }

    /// Ends everything in order: answers what is queued, writes what is dirty, signs a last checkpoint, settles the log.
    ///
    /// # Errors
    /// When the log can't be settled; it is then as after a crash, and the next start recovers it.
    pub fn close(self) -> Result<(), AppendError> {
        self.eraser.stop();
        self.writer.stop();
        self.history.stop();
        self.flusher.stop();
        self.checkpointer.stop();
        self.keeper.stop();
        if let Err(error) = self.vault.save() {
            tracing::warn!(%error, "the vault's index is written at the next start");
        }
        drop((self.views, self.journal, self.handle, self.sign));
        drop(self.sign_document);
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

type OpenedVault = (Vault, vault::Opened);
type OpenedLog = (Local, Recovery);

fn has_log(dir: &Path) -> bool {
    dir.join("log").join("tail").exists()
}

/// Neither needs the other until both are open. But a log without a vault is a loss, so a new one comes after its vault.
fn open_vault_and_log(
    options: &Options,
    fatal: &Fatal,
) -> Result<(OpenedVault, OpenedLog), StartError> {
    let open_vault = || Vault::create_or_open(options.vault.clone());
    if !has_log(&options.dir) {
        let (vault, opened) = open_vault()?;
        require_recorded(vault.erased())?;
        return Ok(((vault, opened), open_log(options, fatal)?));
    }
    thread::scope(|scope| {
        let vault = scope.spawn(open_vault);
        let log = open_log(options, fatal);
        Ok((joined(vault)?, log?))
    })
}

/// Opens the views, each on a thread of its own, beside `verify`. Says of the state view whether it was replaced.
fn open_views(
    options: &Options,
    ledger: [u8; 16],
    journal: &Arc<dyn Journal>,
    verify: impl FnOnce() -> Result<Verified, StartError>,
) -> Result<(Verified, (States, bool), OpenHistory), StartError> {
    thread::scope(|scope| {
        let states = scope.spawn(|| open_states(&options.state, ledger, journal.head().next));
        let history = scope.spawn(|| History::open(&options.history, ledger, journal));
        let verified = verify();
        let (states, history) = (joined(states), joined(history));
        Ok((verified?, states?, history?))
    })
}

fn open_states(
    options: &state::Options,
    ledger: [u8; 16],
    head: u64,
) -> Result<(States, bool), StartError> {
    let states = States::open(options.clone(), ledger)?;
    if states.applied() <= head {
        return Ok((states, false));
    }
    // A view from a longer log: this one was replaced, and every entry may be of the other.
    drop(states);
    std::fs::remove_dir_all(&options.dir).map_err(|error| file(&options.dir, &error))?;
    Ok((States::open(options.clone(), ledger)?, true))
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// A request to erase is durable in the log before the vault destroys a key: a vault that knows of more has seen a newer log.
fn check_log_not_behind(states: &States, vault: &Vault) -> Result<(), StartError> {
    let mut unrecorded = vault.erased();
    let mut from = (!unrecorded.is_empty()).then_some(Pseudonym([0; 16]));
    while let Some(first) = from {
        let (erased, next) = states.erased(first)?;
        erased.iter().for_each(|customer| {
            unrecorded.remove(customer);
        });
        from = next;
    }
    require_recorded(unrecorded)
}

/// Nobody may be left whom the vault has erased and the log knows nothing of.
fn require_recorded(unrecorded: BTreeSet<Pseudonym>) -> Result<(), StartError> {
    match unrecorded.first() {
        None => Ok(()),
        Some(example) => Err(StartError::LogBehindVault {
            customers: unrecorded.len(),
            example: *example,
        }),
    }
}

fn open_log(options: &Options, fatal: &Fatal) -> Result<OpenedLog, StartError> {
    let log = crate::storage::local::Options {
        on_failure: Some(Arc::clone(fatal)),
        ..options.log.clone()
    };
    match Local::open(log.clone(), None) {
        Err(OpenError::NoLog { .. }) => {
            let mut id = [0; 16];
            getrandom::fill(&mut id).map_err(|error| file(&options.dir, &error))?;
            Ok(Local::open(log, Some(id))?)
        }
        opened => Ok(opened?),
    }
}

/// What is kept outside the log. A log shorter than what a checkpoint signed is refused, before anything is rebuilt of it.
fn read_kept_of(dir: &Path, key: &SigningKey, head: u64) -> Result<Kept, StartError> {
    let kept = read_kept(dir, key.verifying_key())?;
    match &kept.checkpoint {
        Some(checkpoint) if checkpoint.size > head => Err(StartError::RolledBack {
            log: head,
            checkpoint: checkpoint.size,
        }),
        _ => Ok(kept),
    }
}

/// Verifies what came after the kept edge of the tree, and that the log holds what the checkpoint signed.
fn verify_tail(
    kept: Kept,
    journal: &Arc<dyn Journal>,
    progress: Progress<'_>,
) -> Result<Verified, StartError> {
    let head = journal.head().next;
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
        let threads = thread::available_parallelism().map_or(1, usize::from);
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
