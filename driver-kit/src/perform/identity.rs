//! What an open file is: which one, of which version, and whether it is one that can be staged.

use crate::error::fault_of;
use rustix::fs::{AtFlags, FileType, Stat, StatxFlags};
use rustix::io::Errno;
use staging_core::{Fault, Key, NodeKind, Stamp};
use std::fs::File;
use std::io;

/// Which regular file is open, and of which version: `statx`.
///
/// Device and inode alone would take a new file for one that is gone: ext4 gives the number of an
/// inode that is free to the next file, and what is staged keeps no descriptor that would hold it.
/// The moment of birth tells them apart, where the file system keeps it.
///
/// # Errors
/// It is no regular file, or what the system said.
pub(super) fn of(descriptor: &File) -> Result<(Key, Stamp), Fault> {
    let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    let about = match rustix::fs::statx(descriptor, c"", AtFlags::EMPTY_PATH, wanted) {
        Ok(about) => about,
        // A sandbox that knows nothing of it.
        Err(Errno::NOSYS | Errno::PERM) => return without_birth(descriptor),
        Err(errno) => return Err(fault_of(&errno.into())),
    };
    regular(u32::from(about.stx_mode))?;
    let device = rustix::fs::makedev(about.stx_dev_major, about.stx_dev_minor);
    let born = match StatxFlags::from_bits_retain(about.stx_mask).contains(StatxFlags::BTIME) {
        true => nanos(about.stx_btime.tv_sec, about.stx_btime.tv_nsec.into()),
        false => 0,
    };
    let stamp = Stamp {
        len: about.stx_size,
        version: nanos(about.stx_mtime.tv_sec, about.stx_mtime.tv_nsec.into()),
    };
    Ok((key(device, about.stx_ino, born), stamp))
}

fn without_birth(descriptor: &File) -> Result<(Key, Stamp), Fault> {
    let about = rustix::fs::fstat(descriptor).map_err(|errno| fault_of(&errno.into()))?;
    regular(about.st_mode)?;
    Ok((
        key(about.st_dev as u64, about.st_ino as u64, 0),
        stamp(&about),
    ))
}

/// Devices are few and small numbers, moments of birth are spread over all of them.
const fn key(device: u64, inode: u64, born: u64) -> Key {
    Key([device ^ born.wrapping_mul(0x9e37_79b9_7f4a_7c15), inode])
}

/// The stamp of an open file: `fstat`.
///
/// # Errors
/// What the system said.
pub fn stamp_of(descriptor: &File) -> io::Result<Stamp> {
    Ok(stamp(&rustix::fs::fstat(descriptor)?))
}

/// What tells two versions of a file apart: length and modification time.
fn stamp(about: &Stat) -> Stamp {
    Stamp {
        len: about.st_size as u64,
        version: nanos(about.st_mtime, about.st_mtime_nsec),
    }
}

const fn nanos(seconds: i64, rest: u64) -> u64 {
    (seconds as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(rest)
}

/// Whether a node of this mode is a regular file.
///
/// # Errors
/// What it is instead.
pub(super) fn regular(mode: u32) -> Result<(), Fault> {
    let node = match FileType::from_raw_mode(mode) {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => NodeKind::Directory,
        FileType::Fifo => NodeKind::Fifo,
        FileType::Socket => NodeKind::Socket,
        FileType::CharacterDevice | FileType::BlockDevice => NodeKind::Device,
        FileType::Symlink | FileType::Unknown => NodeKind::Other,
    };
    Err(Fault::NotAFile(node))
}
