//! One appender at a time.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The logs that are open for appending in this process, by their paths without links.
static CLAIMED: Mutex<BTreeSet<Arc<Path>>> = Mutex::new(BTreeSet::new());

/// The right to append to a log, until it is dropped.
///
/// It keeps out the rest of this process alone. This is the place where a lock that other processes
/// see is to be taken and held as well; until there is one, one process at a time may append to a log.
#[derive(Debug)]
pub(crate) struct Claim {
    path: Arc<Path>,
}

impl Claim {
    /// `None` where somebody has it.
    pub(crate) fn on(path: &Arc<Path>) -> Option<Claim> {
        let path = Arc::clone(path);
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        claimed
            .insert(Arc::clone(&path))
            .then_some(Claim { path })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.remove(&self.path);
    }
}
