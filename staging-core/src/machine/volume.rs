//! Group commit of contents: temporary files on one file system are made durable together, where the driver says
//! that one call can do that (A4). While such a sync is under way, whoever comes waits for the next.

use super::Machine;
use super::replace::Ended;
use super::state::{Io, OPS, OpState, Owner, Place, RUN, Volume, VolumeId};
use crate::action::{IoKind, ReplaceStep};
use crate::completion::Key;
use crate::fault::Fault;
use crate::id::{IoId, OpId};
use crate::slab::List;

impl Machine {
    /// The operations whose temporary files a `SyncFile` makes durable, in the order in which they came; the
    /// action is named after the first. Empty for what is none, or is no longer known.
    pub fn files_of(&self, io: IoId) -> impl Iterator<Item = OpId> {
        let (mut next, link) = match self.ios.get(io) {
            Some(Io { run, .. }) if !run.is_empty() => (self.ops.first(run), Some(RUN)),
            Some(Io {
                kind:
                    IoKind::Replace {
                        op,
                        step: ReplaceStep::SyncFile { .. },
                    },
                ..
            }) => (Some(*op), None),
            Some(_) | None => (None, None),
        };
        core::iter::from_fn(move || {
            let op = next?;
            next = link.and_then(|link| self.ops.after(link, op));
            Some(op)
        })
    }

    /// A temporary file has all its bytes, and waits for a sync that begins after that; the one that is
    /// ordered and not handed out does.
    pub(super) fn await_volume(&mut self, op: OpId, key: u64) {
        let key = Key([key, 0]);
        let volume = match self.volumes_by_key.get(key) {
            Some(volume) => volume,
            None => {
                let (sync, uncovered) = (None, List::EMPTY);
                let volume = self.volumes.insert(Volume {
                    key,
                    sync,
                    uncovered,
                });
                self.volumes_by_key.insert(key, volume);
                volume
            }
        };
        match self.volumes[volume].sync {
            Some(io) if self.ios[io].place == Place::Ready => self.cover_file(op, volume, io),
            Some(_) | None => {
                self.ops[op].state = OpState::AwaitingVolume { volume };
                let uncovered = &mut self.volumes[volume].uncovered;
                self.ops.push_back(uncovered, OPS, op);
                self.sync_volume(volume);
            }
        }
    }

    /// Orders a sync for all that wait for one, unless one is under way, or nobody waits.
    fn sync_volume(&mut self, volume: VolumeId) {
        let entry = &self.volumes[volume];
        if entry.sync.is_some() {
            return;
        }
        let Some(op) = self.ops.first(&entry.uncovered) else {
            let key = entry.key;
            self.volumes.remove(volume);
            self.volumes_by_key.remove(key);
            return;
        };
        let step = ReplaceStep::SyncFile { files: 0 };
        let io = self.issue(IoKind::Replace { op, step }, Owner::Volume { volume });
        self.volumes[volume].sync = Some(io);
        while let Some(op) = self.ops.pop_front(&mut self.volumes[volume].uncovered, OPS) {
            self.cover_file(op, volume, io);
        }
    }

    fn cover_file(&mut self, op: OpId, volume: VolumeId, io: IoId) {
        self.ops[op].state = OpState::SyncingVolume { volume };
        self.ops.push_back(&mut self.ios[io].run, RUN, op);
        self.name_after_first(io, 1);
    }

    /// There is one file more, or less: the action is named after the first.
    fn name_after_first(&mut self, io: IoId, more: i32) {
        let first = self.ops.first(&self.ios[io].run);
        if let IoKind::Replace {
            op,
            step: ReplaceStep::SyncFile { files },
        } = &mut self.ios[io].kind
        {
            *op = first.unwrap_or(*op);
            *files = files.saturating_add_signed(more);
        }
    }

    /// A sync ended, for all these. What a failed one forgot, a later one does not make durable: that of
    /// who waits for the next is written again, too.
    pub(super) fn on_volume_synced(
        &mut self,
        volume: VolumeId,
        mut covered: List,
        result: Result<(), Fault>,
    ) {
        let entry = &mut self.volumes[volume];
        entry.sync = None;
        let mut lost = List::EMPTY;
        let ended = match result {
            Ok(()) => Ended::FileSynced,
            Err(fault) => {
                lost = core::mem::replace(&mut entry.uncovered, List::EMPTY);
                Ended::NotSynced(fault)
            }
        };
        self.sync_volume(volume);
        while let Some(op) = self.ops.pop_front(&mut covered, RUN) {
            self.on_replace_step(op, ended);
        }
        while let Some(op) = self.ops.pop_front(&mut lost, OPS) {
            self.on_replace_step(op, ended);
        }
    }

    /// Takes a replace that is given up out of those that wait for a sync to begin.
    pub(super) fn leave_uncovered_files(&mut self, op: OpId, volume: VolumeId) {
        let uncovered = &mut self.volumes[volume].uncovered;
        self.ops.unlink(uncovered, OPS, op);
    }

    /// A replace is given up whose file is to be synced. That is in flight then, and ends it; or it is left, by
    /// the last one taken back.
    pub(super) fn leave_covered_files(&mut self, op: OpId, volume: VolumeId) -> Option<IoId> {
        let io = self.volumes[volume].sync?;
        if self.ios[io].place == Place::InFlight {
            return Some(io);
        }
        self.ops.unlink(&mut self.ios[io].run, RUN, op);
        self.name_after_first(io, -1);
        if self.ios[io].run.is_empty() {
            self.take_back(io);
            self.volumes[volume].sync = None;
            self.sync_volume(volume);
        }
        None
    }
}
