//! The thread that teaches the index behind the registrations.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        mpsc::{self, SyncSender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    index::Index,
    progress::{Learned, Progress},
};

/// Keys that may wait for the index; past them a registration waits. Two for a customer, so that
/// some 65,000 customers wait in about 6 MB.
const WAITING_MAX: usize = 131_072;
/// Entries after which the index saves how far it is: what a start has to replay.
const SAVE_AFTER: u64 = 65_536;
/// Unsaved entries are saved after this time without work.
const IDLE: Duration = Duration::from_secs(1);

/// The thread's owner: dropped, it saves and stops the thread.
pub(super) struct Behind {
    index: Arc<Index>,
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

/// What waits for the thread.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// Notified when something was added or taken.
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    learned: Option<Learned>,
    savers: Vec<SyncSender<Result<(), String>>>,
    stop: bool,
}

impl Waiting {
    fn keys(&self) -> usize {
        self.learned
            .as_ref()
            .map_or(0, |learned| learned.keys.len())
    }

    fn is_empty(&self) -> bool {
        self.learned.is_none() && self.savers.is_empty() && !self.stop
    }
}

impl Queue {
    fn add(&self, add: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        add(&mut waiting);
        self.changed.notify_all();
    }

    /// All that waits; nothing after [`IDLE`] without work.
    fn take(&self) -> Waiting {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |waiting: &mut Waiting| waiting.is_empty();
        let (mut waiting, _) = self
            .changed
            .wait_timeout_while(waiting, IDLE, idle)
            .unwrap_or_else(PoisonError::into_inner);
        self.changed.notify_all();
        std::mem::take(&mut waiting)
    }
}

impl Behind {
    /// `check`: the index was opened, not filled just now.
    pub(super) fn start(
        index: Arc<Index>,
        progress: Progress,
        check: bool,
    ) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let follower = Follower {
            index: Arc::clone(&index),
            queue: Arc::clone(&queue),
            saved: progress.mark.head.sequence,
            progress,
            failed: None,
        };
        let thread = thread::Builder::new()
            .name("vault-index".to_owned())
            .spawn(move || {
                if check {
                    follower.index.check(&follower.progress);
                }
                follower.run();
            })?;
        Ok(Self {
            index,
            queue,
            thread: Some(thread),
        })
    }

    /// Hands on what is durable; waits while too much waits already.
    pub(super) fn learn(&self, learned: Learned) {
        let mut waiting = self
            .queue
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while waiting.keys() >= WAITING_MAX {
            if self.ended() {
                self.index
                    .broken("the thread that writes the index ended".to_owned());
                return;
            }
            let woken = self.queue.changed.wait_timeout(waiting, IDLE);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        match &mut waiting.learned {
            Some(before) => before.extend(learned),
            none => *none = Some(learned),
        }
        self.queue.changed.notify_all();
    }

    /// Waits until all that was learned is saved.
    pub(super) fn save(&self) -> Result<(), String> {
        let (answer, saved) = mpsc::sync_channel(1);
        self.queue.add(|waiting| waiting.savers.push(answer));
        loop {
            match saved.recv_timeout(IDLE) {
                Ok(result) => return result,
                Err(_) if self.ended() => {
                    return Err("the thread that writes the index ended".to_owned());
                }
                Err(_) => {}
            }
        }
    }

    fn ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.index.stop();
        self.queue.add(|waiting| waiting.stop = true);
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the panic hook; nothing is left to do about it here.
            let _ended = thread.join();
        }
    }
}

/// The thread's own state.
struct Follower {
    index: Arc<Index>,
    queue: Arc<Queue>,
    progress: Progress,
    /// Entries that the saved progress covers.
    saved: u64,
    /// Once set, the index is left alone until it is rebuilt.
    failed: Option<String>,
}

impl Follower {
    fn run(mut self) {
        loop {
            let work = self.queue.take();
            let idle = work.is_empty();
            if let Some(learned) = work.learned {
                self.attempt(|follower| follower.learn(learned));
            }
            let asked = idle || work.stop || self.unsaved() >= SAVE_AFTER;
            if !work.savers.is_empty() || (asked && self.unsaved() > 0) {
                self.attempt(Self::save);
            }
            for saver in work.savers {
                // Nobody waiting any more is no failure of the index.
                let _heard = saver.send(self.failed.clone().map_or(Ok(()), Err));
            }
            if work.stop {
                return;
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

    fn learn(&mut self, learned: Learned) -> Result<(), String> {
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
