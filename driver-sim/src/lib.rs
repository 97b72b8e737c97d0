//! Staged files on a simulated disk and clock.
//!
//! The other drivers ask an operating system. This one asks a disk in memory that does, by the
//! throw of a seed, what disks do on bad days: calls come short, fail, are interrupted, take long,
//! overtake each other or never end; a sync fails once and then pretends; other programs rewrite,
//! cut and replace files under us; and the power goes at the worst moment. There are no threads, no
//! real time and no real files, so a bad day takes a millisecond, and *the same seed gives the same
//! day, bit for bit*, on any machine.
//!
//! # A test of your own
//!
//! Write your program against the surface that all drivers share, let it run here, cut the power,
//! and look at what is left:
//!
//! ```
//! use driver_sim::{Deadline, Stager};
//!
//! fn main() -> std::io::Result<()> {
//!     for seed in 0..100 {
//!         let stager = Stager::new(seed);
//!         let log = stager.options().append(true).create(true).open("/log")?;
//!         log.append(b"paid 100; ")?;
//!         log.sync(Deadline::Never)?; // from here on the first record is promised
//!         log.append(b"paid 250; ")?; // the second is not
//!
//!         let after = stager.power_loss(); // what no sync covered may be there, or in part, or not
//!         let left = after.cached("/log").unwrap_or_default();
//!         assert!(left.starts_with(b"paid 100; "), "seed {seed} lost a promise");
//!     }
//!     Ok(())
//! }
//! ```
//!
//! `cargo run -p driver-sim --example power_loss` does that a thousand times, at moments that the
//! dice choose. When a seed fails, [`Stager::transcript`] is what happened, a line each; run that
//! one seed again for as often as you need.
//!
//! # Going wrong on purpose
//!
//! [`Faults`] says what goes wrong: each [`Trouble`] at a rate, or at exactly the n-th place where
//! it could come. The second is how a protocol is tried at each of its steps: count how many there
//! were ([`Struck::possible`]), then run once for each.
//!
//! ```
//! use driver_sim::{Deadline, Faults, Stager, Trouble};
//!
//! let faults = Faults::none().at(Trouble::SyncFails, 1);
//! let stager = Stager::builder().seed(7).faults(faults).build();
//! let file = stager.options().write(true).create(true).open("/file")?;
//! file.write_at(b"bytes", 0)?;
//! assert!(file.sync(Deadline::Never).is_err());
//! // The cache shows what the disk may have lost; so the file takes no more through this handle.
//! assert_eq!(stager.cached("/file").as_deref(), Some(&b"bytes"[..]));
//! assert!(file.write_at(b"more", 5).is_err());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Strangers act through [`Stager::meddle`] and [`Stager::meddle_after`]. An action that
//! [hangs](Trouble::Hangs) leaves its caller to a [`Deadline`]; without one, waiting is an error
//! here, because nothing would ever answer.
//!
//! # Many things under way at once
//!
//! A plain call (`write_at`) runs the simulation until its answer is there. Its twin
//! (`begin_write_at`) only asks, and gives a [`Ticket`]; then nothing happens until somebody
//! [steps](Stager::step), [runs](Stager::run_for) or [waits](Ticket::wait). That is where orders
//! come to be tried that no schedule of threads would show twice.
//!
//! ```
//! use driver_sim::{Deadline, Stager};
//!
//! let stager = Stager::new(1);
//! let file = stager.options().write(true).create(true).open("/file")?;
//! let first = file.begin_write_at(b"old", 0, Deadline::Never)?;
//! let second = file.begin_write_at(b"new", 0, Deadline::Never)?;
//! second.wait()?; // the first was accepted earlier, and they meet: so it is done
//! assert!(first.is_answered());
//! assert_eq!(stager.cached("/file").as_deref(), Some(&b"new"[..]));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Whoever embeds the machine himself finds it one floor below, in [`Simulation`]: requests and
//! outcomes of [`staging_core`], tickets instead of files, and no lock.
//!
//! # What the disk promises, and what not
//!
//! [`Disk`] has bytes of its own: those in the page cache, and those that are durable. A sync covers
//! what was executed before it *began*; what ends while it is under way it may miss. A power loss
//! keeps any subset of what no sync covered, in order, torn at sectors of [`SECTOR`] bytes, and of
//! the length apart from the bytes. A new name becomes durable with the first sync of its file, as
//! Linux file systems do it, unless [`Faults::strict_names`] asks for less. An action touches the
//! disk at its beginning, at its end, or half and half; what others do in between, it sees.
//!
//! What it does not show: how a real file system orders its journal, what a kernel does with a
//! mapping, and how fast anything is.
//!
//! The simulation has one mutex around it, so a stager can be shared between threads; then the order
//! of their requests is theirs, and a seed no longer says everything.

mod dice;
mod disk;
mod faults;
mod simulation;

mod ticket;

mod file;
mod opening;
mod options;
mod replace;
mod stager;

pub use dice::Dice;
pub use disk::{Disk, InodeId, SECTOR, Stranger};
pub use driver_kit::error::{Cause, Failure, Operation, errno, failure};
pub use driver_kit::figures::{
    Condition, Figures, FileBacklog, Health, Rate, RequestKind, Times, Timing, Timings,
};
pub use driver_kit::{ShutdownReport, Unfinished};
pub use faults::{Faults, Struck, Trouble};
pub use file::File;
pub use opening::OpenTicket;
pub use options::OpenOptions;
pub use replace::ReplaceBuilder;
pub use simulation::{Answer, Notice, Payload, Setup, Simulation, Ticket as TicketNumber};
pub use stager::{Builder, Stager};
pub use staging_core::{
    Backlog, Class, Durability, Fault, Grace, How, Life, Limits, Load, Mode, OverBudget, PhaseName,
    Plan, Pressure, Staging, Standing, Stats, Tick, Why, WriteCounts,
};
pub use ticket::{Deadline, Ticket};
