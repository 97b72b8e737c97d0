//! What an arena may hold, which may change (R12).

use super::{Arena, PAGE};

impl Arena {
    /// In bytes, whole pages of them; what is no bound stays none.
    pub(in crate::contents) const fn budget(&self) -> u64 {
        match self.budget == u64::MAX / PAGE as u64 {
            true => u64::MAX,
            false => self.budget * PAGE as u64,
        }
    }

    pub(in crate::contents) const fn set_budget(&mut self, budget: u64) {
        self.budget = budget / PAGE as u64;
    }

    /// Gives back what is pooled beyond the budget, and says how many pages went.
    pub(in crate::contents) fn fit(&mut self) -> usize {
        let over = (self.resident + self.mapped).saturating_sub(self.budget);
        match over {
            0 => 0,
            over => self.cool(usize::try_from(over).unwrap_or(usize::MAX)),
        }
    }
}
