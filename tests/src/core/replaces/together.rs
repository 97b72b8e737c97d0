//! Temporary files that are made durable by one call: of all of a volume that wait, one call at a time; and what a
//! failed one loses (A1, A4).

use super::{File, Name, Replace, Replaces, Verdict, hold};
use staging_core::{Completion, Durability, Key, OpId, ReplaceStep};

/// Which temporary files are made durable together: those of some targets.
pub(crate) fn volume_of(target: Key) -> Option<u64> {
    let number = target.0[1];
    (number >= 4).then_some(number / 2 % 2)
}

impl Replace {
    /// Its file has all bytes, and nothing vouches for them yet.
    pub(super) fn is_to_be_synced(&self) -> bool {
        let full = matches!(self.file, File::Filled { end, synced: false } if end == self.len);
        full && self.durability != Durability::None && !self.answered
    }

    /// Which files are synced with its own; a second one is synced alone.
    fn sharing(&self) -> Option<u64> {
        self.volume.filter(|_| self.failed_syncs == 0)
    }
}

impl Replaces {
    /// A sync of temporary files, which is named after the first of them.
    ///
    /// # Errors
    /// It is not the turn of one of them, or one of the same volume that waits is left out.
    pub(crate) fn files_handed_out(
        &mut self,
        op: OpId,
        step: ReplaceStep,
        ops: &[OpId],
    ) -> Verdict {
        let number = ReplaceStep::SyncFile {
            files: ops.len() as u32,
        };
        let named = step == number && ops.first() == Some(&op);
        hold(named, || format!("{step:?} of {op:?}, of {ops:?}"))?;
        for op in ops {
            self.handed_out(*op, step, (0, 0))?;
        }
        let leader = op;
        for op in ops {
            if let Some(replace) = self.of(*op) {
                replace.synced_by = Some(leader);
            }
        }
        let volume = self.of(op).and_then(|replace| replace.sharing());
        let shares = |replace: &&Replace| volume.is_some() && replace.sharing() == volume;
        let mut others = self.all.iter().filter(shares);
        match others.find(|other| other.synced_by != Some(leader) && !other.answered) {
            Some(other) if other.step.is_some() && other.synced_by.is_some() => {
                Err(format!("files are synced beside {other:?}"))
            }
            Some(other) if other.step.is_none() && other.is_to_be_synced() => {
                Err(format!("{other:?} is left out of {ops:?}"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Of a sync that failed all are unsyncable, and so is who waits for the next: what was forgotten is not
    /// told again.
    pub(super) fn files_ended(&mut self, op: OpId, completion: Completion) {
        let volume = self.of(op).and_then(|replace| replace.sharing());
        let synced = completion == Completion::Synced;
        for replace in &mut self.all {
            let covered = replace.synced_by == Some(op);
            let waits = replace.step.is_none() && replace.is_to_be_synced();
            let lost = volume.is_some() && replace.sharing() == volume && waits && !synced;
            if covered {
                (replace.step, replace.synced_by) = (None, None);
            }
            if covered && synced {
                let end = replace.len;
                replace.file = File::Filled { end, synced };
            } else if covered || lost {
                replace.file = File::Unsyncable;
                replace.failed_syncs += 1;
                if !replace.is_to_be_written_again() {
                    replace.name = Name::Kept;
                }
            }
        }
    }
}
