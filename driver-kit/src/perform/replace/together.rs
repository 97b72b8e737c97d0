//! Temporary files that are made durable by one call: `syncfs`, which writes back whatever is dirty on a file
//! system, and syncs its disk once (A4).
//!
//! It is as good as `fsync` of each file on the file systems below, and where Linux reports what it could not
//! write (5.8 and later): each open file is told of the errors of its file system since it was opened, so the call
//! is made on the one that was opened before anybody wrote. What strangers have written is written back by it, too. So it is
//! offered while that is little: a gigabyte of theirs would not make them nor us any faster.

use super::Temporary;
use rustix::io::Errno;
use std::fs::{self, File};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Fewer files are synced one after the other.
const WORTH_IT: usize = 4;

/// As the kernel numbers them, in `statfs(2)`: of ext4 (and its ancestors), XFS, Btrfs.
const AS_GOOD: [u32; 3] = [0xef53, 0x5846_5342, 0x9123_683e];

/// More that waits to be written on this machine is not written for the sake of a few files.
const MUCH: u64 = 64 << 20;

/// How long what is dirty is taken for what it was.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The number by which the files of a file system are synced together; none where each is on its own.
pub(super) fn volume_of(file: &File, device: u64) -> Option<u64> {
    let kind = rustix::fs::fstatfs(file).ok()?.f_type;
    // Only the lower half is the kind; it is signed on some systems.
    (AS_GOOD.contains(&(kind as u32)) && errors_are_reported() && little_is_dirty())
        .then_some(device)
}

/// Makes all of them durable.
///
/// # Errors
/// One of them may not be.
pub(super) fn sync(files: &[Arc<Temporary>]) -> Result<(), Errno> {
    let first = files.iter().min_by_key(|temporary| temporary.opened);
    match first {
        Some(first) if files.len() >= WORTH_IT => rustix::fs::syncfs(&first.file),
        Some(_) | None => files
            .iter()
            .try_for_each(|temporary| rustix::fs::fsync(&temporary.file)),
    }
}

/// A number for a file that has just been opened, and that nobody has written to yet: what one of a lower number
/// is told, none of a higher number has lost before.
pub(super) fn opened() -> u64 {
    static OPENED: AtomicU64 = AtomicU64::new(0);
    OPENED.fetch_add(1, Ordering::Relaxed)
}

fn errors_are_reported() -> bool {
    static REPORTED: OnceLock<bool> = OnceLock::new();
    *REPORTED.get_or_init(|| {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease");
        release.is_ok_and(|release| reports_errors(&release))
    })
}

/// Whether a kernel of this release has `syncfs` tell of errors.
fn reports_errors(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next()?.parse::<u32>().ok();
    (next(), next()) >= (Some(5), Some(8))
}

/// Looks from time to time.
fn little_is_dirty() -> bool {
    static LITTLE: AtomicBool = AtomicBool::new(false);
    /// In nanoseconds, from the first look on.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let now = BEGAN.get_or_init(Instant::now).elapsed();
    let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    let next = NEXT.load(Ordering::Relaxed);
    let then = now.saturating_add(LOOK_AGAIN.as_nanos() as u64);
    let mine = NEXT.compare_exchange(next, then, Ordering::Relaxed, Ordering::Relaxed);
    if now >= next && mine.is_ok() {
        let known = fs::read_to_string("/proc/meminfo");
        let little = known.is_ok_and(|known| dirty(&known).is_some_and(|dirty| dirty <= MUCH));
        LITTLE.store(little, Ordering::Relaxed);
    }
    LITTLE.load(Ordering::Relaxed)
}

/// How many bytes wait to be written, or are being written, as `/proc/meminfo` has it.
fn dirty(known: &str) -> Option<u64> {
    let kib = |name: &str| {
        let mut lines = known.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    kib("Dirty")?
        .checked_add(kib("Writeback")?)?
        .checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a4_kernels_that_keep_errors_to_themselves_are_known() {
        for (release, reports) in [
            ("5.7.19", false),
            ("5.8.0-rc1", true),
            ("5.10.0-28-amd64", true),
            ("6.18.44", true),
            ("4.19", false),
            ("10.0", true),
            ("5", false),
            ("nonsense", false),
        ] {
            assert_eq!(reports_errors(release), reports, "{release}");
        }
    }

    #[test]
    fn a4_what_is_dirty_is_read() {
        let known = "MemTotal: 1 kB\nDirty:              1024 kB\nWriteback:             8 kB\n";
        assert_eq!(dirty(known), Some((1024 + 8) << 10));
        assert_eq!(dirty("Dirty: 1 kB\n"), None);
        assert_eq!(dirty("Dirty: a lot\nWriteback: 0 kB\n"), None);
        // This machine says it, too.
        assert!(fs::read_to_string("/proc/meminfo").is_ok_and(|known| dirty(&known).is_some()));
    }

    #[test]
    fn a4_who_was_opened_first_is_known() {
        let (one, other) = (opened(), opened());
        assert!(one < other);
    }
}
