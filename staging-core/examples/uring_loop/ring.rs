//! The ring: calls go in by value, and come back by value with what they brought.
//!
//! All unsafe code of the example is here, and rests on one rule: **what the kernel may still touch
//! belongs to the ring**. A call is boxed when it is submitted and unboxed when its completion was
//! reaped; between, there is only a raw pointer to it, which nobody follows. No cancel, error or
//! early end frees it: if the ring is dropped first, calls under way are leaked.
#![expect(unsafe_code, reason = "a ring takes raw pointers to buffers")]

use io_uring::types::{Fd, OpenHow, SubmitArgs, Timespec};
use io_uring::{IoUring, Probe, opcode, squeue};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::{io, sync::Arc, time::Duration};

/// A descriptor that calls share: open for as long as one of them may use it.
pub(crate) type Descriptor = Arc<OwnedFd>;

/// One system call to come, with all that it uses.
pub(crate) enum Call {
    Open {
        path: CString,
        how: OpenHow,
    },
    Stat {
        file: Descriptor,
        found: Box<MaybeUninit<libc::statx>>,
    },
    Read(Part),
    Write(Part),
    /// Known since Linux 6.9; an older one says EINVAL.
    SetLength {
        file: Descriptor,
        len: u64,
    },
    Sync {
        file: Descriptor,
    },
    Close {
        file: OwnedFd,
    },
}

/// Reads or writes `to` of the buffer, which holds what the file has, or is to have, from `base`.
pub(crate) struct Part {
    pub(crate) file: Descriptor,
    pub(crate) buffer: Vec<u8>,
    pub(crate) to: Range<usize>,
    pub(crate) base: u64,
}

/// What a call brought, and what it gives back.
pub(crate) enum Got {
    Descriptor(OwnedFd),
    /// An open: no, but perhaps that says what stands there.
    Refused {
        path: CString,
        errno: i32,
    },
    Found {
        file: Descriptor,
        found: Box<libc::statx>,
    },
    Bytes {
        part: Part,
        new: usize,
    },
    /// It is done, and brought nothing.
    Done,
}

pub(crate) struct Ring {
    ring: IoUring,
    calls: HashMap<u64, *mut Call>,
    depth: usize,
    /// The most calls that were under way at once.
    pub(crate) most: usize,
    /// Calls in all.
    pub(crate) all: u64,
}

impl Ring {
    /// # Errors
    /// What the system said; `ENOSYS` or `EPERM` where it has no ring, or none for us, or one that
    /// lacks a call that is needed here.
    pub(crate) fn new(depth: u32) -> io::Result<Ring> {
        let ring = IoUring::new(depth)?;
        let mut probe = Probe::new();
        ring.submitter().register_probe(&mut probe)?;
        let needed = [
            opcode::OpenAt2::CODE,
            opcode::Statx::CODE,
            opcode::Read::CODE,
            opcode::Write::CODE,
            opcode::Fsync::CODE,
            opcode::Close::CODE,
        ];
        let known = needed.iter().all(|code| probe.is_supported(*code));
        if !known || !ring.params().is_feature_ext_arg() {
            return Err(io::Error::from_raw_os_error(libc::ENOSYS));
        }
        Ok(Ring {
            ring,
            calls: HashMap::new(),
            depth: depth as usize,
            most: 0,
            all: 0,
        })
    }

    /// Whether another call may be submitted. The completion queue is longer than this, so it
    /// never overflows.
    pub(crate) fn has_room(&self) -> bool {
        self.under_way() < self.depth
    }

    pub(crate) fn under_way(&self) -> usize {
        self.calls.len()
    }

    /// Gives a call to the kernel, under a name that no other call has now.
    ///
    /// # Errors
    /// `EBUSY`: the name is taken, or there is no room.
    pub(crate) fn submit(&mut self, name: u64, call: Call) -> io::Result<()> {
        let Entry::Vacant(place) = self.calls.entry(name) else {
            return Err(io::Error::from_raw_os_error(libc::EBUSY));
        };
        let call = Box::into_raw(Box::new(call));
        // SAFETY: the pointer comes from a box made one line above; nobody else has it.
        let entry = entry(unsafe { &mut *call }).user_data(name);
        // SAFETY: every pointer in the entry leads into `*call` or into memory that it owns. From
        // here to `reap` of this name, `*call` is neither moved, freed nor looked at: the table has
        // the only pointer, as a raw one, and no other entry gets the same name meanwhile.
        let pushed = unsafe { self.ring.submission().push(&entry) };
        if pushed.is_err() {
            // SAFETY: it came from `Box::into_raw` above and is in no table; the queue was full, so
            // the kernel never hears of it.
            drop(unsafe { Box::from_raw(call) });
            return Err(io::Error::from_raw_os_error(libc::EBUSY));
        }
        place.insert(call);
        self.all += 1;
        self.most = self.most.max(self.calls.len());
        Ok(())
    }

    /// Submits what is queued, then waits until a call ended or so much time passed.
    ///
    /// # Errors
    /// What the system said, but for a passed time and for an interruption.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let time = Timespec::from(timeout.unwrap_or_default());
        let args = SubmitArgs::new();
        let waited = match timeout {
            Some(_) => self
                .ring
                .submitter()
                .submit_with_args(1, &args.timespec(&time)),
            None => self.ring.submit_and_wait(1),
        };
        match waited {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.raw_os_error(), Some(libc::ETIME | libc::EINTR)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The next call that ended: its name, and what it brought or the system's error number.
    pub(crate) fn reap(&mut self) -> Option<(u64, Result<Got, i32>)> {
        let ended = self.ring.completion().next()?;
        let call = self.calls.remove(&ended.user_data())?;
        // SAFETY: it came from `Box::into_raw` in `submit`, and has just left the table, so this
        // happens once. None of our calls completes twice (there is no multishot, no notification),
        // so its completion means that the kernel is through with it.
        let call = unsafe { *Box::from_raw(call) };
        Some((ended.user_data(), got(call, ended.result())))
    }
}

/// The call as the kernel wants it. Its pointers hold for as long as the call stays where it is.
fn entry(call: &mut Call) -> squeue::Entry {
    match call {
        Call::Open { path, how } => {
            opcode::OpenAt2::new(Fd(libc::AT_FDCWD), path.as_ptr(), how).build()
        }
        Call::Stat { file, found } => {
            let here = c"".as_ptr();
            opcode::Statx::new(Fd(file.as_raw_fd()), here, found.as_mut_ptr().cast())
                .flags(libc::AT_EMPTY_PATH)
                .mask(libc::STATX_BASIC_STATS | libc::STATX_BTIME)
                .build()
        }
        Call::Read(Part {
            file,
            buffer,
            to,
            base,
        }) => {
            // The slice checks that the range is inside.
            let part = &mut buffer[to.clone()];
            let len = part.len().min(1 << 30) as u32;
            opcode::Read::new(Fd(file.as_raw_fd()), part.as_mut_ptr(), len)
                .offset(*base + to.start as u64)
                .build()
        }
        Call::Write(Part {
            file,
            buffer,
            to,
            base,
        }) => {
            let part = &buffer[to.clone()];
            let len = part.len().min(1 << 30) as u32;
            opcode::Write::new(Fd(file.as_raw_fd()), part.as_ptr(), len)
                .offset(*base + to.start as u64)
                .build()
        }
        Call::SetLength { file, len } => opcode::Ftruncate::new(Fd(file.as_raw_fd()), *len).build(),
        Call::Sync { file } => opcode::Fsync::new(Fd(file.as_raw_fd())).build(),
        Call::Close { file } => opcode::Close::new(Fd(file.as_raw_fd())).build(),
    }
}

fn got(call: Call, result: i32) -> Result<Got, i32> {
    if let Call::Close { file } = call {
        // The kernel has closed it, well or not; ours must not do it again.
        let _ = file.into_raw_fd();
        return Ok(Got::Done);
    }
    if result < 0 {
        return match (call, -result) {
            (Call::Open { path, .. }, errno @ (libc::EISDIR | libc::ENXIO)) => {
                Ok(Got::Refused { path, errno })
            }
            (_, errno) => Err(errno),
        };
    }
    Ok(match call {
        Call::Open { .. } => {
            // SAFETY: a successful open gives a new descriptor, and nobody else knows it yet.
            Got::Descriptor(unsafe { OwnedFd::from_raw_fd(result) })
        }
        Call::Stat { file, found } => {
            // SAFETY: a successful statx has filled it whole, and any bytes are a valid `statx`.
            let found = unsafe { found.assume_init() };
            Got::Found { file, found }
        }
        Call::Read(part) | Call::Write(part) => {
            let new = result as usize;
            Got::Bytes { part, new }
        }
        Call::SetLength { .. } | Call::Sync { .. } | Call::Close { .. } => Got::Done,
    })
}
