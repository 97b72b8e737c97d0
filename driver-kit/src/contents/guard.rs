//! The guard against files that are cut while they are mapped (G6).
//!
//! A touch behind the end of a mapped file raises SIGBUS, which kills. The guard is a handler
//! for the whole process: for an address in one of our mappings it puts a zero page under the
//! fault, marks the mapping and returns; every other address goes to the handler that was
//! there before, as if this one did not exist. While files are whole it costs nothing.
//!
//! It is installed when the first file is mapped. An application that wants SIGBUS for itself
//! says [`refuse`] before; mapping then fails as *unsupported*, and `Auto` loads instead.
//!
//! # Limits
//! A handler that somebody installs later takes SIGBUS away from this one. From then on
//! nothing more is mapped (each new mapping looks), but the mappings there are lose their
//! guard. A thread that blocks SIGBUS is killed by a fault whatever handler there is.

#![expect(unsafe_code, reason = "a signal handler is installed and maps pages")]

use super::{pages::PAGE, registry, spare};
use rustix::mm::{MapFlags, ProtFlags};
use std::{
    ffi::{c_int, c_void},
    io, mem,
    mem::MaybeUninit,
    ops::Range,
    ptr,
    sync::{
        Mutex, PoisonError,
        atomic::{
            AtomicPtr,
            Ordering::{Acquire, Release},
        },
    },
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    Absent,
    Installed,
    Refused,
}

static GUARD: Mutex<Guard> = Mutex::new(Guard::Absent);

/// What SIGBUS did before; leaked once, so that the handler can read it at any moment.
static PREVIOUS: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());

/// Installs the guard, or makes sure that it still stands. Mapping does this itself.
///
/// # Errors
/// `Unsupported` if it was refused, if another handler has taken its place, or if the process has
/// all the areas that the system grants; else what the system said.
pub fn install() -> io::Result<()> {
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    match *guard {
        Guard::Refused => Err(unsupported("the application refused the SIGBUS guard")),
        Guard::Installed if stands()? => keep_spare(),
        Guard::Installed => Err(unsupported("another SIGBUS handler has replaced the guard")),
        Guard::Absent => {
            put_in_place()?;
            *guard = Guard::Installed;
            keep_spare()
        }
    }
}

fn keep_spare() -> io::Result<()> {
    let none = |_| unsupported("the system grants this process no more areas of address space");
    spare::keep().map_err(none)
}

/// Refuses the guard for this process, for good; true if it is not installed.
///
/// False means that it came too late: files are mapped already, and the guard stays.
pub fn refuse() -> bool {
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    if *guard == Guard::Absent {
        *guard = Guard::Refused;
    }
    *guard == Guard::Refused
}

fn unsupported(why: &'static str) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("{why}; files are loaded, not mapped"),
    )
}

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

fn own_address() -> usize {
    on_sigbus as Handler as usize
}

fn stands() -> io::Result<bool> {
    Ok(current()?.sa_sigaction == own_address())
}

fn current() -> io::Result<libc::sigaction> {
    let mut action = MaybeUninit::zeroed();
    // SAFETY: asking for the present action changes nothing and fills the struct.
    if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded; all zeros would be a valid value as well.
    Ok(unsafe { action.assume_init() })
}

fn put_in_place() -> io::Result<()> {
    // Kept before the handler is in place, which may run at once.
    let before = current()?;
    let kept = Box::into_raw(Box::new(before));
    PREVIOUS.store(kept, Release);
    let mut action = before;
    action.sa_sigaction = own_address();
    // The previous handler runs inside ours, so what it wanted blocked stays blocked.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: the handler is async-signal-safe, as `on_sigbus` argues.
    if unsafe { libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Async-signal-safe: atomic loads and stores, direct system calls, and the errno that the
/// interrupted code sees is put back. No lock, no allocation, nothing that can panic.
extern "C" fn on_sigbus(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: errno's address is the thread's own, always valid.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo, and for a fault it holds the
    // address.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
    // Sent by a process (not above 0), or a note about a broken page that nobody touched yet:
    // no fault of ours to repair.
    let is_fault = code > 0 && code != libc::BUS_MCEERR_AO;
    if !(is_fault && repair(address)) {
        hand_on(signal, info, context, is_fault);
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// Puts zero pages under a fault in one of our mappings; false for every other address.
///
/// A single page that cannot be read costs itself alone. A file that was cut lost all behind, and
/// each repair is an area, of which the system grants a fixed number: so every further one in the
/// same mapping is twice as long, and a few reach the end. Where areas are short, the rest goes in
/// one piece: that takes none beyond those a mapping has from the start.
fn repair(address: usize) -> bool {
    let Some((slot, end)) = registry::find(address) else {
        return false;
    };
    // Marked first, so that whoever sees a zero of the new page can see the mark.
    slot.mark_lost();
    let page = address - address % PAGE;
    let pages = 1usize
        .checked_shl(slot.count_repair())
        .unwrap_or(usize::MAX);
    // The copy of the last page and the sentinel are not lost once they are made.
    let file_end = end.saturating_sub(2 * PAGE).max(page + PAGE);
    let run = page..page
        .saturating_add(pages.saturating_mul(PAGE))
        .min(file_end);
    if spare::are_kept() && zero(run) || zero(page..end) {
        return true;
    }
    spare::spend();
    zero(page..end)
}

fn zero(range: Range<usize>) -> bool {
    // Writable, because a mapping being made writes one word, and that must survive as well.
    let prot = ProtFlags::READ | ProtFlags::WRITE;
    let flags = MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE;
    let at = ptr::with_exposed_provenance_mut(range.start);
    // SAFETY: the range lies in a registered mapping, which is ours to replace and which its
    // owner keeps while a thread touches it. Readers of it expect bytes that change.
    unsafe { rustix::mm::mmap_anonymous(at, range.len(), prot, flags) }.is_ok()
}

/// Does what would have been done without the guard.
fn hand_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void, is_fault: bool) {
    // SAFETY: set before the handler was installed, to an action that is never freed.
    let Some(previous) = (unsafe { PREVIOUS.load(Acquire).as_ref() }) else {
        return die(signal, is_fault);
    };
    match previous.sa_sigaction {
        libc::SIG_IGN if !is_fault => {}
        // Also where a fault is ignored: the kernel kills then, and would fault for ever here.
        libc::SIG_DFL | libc::SIG_IGN => die(signal, is_fault),
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: the application installed this address as a handler of three arguments.
            let handler = unsafe { mem::transmute::<usize, Handler>(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: the application installed this address as a handler of one argument.
            let handler = unsafe { mem::transmute::<usize, extern "C" fn(c_int)>(handler) };
            handler(signal);
        }
    }
}

/// Lets the signal do what it does by default: the fault repeats on return, a sent one is sent
/// again and arrives when the handler has returned.
fn die(signal: c_int, is_fault: bool) {
    // SAFETY: both calls are async-signal-safe; an all-zero action is the default one.
    unsafe {
        let default: libc::sigaction = mem::zeroed();
        libc::sigaction(signal, &raw const default, ptr::null_mut());
        if !is_fault {
            libc::raise(signal);
        }
    }
}

#[cfg(all(test, not(any(staging_loom, staging_shuttle))))] // the pool's lock needs a model
mod tests {
    use super::*;
    use crate::contents::{Mapping, Memory, Share, Truncated};
    use std::{error::Error, io::Write, os::fd::AsFd};

    /// A page that cannot be read faults as well, and nothing else tells of that: the file is
    /// as long as it was. No disk fails on demand here, so the repair is asked for directly.
    #[test]
    fn a_page_lost_without_a_cut_marks_its_mapping_alone() -> Result<(), Box<dyn Error>> {
        let mut file = tempfile::tempfile()?;
        file.write_all(&[7; 4 * PAGE])?;
        let memory = Memory::new(u64::MAX);
        let map = || Mapping::new(&memory, file.as_fd(), 4 * PAGE as u64, Share::Private);
        let (lost, whole) = (map()?, map()?);
        let mut buf = [1; 4];
        // SAFETY: nobody writes the file, and of the lost page only the address is used.
        let slice = unsafe { lost.as_slice() };
        assert!(repair(slice[PAGE + 9..].as_ptr().addr()));
        assert_eq!((slice[PAGE - 1], slice[2 * PAGE]), (7, 7), "its neighbours");
        assert_eq!(lost.read_at(0, &mut buf), Err(Truncated));
        assert!(!lost.is_intact());
        assert_eq!(whole.read_at(PAGE as u64, &mut buf), Ok(4));
        assert_eq!(buf, [7; 4]);
        assert!(!repair(0), "no mapping of ours is at null");
        Ok(())
    }
}
