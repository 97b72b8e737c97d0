//! The times of one file, where somebody wants them.

use super::course::Sample;
#[cfg(not(any(staging_loom, staging_shuttle)))]
use super::{Measured, Timings};
#[cfg(not(any(staging_loom, staging_shuttle)))]
use std::sync::Arc;

/// Where the times of a file are kept; nothing, and no memory, where nobody asked for that. Clones are the
/// same.
#[derive(Clone, Default)]
pub struct TimesOfFile {
    #[cfg(not(any(staging_loom, staging_shuttle)))]
    measured: Option<Arc<Measured>>,
}

#[cfg(not(any(staging_loom, staging_shuttle)))]
impl TimesOfFile {
    /// They are kept from now on.
    pub fn keep(&mut self) {
        self.measured
            .get_or_insert_with(|| Arc::new(Measured::coarse()));
    }

    pub(crate) const fn are_kept(&self) -> bool {
        self.measured.is_some()
    }

    pub(crate) fn record(&self, sample: Sample) {
        if let Some(measured) = &self.measured {
            measured.record_one(sample);
        }
    }

    /// Those of what was answered since they are kept; `None` where they are not.
    pub fn timings(&self) -> Option<Timings> {
        self.measured.as_ref().map(|measured| measured.timings())
    }
}

/// A model looks at what is decided, and not at how long it took.
#[cfg(any(staging_loom, staging_shuttle))]
impl TimesOfFile {
    pub(crate) const fn are_kept(&self) -> bool {
        false
    }

    pub(crate) const fn record(&self, _sample: Sample) {}
}

impl std::fmt::Debug for TimesOfFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TimesOfFile")
            .field("kept", &self.are_kept())
            .finish()
    }
}
