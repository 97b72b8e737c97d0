//! Bursts: several operations begun, from one thread, before any is awaited.

use super::play::{Player, Verdict};
use super::step::Begun;

impl Player {
    pub(super) fn burst(&mut self, _burst: &[Begun]) -> Verdict {
        Ok(())
    }
}
