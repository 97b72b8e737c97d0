//! Completions: an action that was handed out is answered once, by an answer of its own kind.
//! Anything else changes nothing.

use super::Machine;
use super::lock::Tried;
use super::open::{Opened, Sight};
use super::replace::Ended;
use super::state::{DirectoryId, Io, Owner, Place, VolumeId, WritingId};
use super::write::Executed;
use crate::action::{IoKind, LockStep, ReplaceStep};
use crate::completion::{Completion, Key, Stamp};
use crate::fault::Fault;
use crate::id::{FileId, IoId, LockId, OpId};
use crate::reply::{Ignored, Reply};

/// A completion that fits its action, and on whose behalf that was done.
enum Fits {
    Opened(Opened),
    OpenFailed {
        op: OpId,
        fault: Fault,
    },
    Reopened {
        file: FileId,
        key: Key,
        stamp: Stamp,
    },
    ReopenFailed {
        file: FileId,
        fault: Fault,
    },
    Looked(FileId, Result<Stamp, Fault>),
    Mapped(FileId, Result<(), Fault>),
    /// A chunk of this length.
    Loaded(FileId, u64, Result<Stamp, Fault>),
    Read {
        op: OpId,
        file: FileId,
        result: Result<u64, Fault>,
    },
    Written {
        op: OpId,
        writing: WritingId,
        end: Executed,
    },
    Synced(WritingId, Result<(), Fault>),
    Stepped(OpId, Ended),
    Discarded(OpId),
    Tried(LockId, Tried),
    GivenBack(LockId),
    VolumeSynced(VolumeId, Result<(), Fault>),
    DirectorySynced(OpId, DirectoryId, Result<(), Fault>),
    Released {
        file: FileId,
        lent: u64,
    },
    Closed(FileId),
}

impl Machine {
    pub(super) fn on_completed(&mut self, io: IoId, completion: Completion) -> Reply {
        let Some(entry) = self.ios.get(io) else {
            return self.ignore(Ignored::UnknownIo);
        };
        if entry.place == Place::Ready {
            return self.ignore(Ignored::UnknownIo);
        }
        let kind = entry.kind;
        let fits = match fit(entry, completion) {
            Ok(fits) => fits,
            Err(why) => return self.ignore(why),
        };
        let entry = *entry;
        self.ios.remove(io);
        match fits {
            Fits::Opened(opened) => return self.on_opened_for(opened, kind),
            Fits::OpenFailed { op, fault } => return self.on_open_failed(op, kind, fault),
            Fits::Reopened { file, key, stamp } => return self.on_reopened(file, key, stamp),
            Fits::ReopenFailed { file, fault } => return self.on_reopen_failed(file, fault),
            Fits::Looked(file, result) => self.on_looked(file, result),
            Fits::Mapped(file, result) => self.on_mapped(file, result),
            Fits::Loaded(file, len, result) => self.on_loaded(file, len, result),
            Fits::Read { op, file, result } => self.on_read(op, file, result),
            Fits::Written { op, writing, end } => self.on_written(entry, op, writing, end),
            Fits::Synced(writing, result) => self.on_synced(writing, result),
            Fits::Stepped(op, ended) => self.on_replace_step(op, ended),
            Fits::Discarded(op) => self.on_discarded(op),
            Fits::Tried(lock, tried) => self.on_lock_tried(lock, tried),
            Fits::GivenBack(lock) => self.forget_lock(lock),
            Fits::VolumeSynced(volume, result) => {
                self.on_volume_synced(volume, entry.run, result);
            }
            Fits::DirectorySynced(op, directory, result) => {
                self.on_directory_synced(op, directory, result);
            }
            Fits::Released { file, lent } => self.on_released(file, lent),
            Fits::Closed(file) => self.on_closed(io, file),
        }
        Reply::Done
    }
}

/// Whether the answer is one that this action can have.
fn fit(io: &Io, completion: Completion) -> Result<Fits, Ignored> {
    let fits = match (io.kind, io.owner, completion) {
        (
            IoKind::Open {
                handle, missing, ..
            }
            | IoKind::Fetch {
                handle, missing, ..
            },
            Owner::Open { op, since },
            Completion::Opened { key, stamp },
        ) => Fits::Opened(Opened {
            op,
            handle,
            missing,
            seen: Sight { key, stamp, since },
            fetched: false,
        }),
        (
            IoKind::Fetch {
                handle,
                missing,
                up_to,
            },
            Owner::Open { op, since },
            Completion::Fetched { key, stamp },
        ) => {
            if stamp.len > up_to {
                return Err(Ignored::Impossible);
            }
            Fits::Opened(Opened {
                op,
                handle,
                missing,
                seen: Sight { key, stamp, since },
                fetched: true,
            })
        }
        (
            IoKind::Open { .. } | IoKind::Fetch { .. },
            Owner::Open { op, .. },
            Completion::Failed { fault },
        ) => Fits::OpenFailed { op, fault },
        (IoKind::Open { .. }, Owner::Reopen { file }, Completion::Opened { key, stamp }) => {
            Fits::Reopened { file, key, stamp }
        }
        (IoKind::Open { .. }, Owner::Reopen { file }, Completion::Failed { fault }) => {
            Fits::ReopenFailed { file, fault }
        }
        (IoKind::Look { file }, _, Completion::Looked { stamp }) => Fits::Looked(file, Ok(stamp)),
        (IoKind::Look { file }, _, Completion::Failed { fault }) => Fits::Looked(file, Err(fault)),
        (IoKind::Map { file, .. }, _, Completion::Mapped) => Fits::Mapped(file, Ok(())),
        (IoKind::Map { file, .. }, _, Completion::Failed { fault }) => {
            Fits::Mapped(file, Err(fault))
        }
        (IoKind::Load { file, len, .. }, _, Completion::Loaded { stamp }) => {
            Fits::Loaded(file, len, Ok(stamp))
        }
        (IoKind::Load { file, len, .. }, _, Completion::Failed { fault }) => {
            Fits::Loaded(file, len, Err(fault))
        }
        (IoKind::Read { file, op, len, .. }, _, Completion::Read { bytes }) => {
            if bytes > len {
                return Err(Ignored::Impossible);
            }
            let result = Ok(bytes);
            Fits::Read { op, file, result }
        }
        (IoKind::Read { file, op, .. }, _, Completion::Failed { fault }) => {
            let result = Err(fault);
            Fits::Read { op, file, result }
        }
        (IoKind::Write { len, .. }, Owner::Write { op, writing }, Completion::Written) => {
            let (bytes, fault) = (len, None);
            let end = Executed { bytes, fault };
            Fits::Written { op, writing, end }
        }
        (
            IoKind::Write { len, .. },
            Owner::Write { op, writing },
            Completion::CutShort { bytes, fault },
        ) => {
            if bytes >= len {
                return Err(Ignored::Impossible);
            }
            let fault = Some(fault);
            let end = Executed { bytes, fault };
            Fits::Written { op, writing, end }
        }
        (IoKind::SetLength { .. }, Owner::Write { op, writing }, Completion::LengthSet) => {
            let (bytes, fault) = (0, None);
            let end = Executed { bytes, fault };
            Fits::Written { op, writing, end }
        }
        (
            IoKind::Write { .. } | IoKind::SetLength { .. },
            Owner::Write { op, writing },
            Completion::Failed { fault },
        ) => {
            let (bytes, fault) = (0, Some(fault));
            let end = Executed { bytes, fault };
            Fits::Written { op, writing, end }
        }
        (IoKind::Sync { .. }, Owner::Sync { writing }, Completion::Synced) => {
            Fits::Synced(writing, Ok(()))
        }
        (IoKind::Sync { .. }, Owner::Sync { writing }, Completion::Failed { fault }) => {
            Fits::Synced(writing, Err(fault))
        }
        (IoKind::Release { file }, _, Completion::Released { lent }) => {
            Fits::Released { file, lent }
        }
        (IoKind::Release { file }, _, Completion::Failed { .. }) => {
            Fits::Released { file, lent: 0 }
        }
        (IoKind::Close { file }, _, Completion::Closed | Completion::Failed { .. }) => {
            Fits::Closed(file)
        }
        (IoKind::Replace { step, .. }, Owner::Replace { op }, completion) => {
            return fit_step(op, step, completion);
        }
        (IoKind::Lock { lock, step }, _, completion) => return fit_lock(lock, step, completion),
        (IoKind::Replace { .. }, Owner::Volume { volume }, Completion::Synced) => {
            Fits::VolumeSynced(volume, Ok(()))
        }
        (IoKind::Replace { .. }, Owner::Volume { volume }, Completion::Failed { fault }) => {
            Fits::VolumeSynced(volume, Err(fault))
        }
        (IoKind::Replace { op, .. }, Owner::Directory { directory }, Completion::Synced) => {
            Fits::DirectorySynced(op, directory, Ok(()))
        }
        (
            IoKind::Replace { op, .. },
            Owner::Directory { directory },
            Completion::Failed { fault },
        ) => Fits::DirectorySynced(op, directory, Err(fault)),
        (
            IoKind::Open { .. }
            | IoKind::Fetch { .. }
            | IoKind::Look { .. }
            | IoKind::Map { .. }
            | IoKind::Load { .. }
            | IoKind::Read { .. }
            | IoKind::Write { .. }
            | IoKind::SetLength { .. }
            | IoKind::Sync { .. }
            | IoKind::Replace { .. }
            | IoKind::Release { .. }
            | IoKind::Close { .. },
            _,
            _,
        ) => return Err(Ignored::WrongKind),
    };
    Ok(fits)
}

/// The same for the step of a replace.
fn fit_step(op: OpId, step: ReplaceStep, completion: Completion) -> Result<Fits, Ignored> {
    let ended = match (step, completion) {
        (ReplaceStep::Create { len, .. }, Completion::Created { volume }) => {
            Ended::Created { len, volume }
        }
        (ReplaceStep::Create { .. }, Completion::Failed { fault }) => Ended::NotCreated(fault),
        (ReplaceStep::Fill { offset, len }, Completion::Written) => {
            let end = offset + len;
            Ended::Filled { end }
        }
        (ReplaceStep::Fill { len, .. }, Completion::CutShort { bytes, fault }) => {
            if bytes >= len {
                return Err(Ignored::Impossible);
            }
            Ended::Failed(fault)
        }
        (ReplaceStep::SyncFile { .. }, Completion::Synced) => Ended::FileSynced,
        (ReplaceStep::SyncFile { .. }, Completion::Failed { fault }) => Ended::NotSynced(fault),
        (ReplaceStep::Publish { .. }, Completion::Published { directory }) => {
            Ended::Published { directory }
        }
        (ReplaceStep::Publish { .. }, Completion::Unsure { fault }) => Ended::Unsure(fault),
        (ReplaceStep::Discard, Completion::Discarded | Completion::Failed { .. }) => {
            return Ok(Fits::Discarded(op));
        }
        (ReplaceStep::Fill { .. } | ReplaceStep::Publish { .. }, Completion::Failed { fault }) => {
            Ended::Failed(fault)
        }
        _ => return Err(Ignored::WrongKind),
    };
    Ok(Fits::Stepped(op, ended))
}

/// The same for what was done about a lock.
fn fit_lock(lock: LockId, step: LockStep, completion: Completion) -> Result<Fits, Ignored> {
    match (step, completion) {
        (LockStep::Try { .. }, Completion::Locked) => Ok(Fits::Tried(lock, Tried::Locked)),
        (LockStep::Try { .. }, Completion::Contended) => Ok(Fits::Tried(lock, Tried::Contended)),
        (LockStep::Try { .. }, Completion::Failed { fault }) => {
            Ok(Fits::Tried(lock, Tried::Failed(fault)))
        }
        (LockStep::Release, Completion::Unlocked | Completion::Failed { .. }) => {
            Ok(Fits::GivenBack(lock))
        }
        (LockStep::Try { .. } | LockStep::Release, _) => Err(Ignored::WrongKind),
    }
}
