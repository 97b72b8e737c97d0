//! The promises, sorted by what they are about.

mod background;
mod backlog;
mod barriers;
mod budget;
mod change;
mod changed_limits;
mod checkpoints;
mod crowds;
mod damaged_logs;
mod ending;
mod failing;
mod figures;
mod flight;
mod following;
mod intervals;
mod keeping_dirty;
mod late_logs;
mod life;
mod limits;
mod locked_files;
mod locking;
mod logs;
mod lying;
mod many;
mod metadata;
mod nodes;
mod paths;
mod points;
mod queues;
mod reasons;
mod replacing;
mod rewriting;
mod shutdown;
mod signals;
mod timed;
mod updating;
mod waiting;
mod writers;
mod writing;

use super::child::Child;
use super::run::Case;

/// Every case, in the order in which they are told.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(life::cases());
    cases.extend(background::cases());
    cases.extend(waiting::cases());
    cases.extend(paths::cases());
    cases.extend(nodes::cases());
    cases.extend(failing::cases());
    cases.extend(change::cases());
    cases.extend(following::cases());
    cases.extend(many::cases());
    cases.extend(crowds::cases());
    cases.extend(limits::cases());
    cases.extend(changed_limits::cases());
    cases.extend(flight::cases());
    cases.extend(budget::cases());
    cases.extend(points::cases());
    cases.extend(shutdown::cases());
    cases.extend(ending::cases());
    cases.extend(reasons::cases());
    cases.extend(signals::cases());
    cases.extend(lying::cases());
    cases.extend(writing::cases());
    cases.extend(queues::cases());
    cases.extend(barriers::cases());
    cases.extend(keeping_dirty::cases());
    cases.extend(intervals::cases());
    cases.extend(rewriting::cases());
    cases.extend(writers::cases());
    cases.extend(replacing::cases());
    cases.extend(metadata::cases());
    cases.extend(logs::cases());
    cases.extend(damaged_logs::cases());
    cases.extend(checkpoints::cases());
    cases.extend(late_logs::cases());
    cases.extend(locking::cases());
    cases.extend(locked_files::cases());
    cases.extend(updating::cases());
    cases.extend(backlog::cases());
    cases.extend(figures::cases());
    cases.extend(timed::cases());
    cases
}

/// What cases leave to a process of its own.
pub fn children() -> Vec<Child> {
    let mut children = Vec::new();
    children.extend(paths::CHILDREN);
    children.extend(nodes::CHILDREN);
    children.extend(crowds::CHILDREN);
    children.extend(signals::CHILDREN);
    children.extend(locking::CHILDREN);
    children
}
