//! The core on a completion ring: one thread, no workers, and the kernel as the crew.
//!
//! ```text
//!   Machine ── Perform { io, kind } ──► Flight ── Call ──► submission queue ─┐
//!      ▲                                 │  ▲                                │ kernel
//!      └──── Completed { io, .. } ◄──────┘  └── what came ◄─ completion queue┘
//! ```
//!
//! An action is a chain of calls: a `Fetch` is openat2, statx, read, statx, close. Each waits for
//! the one before, because only that knows the descriptor or the length; many chains fly at once.
//! `user_data` carries [`IoId::to_u64`](staging_core::IoId::to_u64), and a table says how far the
//! chain of that id is.
//!
//! Stages the files named on the command line (or the sources of this package), compares what it
//! holds with `std::fs::read`, gives the contents up, reads each file again from the disk, cancels an
//! open in mid-flight, writes a copy of one, and shuts down. Where there is no io_uring it says so.
//!
//! Read `files.rs` first (the loop and its tables), then `flight.rs` (from actions to calls), then
//! `ring.rs` (the only unsafe code: what the kernel may touch belongs to the ring).
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod flight;
#[cfg(target_os = "linux")]
mod ring;
#[cfg(target_os = "linux")]
mod show;

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<std::process::ExitCode> {
    show::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("io_uring is not to be had here: it is Linux's own");
}
