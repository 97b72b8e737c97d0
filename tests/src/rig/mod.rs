//! The rig: what the promises are worth on the file systems of a real kernel.
//!
//! ```text
//!   a protocol ─► ext4, xfs, btrfs ─► loop device ─► FUSE ─► rig_disk ─► log of writes and flushes
//!                                                                            │
//!            what is found there ◄─ mounted again ◄─ image ◄─ cut ◄──────────┘
//! ```
//!
//! A protocol runs through driver-blocking, and notes at which position of the log each of its promises was
//! given. Then the power is cut, again and again: what was flushed before a position is on the disk, of what
//! was written since, chance keeps some. Each such image is mounted and held against what was promised by
//! then. The disk is a process of its own ([`rig_disk`](../../src/bin/rig_disk.rs)), and all mounts are in a
//! namespace of their own, so that nothing hangs and nothing is left when the rig ends, however it ends.

pub mod calls;
mod command;
mod cut;
mod disk;
pub mod full;
mod image;
mod kind;
mod lie;
mod log;
mod mounted;
mod power;
pub mod protocols;
mod room;

pub use command::run;
pub use cut::{Cut, Kept};
pub use disk::{Failing, LoggedDisk};
pub use image::Beginning;
pub use kind::Kind;
pub use lie::Lie;
pub use log::{BlockLog, Entry, Position, write_entry};
pub use mounted::Mounted;
pub use power::{Tally, lose_power};
pub use room::{Entered, House, Room, kinds_to_be_had, say};
