//! What can go wrong, how often, and when exactly.

use crate::dice::Dice;

/// One kind of trouble.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Trouble {
    /// A read or a write moves fewer bytes than were asked; the driver goes on with the rest.
    Short,
    /// A call is interrupted before it did anything (EINTR); the driver asks again.
    Interrupted,
    /// An open, a read or a change of the length fails with EIO.
    Broken,
    /// A write fails with EIO, having written nothing or a part.
    WriteBroken,
    /// A write finds no room (ENOSPC), having written nothing or a part.
    NoSpace,
    /// An open finds the table of descriptors full (EMFILE).
    NoDescriptors,
    /// A sync fails with EIO. Of what it was to make durable a part is, the rest is lost, and the
    /// pages that hold it count as clean: the cache still shows it, and the next sync succeeds. That
    /// is what Linux does.
    SyncFails,
    /// A sync returns success and did nothing: a device that ignores the command. What it covers may
    /// still become durable, by itself or by a later sync.
    SyncLies,
    /// A sync returns success, and what it covers never reaches the disk.
    SyncDrops,
    /// An action is never answered.
    Hangs,
    /// A file has its new name, and the system says EIO: over a network the reply was lost.
    ReplyLost,
    /// It has not, and nobody can find that out: over a network the request was lost.
    RequestLost,
}

impl Trouble {
    /// Every kind.
    pub const ALL: [Trouble; 12] = [
        Trouble::Short,
        Trouble::Interrupted,
        Trouble::Broken,
        Trouble::WriteBroken,
        Trouble::NoSpace,
        Trouble::NoDescriptors,
        Trouble::SyncFails,
        Trouble::SyncLies,
        Trouble::SyncDrops,
        Trouble::Hangs,
        Trouble::ReplyLost,
        Trouble::RequestLost,
    ];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Trouble::Short => "short call",
            Trouble::Interrupted => "interrupted call",
            Trouble::Broken => "EIO",
            Trouble::WriteBroken => "EIO of a write",
            Trouble::NoSpace => "ENOSPC",
            Trouble::NoDescriptors => "EMFILE",
            Trouble::SyncFails => "failing sync",
            Trouble::SyncLies => "lying sync",
            Trouble::SyncDrops => "dropping sync",
            Trouble::Hangs => "hanging action",
            Trouble::ReplyLost => "lost reply",
            Trouble::RequestLost => "lost request",
        }
    }
}

const KINDS: usize = Trouble::ALL.len();

/// The most that a rate can be: a call that is interrupted each time it is tried never ends.
const MOST: u16 = 900;

/// How unlucky a disk is. Made with [`Faults::none`], and added to:
///
/// ```
/// use driver_sim::{Faults, Trouble};
///
/// let faults = Faults::none()
///     .rate(Trouble::Short, 50) // five calls in a hundred
///     .at(Trouble::SyncFails, 3) // the third sync, whatever else happens
///     .latency(1_000, 2_000_000); // a microsecond to two milliseconds
/// # drop(faults);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Faults {
    rates: [u16; KINDS],
    script: Vec<(Trouble, u64)>,
    pub(crate) latency: (u64, u64),
    pub(crate) in_order: bool,
    pub(crate) strict_names: bool,
}

impl Faults {
    /// A disk that works: actions take 10 to 100 µs each, and end in any order.
    pub const fn none() -> Faults {
        Faults {
            rates: [0; KINDS],
            script: Vec::new(),
            latency: (10_000, 100_000),
            in_order: false,
            strict_names: false,
        }
    }

    /// So many times in a thousand, where this trouble is possible; 900 at most.
    #[must_use]
    pub fn rate(mut self, trouble: Trouble, permille: u16) -> Faults {
        self.rates[trouble as usize] = permille.min(MOST);
        self
    }

    /// The `nth` time that this trouble is possible, counted from 1: the third sync, the first open. A
    /// read or a write that the disk takes in two halves is two calls.
    #[must_use]
    pub fn at(mut self, trouble: Trouble, nth: u64) -> Faults {
        self.script.push((trouble, nth));
        self
    }

    /// How long an action takes, in nanoseconds: each another time between these.
    #[must_use]
    pub const fn latency(mut self, least: u64, most: u64) -> Faults {
        self.latency = (least, most);
        self
    }

    /// Actions end in the order in which they were asked for.
    #[must_use]
    pub const fn in_order(mut self) -> Faults {
        self.in_order = true;
        self
    }

    /// The name of a new file is not made durable by a sync of the file, as POSIX allows: it may be
    /// gone after a power loss, and the file with it. Without this a sync covers the name, as on
    /// ext4, xfs and btrfs.
    #[must_use]
    pub const fn strict_names(mut self) -> Faults {
        self.strict_names = true;
        self
    }
}

impl Default for Faults {
    fn default() -> Self {
        Faults::none()
    }
}

/// How often each trouble was possible, and how often it came.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Struck {
    possible: [u64; KINDS],
    came: [u64; KINDS],
}

impl Struck {
    /// How often this trouble was possible so far.
    pub const fn possible(&self, trouble: Trouble) -> u64 {
        self.possible[trouble as usize]
    }

    /// How often it came.
    pub const fn came(&self, trouble: Trouble) -> u64 {
        self.came[trouble as usize]
    }

    /// How often any trouble came.
    pub fn all(&self) -> u64 {
        self.came.iter().sum()
    }

    /// Both together.
    pub fn add(&mut self, other: &Struck) {
        for kind in 0..KINDS {
            self.possible[kind] += other.possible[kind];
            self.came[kind] += other.came[kind];
        }
    }
}

/// Throws the dice for each trouble where it is possible.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Luck {
    pub(crate) faults: Faults,
    pub(crate) dice: Dice,
    pub(crate) struck: Struck,
}

impl Luck {
    pub(crate) fn new(faults: Faults, seed: u64) -> Luck {
        Luck {
            faults,
            dice: Dice::of(seed),
            struck: Struck::default(),
        }
    }

    /// Whether this trouble comes now.
    pub(crate) fn strikes(&mut self, trouble: Trouble) -> bool {
        let kind = trouble as usize;
        self.struck.possible[kind] += 1;
        let script = &self.faults.script;
        let scripted =
            !script.is_empty() && script.contains(&(trouble, self.struck.possible[kind]));
        let strikes = scripted || self.dice.permille(self.faults.rates[kind]);
        self.struck.came[kind] += u64::from(strikes);
        strikes
    }
}
