//! What an arena may hold, which may change (R12).

use super::{Arena, PAGE};

impl Arena {
    pub(in crate::contents) const fn set_budget(&mut self, budget: u64) {
        self.budget = budget / PAGE as u64;
    }

    /// Gives back what is pooled beyond the budget, and says how many pages went.
    pub(in crate::contents) fn fit(&mut self) -> usize {
        let over = (self.resident + self.mapped).saturating_sub(self.budget);
        self.cool(usize::try_from(over).unwrap_or(usize::MAX))
    }
}
