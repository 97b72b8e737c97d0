//! Staged files on a simulated disk.

mod dice;
mod disk;
mod faults;
mod simulation;

pub use dice::Dice;
pub use disk::{Disk, InodeId, SECTOR, Stranger};
pub use faults::{Faults, Struck, Trouble};
pub use simulation::{Answer, Notice, Payload, Setup, Simulation, Ticket};
