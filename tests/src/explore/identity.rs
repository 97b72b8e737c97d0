//! What makes two states one: the machine's canonical state and everything around it, with ids as
//! ranks, times as distances, and places in the order as far as they can still be compared.

use super::around::{Around, End, Held, NONE, State, Touch, View};
use staging_core::{Access, Canonical, FileId, Tick};
use std::hash::Hash;
use xxhash_rust::xxh3::Xxh3;

/// A state by 128 bits of its hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key(pub(crate) u64, pub(crate) u64);

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// What identifies states, in memory that is used again.
#[derive(Default)]
pub(crate) struct Identity {
    canonical: Canonical,
    words: Vec<u64>,
}

impl Identity {
    /// The identity of a state.
    pub(crate) fn of(&mut self, state: &State) -> Key {
        let mut hasher = Xxh3::new();
        self.canonical.take(&state.machine);
        self.canonical.hash(&mut hasher);
        self.words.clear();
        Writer {
            around: &state.around,
            words: &mut self.words,
        }
        .around();
        self.words.hash(&mut hasher);
        let digest = hasher.digest128();
        Key(digest as u64, (digest >> 64) as u64)
    }
}

struct Writer<'a> {
    around: &'a Around,
    words: &'a mut Vec<u64>,
}

impl Writer<'_> {
    fn around(&mut self) {
        let around = self.around;
        let flags = u64::from(around.full) << 8 | around.told as u64;
        self.words.extend([flags, around.lent]);
        for seat in &around.seats {
            let rank = around.seats.iter().filter(|other| {
                other.handle.map(|id| id.index()) < seat.handle.map(|id| id.index())
            });
            let rank = rank.count() as u64;
            let flags = [
                seat.state as u64,
                u64::from(seat.access == Access::Write),
                self.place(seat.lost),
                u64::from(seat.broken) | u64::from(seat.untold) << 1,
                rank,
            ];
            self.flags(&flags);
        }
        for asked in &around.asked {
            let earlier = around
                .asked
                .iter()
                .filter(|other| other.op.index() < asked.op.index());
            let (end, bytes) = match asked.end {
                End::NotYet => (0, 0),
                End::Read(bytes) => (1, bytes),
                End::Executed => (2, 0),
                End::Failed => (3, 0),
            };
            let flags = [
                u64::from(asked.ask),
                earlier.count() as u64,
                end,
                u64::from(asked.given_up),
                u64::from(asked.held_up) << 1 | u64::from(asked.lost),
            ];
            self.flags(&flags);
            self.words.extend([bytes, self.until(asked.due)]);
            self.touch(asked.touch);
        }
        self.words.push(u64::MAX);
        around.replaces.words(self.words);
        around.locks.words(self.words);
        self.jobs();
        for file in &around.files {
            let flags = [
                self.file_rank(file.id),
                file.descriptor.map_or(0, |access| 1 + access as u64),
                u64::from(file.found_empty),
                u64::from(file.syncing),
                u64::from(file.held.is_some()),
                self.place(file.dirty),
                self.place(file.covered),
            ];
            self.flags(&flags);
            self.words.push(self.until(file.due));
            self.view(&file.view);
            if let Some(held) = file.held {
                self.held(&held, &file.view);
            }
        }
    }

    /// In the order of their ids, which is that of the machine.
    fn jobs(&mut self) {
        let around = self.around;
        let mut order: arrayvec::ArrayVec<usize, { super::around::JOBS }> =
            (0..around.jobs.len()).collect();
        order.sort_unstable_by_key(|at| (around.jobs[*at].io.index(), around.jobs[*at].seq));
        for at in order {
            let job = &around.jobs[at];
            let older = around.jobs.iter().filter(|other| other.seq < job.seq);
            let older = older.count() as u64;
            let seq = match job.seq {
                0 => NONE,
                seq => seq,
            };
            let flags = [
                job.file as u64,
                self.place(seq),
                older,
                job.lent,
                job.returned,
                u64::from(job.reopens),
                u64::from(job.closes_reader),
            ];
            self.flags(&flags);
            self.words.push(self.until(job.due));
            self.touch(job.touch);
            let now = &around.files[job.file].view;
            if job.early != *now && sees(job) {
                self.view(&job.early);
            }
        }
        self.words.push(u64::MAX);
    }

    fn touch(&mut self, touch: Option<Touch>) {
        let Some(touch) = touch else {
            return self.words.push(u64::MAX);
        };
        let (effect, to) = match touch.effect {
            super::around::Effect::Looks => (0, 0),
            super::around::Effect::Reaches(end) => (1, end),
            super::around::Effect::Cuts(len) => (2, len),
        };
        self.words
            .extend([touch.file as u64 | effect << 8, touch.start, touch.end, to]);
    }

    /// Of a page it matters only which of those that are not ended come after its last write.
    fn view(&mut self, view: &View) {
        let mut pages = 0;
        for by in view.pages {
            pages = pages << 8 | self.place(by);
        }
        self.words.extend([view.len, view.version, pages]);
    }

    fn held(&mut self, held: &Held, view: &View) {
        let mut pages = 0;
        for (by, now) in held.pages.iter().zip(view.pages) {
            pages = pages << 1 | u64::from(*by == now);
        }
        let flags = [
            held.how as u64,
            pages,
            u64::from(held.mixed),
            u64::from(held.kept),
            held.version,
        ];
        self.flags(&flags);
        self.words.extend([held.charge, held.done, held.total]);
    }

    /// How many of those that are not ended came before.
    fn place(&self, seq: u32) -> u64 {
        if seq == NONE {
            return 0xff;
        }
        let asked = self
            .around
            .asked
            .iter()
            .filter(|asked| asked.seq < seq)
            .count();
        let answered = self.around.jobs.iter().filter(|job| {
            let asked = self.around.asked.iter().any(|asked| asked.seq == job.seq);
            job.seq > 0 && job.seq < seq && !asked
        });
        (asked + answered.count()) as u64
    }

    fn file_rank(&self, id: Option<FileId>) -> u64 {
        let Some(id) = id else { return 0xff };
        let others = self.around.files.iter().filter_map(|file| file.id);
        others.filter(|other| other.index() < id.index()).count() as u64
    }

    /// How long from now; what is overdue is so, however long.
    fn until(&self, due: Tick) -> u64 {
        match due {
            Tick::NEVER => u64::MAX,
            due => due.since(self.around.now),
        }
    }

    /// Small numbers, eight bits each.
    fn flags(&mut self, flags: &[u64]) {
        let word = flags.iter().fold(0, |word, flag| word << 8 | (flag & 0xff));
        self.words.push(word);
    }
}

fn sees(job: &super::around::Job) -> bool {
    use staging_core::IoKind;
    matches!(
        job.kind,
        IoKind::Open { .. } | IoKind::Fetch { .. } | IoKind::Look { .. } | IoKind::Load { .. }
    )
}
