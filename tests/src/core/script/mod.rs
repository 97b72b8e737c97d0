//! Transcripts: what is said to a machine, line by line, and what it answers.
//!
//! ```text
//! # a comment                        kept as it is
//! limits chunk=4096 fetch=0          another machine, with these limits
//! @ 10                               it is 10 ns now
//! > open a auto wait by=30           an event; a is the name of the handle that it will give
//!   = opening op0                    the reply
//!   < io0: open a                    what is polled, at once unless a line says `hold`
//! > opened 1 8192                    the oldest open ended: inode 1, 8192 bytes, version 1
//! > io0 read 100                     this very action ended
//! > limit operations=2               a bound is another from now on
//! > tune a keep-dirty                how a handle is to be used; also refuse, operations=2, bytes=10
//! > cancel stage                     the newest stage that was not answered is cancelled
//! ? a                                how the file behind a handle stands; also ? wake, ? charged,
//!                                    ? backlog
//!   staging: 0 of 8192 bytes …
//! ```
//!
//! `hold` leaves everything to be polled where it is; `told`, `io` and `drain` poll one answer,
//! one action, or all there is, and go on as before.

mod limits;
mod line;

use driver_kit::journal::wording;
use line::{Command, known, parse};
use staging_core::{
    Action, Backlog, Completion, Event, HandleId, IoId, IoKind, Limits, LockStep, Machine, OpId,
    PhaseName, ReplaceStep, Reply, Subject, Tag, Tell, Tick,
};
use std::collections::BTreeMap;

/// The names that a script gives to handles.
#[derive(Default)]
struct Names {
    handles: BTreeMap<String, HandleId>,
}

impl Names {
    fn of(&self, handle: HandleId) -> String {
        let found = self.handles.iter().find(|(_, id)| **id == handle);
        found.map_or_else(|| format!("{handle:?}"), |(name, _)| name.clone())
    }

    /// Whether a request can name this handle: `read 100` is no request, but the end of one.
    fn or_new(&self, verb: &str, name: &str) -> bool {
        verb == "open" || known(name, self).is_ok()
    }
}

struct Run {
    machine: Machine,
    names: Names,
    now: Tick,
    tags: u64,
    holds: bool,
    /// Actions under way, in the order in which they were handed out.
    under_way: Vec<(IoId, IoKind)>,
    /// Operations accepted, in order.
    asked: Vec<(OpId, &'static str)>,
    out: String,
}

/// Plays the events of a script and gives it back with what the machine answers now.
///
/// # Errors
///
/// A line that cannot be obeyed: what was wrong with it, and the transcript up to it.
pub fn play(script: &str) -> Result<String, String> {
    let mut run = Run {
        machine: Machine::new(Limits::default()),
        names: Names::default(),
        now: Tick::ZERO,
        tags: 0,
        holds: false,
        under_way: Vec::new(),
        asked: Vec::new(),
        out: String::new(),
    };
    for line in script.lines().filter(|line| !line.starts_with("  ")) {
        run.out.push_str(line);
        run.out.push('\n');
        let obeyed = parse(line, &run.names).and_then(|command| run.obey(command));
        if let Err(what) = obeyed {
            return Err(format!("{what}\n{}", run.out));
        }
    }
    Ok(run.out)
}

impl Run {
    fn obey(&mut self, command: Command) -> Result<(), String> {
        match command {
            Command::Nothing => {}
            Command::Limits(limits) => {
                self.machine = Machine::new(limits);
                self.now = Tick::ZERO;
                self.under_way.clear();
                self.asked.clear();
            }
            Command::Now(now) => self.now = now,
            Command::Ask {
                name,
                deadline,
                request,
            } => {
                self.tags += 1;
                let tag = Tag(self.tags);
                let reply = self.machine.submit(self.now, tag, deadline, request);
                if let Reply::Opening { handle, .. } = reply {
                    self.names.handles.insert(name, handle);
                }
                if let Reply::Opening { op, .. }
                | Reply::Locking { op, .. }
                | Reply::Accepted { op } = reply
                {
                    self.asked.push((op, wording::kind(request)));
                }
                self.replied(reply);
            }
            Command::Say(event) => self.say(event),
            Command::End(work, completion) => {
                let fits = |(_, kind): &&(IoId, IoKind)| ends(*kind, work, completion);
                let found = self.under_way.iter().find(fits);
                let &(io, _) = found.ok_or("no such action is under way")?;
                self.say(Event::Completed { io, completion });
            }
            Command::Cancel(kind) => {
                let found = self.asked.iter().rfind(|(_, other)| *other == kind);
                let &(op, _) = found.ok_or("no such operation")?;
                self.say(Event::Cancelled { op });
            }
            Command::Hold => self.holds = true,
            Command::Told => self.told(),
            Command::Io => self.io(),
            Command::Drain => {
                self.holds = false;
                self.drain();
            }
            Command::Stands(handle) => {
                let file = self.machine.file_of(handle);
                let staging = file.and_then(|file| self.machine.staging(file));
                self.line(&wording::staging(staging));
            }
            Command::Wake => self.line(&wording::wake(self.machine.poll_timeout())),
            Command::Charged => self.line(&format!("{} bytes", self.machine.charged())),
            Command::Pressure => self.line(&wording::pressure(self.machine.pressure())),
            Command::Backlog => self.backlog(),
            Command::Report => self.line(&wording::report(self.machine.report())),
            Command::Count(what) => self.line(&wording::count(self.machine.stats(), &what)),
        }
        Ok(())
    }

    fn backlog(&mut self) {
        let mut whole: BTreeMap<Subject, Backlog> = BTreeMap::new();
        for (subject, piece) in self.machine.backlog() {
            let sum = whole.entry(subject).or_default();
            *sum = sum.and(piece);
        }
        for (subject, backlog) in &whole {
            let whose = match subject {
                Subject::File(file) => format!("{file:?}"),
                Subject::Opening(handle) => format!("open {}", self.names.of(*handle)),
                Subject::Replace(op) => format!("replace {op:?}"),
                Subject::Lock(lock) => format!("{lock:?}"),
            };
            self.line(&format!("{whose}: {backlog}"));
        }
        if whole.is_empty() {
            self.line("nothing");
        }
    }

    fn say(&mut self, event: Event) {
        let reply = self.machine.handle(self.now, event);
        if let Event::Completed { io, .. } = event {
            self.under_way.retain(|(other, _)| *other != io);
        }
        self.replied(reply);
    }

    fn replied(&mut self, reply: Reply) {
        let said = wording::reply(reply);
        self.line(&format!("= {said}"));
        if !self.holds {
            self.drain();
        }
    }

    fn told(&mut self) {
        match self.machine.poll_told() {
            Some(tell) => self.came(Action::Tell(tell)),
            None => self.line("nothing to tell"),
        }
    }

    fn io(&mut self) {
        match self.machine.poll_io() {
            Some(action) => self.came(action),
            None => self.line("nothing to do"),
        }
    }

    fn drain(&mut self) {
        while let Some(action) = self.machine.poll_action() {
            self.came(action);
        }
        let ended = self.machine.phase() == PhaseName::Closed;
        assert!(!ended || self.machine.poll_timeout().is_none(), "the end");
    }

    fn came(&mut self, action: Action) {
        match action {
            Action::Perform { io, kind } => self.under_way.push((io, kind)),
            Action::Tell(Tell::Resolve { op, .. }) => self.asked.retain(|(other, _)| *other != op),
            Action::Tell(_) => {}
        }
        let said = wording::action(action, &|handle| self.names.of(handle));
        self.line(&format!("< {said}"));
    }

    fn line(&mut self, said: &str) {
        self.out.push_str("  ");
        self.out.push_str(said);
        self.out.push('\n');
    }
}

/// Whether an action can end like this; where it is a failure, whether it is the one that is meant.
fn ends(kind: IoKind, meant: Option<&str>, completion: Completion) -> bool {
    let (word, fits) = match kind {
        IoKind::Open { .. } => ("open", matches!(completion, Completion::Opened { .. })),
        IoKind::Fetch { .. } => (
            "fetch",
            matches!(
                completion,
                Completion::Opened { .. } | Completion::Fetched { .. }
            ),
        ),
        IoKind::Look { .. } => ("look", matches!(completion, Completion::Looked { .. })),
        IoKind::Map { .. } => ("map", matches!(completion, Completion::Mapped)),
        IoKind::Load { .. } => ("load", matches!(completion, Completion::Loaded { .. })),
        IoKind::Read { .. } => ("read", matches!(completion, Completion::Read { .. })),
        IoKind::Write { .. } => (
            "write",
            matches!(
                completion,
                Completion::Written | Completion::CutShort { .. }
            ),
        ),
        IoKind::SetLength { .. } => ("cut", matches!(completion, Completion::LengthSet)),
        IoKind::Sync { .. } => ("sync", matches!(completion, Completion::Synced)),
        IoKind::Replace { step, .. } => match step {
            ReplaceStep::Create { .. } => {
                ("create", matches!(completion, Completion::Created { .. }))
            }
            ReplaceStep::Fill { .. } => (
                "fill",
                matches!(
                    completion,
                    Completion::Written | Completion::CutShort { .. }
                ),
            ),
            ReplaceStep::SyncFile { .. } | ReplaceStep::SyncDirectory => {
                ("sync", matches!(completion, Completion::Synced))
            }
            ReplaceStep::Publish { .. } => (
                "publish",
                matches!(
                    completion,
                    Completion::Published { .. } | Completion::Unsure { .. }
                ),
            ),
            ReplaceStep::Discard => ("discard", matches!(completion, Completion::Discarded)),
        },
        IoKind::Lock { step, .. } => match step {
            LockStep::Try { .. } => (
                "try",
                matches!(completion, Completion::Locked | Completion::Contended),
            ),
            LockStep::Release => ("give-back", matches!(completion, Completion::Unlocked)),
        },
        IoKind::Release { .. } => ("release", matches!(completion, Completion::Released { .. })),
        IoKind::Close { .. } => ("close", matches!(completion, Completion::Closed)),
    };
    meant.map_or(fits, |meant| meant == word)
}
