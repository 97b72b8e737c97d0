//! Answers that are to be told.

use super::Writer;
use crate::action::Outcome;

impl Writer<'_> {
    pub(super) fn outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Opened {
                file,
                len,
                standing,
            } => {
                let rank = self.file_rank(file);
                self.words.extend([0, rank, len]);
                self.hashed(&standing);
            }
            Outcome::FromContents { file } => {
                let rank = self.file_rank(file);
                self.words.extend([1, rank]);
            }
            Outcome::Locked { lock } => {
                let rank = self.lock_rank(lock);
                self.words.extend([4, rank]);
            }
            Outcome::SyncFailed {
                files,
                first,
                fault,
            } => {
                let rank = self.file_rank(first);
                self.words.extend([3, rank, u64::from(files)]);
                self.hashed(&fault);
            }
            Outcome::Staged { .. }
            | Outcome::Unstaged
            | Outcome::Read { .. }
            | Outcome::Written { .. }
            | Outcome::Accepted { .. }
            | Outcome::LengthSet
            | Outcome::Flushed
            | Outcome::Synced
            | Outcome::Replaced
            | Outcome::Closed
            | Outcome::Failed { .. } => {
                self.word(2);
                self.hashed(&outcome);
            }
        }
    }
}
