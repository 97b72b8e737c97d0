//! Writing: all of it, or so much and why not more.

use crate::error::fault_of;
use staging_core::{Completion, Fault};
use std::fs::File;
use std::io;
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
