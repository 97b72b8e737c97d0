//! How a file is opened, and how it is replaced.

use driver_kit::Deadline;
use driver_kit::core::{Class, Durability, FileLimits, Mode, OverBudget, Plan};
use std::time::Duration;

/// When writes are answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answers {
    /// When they are executed.
    Executed,
    /// When they are durable.
    Durable,
    /// When they are accepted.
    Accepted,
}

/// How a file is opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// How it is staged.
    pub plan: Plan,
    /// Whether it may be written.
    pub write: bool,
    /// Whether it may be written, at its end.
    pub append: bool,
    /// When its writes are answered, and how urgent they are.
    pub answers: Answers,
    /// How long after it was accepted what is written is to be durable, though nobody asks.
    pub every: Option<Duration>,
    /// The class of its writes.
    pub class: Class,
    /// Whether it goes on after a failed sync.
    pub keep_dirty: bool,
    /// Whether its times are kept.
    pub timed: bool,
    /// What the file may hold at once.
    pub limits: FileLimits,
    /// Whether it is cut to nothing.
    pub truncate: bool,
    /// Whether it is created where it is missing.
    pub create: bool,
    /// Whether it is created, and must be missing.
    pub create_new: bool,
    /// When the caller stops waiting.
    pub deadline: Deadline,
}

impl Opening {
    /// In this mode, otherwise as usual.
    pub const fn by(mode: Mode) -> Opening {
        Opening {
            plan: Plan::of(mode),
            write: false,
            append: false,
            answers: Answers::Executed,
            every: None,
            class: Class::Normal,
            keep_dirty: false,
            timed: false,
            limits: FileLimits::NONE,
            truncate: false,
            create: false,
            create_new: false,
            deadline: Deadline::Never,
        }
    }

    /// For writing, not staged.
    pub const fn to_write() -> Opening {
        Opening {
            write: true,
            ..Opening::by(Mode::None)
        }
    }

    /// For writing, answered when it is durable, or when it is accepted.
    pub const fn answering(answers: Answers) -> Opening {
        Opening {
            answers,
            ..Opening::to_write()
        }
    }

    /// Its writes are of this class.
    pub const fn class(mut self, class: Class) -> Opening {
        self.class = class;
        self
    }

    /// It goes on after a failed sync, once it was told.
    pub const fn keep_dirty(mut self) -> Opening {
        self.keep_dirty = true;
        self
    }

    /// Its times are kept.
    pub const fn timed(mut self) -> Opening {
        self.timed = true;
        self
    }

    /// The file has bounds of its own.
    pub const fn limits(mut self, limits: FileLimits) -> Opening {
        self.limits = limits;
        self
    }

    /// Where the budget is full, wait.
    pub const fn patient(mut self) -> Opening {
        self.plan.over_budget = OverBudget::Wait;
        self
    }

    /// Up to which length `Auto` loads.
    pub const fn map_threshold(mut self, bytes: u64) -> Opening {
        self.plan.map_threshold = bytes;
        self
    }

    /// A missing file is created.
    pub const fn create(mut self) -> Opening {
        self.create = true;
        self
    }

    /// Wait no longer than this.
    pub const fn deadline(mut self, deadline: Deadline) -> Opening {
        self.deadline = deadline;
        self
    }
}

/// How a file is replaced.
#[derive(Clone, Copy, Debug)]
pub struct Replacing {
    /// What is to survive a loss of power.
    pub durability: Durability,
    /// Whether nothing may be there.
    pub create_new: bool,
    /// Whether a symbolic link is followed.
    pub follow_links: bool,
    /// When the caller stops waiting.
    pub deadline: Deadline,
}

impl Default for Replacing {
    fn default() -> Replacing {
        Replacing {
            durability: Durability::default(),
            create_new: false,
            follow_links: true,
            deadline: Deadline::Never,
        }
    }
}
