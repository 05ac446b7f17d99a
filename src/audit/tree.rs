//! The tree's nodes, kept so that a proof is made without reading the log (E3).
//!
//! The file `views/tree` holds the root of each full group of 256 records, in order; what lies above is computed from
//! them, and what lies below from the group's own records. The writer gives each root away when the group is full, so
//! that keeping them costs nothing; those of before the start are read from the log where the file lacks them.
//!
//! ```text
//! header, 32 bytes    "CLTREE01" | the ledger's id, 16 bytes | zeros
//! hash, 32 bytes      the root of group 0, 1, 2 …
//! ```
//!
//! It is a view. At start its groups are folded and compared with the tree that was verified, and it is made anew from the
//! log where they differ; each proof is compared with the signed root before it is given away.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::ledger::{
    Block, Frontier, GROUP, GROUP_LEVEL, GrowingTree, Hash, Nodes, leaf_hash, node_hash,
    perfect_root,
};
use crate::storage::Journal;

const MAGIC: &[u8; 8] = b"CLTREE01";
const HEADER: u64 = 32;
const HASH: u64 = 32;
/// Groups that are read or written together.
const TOGETHER: u64 = 4096;
/// How often filled groups are taken from memory.
const EVERY: Duration = Duration::from_secs(1);

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The file is being made anew.
    #[error("the tree is being read from the log, {done} of {all} records so far: try again")]
    NotReady {
        /// Records that are in it.
        done: u64,
        /// Records that have to be.
        all: u64,
    },
    /// The file or the log can't be read, or they differ.
    #[error("{0}")]
    Broken(String),
}

/// The tree's nodes.
#[derive(Clone)]
pub struct Tree(Arc<Inner>);

/// The thread that keeps what was filled.
pub struct Keeper {
    tree: Tree,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Inner {
    path: PathBuf,
    file: File,
    journal: Arc<dyn Journal>,
    growing: Arc<Mutex<GrowingTree>>,
    kept: Mutex<Kept>,
    /// Roots over more groups than are read together: they never change, and are few.
    above: Mutex<HashMap<(u32, u64), Hash>>,
}

/// What the file holds.
struct Kept {
    /// Groups in it, from the first.
    groups: u64,
    /// Filled since, to follow it: from that group on.
    newer: (u64, Vec<Hash>),
    state: State,
}

#[derive(Clone)]
enum State {
    Filling,
    Whole,
    Broken(String),
}

impl Keeper {
    /// Opens or creates the file, and fills it behind. Whatever `growing` filled must not have been taken from it before.
    ///
    /// # Errors
    /// When the file can't be opened, or no thread be started.
    pub fn start(
        path: PathBuf,
        ledger: [u8; 16],
        journal: Arc<dyn Journal>,
        growing: Arc<Mutex<GrowingTree>>,
    ) -> io::Result<Self> {
        let file = (OpenOptions::new().read(true).write(true))
            .create(true)
            .truncate(false)
            .open(&path)?;
        let groups = groups_in(&file, ledger)?;
        let tree = Tree(Arc::new(Inner {
            path,
            file,
            journal,
            kept: Mutex::new(Kept {
                groups,
                newer: taken(&growing),
                state: State::Filling,
            }),
            growing,
            above: Mutex::default(),
        }));
        let (stop, stopped) = channel::<()>();
        let running = tree.clone();
        let thread = std::thread::Builder::new()
            .name("tree".to_owned())
            .spawn(move || {
                let stopping = || stopped.try_recv() != Err(std::sync::mpsc::TryRecvError::Empty);
                running.0.fill(&stopping);
                while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                    let _kept = running.0.keep();
                }
            })?;
        Ok(Self {
            tree,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The tree.
    pub fn tree(&self) -> Tree {
        self.tree.clone()
    }

    /// Keeps what was filled, and ends the thread.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            if thread.join().is_err() {
                tracing::error!("the thread that keeps the tree panicked");
            }
            let _kept = self.tree.0.keep();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
    }
}

impl Tree {
    /// The nodes of the tree as it is now, or was at a smaller size.
    ///
    /// # Errors
    /// When the file is not whole.
    pub fn nodes(&self) -> Result<KeptNodes<'_>, TreeError> {
        match self.0.keep() {
            (_, State::Whole) => Ok(KeptNodes {
                tree: &self.0,
                above: RefCell::default(),
                leaves: RefCell::default(),
            }),
            (groups, State::Filling) => Err(TreeError::NotReady {
                done: groups * GROUP,
                all: self.0.journal.head().next,
            }),
            (_, State::Broken(what)) => Err(TreeError::Broken(what)),
        }
    }

    /// A proof did not lead to the root that was signed: no other is given, and the next start makes the file anew.
    pub fn broken(&self, what: String) -> TreeError {
        self.0.broken(what)
    }
}

/// How many groups a file of this ledger holds; it is emptied where it is another's.
fn groups_in(file: &File, ledger: [u8; 16]) -> io::Result<u64> {
    let mut wanted = [0; HEADER as usize];
    let (magic, rest) = wanted.split_at_mut(MAGIC.len());
    magic.copy_from_slice(MAGIC);
    rest.iter_mut()
        .zip(ledger)
        .for_each(|(to, from)| *to = from);
    let length = file.metadata()?.len();
    let mut header = [0; HEADER as usize];
    if length < HEADER || file.read_exact_at(&mut header, 0).is_err() || header != wanted {
        file.set_len(0)?;
        file.write_all_at(&wanted, 0)?;
        return Ok(0);
    }
    Ok((length - HEADER) / HASH)
}

fn taken(growing: &Mutex<GrowingTree>) -> (u64, Vec<Hash>) {
    growing
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take_groups()
}

impl Inner {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn above(&self) -> MutexGuard<'_, HashMap<(u32, u64), Hash>> {
        self.above.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broken(&self, what: String) -> TreeError {
        self.break_off(&mut self.kept(), what.clone());
        TreeError::Broken(what)
    }

    fn break_off(&self, kept: &mut Kept, what: String) {
        tracing::error!(file = %self.path.display(), what, "the tree's file is broken; it is made anew at the next start");
        if let Err(error) = self.file.set_len(0) {
            tracing::error!(%error, "it can't be emptied: remove it");
        }
        kept.state = State::Broken(what);
    }

    /// Takes what was filled since, and writes it where it follows what the file holds. How many groups that are.
    fn keep(&self) -> (u64, State) {
        let mut kept = self.kept();
        let (_, more) = taken(&self.growing);
        kept.newer.1.extend(more);
        if let State::Broken(_) = kept.state {
            kept.newer.1.clear();
        }
        let follows = kept.newer.0 == kept.groups && matches!(kept.state, State::Whole);
        if follows && !kept.newer.1.is_empty() {
            let newer = std::mem::take(&mut kept.newer.1);
            let count = newer.len() as u64;
            match self.write(kept.groups, &newer) {
                Ok(()) => {
                    kept.groups += count;
                    kept.newer.0 = kept.groups;
                }
                Err(error) => {
                    let what = format!("{} can't be written: {error}", self.path.display());
                    self.break_off(&mut kept, what);
                }
            }
        }
        (kept.groups, kept.state.clone())
    }

    /// Makes the file hold every group up to those that were given since the start, by the log where it lacks some.
    fn fill(&self, stopping: &dyn Fn() -> bool) {
        let (held, end) = {
            let kept = self.kept();
            (kept.groups, kept.newer.0)
        };
        for from in [held.min(end), 0] {
            match self.fill_from(from, end, stopping) {
                Ok(true) => {
                    self.kept().state = State::Whole;
                    return;
                }
                Ok(false) if stopping() => return,
                Ok(false) => {
                    let file = self.path.display();
                    tracing::warn!(%file, "it holds another tree than the log, and is made anew");
                }
                Err(what) => {
                    self.broken(what);
                    return;
                }
            }
        }
        self.broken("the log holds another tree than was verified at the start".to_owned());
    }

    /// Whether the file then holds the tree that was verified.
    fn fill_from(&self, from: u64, end: u64, stopping: &dyn Fn() -> bool) -> Result<bool, String> {
        let unwritable = |error: io::Error| format!("{}: {error}", self.path.display());
        // What follows is the end of another tree, or what a loss of power left.
        (self.file)
            .set_len(HEADER + from * HASH)
            .map_err(unwritable)?;
        let mut reader = Reader::new(&*self.journal);
        let mut next = from;
        while next < end {
            let until = end.min(next + TOGETHER);
            let mut groups = Vec::with_capacity((until - next) as usize);
            for group in next..until {
                if stopping() {
                    return Ok(false);
                }
                groups.push(perfect_root(&reader.leaves(group)?).unwrap_or(Hash::ZERO));
            }
            self.write(next, &groups).map_err(unwritable)?;
            next = until;
            self.kept().groups = next;
        }
        self.kept().groups = end;
        let mut whole = Frontier::new();
        let mut next = 0;
        while next < end {
            let until = end.min(next + TOGETHER);
            for group in self.read(next, until - next).map_err(unwritable)? {
                whole.push_group(group).map_err(|error| error.to_string())?;
            }
            next = until;
        }
        let growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(whole == *growing.began())
    }

    fn write(&self, from: u64, groups: &[Hash]) -> io::Result<()> {
        let bytes: Vec<u8> = groups.iter().flat_map(|hash| hash.0).collect();
        self.file.write_all_at(&bytes, HEADER + from * HASH)
    }

    fn read(&self, from: u64, count: u64) -> io::Result<Vec<Hash>> {
        let mut bytes = vec![0; (count * HASH) as usize];
        self.file.read_exact_at(&mut bytes, HEADER + from * HASH)?;
        let (hashes, _) = bytes.as_chunks::<{ HASH as usize }>();
        Ok(hashes.iter().map(|hash| Hash(*hash)).collect())
    }
}

/// Reads the leaves of groups from the log; it keeps the block that it read last.
struct Reader<'a> {
    journal: &'a dyn Journal,
    block: Block,
}

impl<'a> Reader<'a> {
    fn new(journal: &'a dyn Journal) -> Self {
        Self {
            journal,
            block: Block::default(),
        }
    }

    /// The leaves of a group; fewer where the log ends in it.
    fn leaves(&mut self, group: u64) -> Result<Vec<Hash>, String> {
        let first = group * GROUP;
        let end = (first + GROUP).min(self.journal.head().next);
        let mut leaves = Vec::with_capacity(GROUP as usize);
        for position in first..end {
            if self.block.line(position).is_none() {
                let stored = self.journal.read(position);
                let stored = stored.map_err(|error| error.to_string())?;
                let stored = stored.ok_or_else(|| format!("position {position} is not there"))?;
                let opened = stored.open_into(&mut self.block);
                opened.map_err(|error| format!("position {position}: {error}"))?;
            }
            let line = self.block.line(position);
            leaves.push(leaf_hash(line.unwrap_or_default()));
        }
        Ok(leaves)
    }
}

/// Nodes from the file and the log; those that several proofs need are read once.
pub struct KeptNodes<'a> {
    tree: &'a Inner,
    above: RefCell<HashMap<(u32, u64), Hash>>,
    leaves: RefCell<HashMap<u64, Vec<Hash>>>,
}

impl Nodes for KeptNodes<'_> {
    type Error = TreeError;

    fn node(&self, level: u32, index: u64) -> Result<Hash, TreeError> {
        match level.checked_sub(GROUP_LEVEL) {
            Some(height) => self.above(height, index),
            None => self.below(level, index),
        }
    }
}

impl KeptNodes<'_> {
    /// The root over `2^height` groups.
    fn above(&self, height: u32, index: u64) -> Result<Hash, TreeError> {
        let key = (height, index);
        let count = 1_u64 << height;
        let known = match count < TOGETHER {
            true => self.above.borrow().get(&key).copied(),
            false => self.tree.above().get(&key).copied(),
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let root = if count > TOGETHER {
            let left = self.above(height - 1, index * 2)?;
            node_hash(&left, &self.above(height - 1, index * 2 + 1)?)
        } else {
            let unreadable =
                |error: io::Error| self.tree.broken(format!("the tree's file: {error}"));
            let groups = self.tree.read(index * count, count).map_err(unreadable)?;
            perfect_root(&groups).unwrap_or(Hash::ZERO)
        };
        match count < TOGETHER {
            true => self.above.borrow_mut().insert(key, root),
            false => self.tree.above().insert(key, root),
        };
        Ok(root)
    }

    /// The root over leaves of one group.
    fn below(&self, level: u32, index: u64) -> Result<Hash, TreeError> {
        let first = index << level;
        let group = first / GROUP;
        let mut held = self.leaves.borrow_mut();
        let leaves = match held.entry(group) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(unknown) => {
                let leaves = Reader::new(&*self.tree.journal).leaves(group);
                unknown.insert(leaves.map_err(TreeError::Broken)?)
            }
        };
        let from = (first % GROUP) as usize;
        let part = leaves.get(from..from + (1 << level)).and_then(perfect_root);
        part.ok_or_else(|| TreeError::Broken(format!("the log ends in records {first} and on")))
    }
}
