//! Other bounds while the machine runs (R12): what becomes of what is there, and of whoever was refused.
//!
//! Most bounds are only looked at when something comes in, so a change has nothing to do. What is told
//! of room is told by the change itself where nothing else would: bounds of all are looked at by every
//! poll, those of a file when something leaves it.

use super::Machine;
use super::state::{Fullness, Handle, News, Writes};
use crate::class::Turn;
use crate::event::{FailedSync, Tuning};
use crate::id::{FileId, HandleId};
use crate::limit::{BadLimit, FileLimits, Limit};
use crate::reply::{Reject, Reply};

impl Machine {
    pub(super) fn on_limited(&mut self, limit: Limit) -> Reply {
        if !limit.is_sensible() {
            return self.reject(Reject::BadLimit(limit));
        }
        self.limits = self.limits.with(limit);
        match limit {
            Limit::Operations(_) | Limit::Locks(_) => {}
            Limit::Fetch(_)
            | Limit::Chunk(_)
            | Limit::Restarts(_)
            | Limit::Merge(_)
            | Limit::MergeBytes(_) => {}
            Limit::OperationsPerFile(_) => self.settle_each_file(Machine::settle_room),
            Limit::BytesPerFile(_) => self.settle_each_file(Machine::settle_bytes_room),
            Limit::Bytes(most) => {
                if self.bytes < most {
                    self.offer_bytes();
                }
            }
            Limit::Handles(_) => self.crowd_out_lingering(),
            Limit::Descriptors(_) => self.settle_descriptors(),
            Limit::Budget(most) => self.settle_budget(most),
            Limit::Linger(_) => self.trim_lingering(),
            Limit::Turns(_) => self.turn = Turn::FIRST,
        }
        Reply::Done
    }

    pub(super) fn on_tuned(&mut self, handle: HandleId, tuning: Tuning) -> Reply {
        let Some(&Handle::Open { file, .. }) = self.handles.get(handle) else {
            return self.reject(Reject::UnknownHandle);
        };
        match tuning {
            Tuning::Limits(limits) => {
                if let Err(BadLimit(limit)) = limits.check() {
                    return self.reject(Reject::BadLimit(limit));
                }
                self.set_own_limits(file, limits);
                self.settle_room(file);
                self.settle_bytes_room(file);
            }
            Tuning::FailedSync(failed_sync) => match self.handles[handle].writes_mut() {
                Writes::No => return self.reject(Reject::ReadOnly),
                Writes::Since { keeps_dirty, .. } => {
                    *keeps_dirty = failed_sync == FailedSync::KeepDirty;
                }
            },
        }
        Reply::Done
    }

    /// What a file may hold in place of what the limits say of every file; `None` for a handle that is
    /// not open.
    pub fn file_limits(&self, handle: HandleId) -> Option<FileLimits> {
        Some(self.own_limits(self.file_of(handle)?))
    }

    pub(super) fn own_limits(&self, file: FileId) -> FileLimits {
        let own = self.files[file].own;
        own.map_or(FileLimits::NONE, |own| self.own_limits[own])
    }

    fn set_own_limits(&mut self, file: FileId, limits: FileLimits) {
        let entry = &mut self.files[file];
        match entry.own {
            Some(own) => self.own_limits[own] = limits,
            None if limits == FileLimits::NONE => {}
            None => {
                entry.own = Some(self.own_limits.insert(limits));
                entry.has_own = true;
            }
        }
    }

    /// The last handle of a file is gone, and with it what was said of its limits.
    pub(super) fn forget_own_limits(&mut self, file: FileId) {
        let entry = &mut self.files[file];
        entry.has_own = false;
        if let Some(own) = entry.own.take() {
            self.own_limits.remove(own);
        }
    }

    /// How many operations may be accepted on a file at once.
    pub(super) fn most_operations(&self, file: FileId) -> u32 {
        let common = self.limits.operations_per_file;
        match self.files[file].has_own {
            true => self.own_limits(file).operations.unwrap_or(common),
            false => common,
        }
    }

    /// How many bytes of writes.
    pub(super) fn most_bytes(&self, file: FileId) -> u64 {
        let common = self.limits.bytes_per_file;
        match self.files[file].has_own {
            true => self.own_limits(file).bytes.unwrap_or(common),
            false => common,
        }
    }

    /// Like the beginning of a shutdown, one of the few events that walk over all files.
    fn settle_each_file(&mut self, settle: fn(&mut Machine, FileId)) {
        let mut from = 0;
        while let Some(file) = self.files.next_from(from) {
            from = file.index() as u32 + 1;
            settle(self, file);
        }
    }

    /// A file may hold more operations now, or fewer: whoever was refused is told if there is room, and
    /// is not told any more if there is none again.
    fn settle_room(&mut self, file: FileId) {
        let most = self.most_operations(file);
        let entry = &mut self.files[file];
        if entry.room != Fullness::Refused && !entry.news.room {
            return;
        }
        let room = entry.pending < most;
        entry.room = match room {
            true => Fullness::Quiet,
            false => Fullness::Refused,
        };
        let news = News { room, ..entry.news };
        self.tell_news(file, news);
    }

    /// The same of bytes.
    fn settle_bytes_room(&mut self, file: FileId) {
        let most = self.most_bytes(file);
        let Some(writing) = self.files[file].writing else {
            return;
        };
        if self.writings[writing].bytes < most {
            self.offer_bytes_of(writing);
        }
    }
}
