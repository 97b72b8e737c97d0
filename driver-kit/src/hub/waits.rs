//! How often a thread had to wait for something, as the kernel counts it.

use crate::job::Job;
use staging_core::IoKind;

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

    /// How often the thread has waited since, for the sake of these jobs. Mappings also wait for
    /// each other, where more threads would only make it longer: there it counts only if a disk was
    /// asked.
    pub(crate) fn since(self, mapped: bool) -> u64 {
        let now = Waits::until_now();
        if mapped && now.fetched == self.fetched {
            return 0;
        }
        u64::try_from(now.slept - self.slept).unwrap_or(0)
    }
}

/// Whether one of these changes what the process has mapped, or fills it.
pub(crate) fn any_maps(jobs: &[Job]) -> bool {
    jobs.iter().any(|job| {
        matches!(
            job.kind(),
            IoKind::Map { .. } | IoKind::Load { .. } | IoKind::Release { .. }
        )
    })
}
