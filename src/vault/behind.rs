//! The thread that teaches the index behind the registrations.

use std::{
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::index::{Index, Learned, Progress};

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
                run(&shared, &waiting, progress);
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

fn run(index: &Index, waiting: &Receiver<Work>, mut progress: Progress) {
    let mut saved = progress.mark.head.sequence;
    let mut failed = false;
    loop {
        let work = waiting.recv_timeout(IDLE);
        let unsaved = progress.mark.head.sequence.saturating_sub(saved);
        let result = match work {
            Ok(Work::Learn(learned)) if !failed => {
                index.learn(&learned, &mut progress).and_then(|()| {
                    if progress.mark.head.sequence.saturating_sub(saved) < SAVE_AFTER {
                        return Ok(());
                    }
                    saved = progress.mark.head.sequence;
                    index.save(&progress)
                })
            }
            Ok(Work::Learn(_)) => Ok(()),
            Ok(Work::Save(answer)) => {
                let result = if failed {
                    Err("the index failed before".to_owned())
                } else {
                    saved = progress.mark.head.sequence;
                    index.save(&progress)
                };
                // Nobody waiting any more is no failure of the index.
                let _heard = answer.send(result.clone());
                result.or_else(|what| if failed { Ok(()) } else { Err(what) })
            }
            Err(RecvTimeoutError::Timeout) if unsaved == 0 || failed => Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                saved = progress.mark.head.sequence;
                index.save(&progress)
            }
            Ok(Work::Stop) | Err(RecvTimeoutError::Disconnected) => {
                if unsaved > 0
                    && !failed
                    && let Err(what) = index.save(&progress)
                {
                    index.broken(what);
                }
                return;
            }
        };
        if let Err(what) = result {
            failed = true;
            index.broken(what);
        }
    }
}
