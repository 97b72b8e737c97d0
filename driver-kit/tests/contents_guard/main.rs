//! G6: the guard takes the faults of our mappings and leaves every other SIGBUS to whoever had
//! it before.
//!
//! What a signal does it does to a process, so each case runs in one of its own: this binary,
//! started again with the name of the case.
#![cfg(not(any(staging_loom, staging_shuttle)))]
#![expect(
    unsafe_code,
    reason = "handlers are installed and faults raised on purpose"
)]

mod areas;

use driver_kit::contents::{Mapping, Memory, PAGE, Share, Truncated, guard};
use std::{
    env,
    error::Error,
    ffi::{c_int, c_void},
    fs::File,
    io::{self, Write},
    os::{fd::AsFd, unix::process::ExitStatusExt},
    process::{Command, ExitStatus},
    ptr,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

type Outcome = Result<(), Box<dyn Error>>;

/// Set in a child: it plays the case in its own process.
const CHILD: &str = "STAGING_GUARD_CHILD";

/// Runs `case` in a process of its own and answers how that ended.
fn in_a_child(name: &str, case: fn() -> Outcome) -> Result<ExitStatus, Box<dyn Error>> {
    if env::var_os(CHILD).is_some() {
        fault_for_no_longer_than(Duration::from_secs(5));
        let code = match case() {
            Ok(()) => 0,
            Err(_) => 1,
        };
        std::process::exit(code);
    }
    let mut child = Command::new(env::current_exe()?);
    child
        .args(["--exact", name, "--test-threads=1"])
        .env(CHILD, "1");
    Ok(child.output()?.status)
}

/// A fault that nobody repairs repeats for ever: then the system ends the process, and the case
/// fails.
fn fault_for_no_longer_than(processor: Duration) {
    let limit = libc::rlimit {
        rlim_cur: processor.as_secs(),
        rlim_max: processor.as_secs(),
    };
    // SAFETY: the struct is whole, and the limit is this process's own.
    let done = unsafe { libc::setrlimit(libc::RLIMIT_CPU, &raw const limit) };
    assert_eq!(done, 0);
}

fn file(pages: usize) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(&vec![7; pages * PAGE])?;
    Ok(file)
}

fn map(file: &File, pages: usize) -> io::Result<Mapping> {
    Mapping::new(
        &Memory::new(u64::MAX),
        file.as_fd(),
        (pages * PAGE) as u64,
        Share::Private,
    )
}

/// A fault of ours is survived, as all cases rely on.
fn survive_one() -> Outcome {
    let file = file(4)?;
    let mapping = map(&file, 4)?;
    file.set_len(0)?;
    assert_eq!(mapping.read_at(0, &mut [0; 9]), Err(Truncated));
    Ok(())
}

/// Touches a page of a mapping that is not ours, behind the end of its file.
fn fault_elsewhere() -> Outcome {
    let file = file(1)?;
    let (flags, prot) = (rustix::mm::MapFlags::PRIVATE, rustix::mm::ProtFlags::READ);
    // SAFETY: a new mapping replaces nothing; the touch behind the end is what is tried.
    unsafe {
        let at = rustix::mm::mmap(ptr::null_mut(), 2 * PAGE, prot, flags, &file, 0)?;
        FOREIGN.store(at.addr() + PAGE, SeqCst);
        at.cast::<u8>().add(PAGE).read_volatile();
    }
    Ok(())
}

static FOREIGN: AtomicUsize = AtomicUsize::new(0);
static PLAIN: AtomicUsize = AtomicUsize::new(0);

/// An application's handler: checks what it is told and leaves with a code of its own.
extern "C" fn with_info(_: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the guard hands on what the kernel gave it.
    let address = unsafe { (*info).si_addr() }.addr();
    let right = address == FOREIGN.load(SeqCst) && !context.is_null();
    // SAFETY: ends the process without running anything else.
    unsafe { libc::_exit(if right { 42 } else { 43 }) }
}

extern "C" fn plain(signal: c_int) {
    if PLAIN.fetch_add(1, SeqCst) == 1 {
        // SAFETY: as above.
        unsafe { libc::_exit(if signal == libc::SIGBUS { 44 } else { 45 }) }
    }
}

fn handle(address: usize, flags: c_int) {
    // SAFETY: an all-zero action with an address that is one of the handlers above or a
    // constant of the system.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = address;
        action.sa_flags = flags;
        assert_eq!(
            libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()),
            0
        );
    }
}

fn send_sigbus() {
    // SAFETY: a signal to this thread, which has a handler or dies of it as it should.
    unsafe { libc::raise(libc::SIGBUS) };
}

/// G6
#[test]
fn a_fault_outside_our_mappings_reaches_the_handler_that_was_there() -> Outcome {
    let end = in_a_child(
        "a_fault_outside_our_mappings_reaches_the_handler_that_was_there",
        || {
            handle(
                with_info as extern "C" fn(_, _, _) as usize,
                libc::SA_SIGINFO,
            );
            survive_one()?;
            fault_elsewhere()
        },
    )?;
    assert_eq!(end.code(), Some(42), "{end}");
    Ok(())
}

/// G6
#[test]
fn a_plain_handler_is_called_for_sent_signals_and_for_faults() -> Outcome {
    let end = in_a_child(
        "a_plain_handler_is_called_for_sent_signals_and_for_faults",
        || {
            handle(plain as extern "C" fn(_) as usize, 0);
            survive_one()?;
            assert_eq!(PLAIN.load(SeqCst), 0, "our own fault stayed with us");
            send_sigbus();
            assert_eq!(PLAIN.load(SeqCst), 1);
            fault_elsewhere()
        },
    )?;
    assert_eq!(end.code(), Some(44), "{end}");
    Ok(())
}

/// G6
#[test]
fn without_a_handler_a_foreign_fault_kills_as_ever() -> Outcome {
    let end = in_a_child("without_a_handler_a_foreign_fault_kills_as_ever", || {
        handle(libc::SIG_DFL, 0);
        survive_one()?;
        fault_elsewhere()
    })?;
    assert_eq!(end.signal(), Some(libc::SIGBUS), "{end}");
    Ok(())
}

/// G6
#[test]
fn without_a_handler_a_sent_signal_kills_as_ever() -> Outcome {
    let end = in_a_child("without_a_handler_a_sent_signal_kills_as_ever", || {
        handle(libc::SIG_DFL, 0);
        survive_one()?;
        send_sigbus();
        Ok(())
    })?;
    assert_eq!(end.signal(), Some(libc::SIGBUS), "{end}");
    Ok(())
}

/// G6
#[test]
fn an_ignored_sent_signal_stays_ignored() -> Outcome {
    let end = in_a_child("an_ignored_sent_signal_stays_ignored", || {
        handle(libc::SIG_IGN, 0);
        survive_one()?;
        send_sigbus();
        survive_one()
    })?;
    assert!(end.success(), "{end}");
    Ok(())
}

/// G6
#[test]
fn where_signals_are_ignored_a_foreign_fault_kills_as_ever() -> Outcome {
    let name = "where_signals_are_ignored_a_foreign_fault_kills_as_ever";
    let end = in_a_child(name, || {
        handle(libc::SIG_IGN, 0);
        survive_one()?;
        fault_elsewhere()
    })?;
    assert_eq!(end.signal(), Some(libc::SIGBUS), "{end}");
    Ok(())
}

/// Sends this thread a SIGBUS that is no fault, with a fault's address in it.
fn send_with_address(code: c_int, address: usize) {
    /// What the kernel's siginfo begins with on machines of 64 bits.
    #[repr(C)]
    struct Said {
        signal: c_int,
        errno: c_int,
        code: c_int,
        address: usize,
        rest: [u64; 13],
    }
    let said = Said {
        signal: libc::SIGBUS,
        errno: 0,
        code,
        address,
        rest: [0; 13],
    };
    // SAFETY: the struct is as large as the kernel's, and the receiver is this very thread, which
    // has a handler.
    let sent = unsafe {
        let (process, thread) = (libc::getpid(), libc::gettid());
        let call = libc::SYS_rt_tgsigqueueinfo;
        libc::syscall(call, process, thread, libc::SIGBUS, &raw const said)
    };
    assert_eq!(sent, 0);
}

/// G6: a sent signal, or a word about a broken page that nobody touched, loses nothing, whatever
/// address stands in it.
#[test]
fn what_is_no_fault_marks_no_mapping() -> Outcome {
    let end = in_a_child("what_is_no_fault_marks_no_mapping", || {
        handle(libc::SIG_IGN, 0);
        let file = file(4)?;
        let mapping = map(&file, 4)?;
        // SAFETY: of the slice only the address is used.
        let address = unsafe { mapping.as_slice() }.as_ptr().addr();
        for code in [libc::SI_USER, libc::BUS_MCEERR_AO] {
            send_with_address(code, address);
            assert!(mapping.is_intact(), "code {code}");
            assert_eq!(mapping.read_at(0, &mut [0; 9]), Ok(9));
        }
        survive_one()
    })?;
    assert!(end.success(), "{end}");
    Ok(())
}

/// G6: a thread with a small stack of its own for signals is served on it, and a system call that
/// a fault interrupts goes on.
#[test]
fn the_guard_stands_on_the_stack_for_signals_and_interrupts_nothing() -> Outcome {
    let name = "the_guard_stands_on_the_stack_for_signals_and_interrupts_nothing";
    let end = in_a_child(name, || {
        handle(libc::SIG_DFL, 0);
        guard::install()?;
        let mut action = std::mem::MaybeUninit::zeroed();
        // SAFETY: asking changes nothing and fills the struct, of which all zeros is a value.
        let action: libc::sigaction = unsafe {
            libc::sigaction(libc::SIGBUS, ptr::null(), action.as_mut_ptr());
            action.assume_init()
        };
        let wanted = [libc::SA_SIGINFO, libc::SA_ONSTACK, libc::SA_RESTART];
        assert!(wanted.iter().all(|flag| action.sa_flags & flag == *flag));
        Ok(())
    })?;
    assert!(end.success(), "{end}");
    Ok(())
}

/// G6
#[test]
fn what_rust_installed_for_its_stacks_still_stands_behind_the_guard() -> Outcome {
    let end = in_a_child(
        "what_rust_installed_for_its_stacks_still_stands_behind_the_guard",
        || {
            survive_one()?;
            fault_elsewhere()
        },
    )?;
    assert_eq!(end.signal(), Some(libc::SIGBUS), "{end}");
    Ok(())
}

/// G6
#[test]
fn a_fault_leaves_errno_alone() -> Outcome {
    let end = in_a_child("a_fault_leaves_errno_alone", || {
        let file = file(4)?;
        let mapping = map(&file, 4)?;
        file.set_len(0)?;
        // SAFETY: the thread's own errno.
        unsafe { *libc::__errno_location() = 77 };
        let read = mapping.read_at(0, &mut [0; 9]);
        // SAFETY: as above.
        assert_eq!(unsafe { *libc::__errno_location() }, 77);
        assert_eq!(read, Err(Truncated));
        Ok(())
    })?;
    assert!(end.success(), "{end}");
    Ok(())
}

/// G3, G6
#[test]
fn a_refused_guard_refuses_mappings_as_unsupported() -> Outcome {
    let end = in_a_child("a_refused_guard_refuses_mappings_as_unsupported", || {
        handle(libc::SIG_IGN, 0);
        assert!(guard::refuse());
        assert!(guard::refuse(), "asking twice is the same");
        let refused = map(&file(3)?, 3);
        assert!(refused.is_err_and(|error| error.kind() == io::ErrorKind::Unsupported));
        assert!(guard::install().is_err());
        // SIGBUS was not touched.
        send_sigbus();
        Ok(())
    })?;
    assert!(end.success(), "{end}");
    Ok(())
}

/// G3, G6
#[test]
fn a_guard_that_stands_cannot_be_refused_and_one_that_was_replaced_maps_no_more() -> Outcome {
    let name = "a_guard_that_stands_cannot_be_refused_and_one_that_was_replaced_maps_no_more";
    let end = in_a_child(name, || {
        guard::install()?;
        guard::install()?;
        assert!(!guard::refuse());
        survive_one()?;
        handle(libc::SIG_DFL, 0);
        let refused = map(&file(3)?, 3);
        assert!(refused.is_err_and(|error| error.kind() == io::ErrorKind::Unsupported));
        Ok(())
    })?;
    assert!(end.success(), "{end}");
    Ok(())
}

/// G6: more mappings than one chunk of the register holds, all cut, all survived.
#[test]
fn thousands_of_mappings_are_guarded_at_once() -> Outcome {
    let memory = Memory::new(u64::MAX);
    let file = file(4)?;
    let mappings = (0..5_000)
        .map(|_| Mapping::new(&memory, file.as_fd(), 4 * PAGE as u64, Share::Private))
        .collect::<io::Result<Vec<_>>>()?;
    assert!(mappings.iter().all(Mapping::is_intact));
    file.set_len(1)?;
    assert!(
        mappings
            .iter()
            .all(|mapping| mapping.read_at(0, &mut [0; 9]).is_err())
    );
    drop(mappings);
    assert_eq!(memory.mapped_bytes(), 0);
    Ok(())
}
