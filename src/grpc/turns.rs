//! Reads that are dear take turns, so that they never hold all the threads on which others wait for the disk (T5).

use std::sync::Arc;

use tokio::sync::Semaphore;
use tonic::Status;

use super::status;

/// Some reads at a time; who waits for a turn holds no thread.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Semaphore>);

impl Turns {
    /// So many at a time.
    pub fn new(at_a_time: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_a_time)))
    }

    /// Reads, away from the threads that serve. A read that began holds its turn to its end, though nobody waits any more.
    ///
    /// # Errors
    /// What `read` fails with.
    pub async fn read<T, F>(&self, read: F) -> Result<T, Status>
    where
        F: FnOnce() -> Result<T, Status> + Send + 'static,
        T: Send + 'static,
    {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let turn = turn.map_err(status::failed)?;
        let reading = tokio::task::spawn_blocking(move || {
            let read = read();
            drop(turn);
            read
        });
        reading.await.map_err(status::failed)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn t5_who_waits_for_a_turn_holds_no_thread_and_who_gave_up_holds_his_turn_until_the_read_ends()
     {
        let turns = Turns::new(1);
        let (end, ends) = mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let first = turns.clone();
        let first = tokio::spawn(async move {
            let read = move || {
                let _ = begin.send(());
                Ok(ends.recv())
            };
            first.read(read).await
        });
        begun.await.unwrap();
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());

        let mut second = Box::pin(turns.read(|| Ok("read")));
        assert!(futures_util::poll!(&mut second).is_pending());
        assert_eq!(turns.0.available_permits(), 0);
        end.send(()).unwrap();
        assert_eq!(second.await.unwrap(), "read");
        assert_eq!(turns.0.available_permits(), 1);
    }
}
