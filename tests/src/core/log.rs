//! What was said in a world, to be read when a rule was broken.

use staging_core::{Action, Entry, Event, Outcome, Reply, Tell, Tick};
use std::collections::BTreeSet;

enum Line {
    Event(Tick, Event, Reply),
    Action(Action),
    Note(String),
}

/// What a history was made of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    Seed(u64),
    /// So many bytes.
    Bytes(usize),
}

/// Every event and every action of one history, in order.
pub(crate) struct Log {
    origin: Origin,
    lines: Vec<Line>,
}

impl Log {
    pub(crate) fn of(origin: Origin) -> Log {
        let lines = Vec::new();
        Log { origin, lines }
    }

    pub(crate) fn event(&mut self, now: Tick, event: Event, reply: Reply) {
        self.lines.push(Line::Event(now, event, reply));
    }

    pub(crate) fn action(&mut self, action: Action) {
        self.lines.push(Line::Action(action));
    }

    pub(crate) fn note(&mut self, note: String) {
        self.lines.push(Line::Note(note));
    }

    /// The history as a journal.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let entry = |line: &Line| match *line {
            Line::Event(now, event, reply) => Some(Entry::Said { now, event, reply }),
            Line::Action(action) => Some(Entry::Polled(action)),
            Line::Note(_) => None,
        };
        self.lines.iter().filter_map(entry).collect()
    }

    pub(crate) fn last_reply(&self) -> Option<Reply> {
        match self.lines.last()? {
            Line::Event(_, _, reply) => Some(*reply),
            Line::Action(_) | Line::Note(_) => None,
        }
    }

    /// Adds what happened here, one word or two for each kind of thing.
    pub(crate) fn happened(&self, words: &mut BTreeSet<String>) {
        for line in &self.lines {
            let said = match line {
                Line::Event(_, Event::Submitted { .. }, Reply::Rejected(reject)) => {
                    format!("{reject:?}")
                }
                Line::Event(_, _, Reply::Ignored(why)) => format!("Ignored {why:?}"),
                Line::Event(_, Event::Submitted { request, .. }, _) => format!("{request:?}"),
                Line::Event(_, Event::Completed { .. }, reply) => format!("{reply:?}"),
                Line::Event(_, event, _) => format!("{event:?}"),
                Line::Action(Action::Tell(Tell::Resolve { outcome, .. })) => match outcome {
                    Outcome::Failed { fault, .. } => format!("Failed {fault:?}"),
                    Outcome::Opened { standing, .. } => format!("{standing:?}"),
                    other => format!("Answer {other:?}"),
                },
                Line::Action(Action::Tell(Tell::Phase { phase, cause })) => {
                    format!("{phase:?} {cause:?}")
                }
                Line::Action(Action::Tell(tell)) => format!("{tell:?}"),
                Line::Action(Action::Perform { kind, .. }) => format!("{kind:?}"),
                Line::Note(_) => continue,
            };
            let word: String = said
                .chars()
                .take_while(|c| !"{0123456789".contains(*c))
                .collect();
            words.insert(word.trim().into());
        }
    }
}

impl Drop for Log {
    /// A history that ends in a panic is printed, with what repeats it.
    #[expect(clippy::print_stderr, reason = "the reader of a failed test wants it")]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for line in &self.lines {
            match line {
                Line::Event(now, event, reply) => {
                    eprintln!("{now:?} > {event:?}\n      = {reply:?}")
                }
                Line::Action(Action::Tell(tell)) => eprintln!("      < {tell:?}"),
                Line::Action(Action::Perform { io, kind }) => eprintln!("      < {io:?} {kind:?}"),
                Line::Note(note) => eprintln!("      # {note}"),
            }
        }
        match self.origin {
            Origin::Seed(seed) => eprintln!("seed {seed}"),
            Origin::Bytes(count) => eprintln!("{count} bytes"),
        }
    }
}
