//! The thread that teaches the index behind the registrations.

use std::{
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    index::Index,
    progress::{Learned, Progress},
};

/// Batches that may wait for the index; past them a registration waits (4 × 16,384 entries, some 10 MB).
const WAITING_MAX: usize = 4;
/// Entries after which the index saves how far it is: what a start has to replay.
const SAVE_AFTER: u64 = 16_384;
/// Unsaved entries are saved after this time without work.
const IDLE: Duration = Duration::from_secs(1);

enum Work {
    Learn(Learned),
    Save(SyncSender<Result<(), String>>),
    Stop,
}

/// The thread's owner: dropped, it saves and stops the thread.
pub(super) struct Behind {
    index: Arc<Index>,
    work: SyncSender<Work>,
    thread: Option<JoinHandle<()>>,
}

impl Behind {
    /// `check`: the index was opened, not filled just now.
    pub(super) fn start(
        index: Arc<Index>,
        progress: Progress,
        check: bool,
    ) -> std::io::Result<Self> {
        let (work, waiting) = mpsc::sync_channel(WAITING_MAX);
        let shared = Arc::clone(&index);
        let thread = thread::Builder::new()
            .name("vault-index".to_owned())
            .spawn(move || {
                if check {
                    shared.check(&progress);
                }
                let follower = Follower {
                    saved: progress.mark.head.sequence,
                    index: shared,
                    progress,
                    failed: None,
                };
                follower.run(&waiting);
            })?;
        Ok(Self {
            index,
            work,
            thread: Some(thread),
        })
    }

    pub(super) fn learn(&self, learned: Learned) {
        if self.work.send(Work::Learn(learned)).is_err() {
            self.index
                .broken("the thread that writes the index ended".to_owned());
        }
    }

    /// Waits until all that was learned is saved.
    pub(super) fn save(&self) -> Result<(), String> {
        let (answer, saved) = mpsc::sync_channel(1);
        let gone = |_| "the thread that writes the index ended".to_owned();
        self.work.send(Work::Save(answer)).map_err(|_| gone(()))?;
        saved.recv().map_err(|_| gone(()))?
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.index.stop();
        let stopped = self.work.send(Work::Stop);
        if let (Ok(()), Some(thread)) = (stopped, self.thread.take()) {
            // A panic there was reported by the panic hook; nothing is left to do about it here.
            let _ended = thread.join();
        }
    }
}

/// The thread's own state.
struct Follower {
    index: Arc<Index>,
    progress: Progress,
    /// Entries that the saved progress covers.
    saved: u64,
    /// Once set, the index is left alone until it is rebuilt.
    failed: Option<String>,
}

impl Follower {
    fn run(mut self, waiting: &Receiver<Work>) {
        loop {
            match waiting.recv_timeout(IDLE) {
                Ok(Work::Learn(learned)) => {
                    self.attempt(|follower| follower.learn(&learned));
                    if self.unsaved() >= SAVE_AFTER {
                        self.attempt(Self::save);
                    }
                }
                Ok(Work::Save(answer)) => {
                    self.attempt(Self::save);
                    // Nobody waiting any more is no failure of the index.
                    let _heard = answer.send(self.failed.clone().map_or(Ok(()), Err));
                }
                Err(RecvTimeoutError::Timeout) if self.unsaved() == 0 => {}
                Err(RecvTimeoutError::Timeout) => self.attempt(Self::save),
                Ok(Work::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    if self.unsaved() > 0 {
                        self.attempt(Self::save);
                    }
                    return;
                }
            }
        }
    }

    fn unsaved(&self) -> u64 {
        let learned = self.progress.mark.head.sequence;
        learned.saturating_sub(self.saved)
    }

    fn attempt(&mut self, step: impl FnOnce(&mut Self) -> Result<(), String>) {
        if self.failed.is_some() {
            return;
        }
        if let Err(what) = step(self) {
            self.index.broken(what.clone());
            self.failed = Some(what);
        }
    }

    fn learn(&mut self, learned: &Learned) -> Result<(), String> {
        match self.index.learn(learned, &mut self.progress)? {
            None => Ok(()),
            Some(offset) => Err(format!(
                "a key of the index led elsewhere than to byte {offset} of the entries"
            )),
        }
    }

    fn save(&mut self) -> Result<(), String> {
        self.index.save(&self.progress)?;
        self.saved = self.progress.mark.head.sequence;
        Ok(())
    }
}
