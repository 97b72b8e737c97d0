//! Turns: which of the actions that are ready is handed out next (R11).
//!
//! A ready action stands in two lists: with all others in the order in which they became ready, and
//! in the line of its class. Writes line up by file, and the files of a class stand in a ring; all
//! other actions of a class share one line, which takes turns with the ring.

use super::Machine;
use super::state::{Io, LINE, Owner, Place, READY, RINGS};
use crate::action::IoKind;
use crate::class::{Class, Turn, Turns, Weights};
use crate::id::IoId;

/// Who is handed out next.
#[derive(Clone, Copy)]
pub(super) struct Choice {
    pub io: IoId,
    /// Whose turn it is then.
    turn: Turn,
    /// It was the turn of its class, which pays. Who is next for having waited longest is free.
    pays: bool,
}

impl Choice {
    const fn free(io: IoId, turn: Turn) -> Choice {
        let pays = false;
        Choice { io, turn, pays }
    }
}

impl Machine {
    /// A new action takes its place among the ready ones.
    pub(super) fn line_up(&mut self, io: IoId) {
        self.ios.push_back(&mut self.ready, READY, io);
        self.enter_turns(io);
    }

    /// Takes an action out of the ready ones.
    pub(super) fn step_out(&mut self, io: IoId) {
        self.ios.unlink(&mut self.ready, READY, io);
        self.leave_turns(io);
        if self.ready.is_empty() {
            self.turn = Turn::FIRST;
        }
    }

    fn enter_turns(&mut self, io: IoId) {
        let Io { class, owner, .. } = self.ios[io];
        let class = class as usize;
        let Owner::Write { writing, .. } = owner else {
            return self.ios.push_back(&mut self.lines[class], LINE, io);
        };
        let queued = &mut self.writings[writing].queued[class];
        let first = queued.is_empty();
        self.ios.push_back(queued, LINE, io);
        if first {
            let ring = &mut self.rings[class];
            self.writings.push_back(ring, RINGS + class, writing);
        }
    }

    fn leave_turns(&mut self, io: IoId) {
        let Io { class, owner, .. } = self.ios[io];
        let class = class as usize;
        let Owner::Write { writing, .. } = owner else {
            return self.ios.unlink(&mut self.lines[class], LINE, io);
        };
        let queued = &mut self.writings[writing].queued[class];
        self.ios.unlink(queued, LINE, io);
        if queued.is_empty() {
            let ring = &mut self.rings[class];
            self.writings.unlink(ring, RINGS + class, writing);
        }
    }

    /// Somebody more urgent waits for an action. One that has ended needs no hurry: of a run of writes
    /// the parts are over one after the other.
    pub(super) fn raise_action(&mut self, io: IoId, class: Class) {
        let raised = |io: &Io| io.place == Place::Ready && io.class < class;
        if self.ios.get(io).is_some_and(raised) {
            self.leave_turns(io);
            self.ios[io].class = class;
            self.enter_turns(io);
        }
    }

    /// Who is next.
    pub(super) fn next_ready(&self) -> Option<Choice> {
        let oldest = self.ios.first(&self.ready)?;
        let Turns::ByClass { weights, patience } = self.limits.turns else {
            return Some(Choice::free(oldest, Turn::FIRST));
        };
        if self.ios.after(READY, oldest).is_none() {
            return Some(Choice::free(oldest, Turn::FIRST));
        }
        let mut turn = self.turn;
        if turn.preferred >= patience {
            turn.preferred = 0;
            return Some(Choice::free(oldest, turn));
        }
        let class = self.class_in_turn(&mut turn, weights);
        let chosen = self.first_of(class, &mut turn)?;
        turn.preferred = match chosen == oldest {
            true => 0,
            false => turn.preferred + 1,
        };
        Some(Choice {
            io: chosen,
            turn,
            pays: true,
        })
    }

    /// Hands it out, with what is merged with it: the class pays, and its file goes to the end of the
    /// ring.
    pub(super) fn hand_out(&mut self, choice: Choice) -> IoKind {
        let Choice { io, turn, pays } = choice;
        let Io { class, owner, .. } = self.ios[io];
        let class = class as usize;
        self.step_out(io);
        self.ios[io].place = Place::InFlight;
        self.gather(io);
        if let Owner::Write { writing, .. } = owner
            && !self.writings[writing].queued[class].is_empty()
        {
            let (ring, link) = (&mut self.rings[class], RINGS + class);
            self.writings.unlink(ring, link, writing);
            self.writings.push_back(ring, link, writing);
        }
        let kind = self.ios[io].kind;
        if !self.ready.is_empty() {
            self.turn = turn;
        }
        if !self.ready.is_empty() && pays {
            self.turn.credit[class] -= cost(kind) as i16;
        }
        kind
    }

    /// The class that may spend something: the one that was served last, or the next that has
    /// something ready. One alone pays nothing.
    fn class_in_turn(&self, turn: &mut Turn, weights: Weights) -> Class {
        let waits = |class: Class| {
            let class = class as usize;
            !self.lines[class].is_empty() || !self.rings[class].is_empty()
        };
        let mut waiting = Class::ALL.into_iter().filter(|class| waits(*class));
        if let (Some(alone), None) = (waiting.next(), waiting.next()) {
            (turn.class, turn.credit) = (Turn::FIRST.class, Turn::FIRST.credit);
            return alone;
        }
        // Each round gives every class that waits at least 1, and none owes more than the dearest
        // action costs.
        loop {
            let class = turn.class;
            let credit = &mut turn.credit[class as usize];
            match waits(class) {
                true if *credit > 0 => return class,
                true => {}
                false => *credit = 0,
            }
            turn.class = class.next();
            if waits(turn.class) {
                turn.credit[turn.class as usize] += weights.of(turn.class) as i16;
            }
        }
    }

    /// The first of the line of a class, or of the file whose turn it is there.
    fn first_of(&self, class: Class, turn: &mut Turn) -> Option<IoId> {
        let class = class as usize;
        let in_line = self.ios.first(&self.lines[class]);
        let of_file = self.writings.first(&self.rings[class]);
        let files_next = &mut turn.files[class];
        match (in_line, of_file) {
            (Some(io), None) => {
                *files_next = false;
                Some(io)
            }
            (Some(io), Some(_)) if !*files_next => {
                *files_next = true;
                Some(io)
            }
            (_, Some(writing)) => {
                *files_next = false;
                self.ios.first(&self.writings[writing].queued[class])
            }
            (None, None) => None,
        }
    }

    /// The class in which an action is done: that of the operation on whose behalf it is. A system
    /// sync is urgent, whoever asked for it (R4).
    pub(super) fn class_of(&self, kind: IoKind, owner: Owner) -> Class {
        match (kind, owner) {
            (IoKind::Sync { .. }, _) => Class::Urgent,
            (_, Owner::Read { op, .. } | Owner::Write { op, .. }) => self.ops[op].class,
            (
                _,
                Owner::Open { .. }
                | Owner::Reopen { .. }
                | Owner::File { .. }
                | Owner::Sync { .. }
                | Owner::Replace { .. }
                | Owner::Volume { .. }
                | Owner::Directory { .. }
                | Owner::Lock { .. },
            ) => Class::Normal,
        }
    }
}

/// What handing out an action costs its class.
fn cost(kind: IoKind) -> u32 {
    let bytes = match kind {
        IoKind::Read { len, .. }
        | IoKind::Write { len, .. }
        | IoKind::Load { len, .. }
        | IoKind::Fetch { up_to: len, .. } => len,
        IoKind::Open { .. }
        | IoKind::Look { .. }
        | IoKind::Map { .. }
        | IoKind::SetLength { .. }
        | IoKind::Sync { .. }
        | IoKind::Replace { .. }
        | IoKind::Lock { .. }
        | IoKind::Release { .. }
        | IoKind::Close { .. } => 0,
    };
    let more = (bytes >> 16).min(u64::from(Turns::DEAREST - 1));
    1 + more as u32
}
