//! A checkpoint on a log that others append to meanwhile.

use super::Shared;
use super::files::Files;
use super::late::{late, of, unsure};
use super::live::Exchange;
use crate::client::File;
use crate::clock::Deadline;
use crate::error::{Operation, failure};
use crate::log::{Checkpoint, Identity, Ledger, Mark, Said, Step, Upto, Which};
use bytes::Bytes;
use futures_util::FutureExt;
use std::future::IntoFuture;
use std::io;
use std::pin::pin;
use std::sync::Arc;

impl Shared {
    pub(super) async fn checkpoint(
        &self,
        upto: u64,
        payload: &[u8],
        deadline: Deadline,
    ) -> io::Result<()> {
        let mut files = Files::beside(&self.client, &self.path, deadline);
        let mut replacing = None;
        let cut = self.cut((upto, payload), &mut files, &mut replacing);
        let cut = self.client.until(deadline, pin!(cut)).await;
        match cut {
            Some(cut) => cut.map_err(|error| of(Operation::Checkpoint, &self.path, error)),
            None => Err(match replacing {
                Some(which) => unsure(Operation::Checkpoint, files.path_of(which)),
                None => late(Operation::Checkpoint, &self.path),
            }),
        }
    }

    /// Says which file it is replacing, as long as nobody knows how that ends.
    async fn cut(
        &self,
        (upto, payload): (u64, &[u8]),
        files: &mut Files,
        replacing: &mut Option<Which>,
    ) -> io::Result<()> {
        let _turn = self.checkpoints.lock().await;
        let failed = |why| self.failed(Operation::Checkpoint, why);
        let (begun, file) = {
            let live = self.live();
            let upto = Upto {
                seq: upto,
                before: live.upto,
            };
            (
                Checkpoint::new(&live.ledger, upto, payload, Identity::fresh()),
                live.file.clone(),
            )
        };
        let mut checkpoint = begun.map_err(failed)?;
        files.use_log(file);
        let mut held = None;
        let mut brought = Bytes::new();
        loop {
            match checkpoint.next(&brought).map_err(failed)? {
                Said::Do(Step::Sync) => self.sync().await?,
                Said::Do(Step::Pause) => {
                    let (guard, mark) = self.hold().await?;
                    held = Some(guard);
                    checkpoint.paused(mark);
                }
                Said::Do(Step::Replace { which, content }) => {
                    *replacing = Some(which);
                    self.exchange(files, which, content).await?;
                    match which {
                        Which::Snapshot => *replacing = None,
                        // The old file is written to until this one is.
                        Which::Log => {
                            files.reopen().await?;
                        }
                    }
                }
                Said::Do(step) => brought = files.perform(step).await?,
                Said::Ready((ledger, snapshot)) => {
                    if let (Some(held), Some(file)) = (held, files.take_log()) {
                        if let Some(every) = self.every {
                            file.set_sync_every(every)?;
                        }
                        held.go_on_in(file, ledger, snapshot.upto);
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Puts a new file in the place of one of the two. That goes on to its end also where nobody waits:
    /// who opens the log again must not find the one file and write to it while it makes way for the
    /// other.
    async fn exchange(&self, files: &Files, which: Which, content: Vec<u8>) -> io::Result<()> {
        let replace = files.replace(which, content).into_future();
        let exchange: Exchange = replace
            .map(|ended| ended.map_err(Arc::new))
            .boxed()
            .shared();
        self.live().exchange(which, exchange.clone());
        exchange.await.map_err(|error| {
            let failure = failure(&error);
            if failure.is_some_and(|failure| !failure.is_indeterminate()) {
                self.live().is_not_exchanged();
            }
            match failure {
                Some(failure) => failure.clone().into_io(),
                None => io::Error::new(error.kind(), error),
            }
        })
    }

    /// Lets no append begin, and waits for those that have.
    async fn hold(&self) -> io::Result<(Held<'_>, Mark)> {
        let mark = {
            let mut live = self.live();
            live.gate.hold();
            live.ledger.mark()
        };
        let held = Held { shared: self };
        self.settled(Operation::Checkpoint, mark.next - 1).await?;
        Ok((held, mark))
    }
}

/// Appends are held up until this is dropped.
struct Held<'a> {
    shared: &'a Shared,
}

impl Held<'_> {
    fn go_on_in(self, file: File, ledger: Ledger, upto: u64) {
        self.shared.live().go_on_in(file, ledger, upto);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let waiting = {
            let mut live = self.shared.live();
            live.judge_exchange();
            live.gate.open()
        };
        for waker in waiting {
            waker.wake();
        }
    }
}
