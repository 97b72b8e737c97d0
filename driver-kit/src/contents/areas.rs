//! How many areas of address space our mappings take. The system grants a process a fixed
//! number (`vm.max_map_count`), and one that has none left can start no thread and get no
//! memory: it dies. So we stop before, and files are loaded instead.
//!
//! The count is the process's, as the limit is: it stands outside every stager, and outside the
//! loom model.

use std::{
    fs, io,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// The file's pages, the copy of its last, and the sentinel.
const A_MAPPING: usize = 3;

/// Left for everything else: threads, the arena, whatever the application maps.
const FOR_OTHERS: usize = 4096;

/// What Linux grants unless it is told otherwise.
const USUAL: usize = 65_530;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// The areas of one mapping, given back when dropped.
#[derive(Debug)]
pub(super) struct Areas(());

impl Areas {
    /// Takes what one mapping needs.
    ///
    /// # Errors
    /// `Unsupported`, which is answered by loading: too few are left.
    pub(super) fn take() -> io::Result<Self> {
        let before = TAKEN.fetch_add(A_MAPPING, Relaxed);
        let areas = Self(());
        if before + A_MAPPING > ours() {
            Err(io::ErrorKind::Unsupported.into())
        } else {
            Ok(areas)
        }
    }
}

impl Drop for Areas {
    fn drop(&mut self) {
        TAKEN.fetch_sub(A_MAPPING, Relaxed);
    }
}

/// How many areas mappings may take: all but a few, or half of them where there are few.
fn ours() -> usize {
    static OURS: OnceLock<usize> = OnceLock::new();
    *OURS.get_or_init(|| {
        let granted = fs::read_to_string("/proc/sys/vm/max_map_count")
            .ok()
            .and_then(|granted| granted.trim().parse().ok())
            .unwrap_or(USUAL);
        granted.saturating_sub(FOR_OTHERS).max(granted / 2)
    })
}
