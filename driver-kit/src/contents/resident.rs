//! Which pages of a file the system has in memory, whoever brought them there.

#![expect(unsafe_code, reason = "files are mapped to be asked about")]

use rustix::fs::{Access, AtFlags};
use rustix::mm::{MapFlags, ProtFlags};
use std::{fs::File, io, ops::Range, os::fd::AsRawFd, ptr};

/// How much is asked about at once, in bytes: a byte of answer for each page of it.
const WINDOW: u64 = 1 << 30;

/// The bytes of the first `len` of `file` that are in the page cache, as ranges of whole pages in
/// rising order, no two of which touch. None is read, and none comes into memory by asking.
///
/// The answer is as of the moment of asking (`mincore`); pages come and go.
///
/// # Errors
/// `PermissionDenied` where the system does not tell: it does only those who own the file or may
/// write it. Else what it said.
pub fn resident_ranges(file: &File, len: u64) -> io::Result<Vec<Range<u64>>> {
    let page = rustix::param::page_size() as u64;
    if !is_told(file)? {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut states = Vec::new();
    for start in (0..len).step_by(WINDOW as usize) {
        ask(file, start, WINDOW.min(len - start), &mut states)?;
        let resident = states
            .iter()
            .enumerate()
            .filter(|(_, state)| **state & 1 == 1);
        for (index, _) in resident {
            let at = start + index as u64 * page;
            match ranges.last_mut() {
                Some(last) if last.end == at => last.end = at + page,
                _ => ranges.push(at..at + page),
            }
        }
    }
    Ok(ranges)
}

/// Whether the system tells this process about the file; else it calls every page resident.
fn is_told(file: &File) -> io::Result<bool> {
    let owner = rustix::fs::fstat(file)?.st_uid;
    let own = rustix::process::geteuid();
    if own.is_root() || owner == own.as_raw() {
        return Ok(true);
    }
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::accessat(rustix::fs::CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_ok())
}

/// One state for each page of the window, whose lowest bit says whether it is resident.
fn ask(file: &File, start: u64, len: u64, states: &mut Vec<u8>) -> io::Result<()> {
    let len = len as usize;
    states.clear();
    states.resize(len.div_ceil(rustix::param::page_size()), 0);
    let (prot, flags) = (ProtFlags::READ, MapFlags::SHARED);
    // SAFETY: a new mapping at an address of the kernel's choice replaces nothing, and no byte of
    // it is ever touched: the file may be cut at any time.
    unsafe {
        let at = rustix::mm::mmap(ptr::null_mut(), len, prot, flags, file, start)?;
        // One byte of `states` for each page of the mapping that was just made.
        let told = libc::mincore(at, len, states.as_mut_ptr());
        let error = io::Error::last_os_error();
        rustix::mm::munmap(at, len)?;
        match told {
            0 => Ok(()),
            _ => Err(error),
        }
    }
}
