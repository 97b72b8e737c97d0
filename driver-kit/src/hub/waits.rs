//! How often a thread had to wait for something, as the kernel counts it.

use crate::job::Job;
use staging_core::{IoKind, ReplaceStep};

/// What the kernel has counted of the calling thread until now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waits {
    /// How often it gave its processor up by itself (`ru_nvcsw`).
    slept: i64,
    /// How much it asked a disk for (`ru_inblock`).
    fetched: i64,
}

impl Waits {
    /// Of the calling thread (`getrusage`); nothing where the system does not count by threads.
    #[cfg(target_os = "linux")]
    pub(crate) fn until_now() -> Waits {
        use nix::sys::resource::{UsageWho, getrusage};
        let counted = getrusage(UsageWho::RUSAGE_THREAD);
        counted.map_or_else(
            |_| Waits::default(),
            |usage| Waits {
                slept: usage.voluntary_context_switches(),
                fetched: usage.block_reads(),
            },
        )
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn until_now() -> Waits {
        Waits::default()
    }

    /// How often the thread has waited since, where more threads would have helped.
    pub(crate) fn since(self, kin: Kin) -> u64 {
        let now = Waits::until_now();
        if kin == Kin::Locked && now.fetched == self.fetched {
            return 0;
        }
        u64::try_from(now.slept - self.slept).unwrap_or(0)
    }
}

/// What the jobs of a turn wait for, if they wait.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Kin {
    /// The disk, that is to bring something.
    #[default]
    Reading,
    /// The disk, that is to have something for good, or under another name.
    Syncing,
    /// Each other: the system lets one at a time change what the process has mapped, what a file has in the
    /// page cache, or a directory. More threads would only make it longer, unless a disk was asked.
    Locked,
}

impl Kin {
    /// Of all jobs of a turn: whoever holds up the others most.
    pub(crate) fn of_all(jobs: &[Job]) -> Kin {
        let kin = jobs.iter().map(|job| Kin::of(job.kind()));
        kin.max().unwrap_or_default()
    }

    const fn of(kind: IoKind) -> Kin {
        match kind {
            IoKind::Map { .. }
            | IoKind::Load { .. }
            | IoKind::Release { .. }
            | IoKind::Write { .. }
            | IoKind::SetLength { .. } => Kin::Locked,
            IoKind::Sync { .. } => Kin::Syncing,
            IoKind::Replace { step, .. } => match step {
                ReplaceStep::Create { .. } | ReplaceStep::Fill { .. } | ReplaceStep::Discard => {
                    Kin::Locked
                }
                ReplaceStep::SyncFile { .. }
                | ReplaceStep::Publish { .. }
                | ReplaceStep::SyncDirectory => Kin::Syncing,
            },
            IoKind::Open { .. }
            | IoKind::Fetch { .. }
            | IoKind::Look { .. }
            | IoKind::Read { .. }
            | IoKind::Lock { .. }
            | IoKind::Close { .. } => Kin::Reading,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_others_is_not_helped_by_more_threads() {
        let before = Waits::until_now();
        // Whoever waits for a thread that has not ended gives its processor up, and asks no disk.
        while before.since(Kin::Syncing) == 0 {
            let other = std::thread::spawn(std::thread::yield_now);
            assert!(other.join().is_ok());
        }
        assert!(before.since(Kin::Syncing) > 0);
        assert!(before.since(Kin::Reading) > 0);
        assert_eq!(before.since(Kin::Locked), 0);
    }
}
