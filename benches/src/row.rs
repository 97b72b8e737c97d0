//! A row: ways to do the same work, and what is claimed about them.

use serde::Serialize;
use std::io;

/// Whose way it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Through one of our drivers.
    Ours,
    /// What people use today.
    Popular,
    /// What is known to be faster.
    Peer,
    /// What the hardware or the kernel allows, written by hand.
    Limit,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Kind::Ours => "ours",
            Kind::Popular => "popular",
            Kind::Peer => "peer",
            Kind::Limit => "limit",
        }
    }
}

/// Which of the figures of one run it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aspect {
    /// The work itself.
    Work,
    /// The work, and giving back what it took.
    GivenBack,
    /// The longest wait of a thousand.
    OneInAThousand,
    /// The longest wait.
    Longest,
}

impl Aspect {
    /// What follows the name of the way.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Aspect::Work => "",
            Aspect::GivenBack => ", and giving it back",
            Aspect::OneInAThousand => ": p99.9",
            Aspect::Longest => ": max",
        }
    }
}

/// What one run of a way gave: nanoseconds for one unit.
pub(crate) type Sample = Vec<(Aspect, f64)>;

/// Does the work once.
pub(crate) type Run = Box<dyn FnMut() -> io::Result<Sample>>;

/// One way to do the work.
pub(crate) struct Way {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The way that it is compared with, where that is not the base of the row.
    pub(crate) against: Option<String>,
    pub(crate) run: Run,
}

/// What could not be measured, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Skipped {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) reason: String,
}

/// How much one figure may be.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    /// So many times the least of these figures.
    Times(f64, Vec<String>),
    /// So many times faster than this figure.
    Faster(f64, String),
    /// So many nanoseconds.
    Nanoseconds(f64),
}

/// A target: that a figure keeps within a bound.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) who: String,
    pub(crate) bound: Bound,
}

/// One row, ready to be measured.
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) title: String,
    /// What one unit is, that figures are given for.
    pub(crate) unit: String,
    /// The figure that others are compared with.
    pub(crate) base: String,
    pub(crate) ways: Vec<Way>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) claims: Vec<Claim>,
    /// What a reader of the figures must know.
    pub(crate) notes: Vec<String>,
    /// Done before each run of a way, outside the clock.
    pub(crate) before: Box<dyn FnMut() -> io::Result<()>>,
    /// What can only be said after all the rounds.
    pub(crate) after: Box<dyn FnOnce() -> Vec<String>>,
}

impl Row {
    pub(crate) fn new(id: &'static str, title: String, unit: &str, base: &str) -> Row {
        Row {
            id,
            title,
            unit: unit.to_owned(),
            base: base.to_owned(),
            ways: Vec::new(),
            skipped: Vec::new(),
            claims: Vec::new(),
            notes: Vec::new(),
            before: Box::new(|| Ok(())),
            after: Box::new(Vec::new),
        }
    }

    /// One more way, or the reason why it is not to be had here.
    pub(crate) fn way(&mut self, kind: Kind, name: &str, run: io::Result<Run>) {
        self.add(kind, name, None, run);
    }

    /// One more way that is compared with another than the base of the row.
    pub(crate) fn way_against(&mut self, base: &str, kind: Kind, name: &str, run: io::Result<Run>) {
        self.add(kind, name, Some(base.to_owned()), run);
    }

    fn add(&mut self, kind: Kind, name: &str, against: Option<String>, run: io::Result<Run>) {
        let name = name.to_owned();
        match run {
            Ok(run) => self.ways.push(Way {
                name,
                kind,
                against,
                run,
            }),
            Err(error) => self.skipped.push(Skipped {
                name,
                kind,
                reason: error.to_string(),
            }),
        }
    }

    pub(crate) fn claim(&mut self, who: impl Into<String>, bound: Bound) {
        let who = who.into();
        self.claims.push(Claim { who, bound });
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}
