//! The reference model: where each operation stands in the order on its file, what each read must
//! see, how long each file is, and what each barrier covers (R1, R3, R6, R8).

use super::around::{Around, Effect, End, Job, NONE, PAGES, SeatState, Touch, View};
use super::rules::{Rule, Verdict};
use super::step::Turn;
use super::world::What;
use arrayvec::ArrayVec;
use staging_core::{PAGE, Tick};

impl Around {
    /// The place of an operation that is accepted now.
    pub(crate) fn touch(&self, file: usize, what: What) -> Option<Touch> {
        let size = self.size(file);
        let (start, end, effect) = match what {
            _ if what.leads_nowhere() => return None,
            What::Read(offset, len) if len > 0 => (offset, offset + len, Effect::Looks),
            What::Write(offset, len) | What::WriteAs(_, offset, len) if len > 0 => {
                let end = offset + len;
                (offset.min(size), end, Effect::Reaches(end))
            }
            What::Append(len) | What::AppendAs(_, len) if len > 0 => {
                (size, size + len, Effect::Reaches(size + len))
            }
            What::SetLength(len) => (len.min(size), u64::MAX, Effect::Cuts(len)),
            _ => return None,
        };
        Some(Touch {
            file,
            start,
            end,
            effect,
        })
    }

    /// Accepted and not ended, in the order of acceptance: what is in flight, and what waits and
    /// was not given up.
    fn active(&self) -> ArrayVec<(u32, Touch), 20> {
        let mut active = ArrayVec::new();
        for job in &self.jobs {
            if let Some(touch) = job.touch {
                active.push((job.seq, touch));
            }
        }
        for asked in &self.asked {
            let waits = asked.end == End::NotYet && !asked.given_up && !self.flies(asked.seq);
            if let (Some(touch), true) = (asked.touch, waits) {
                active.push((asked.seq, touch));
            }
        }
        active.sort_unstable_by_key(|(seq, _)| *seq);
        active
    }

    pub(crate) fn flies(&self, seq: u32) -> bool {
        self.jobs.iter().any(|job| job.seq == seq)
    }

    /// How long a file is after everything accepted so far (R6).
    pub(crate) fn size(&self, file: usize) -> u64 {
        let mut size = self.files[file].view.len;
        for (_, touch) in self.active() {
            size = match touch.effect {
                _ if touch.file != file => size,
                Effect::Looks => size,
                Effect::Reaches(end) => size.max(end),
                Effect::Cuts(len) => len,
            };
        }
        size
    }

    /// Bytes of writes to a file that are accepted and not ended.
    pub(crate) fn bytes(&self, file: Option<usize>) -> u64 {
        let here = |touch: &Touch| file.is_none_or(|file| file == touch.file);
        let active = self.active();
        let writes = active.iter().filter(|(_, touch)| here(touch));
        writes
            .map(|(_, touch)| match touch.effect {
                Effect::Reaches(_) => touch.end - touch.start,
                Effect::Looks | Effect::Cuts(_) => 0,
            })
            .sum()
    }

    /// A write that was accepted before a place in the order and has not ended.
    pub(crate) fn write_before(&self, seq: u32, file: Option<usize>) -> Option<(u32, Touch)> {
        let active = self.active();
        let mut writes = active.iter().filter(|(_, touch)| touch.writes());
        let found =
            writes.find(|(at, touch)| *at < seq && file.is_none_or(|file| file == touch.file));
        found.copied()
    }

    /// Whether somebody may write to a file.
    pub(crate) fn is_written(&self, seats: &[usize], file: usize) -> bool {
        let seats = self.seats.iter().zip(seats);
        let mut writers =
            seats.filter(|(seat, of)| **of == file && seat.access.may_write() && seat.attached);
        writers.next().is_some()
    }
}

impl Turn<'_> {
    /// R1: nothing sets out beside, or before, what it meets and came later than.
    pub(crate) fn check_order(&self, seq: u32, touch: &Touch) -> Verdict {
        let around = &self.state.around;
        for job in &around.jobs {
            let beside = job.touch.filter(|other| other.meets(touch));
            Rule::NoOverlapInFlight
                .holds(beside.is_none(), || format!("{touch:?} beside {beside:?}"))?;
        }
        for (at, other) in around.active() {
            let overtakes = at < seq && other.meets(touch);
            Rule::OrderOfAcceptance.holds(!overtakes, || format!("{touch:?} before {other:?}"))?;
        }
        Ok(())
    }

    /// R1, R6: a read from the file sees no write that came later, and misses none before it.
    pub(crate) fn check_read(&self, job: &Job, view: &View) -> Verdict {
        let Some(touch) = job.touch else {
            return Ok(());
        };
        for page in pages(touch.start, touch.end.min(view.len)) {
            let by = view.pages[page];
            Rule::ReadsSeeWrites.holds(by <= job.seq, || {
                format!(
                    "the read accepted as {} sees the write accepted as {by}",
                    job.seq
                )
            })?;
        }
        let missed = self.state.around.active().into_iter();
        let mut missed = missed.filter(|(seq, other)| *seq < job.seq && other.meets(&touch));
        let missed = missed.next();
        Rule::ReadsSeeWrites.holds(missed.is_none(), || format!("{touch:?} misses {missed:?}"))
    }

    pub(crate) fn written(&mut self, job: &Job, offset: u64, bytes: u64) {
        let file = &mut self.state.around.files[job.file];
        // Behind a write that failed it leaves a hole, which is nobody's.
        let from = job.touch.map_or(offset, |touch| touch.start);
        for page in pages(from, offset + bytes) {
            file.view.pages[page] = job.seq;
        }
        file.view.len = file.view.len.max(offset + bytes);
        file.dirty = file.dirty.min(job.seq);
        self.state.around.is_due(job.file, job.due);
    }

    pub(crate) fn length_set(&mut self, job: &Job, len: u64) {
        let file = &mut self.state.around.files[job.file];
        for page in pages(len.min(file.view.len), PAGES as u64 * PAGE) {
            file.view.pages[page] = job.seq;
        }
        file.view.len = len;
        file.dirty = file.dirty.min(job.seq);
        self.state.around.is_due(job.file, job.due);
    }

    /// What a system sync that is handed out now will cover.
    pub(crate) fn sync_begins(&mut self, at: usize) {
        let file = &mut self.state.around.files[at];
        file.covered = file.covered.min(file.dirty);
        file.dirty = NONE;
        file.due = Tick::NEVER;
        file.syncing = true;
    }

    /// A system sync returned.
    pub(crate) fn synced(&mut self, at: usize, well: bool) {
        let around = &mut self.state.around;
        let file = &mut around.files[at];
        file.syncing = false;
        let lost = file.covered.min(file.dirty);
        file.covered = NONE;
        if !well {
            file.dirty = NONE;
            file.due = Tick::NEVER;
            if self.world.is_paced() {
                self.state.around.sync_failed_unasked(at, self.world.seats);
            }
            self.note_lost(lost);
            let around = &mut self.state.around;
            for (seat, of) in around.seats.iter_mut().zip(self.world.seats) {
                let open = matches!(seat.state, SeatState::Open | SeatState::Leaving);
                if *of == at && open && seat.access.may_write() {
                    seat.broken = true;
                    seat.lost = seat.lost.min(lost);
                }
            }
            self.lost_by_those_who_go_on(at, lost);
        }
    }

    /// Writes from this one on are lost: no sync of all that came later may call them durable,
    /// whoever is left to know of it.
    pub(crate) fn note_lost(&mut self, from: u32) {
        for asked in self.state.around.asked.iter_mut() {
            let over_all = self.world.asks[usize::from(asked.ask)].what == What::SyncAll;
            asked.lost |= over_all && from < asked.seq;
        }
    }

    /// R3: a flush is answered when each write before it has ended.
    pub(crate) fn check_flushed(&self, seq: u32, file: Option<usize>, rule: Rule) -> Verdict {
        let missed = self.state.around.write_before(seq, file);
        rule.holds(missed.is_none(), || format!("answered before {missed:?}"))
    }

    /// R3, R8: a sync is answered when each write before it is durable, and none of them lost.
    pub(crate) fn check_synced(&self, seq: u32, seat: Option<usize>) -> Verdict {
        let around = &self.state.around;
        let of = seat.map(|seat| self.world.seats[seat]);
        self.check_flushed(seq, of, Rule::SyncCovers)?;
        for (at, file) in around.files.iter().enumerate() {
            let concerned = of.is_none_or(|of| of == at);
            let covered = file.dirty.min(file.covered) > seq;
            Rule::SyncCovers.holds(covered || !concerned, || {
                let (dirty, covered) = (file.dirty, file.covered);
                format!("{seq} is synced before {dirty} or {covered}")
            })?;
        }
        for (at, other) in around.seats.iter().enumerate() {
            let concerned = match seat {
                Some(seat) => seat == at,
                None => other.handle.is_some(),
            };
            Rule::LostStaysLost.holds(!concerned || other.lost > seq, || {
                format!("seat {at} lost something, and is synced")
            })?;
        }
        Ok(())
    }
}

/// The pages of a range.
pub(crate) fn pages(start: u64, end: u64) -> std::ops::Range<usize> {
    let end = end.min(PAGES as u64 * PAGE);
    (start / PAGE) as usize..end.div_ceil(PAGE) as usize
}
