//! Handles that keep dirty (R8): who was told of a failed sync, and who must be; and limits that change
//! meanwhile (R12).

use super::profile::{Profile, limits};
use super::world::{Asked, Verdict, World};
use staging_core::{FailedSync, Fault, FileLimits, HandleId, Request, Tuning};

impl World<'_> {
    /// Half of those who may write go on after a failed sync, where the profile has such.
    pub(super) fn may_keep_dirty(&mut self, handle: HandleId) {
        if !self.keeps || !self.dice.permille(500) {
            return;
        }
        let keep = Tuning::FailedSync(FailedSync::KeepDirty);
        if self.sim.tune(handle, keep).is_ok()
            && let Some(row) = self.row(handle)
        {
            row.keeps = true;
        }
    }

    /// Other limits, of all or of one file. They are refused where they make no sense, and when it is
    /// over.
    pub(super) fn change_limits(&mut self, profile: &Profile) -> Verdict {
        self.tally.limits_changed += 1;
        if !self.rows.is_empty() && self.dice.permille(300) {
            let at = self.dice.below(self.rows.len() as u64) as usize;
            let own = FileLimits {
                operations: self.dice.one_of(&[None, Some(0), Some(1), Some(8)]),
                bytes: self.dice.one_of(&[None, Some(1 << 11)]),
            };
            let (handle, leaving) = (self.rows[at].id, self.rows[at].leaving);
            let set = self.sim.tune(handle, Tuning::Limits(own));
            let kept = self.sim.machine().file_limits(handle) == Some(own);
            let wrong = set.is_ok() && (!kept || own.check().is_err() || leaving);
            if wrong {
                return Err(format!("R12: {own:?} of {handle:?}: {set:?}"));
            }
            return self.listen();
        }
        let mut others = limits(&mut self.dice);
        // Files of the profile are to fit as they did.
        others.handles = others.handles.max(profile.setup.limits.handles);
        let set = self.sim.set_limits(others);
        if set.is_ok() && *self.sim.machine().limits() != others {
            return Err(format!("R12: {others:?} is not what it keeps to"));
        }
        self.listen()
    }

    /// A write or a sync succeeded: not after a failed sync that its handle was not told of, and not
    /// one that was asked before it.
    pub(super) fn check_vouched(&self, asked: &Asked, syncs: bool) -> Verdict {
        let row = asked
            .request
            .handle()
            .and_then(|handle| self.rows.iter().find(|row| row.id == handle));
        let Some(row) = row else {
            return Ok(());
        };
        let untold = row.broken.is_some_and(|broken| broken <= asked.ticket);
        if untold {
            return Err(format!("R8: {asked:?} succeeded, and {row:?} was not told"));
        }
        if syncs && asked.ticket < row.failed {
            return Err(format!("R8: {asked:?} succeeded after one that failed"));
        }
        Ok(())
    }

    /// An operation failed: its handle may be told by that of a failed sync, once.
    pub(super) fn may_be_told(&mut self, asked: &Asked, fault: Fault) -> Verdict {
        let syncs = matches!(asked.request, Request::Sync { .. });
        let handle = asked.request.handle();
        let by_time = matches!(fault, Fault::SyncBehind(_));
        let of_a_sync =
            fault == Fault::SyncFailed || (syncs && matches!(fault, Fault::Os(_) | Fault::Short));
        let row = self.rows.iter_mut().find(|row| Some(row.id) == handle);
        let Some(row) = row.filter(|_| of_a_sync || by_time) else {
            return Ok(());
        };
        row.told = true;
        if !row.keeps {
            return Ok(());
        }
        let knows = row.broken.is_none() && !std::mem::take(&mut row.unsure);
        if knows && !by_time && asked.ticket >= row.failed {
            return Err(format!("R8: {asked:?} tells {row:?} of what it knows"));
        }
        row.broken = None;
        self.tally.kept_dirty += 1;
        Ok(())
    }
}
