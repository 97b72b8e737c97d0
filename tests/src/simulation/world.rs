//! A simulation and what is known of it: handles, requests under way, and a book for each file.

use super::model::{Book, Change, Effect, Wrong};
use super::replacing::Line;
use super::seeds::Tally;
use driver_sim::{Dice, InodeId, Notice, Payload, Simulation, TicketNumber as Ticket};
use staging_core::{Access, HandleId, IoKind, Missing, OpId, Plan, Reject, Request, Tick};
use std::collections::BTreeMap;

/// What went wrong, in words.
pub(crate) type Verdict = Result<(), String>;

/// A request under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) ticket: u64,
    pub(crate) op: OpId,
    pub(crate) request: Request,
    pub(crate) inode: Option<InodeId>,
    pub(crate) effect: Option<Effect>,
    /// An append: where the file ends at least and at most once everything before it is done.
    pub(crate) end: Option<(u64, u64)>,
    /// An open: the version that its file had.
    pub(crate) floor: u64,
}

impl Asked {
    /// Something of which no more has to be known.
    pub(crate) const fn of(ticket: u64, op: OpId, request: Request) -> Asked {
        Asked {
            ticket,
            op,
            request,
            inode: None,
            effect: None,
            end: None,
            floor: 0,
        }
    }
}

/// A handle that was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) id: HandleId,
    pub(crate) inode: InodeId,
    pub(crate) writes: bool,
    /// When it was opened, in tickets.
    pub(crate) since: u64,
    /// When a sync of its file failed, in tickets, if it had been opened before (R8).
    pub(crate) broken: Option<u64>,
    /// When one failed last, in tickets.
    pub(crate) failed: u64,
    /// One failed while it was opened: whether it has to be told of that, nobody can see.
    pub(crate) unsure: bool,
    /// It goes on then, once it was told.
    pub(crate) keeps: bool,
    /// Somebody has told it of the one that failed last.
    pub(crate) told: bool,
    /// A close was asked for.
    pub(crate) leaving: bool,
    /// The version that its file had when it was asked for.
    pub(crate) floor: u64,
}

/// One version of a file that a stranger writes: one byte, again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version {
    /// Which of all versions of all files.
    pub(crate) number: u64,
    pub(crate) byte: u8,
    pub(crate) len: usize,
}

/// What is known of a file on the disk.
#[derive(Clone, Debug)]
pub(crate) enum Known {
    /// We write it, and nobody else.
    Ours(Book),
    /// A stranger writes it, and we do not.
    Theirs(Vec<Version>),
}

/// A path, and whether a power loss must leave what it leads to.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) path: String,
    pub(crate) theirs: bool,
    /// Somebody else removed or replaced it.
    pub(crate) touched: bool,
}

pub(crate) struct World<'a> {
    pub(crate) sim: Simulation,
    pub(crate) dice: Dice,
    pub(crate) asked: Vec<Asked>,
    pub(crate) rows: Vec<Row>,
    pub(crate) known: BTreeMap<InodeId, Known>,
    pub(crate) names: Vec<Name>,
    pub(crate) versions: u64,
    /// Syncs may lie: what they say covers nothing, and where it would be missed is counted.
    pub(crate) liars: bool,
    /// Limits change, and half of all writers keep dirty.
    pub(crate) keeps: bool,
    /// The interval that every writer sets, in nanoseconds (L3).
    pub(crate) every: Option<u64>,
    /// When this life began, in tickets.
    pub(crate) begun: u64,
    pub(crate) tally: &'a mut Tally,
    pub(crate) scratch: Vec<Change>,
    /// The paths that are replaced.
    pub(crate) lines: Vec<Line>,
    /// How much trouble there had been when temporary files were removed last.
    pub(crate) well: u64,
}

impl<'a> World<'a> {
    pub(crate) fn new(sim: Simulation, dice: Dice, liars: bool, tally: &'a mut Tally) -> World<'a> {
        World {
            sim,
            dice,
            asked: Vec::new(),
            rows: Vec::new(),
            known: BTreeMap::new(),
            names: Vec::new(),
            versions: 0,
            liars,
            keeps: false,
            every: None,
            begun: 0,
            tally,
            scratch: Vec::new(),
            lines: Vec::new(),
            well: 0,
        }
    }

    pub(crate) fn book(&mut self, inode: InodeId) -> Option<&mut Book> {
        match self.known.get_mut(&inode) {
            Some(Known::Ours(book)) => Some(book),
            Some(Known::Theirs(_)) | None => None,
        }
    }

    pub(crate) fn row(&mut self, handle: HandleId) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.id == handle)
    }

    /// Asks for a file at a path.
    pub(crate) fn open(
        &mut self,
        path: &str,
        access: Access,
        missing: Missing,
        plan: Plan,
        deadline: Tick,
    ) -> Verdict {
        let floor = match self
            .sim
            .disk()
            .inode(path)
            .map(|inode| self.known.get(&inode))
        {
            Some(Some(Known::Theirs(versions))) => {
                versions.last().map_or(0, |version| version.number)
            }
            Some(Some(Known::Ours(_)) | None) | None => 0,
        };
        let request = Request::Open {
            access,
            missing,
            plan,
        };
        let asked = self.sim.submit_op(request, Payload::Path(path), deadline);
        self.tally.rejected += u64::from(asked.is_err());
        if let Ok((Ticket(ticket), op)) = asked {
            let asked = Asked::of(ticket, op, request);
            self.asked.push(Asked { floor, ..asked });
        }
        self.listen()
    }

    /// Asks for something of a file that is open, or of all.
    pub(crate) fn ask(&mut self, row: Option<Row>, request: Request, deadline: Tick) -> Verdict {
        let inode = row.map(|row| row.inode);
        let effect = match request {
            // Of no bytes, it touches nothing and waits for nothing.
            Request::Write { len: 0, .. } | Request::Append { len: 0, .. } => None,
            Request::Write { offset, len, .. } => Some(Effect::Write { offset, len }),
            Request::Append { len, .. } => Some(Effect::Write { offset: 0, len }),
            Request::SetLength { len, .. } => Some(Effect::SetLength(len)),
            _ => None,
        };
        let end = match (request, inode) {
            (Request::Append { .. }, Some(inode)) => self.end_of(inode),
            _ => None,
        };
        let payload = match request {
            Request::Write { len, .. } | Request::Append { len, .. } => {
                let mut bytes = vec![0; len as usize];
                super::model::fill(self.sim.next_ticket().0, &mut bytes);
                Payload::Bytes(bytes)
            }
            _ => Payload::Nothing,
        };
        match self.sim.submit_op(request, payload, deadline) {
            Ok((Ticket(ticket), op)) => {
                // Of a sync by time the next write tells, and fails.
                if let Some(row) = row
                    && row.broken.is_some()
                    && !row.keeps
                    && self.every.is_none()
                    && effect.is_some()
                {
                    return Err(format!(
                        "R8: {request:?} was accepted though a sync of its file had failed"
                    ));
                }
                self.asked.push(Asked {
                    inode,
                    effect,
                    end,
                    ..Asked::of(ticket, op, request)
                });
                if let Request::Append { len, .. } = request {
                    self.place_append(len);
                }
                if let (Request::Close { handle }, Some(_)) = (request, row)
                    && let Some(row) = self.row(handle)
                {
                    row.leaving = true;
                }
            }
            Err(reject) => {
                self.tally.rejected += 1;
                self.tally.refused_broken += u64::from(reject == Reject::SyncFailed);
            }
        }
        self.listen()
    }

    /// Where the file ends at least and at most, once everything accepted so far is done.
    fn end_of(&self, inode: InodeId) -> Option<(u64, u64)> {
        let Some(Known::Ours(book)) = self.known.get(&inode) else {
            return None;
        };
        let mut end = book.seen.len();
        for asked in self.asked.iter().filter(|asked| asked.inode == Some(inode)) {
            match asked.effect {
                Some(Effect::Write { offset, len }) if len > 0 => {
                    end = (end.0.max(offset + len), end.1.max(offset + len));
                }
                Some(Effect::SetLength(len)) => end = (len, len),
                Some(Effect::Write { .. }) | None => {}
            }
        }
        Some(end)
    }

    /// An append was just accepted: where the machine says that it goes.
    fn place_append(&mut self, len: u64) {
        let Some(asked) = self.asked.last_mut() else {
            return;
        };
        let file = asked
            .request
            .handle()
            .and_then(|handle| self.sim.machine().file_of(handle));
        let staging = file.and_then(|file| self.sim.machine().staging(file));
        if let (Some(staging), Some(_)) = (staging, asked.effect) {
            let offset = staging.len.saturating_sub(len);
            asked.effect = Some(Effect::Write { offset, len });
        }
    }

    pub(crate) fn cancel(&mut self, op: OpId) -> Verdict {
        self.sim.cancel(op);
        self.listen()
    }

    pub(crate) fn drop_handle(&mut self, handle: HandleId) -> Verdict {
        self.rows.retain(|row| row.id != handle);
        self.sim.drop_handle(handle);
        self.listen()
    }

    pub(crate) fn step(&mut self) -> Result<bool, String> {
        let goes_on = self.sim.step();
        self.listen().map(|()| goes_on)
    }

    /// Hears what the disk did and what was answered, in this order.
    pub(crate) fn listen(&mut self) -> Verdict {
        while let Some(notice) = self.sim.next_notice() {
            match notice {
                Notice::SyncFailed(inode) => self.sync_failed(inode),
                Notice::SyncSucceeded(_) => {}
            }
        }
        while let Some(answer) = self.sim.next_answer() {
            self.answered(answer)?;
        }
        Ok(())
    }

    fn sync_failed(&mut self, inode: InodeId) {
        let now = self.sim.next_ticket().0;
        if let Some(book) = self.book(inode) {
            book.lost(now);
        }
        for row in &mut self.rows {
            if row.inode == inode && row.writes {
                row.broken.get_or_insert(now);
                row.failed = now;
                row.told = false;
            }
        }
    }

    /// Operations under way that change this file.
    pub(crate) fn pending(&mut self, inode: InodeId) -> Vec<Change> {
        let mut pending = std::mem::take(&mut self.scratch);
        pending.clear();
        let ours = self.asked.iter().filter(|asked| asked.inode == Some(inode));
        pending.extend(ours.filter_map(|asked| {
            let (ticket, sure) = (asked.ticket, false);
            let effect = asked.effect?;
            Some(Change {
                ticket,
                effect,
                sure,
            })
        }));
        pending
    }

    /// Whether the disk holds what it must of a file (R3, R13).
    pub(crate) fn check_durable(&mut self, inode: InodeId) -> Result<(), Wrong> {
        self.tally.checks += 1;
        let pending = self.pending(inode);
        let (bytes, len) = self.sim.disk().durable_of(inode);
        let checked = match self.known.get(&inode) {
            Some(Known::Ours(book)) => book.check_durable(&pending, bytes, len),
            Some(Known::Theirs(_)) | None => Ok(()),
        };
        self.scratch = pending;
        checked
    }

    /// Whether a file that nothing is under way on shows what it must.
    pub(crate) fn check_cached(&mut self, inode: InodeId) -> Verdict {
        let busy = self.asked.iter().any(|asked| asked.inode == Some(inode))
            || self.sim.under_way().any(|(_, kind)| changes(kind));
        if busy || !self.sim.disk().exists(inode) {
            return Ok(());
        }
        let Some(Known::Ours(book)) = self.known.get(&inode) else {
            return Ok(());
        };
        self.tally.checks += 1;
        let bytes = self.sim.disk().cached_of(inode);
        book.seen
            .check_whole(bytes, bytes.len() as u64)
            .map_err(|wrong| format!("R1: at rest {inode:?} shows {wrong:?}"))
    }

    /// The process ends at this moment, or the power: a new machine on what the disk has then. Every
    /// file holds what it must (R13), and from now on exactly what it holds.
    pub(crate) fn cut(mut self, cut: Cut) -> Result<World<'a>, String> {
        let disk = self.sim.disk();
        let before: Vec<_> = self
            .names
            .iter()
            .map(|name| disk.inode(&name.path))
            .collect();
        self.tally.events += self.sim.events();
        self.tally.rewritten += self.sim.machine().stats().rewritten;
        self.sim = match cut {
            Cut::Power => self.sim.power_loss(),
            Cut::Process => self.sim.restart(),
        };
        let known = std::mem::take(&mut self.known);
        for (inode, known) in known {
            match (known, cut) {
                (Known::Theirs(_), Cut::Power) => {}
                (Known::Theirs(versions), Cut::Process) => {
                    self.known.insert(inode, Known::Theirs(versions));
                }
                (Known::Ours(book), _) => self.survived(inode, book, cut)?,
            }
        }
        self.asked.clear();
        self.rows.clear();
        self.begun = self.sim.next_ticket().0;
        self.replaced_survived(cut)?;
        if cut == Cut::Power {
            self.tally.power_losses += 1;
            for (at, inode) in before.into_iter().enumerate() {
                self.check_name(at, inode)?;
            }
        }
        Ok(self)
    }

    fn survived(&mut self, inode: InodeId, book: Book, cut: Cut) -> Verdict {
        // One without a name may get it back with the next power loss.
        if !self.sim.disk().exists(inode) {
            return Ok(());
        }
        self.tally.checks += 1;
        let pending = self.pending(inode);
        let bytes = self.sim.disk().cached_of(inode);
        let synced = book.synced;
        let held = match cut {
            Cut::Power => book.check_durable(&pending, bytes, bytes.len() as u64),
            Cut::Process => book.check_seen(&pending, bytes),
        };
        let after = match cut {
            Cut::Power => Book::exact(bytes.to_vec()),
            Cut::Process => book.with_doubts(&pending),
        };
        let after = after.named(synced || cut == Cut::Power);
        self.known.insert(inode, Known::Ours(after));
        self.scratch = pending;
        held.map_err(|wrong| format!("R13: after {cut:?} was cut {inode:?} holds {wrong:?}"))
    }

    /// A name whose file a sync covered leads there (R13), unless somebody else changed it.
    fn check_name(&mut self, at: usize, before: Option<InodeId>) -> Verdict {
        let name = &mut self.names[at];
        let touched = std::mem::replace(&mut name.touched, false);
        let after = self.sim.disk().inode(&name.path);
        let synced = match before.map(|inode| (inode, self.known.get(&inode))) {
            Some((_, Some(Known::Ours(book)))) => book.synced && !touched && before != after,
            Some((_, Some(Known::Theirs(_)) | None)) | None => false,
        };
        self.tally.checks += 1;
        match synced && !name.theirs {
            true => Err(format!(
                "R13: {} leads to {after:?}, not {before:?}",
                name.path
            )),
            false => Ok(()),
        }
    }
}

/// What ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cut {
    Power,
    Process,
}

/// Whether an action changes a file.
pub(crate) const fn changes(kind: IoKind) -> bool {
    matches!(kind, IoKind::Write { .. } | IoKind::SetLength { .. })
}
