//! Writing: all of it, or so much and why not more.

use crate::error::fault_of;
use bytes::Bytes;
use rustix::io::Errno;
use staging_core::{Completion, Fault};
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;

/// `pwrite` until all is written, whatever interrupts (EINTR) or comes short.
pub(crate) fn write(descriptor: &File, bytes: &[u8], offset: u64) -> Completion {
    let mut done = 0;
    while done < bytes.len() {
        let fault = match descriptor.write_at(&bytes[done..], offset + done as u64) {
            Ok(0) => Fault::Short,
            Ok(written) => {
                done += written;
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => fault_of(&error),
        };
        return match done as u64 {
            0 => Completion::Failed { fault },
            bytes => Completion::CutShort { bytes, fault },
        };
    }
    Completion::Written
}

/// `pwritev` until all parts are written (R7).
pub(super) fn write_run(descriptor: &File, parts: &[Bytes], offset: u64) -> Completion {
    let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut left = &mut slices[..];
    let mut done = 0;
    while !left.is_empty() {
        let at_once = &left[..left.len().min(AT_ONCE)];
        let fault = match rustix::io::pwritev(descriptor, at_once, offset + done) {
            Ok(0) => Fault::Short,
            Ok(written) => {
                done += written as u64;
                IoSlice::advance_slices(&mut left, written);
                continue;
            }
            Err(Errno::INTR) => continue,
            Err(errno) => Fault::Os(errno.raw_os_error()),
        };
        return match done {
            0 => Completion::Failed { fault },
            bytes => Completion::CutShort { bytes, fault },
        };
    }
    Completion::Written
}

/// How many buffers a system call takes (`IOV_MAX`).
const AT_ONCE: usize = 1024;

/// `ftruncate`.
pub(super) fn set_length(descriptor: &File, len: u64) -> Completion {
    ended(descriptor.set_len(len), Completion::LengthSet)
}

/// `fsync`, once: after one that failed, the next knows nothing of what was lost (R8).
///
/// What was lost is still in the page cache, passes for written there, and must go. Else it would be shown to
/// readers; and ext4 would take a block whose first write failed for one that it need not mark as written: what
/// is written there anew, and synced, would read as zeros after a loss of power.
pub(super) fn sync(descriptor: &File) -> Completion {
    let synced = descriptor.sync_all();
    if synced.is_err() {
        // Advice. Where it is not taken, the failure is told all the same.
        let _ = rustix::fs::fadvise(descriptor, 0, None, rustix::fs::Advice::DontNeed);
    }
    ended(synced, Completion::Synced)
}

fn ended(result: io::Result<()>, well: Completion) -> Completion {
    match result {
        Ok(()) => well,
        Err(error) => Completion::Failed {
            fault: fault_of(&error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;

    fn temporary() -> io::Result<(tempfile::TempDir, File)> {
        let folder = tempfile::tempdir()?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(folder.path().join("file"))?;
        Ok((folder, file))
    }

    #[test]
    fn all_is_written_where_it_belongs_and_synced() -> io::Result<()> {
        let (_folder, file) = temporary()?;
        assert_eq!(write(&file, b"world", 6), Completion::Written);
        assert_eq!(write(&file, b"hello ", 0), Completion::Written);
        assert_eq!(sync(&file), Completion::Synced);
        let mut all = [0; 11];
        file.read_exact_at(&mut all, 0)?;
        assert_eq!(&all, b"hello world");
        assert_eq!(set_length(&file, 5), Completion::LengthSet);
        assert_eq!(file.metadata()?.len(), 5);
        Ok(())
    }

    /// R7: also of more parts than the system takes at once.
    #[test]
    fn r7_a_run_is_written_part_behind_part() -> io::Result<()> {
        let (_folder, file) = temporary()?;
        let parts: Vec<Bytes> = (0..3_000_u32)
            .map(|part| Bytes::from(vec![part as u8; 1 + part as usize % 3]))
            .collect();
        assert_eq!(write_run(&file, &parts, 5), Completion::Written);
        let expected = parts.concat();
        let mut all = vec![1; expected.len() + 5];
        file.read_exact_at(&mut all, 0)?;
        assert_eq!(all[..5], [0; 5]);
        assert_eq!(all[5..], expected);
        assert_eq!(file.metadata()?.len(), all.len() as u64);
        let full = OpenOptions::new().write(true).open("/dev/full")?;
        let fault = Fault::Os(Errno::NOSPC.raw_os_error());
        assert_eq!(write_run(&full, &parts, 0), Completion::Failed { fault });
        Ok(())
    }

    #[test]
    fn a_full_disk_says_so() -> io::Result<()> {
        let full = OpenOptions::new().write(true).open("/dev/full")?;
        let fault = Fault::Os(rustix::io::Errno::NOSPC.raw_os_error());
        assert_eq!(write(&full, b"bytes", 0), Completion::Failed { fault });
        Ok(())
    }

    #[test]
    fn what_is_open_for_reading_is_not_written() -> io::Result<()> {
        let (folder, _file) = temporary()?;
        let file = File::open(folder.path().join("file"))?;
        let fault = Fault::Os(rustix::io::Errno::BADF.raw_os_error());
        assert_eq!(write(&file, b"bytes", 0), Completion::Failed { fault });
        let refused = matches!(set_length(&file, 1), Completion::Failed { .. });
        assert!(refused, "the length of a file that is only read was set");
        Ok(())
    }
}
