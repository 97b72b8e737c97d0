//! What there is in a world, and what may happen in it.

use staging_core::{
    Access, Class, Durability, Existing, Grace, HandleId, Key, Limit, Limits, Missing, Mode,
    OverBudget, PAGE, Patience, Plan, Request, Scope, Sharing, Span, Tuning,
};

/// A world to explore. Everything in it is small, and nothing in it runs out: what was asked and
/// answered may be asked again.
pub struct World {
    /// What it is called.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub purpose: &'static str,
    pub(crate) limits: Limits,
    /// The files on the disk: how long each is, in bytes.
    pub(crate) files: &'static [u64],
    /// Where callers may hold a handle: which file it leads to.
    pub(crate) seats: &'static [usize],
    /// What they may ask, each of it once at a time.
    pub(crate) asks: &'static [Ask],
    /// How many of those may wait for an answer at once.
    pub(crate) pending: usize,
    /// Nothing more is asked while so many actions are under way.
    pub(crate) flights: usize,
    /// How actions may end badly.
    pub(crate) ills: &'static [Ill],
    /// What else may happen.
    pub(crate) may: &'static [May],
    /// What somebody else may make of a file.
    pub(crate) changes: &'static [Change],
    /// What must happen at least once, or the world shows less than it says.
    pub(crate) reaches: &'static [&'static str],
    /// How much there is to find: another number means that the machine behaves otherwise.
    pub(crate) pinned: Pinned,
}

/// What a caller may ask, from where, and how long he waits.
#[derive(Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) seat: usize,
    pub(crate) what: What,
    /// The deadline, as a distance; 0 for none.
    pub(crate) within: u64,
}

/// A request without the handle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Open(Access, Plan),
    Stage(Plan),
    Unstage,
    Read(u64, u64),
    Write(u64, u64),
    Append(u64),
    /// A write of another class than Normal.
    WriteAs(Class, u64, u64),
    AppendAs(Class, u64),
    SetLength(u64),
    Flush,
    Sync,
    FlushAll,
    SyncAll,
    /// A target, and how long it is to be.
    Replace(u64, u64, Durability),
    /// A target, and what of it.
    Lock(u64, Span, Sharing, Scope),
    /// The same, by who does not wait.
    TryLock(u64, Span, Sharing, Scope),
    Close,
}

/// How an action may end other than well.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ill {
    Open,
    /// A fetch finds that the file changes, and keeps the descriptor instead.
    Unfetched,
    Look,
    NoMapping,
    Load,
    Truncated,
    Read,
    Write,
    CutShort,
    SetLength,
    Sync,
    /// Any step of a replace.
    Replace,
    /// Whether a file was published is not known.
    Unsure,
    /// Another process has the lock.
    Contended,
    /// A lock is refused by the system.
    Lock,
    Release,
    /// Opened again, the path leads to another file.
    Elsewhere,
    Close,
}

/// What may happen besides requests and the ends of actions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum May {
    /// Any operation may be cancelled.
    Cancel,
    /// Any handle may be dropped.
    Drop,
    /// Slices of staged contents may be kept and outlive them.
    Keep,
    /// A shutdown may be asked for, at any moment and again.
    ShutDown,
    /// A shutdown may be asked for that has all the time there is.
    TakeTime,
    /// A shutdown may be forced.
    Force,
    /// The driver may be lost.
    Lose,
    /// Whoever may write has an interval.
    Pace,
    /// Nothing is polled unless somebody polls it.
    Dawdle,
    /// A bound may be this from now on.
    Limit(Limit),
    /// A caller may say how what he has at this seat is to be used.
    Tune(usize, Tuning),
}

/// Somebody else changes a file.
#[derive(Clone, Copy)]
pub(crate) struct Change {
    pub(crate) file: usize,
    pub(crate) len: u64,
    pub(crate) version: u64,
}

/// How much there is to find in a world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pinned {
    pub(crate) states: u64,
    pub(crate) transitions: u64,
}

impl Pinned {
    /// Of a world too large to be gone through at every change.
    pub(crate) const NOT: Pinned = Pinned {
        states: 0,
        transitions: 0,
    };
}

/// How long the phases of every shutdown take at most.
pub(crate) const GRACE: Grace = Grace {
    total: 40,
    draining: 20,
    closing: 20,
};
/// For who has all the time there is.
pub(crate) const ENDLESS: Grace = Grace {
    total: u64::MAX,
    draining: u64::MAX,
    closing: u64::MAX,
};
/// How long closing takes at most where it is forced.
pub(crate) const FORCED: u64 = 10;

impl World {
    pub(crate) fn may(&self, what: May) -> bool {
        self.may.contains(&what)
    }

    /// The highest limits that there may be: what ever had a place.
    pub(crate) fn most(&self) -> Limits {
        let mut most = self.limits;
        for may in self.may {
            match may {
                May::Limit(Limit::Operations(more)) => most.operations = most.operations.max(*more),
                May::Limit(Limit::Handles(more)) => most.handles = most.handles.max(*more),
                May::Limit(Limit::Descriptors(more)) => {
                    most.descriptors = most.descriptors.max(*more);
                }
                May::Limit(Limit::Budget(more)) => most.budget = most.budget.max(*more),
                _ => {}
            }
        }
        most
    }

    /// The lowest budget that there may be.
    pub(crate) fn least_budget(&self) -> u64 {
        let budgets = self.may.iter().filter_map(|may| match may {
            May::Limit(Limit::Budget(budget)) => Some(*budget),
            _ => None,
        });
        budgets.fold(self.limits.budget, u64::min)
    }

    pub(crate) fn dawdles(&self) -> bool {
        self.may(May::Dawdle)
    }
}

impl What {
    pub(crate) fn request(self, handle: Option<HandleId>) -> Option<Request> {
        Some(match self {
            What::Open(access, plan) => {
                let missing = Missing::Fail;
                Request::Open {
                    access,
                    missing,
                    plan,
                }
            }
            What::Stage(plan) => {
                let handle = handle?;
                Request::Stage { handle, plan }
            }
            What::Unstage => Request::Unstage { handle: handle? },
            What::Read(offset, len) => {
                let handle = handle?;
                Request::Read {
                    handle,
                    offset,
                    len,
                }
            }
            What::Write(offset, len) => {
                let handle = handle?;
                Request::Write {
                    handle,
                    offset,
                    len,
                    class: Class::Normal,
                }
            }
            What::WriteAs(class, offset, len) => {
                let handle = handle?;
                Request::Write {
                    handle,
                    offset,
                    len,
                    class,
                }
            }
            What::AppendAs(class, len) => {
                let handle = handle?;
                Request::Append { handle, len, class }
            }
            What::Append(len) => {
                let handle = handle?;
                Request::Append {
                    handle,
                    len,
                    class: Class::Normal,
                }
            }
            What::SetLength(len) => {
                let handle = handle?;
                Request::SetLength {
                    handle,
                    len,
                    class: Class::Normal,
                }
            }
            What::Flush => Request::Flush { handle: handle? },
            What::Sync => Request::Sync { handle: handle? },
            What::FlushAll => Request::FlushAll,
            What::SyncAll => Request::SyncAll,
            What::Replace(target, len, durability) => Request::Replace {
                target: Key([8, target]),
                len,
                durability,
                existing: Existing::Replace,
            },
            What::Lock(target, span, sharing, scope)
            | What::TryLock(target, span, sharing, scope) => Request::Lock {
                target: Key([7, target]),
                span,
                sharing,
                scope,
                patience: match self {
                    What::TryLock(..) => Patience::AsksOnce,
                    _ => Patience::Waits,
                },
            },
            What::Close => Request::Close { handle: handle? },
        })
    }

    pub(crate) fn is_open(self) -> bool {
        matches!(self, What::Open(..))
    }

    /// Whether it is about bytes that no file can have.
    pub(crate) fn leads_nowhere(self) -> bool {
        const MOST: u64 = i64::MAX as u64;
        match self {
            What::Read(offset, len) => offset.checked_add(len).is_none(),
            What::Write(offset, len) | What::WriteAs(_, offset, len) => {
                offset.checked_add(len).is_none_or(|end| end > MOST)
            }
            What::Append(len) | What::AppendAs(_, len) | What::SetLength(len) => len > MOST,
            What::Lock(_, span, ..) | What::TryLock(_, span, ..) => span.start >= span.end,
            _ => false,
        }
    }

    /// Whether it goes by no handle, and is no open.
    pub(crate) fn is_over_all(self) -> bool {
        matches!(
            self,
            What::FlushAll | What::SyncAll | What::Replace(..) | What::Lock(..) | What::TryLock(..)
        )
    }

    /// Whether it asks for a lock.
    pub(crate) fn is_lock(self) -> bool {
        matches!(self, What::Lock(..) | What::TryLock(..))
    }

    /// Whether it asks for the file to be in memory, and how.
    pub(crate) fn plan(self) -> Option<Plan> {
        match self {
            What::Open(_, plan) | What::Stage(plan) => Some(plan),
            What::Unstage
            | What::Read(..)
            | What::Write(..)
            | What::Append(_)
            | What::WriteAs(..)
            | What::AppendAs(..)
            | What::SetLength(_)
            | What::Flush
            | What::Sync
            | What::FlushAll
            | What::SyncAll
            | What::Replace(..)
            | What::Lock(..)
            | What::TryLock(..)
            | What::Close => None,
        }
    }
}

/// From a seat, what is asked, without a deadline.
pub(crate) const fn ask(seat: usize, what: What) -> Ask {
    Ask {
        seat,
        what,
        within: 0,
    }
}

/// A deadline that has passed when it is asked for.
pub(crate) const PAST: u64 = u64::MAX;

/// The same, with a deadline.
pub(crate) const fn ask_within(seat: usize, what: What, within: u64) -> Ask {
    Ask { seat, what, within }
}

/// To open for reading, in a mode.
pub(crate) const fn open(mode: Mode) -> What {
    What::Open(Access::Read, plan(mode))
}

/// To open for writing, unstaged.
pub(crate) const fn open_to_write(mode: Mode) -> What {
    What::Open(Access::Write, plan(mode))
}

/// A mode as a plan that maps what is longer than a page.
pub(crate) const fn plan(mode: Mode) -> Plan {
    Plan {
        mode,
        over_budget: OverBudget::Refuse,
        map_threshold: PAGE,
    }
}

/// The same, by one who waits for room.
pub(crate) const fn patient(mode: Mode) -> Plan {
    Plan {
        mode,
        over_budget: OverBudget::Wait,
        map_threshold: PAGE,
    }
}
