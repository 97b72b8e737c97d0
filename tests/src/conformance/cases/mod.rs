//! The promises, sorted by what they are about.

mod life;
mod points;

use super::child::Child;
use super::run::Case;

/// Every case, in the order in which they are told.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(life::cases());
    cases.extend(points::cases());
    cases
}

/// What cases leave to a process of its own.
pub fn children() -> Vec<Child> {
    Vec::new()
}
