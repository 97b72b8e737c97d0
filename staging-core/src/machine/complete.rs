//! Completions: an action that was handed out is answered once, by an answer of its own kind.
//! Anything else changes nothing.

use super::Machine;
use super::open::Sight;
use super::state::{Owner, Place};
use super::write::Executed;
use crate::action::IoKind;
use crate::event::{Completion, Key, Stamp};
use crate::fault::Fault;
use crate::id::IoId;
use crate::reply::{Ignored, Reply};

/// A completion that fits its action.
enum Fits {
    Opened {
        key: Key,
        stamp: Stamp,
        fetched: bool,
    },
    OpenFailed(Fault),
    Looked(Result<Stamp, Fault>),
    Mapped(Result<(), Fault>),
    Loaded(Result<Stamp, Fault>),
    Read(Result<u64, Fault>),
    Written(Executed),
    Synced(Result<(), Fault>),
    Released {
        lent: u64,
    },
    Closed,
}

impl Machine {
    pub(super) fn on_completed(&mut self, io: IoId, completion: Completion) -> Reply {
        let Some(entry) = self.ios.get(io) else {
            return self.ignore(Ignored::UnknownIo);
        };
        if entry.place == Place::Ready {
            return self.ignore(Ignored::UnknownIo);
        }
        let (kind, owner) = (entry.kind, entry.owner);
        let fits = match fit(kind, completion) {
            Ok(fits) => fits,
            Err(why) => return self.ignore(why),
        };
        self.ios.remove(io);
        match (owner, fits) {
            (
                Owner::Open { op, since },
                Fits::Opened {
                    key,
                    stamp,
                    fetched,
                },
            ) => {
                let seen = Sight { key, stamp, since };
                return self.on_opened_for(op, kind, seen, fetched);
            }
            (Owner::Open { op, .. }, Fits::OpenFailed(fault)) => {
                return self.on_open_failed(op, kind, fault);
            }
            (Owner::Reopen { file }, Fits::Opened { key, stamp, .. }) => {
                return self.on_reopened(file, key, stamp);
            }
            (Owner::Reopen { file }, Fits::OpenFailed(fault)) => {
                return self.on_reopen_failed(file, fault);
            }
            (Owner::Transfer { op, file }, Fits::Read(result)) => self.on_read(op, file, result),
            (Owner::Transfer { op, file }, Fits::Written(end)) => {
                self.on_written(op, file, kind, end);
            }
            (Owner::File { file }, Fits::Synced(result)) => self.on_synced(io, file, result),
            (Owner::File { file }, Fits::Looked(result)) => self.on_looked(io, file, result),
            (Owner::File { file }, Fits::Mapped(result)) => self.on_mapped(io, file, result),
            (Owner::File { file }, Fits::Loaded(result)) => self.on_loaded(io, file, result),
            (Owner::File { file }, Fits::Released { lent }) => self.on_released(io, file, lent),
            (Owner::File { file }, Fits::Closed) => self.on_closed(io, file),
            // An owner only ever issues the kinds above.
            (
                Owner::Open { .. }
                | Owner::Reopen { .. }
                | Owner::Transfer { .. }
                | Owner::File { .. },
                _,
            ) => {}
        }
        Reply::Done
    }
}

/// Whether the answer is one that this action can have.
fn fit(kind: IoKind, completion: Completion) -> Result<Fits, Ignored> {
    let fits = match (kind, completion) {
        (IoKind::Open { .. } | IoKind::Fetch { .. }, Completion::Opened { key, stamp }) => {
            Fits::Opened {
                key,
                stamp,
                fetched: false,
            }
        }
        (IoKind::Fetch { up_to, .. }, Completion::Fetched { key, stamp }) => {
            if stamp.len > up_to {
                return Err(Ignored::Impossible);
            }
            Fits::Opened {
                key,
                stamp,
                fetched: true,
            }
        }
        (IoKind::Open { .. } | IoKind::Fetch { .. }, Completion::Failed { fault }) => {
            Fits::OpenFailed(fault)
        }
        (IoKind::Look { .. }, Completion::Looked { stamp }) => Fits::Looked(Ok(stamp)),
        (IoKind::Look { .. }, Completion::Failed { fault }) => Fits::Looked(Err(fault)),
        (IoKind::Map { .. }, Completion::Mapped) => Fits::Mapped(Ok(())),
        (IoKind::Map { .. }, Completion::Failed { fault }) => Fits::Mapped(Err(fault)),
        (IoKind::Load { .. }, Completion::Loaded { stamp }) => Fits::Loaded(Ok(stamp)),
        (IoKind::Load { .. }, Completion::Failed { fault }) => Fits::Loaded(Err(fault)),
        (IoKind::Read { len, .. }, Completion::Read { bytes }) => {
            if bytes > len {
                return Err(Ignored::Impossible);
            }
            Fits::Read(Ok(bytes))
        }
        (IoKind::Read { .. }, Completion::Failed { fault }) => Fits::Read(Err(fault)),
        (IoKind::Write { len, .. }, Completion::Written) => Fits::Written(Executed {
            bytes: len,
            fault: None,
        }),
        (IoKind::Write { len, .. }, Completion::CutShort { bytes, fault }) => {
            if bytes >= len {
                return Err(Ignored::Impossible);
            }
            let fault = Some(fault);
            Fits::Written(Executed { bytes, fault })
        }
        (IoKind::SetLength { .. }, Completion::LengthSet) => Fits::Written(Executed {
            bytes: 0,
            fault: None,
        }),
        (IoKind::Write { .. } | IoKind::SetLength { .. }, Completion::Failed { fault }) => {
            let (bytes, fault) = (0, Some(fault));
            Fits::Written(Executed { bytes, fault })
        }
        (IoKind::Sync { .. }, Completion::Synced) => Fits::Synced(Ok(())),
        (IoKind::Sync { .. }, Completion::Failed { fault }) => Fits::Synced(Err(fault)),
        (IoKind::Release { .. }, Completion::Released { lent }) => Fits::Released { lent },
        (IoKind::Release { .. }, Completion::Failed { .. }) => Fits::Released { lent: 0 },
        (IoKind::Close { .. }, Completion::Closed | Completion::Failed { .. }) => Fits::Closed,
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
            | IoKind::Release { .. }
            | IoKind::Close { .. },
            _,
        ) => return Err(Ignored::WrongKind),
    };
    Ok(fits)
}
