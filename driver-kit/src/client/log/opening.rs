//! The steps of opening a log. Whoever leaves in the middle of one that changes a file keeps the right to the log
//! until that has ended: another appender must not meet a cut that comes late.

use super::claim::Right;
use super::files::Files;
use crate::client::Client;
use crate::error::Operation;
use crate::log::{Header, Opened, Opening, Said, Step};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::io;

/// The files, and what a step brought.
type Stepped = (Files, io::Result<Bytes>);

/// An open that has the right to its log.
pub(super) struct UnderWay {
    client: Client,
    right: Option<Right>,
    /// A step that changes a file, until it has ended.
    step: Option<BoxFuture<'static, Stepped>>,
}

impl UnderWay {
    pub(super) fn with(client: &Client, right: Right) -> UnderWay {
        UnderWay {
            client: client.clone(),
            right: Some(right),
            step: None,
        }
    }

    /// Opens the log that these are the files of.
    ///
    /// # Errors
    /// It is damaged, or no log; what the system said.
    pub(super) async fn open(&mut self, mut files: Files) -> io::Result<(Files, Opened)> {
        let mut opening = Opening::new(files.lengths(), Header::begin());
        let mut brought = Bytes::new();
        loop {
            match opening.next(&brought) {
                Ok(Said::Do(step)) => (files, brought) = self.perform(files, step).await?,
                Ok(Said::Ready(opened)) => return Ok((files, opened)),
                Err(why) => return Err(files.failed(Operation::Open, why)),
            }
        }
    }

    async fn perform(&mut self, mut files: Files, step: Step) -> io::Result<(Files, Bytes)> {
        let (files, brought) = match step {
            Step::Read { .. } | Step::Pause => {
                let brought = files.perform(step).await;
                (files, brought)
            }
            Step::Write { .. }
            | Step::Cut { .. }
            | Step::Sync
            | Step::Make { .. }
            | Step::Replace { .. } => {
                let step = async move {
                    let brought = files.perform(step).await;
                    (files, brought)
                };
                let stepped = self.step.insert(step.boxed()).await;
                self.step = None;
                stepped
            }
        };
        Ok((files, brought?))
    }

    /// It is open: the right to it is the log's.
    pub(super) fn into_right(mut self) -> Option<Right> {
        self.right.take()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let (Some(right), Some(step)) = (self.right.take(), self.step.take()) {
            let ended = step.map(drop).boxed();
            right.give_back_after(self.client.hub(), ended);
        }
    }
}
