//! The promises that every driver keeps, written once and run over any driver.
//!
//! A driver takes part by implementing [`Driver`] in plain blocking words, and by listing its
//! [`Configuration`]s. Drivers of futures share one such implementation, `awaited`: their worlds say
//! who polls, and read as their traits have it. [`cases`] are the promises. Storage is gated, never
//! slowed by the clock: a [`Gate`] holds the actions of one kind until the case lets them go. After
//! each case its [`Scene`] looks whether everything was given back, and plays the journal of the run
//! against the core alone. PROVING.md says how to hold a driver of one's own to all this.

mod awaited;
pub mod blocking;
mod cases;
mod child;
mod driver;
mod errors;
mod gate;
mod guarding;
mod logs;
mod opening;
mod process;
mod run;
mod scene;
pub mod smol;
pub mod tokio;
mod trace;
mod watch;

pub use cases::{cases, children};
pub use child::{Child, Surroundings};
pub use driver::{
    Answers, Begun, Configuration, Driver, FollowedFile, Group, Open, OpenFile, Opening, Replacing,
    Version, Watched,
};
pub use errors::{cause_of, fault_of, is_errno, names_its_file};
pub use gate::{Gate, Verdict};
pub use guarding::{Change, Locking, Updating};
pub use logs::{Logs, OpenLog, ReadLog};
pub use process::Process;
pub use run::{Case, Proof, case, run, run_child};
pub use scene::{Scene, pattern};
pub use trace::{keeps_the_contract, replays};
pub use watch::{PATIENCE, Started, start, until, wait_for};
