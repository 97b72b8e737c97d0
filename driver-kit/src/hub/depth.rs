//! How many members the crew should have, and how much each takes at a time: learnt from how often
//! they have to wait.
//!
//! What is in the page cache is done soonest by as many threads as there are processors, each taking
//! many small jobs at a time. What has to come from the disk is waited for, and a disk likes to be
//! asked many things at once: then more threads help, and whoever waits should hold back nothing
//! else.

use super::waits::Kin;

/// How many small jobs a member of the crew takes at a time at most. Turns of so many halve what many
/// small files cost; longer ones only keep from others what they could do meanwhile.
const JOBS: usize = 32;

/// How many members there are at most for the sake of syncs and renames. They end together where the disk takes
/// them together, and beyond these they only wait for each other: a thousand replaces by 16 take three
/// quarters of what they take by 64.
const SYNCING: u32 = 16;

/// How a turn went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Effort {
    /// Jobs that were carried out.
    pub(super) jobs: usize,
    /// How often that had to wait.
    pub(super) waits: u64,
    /// For what.
    pub(super) kin: Kin,
}

/// What has been learnt.
#[derive(Debug)]
pub(super) struct Depth {
    least: u32,
    most: u32,
    workers: u32,
    jobs: usize,
}

impl Depth {
    /// Nothing is known yet. There are never fewer workers than `least` while there is work for them,
    /// unless `most` is less.
    pub(super) fn of(least: u32, most: u32) -> Depth {
        let least = least.min(most);
        Depth {
            least,
            most,
            workers: least,
            jobs: 1,
        }
    }

    /// How many should be at work.
    pub(super) const fn workers(&self) -> u32 {
        self.workers
    }

    /// How many small jobs one should take.
    pub(super) const fn jobs(&self) -> usize {
        self.jobs
    }

    /// A turn in which more than a third of the jobs waited asks for two workers more, and any other for
    /// one less: with a third of the jobs waiting their number stays where it is.
    pub(super) fn learn(&mut self, effort: Effort) {
        let Effort { jobs, waits, kin } = effort;
        if jobs == 0 {
            return;
        }
        if waits.saturating_mul(3) > jobs as u64 {
            let most = match kin {
                Kin::Reading | Kin::Locked => self.most,
                // More are there, if others wait for something else.
                Kin::Syncing => self.most.min(SYNCING).max(self.workers),
            };
            self.workers = self.workers.saturating_add(2).min(most);
            self.jobs = 1;
        } else {
            self.workers = self.workers.saturating_sub(1).max(self.least);
            self.jobs = (self.jobs * 2).min(JOBS);
        }
    }

    /// All who are at work are stuck: one more is needed.
    pub(super) fn add_one(&mut self) {
        self.workers = self.workers.saturating_add(1).min(self.most);
    }

    /// The work is done: what comes next may be of another kind.
    pub(super) fn forget(&mut self) {
        *self = Depth::of(self.least, self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(depth: &mut Depth, count: usize, effort: Effort) {
        (0..count).for_each(|_| depth.learn(effort));
    }

    const COLD: Effort = reading(1, 1);
    const WARM: Effort = reading(1, 0);

    const fn reading(jobs: usize, waits: u64) -> Effort {
        let kin = Kin::Reading;
        Effort { jobs, waits, kin }
    }

    #[test]
    fn what_waits_is_given_more_workers_and_one_job_each() {
        let mut depth = Depth::of(2, 64);
        turns(&mut depth, 5, WARM);
        assert_eq!((depth.workers(), depth.jobs()), (2, 32));
        depth.learn(reading(32, 11));
        assert_eq!((depth.workers(), depth.jobs()), (4, 1));
        turns(&mut depth, 30, COLD);
        assert_eq!((depth.workers(), depth.jobs()), (64, 1));
        turns(&mut depth, 1_000, COLD);
        assert_eq!(depth.workers(), 64, "there are no more");
    }

    #[test]
    fn what_does_not_wait_is_left_to_few_who_take_much() {
        let mut depth = Depth::of(2, 64);
        turns(&mut depth, 31, COLD);
        turns(&mut depth, 62, WARM);
        assert_eq!((depth.workers(), depth.jobs()), (2, 32));
        turns(&mut depth, 1_000, reading(32, 10));
        assert_eq!((depth.workers(), depth.jobs()), (2, 32));
    }

    #[test]
    fn syncs_are_given_fewer_and_send_nobody_away() {
        let mut depth = Depth::of(2, 64);
        let syncing = Effort {
            kin: Kin::Syncing,
            ..COLD
        };
        turns(&mut depth, 100, syncing);
        assert_eq!((depth.workers(), depth.jobs()), (16, 1));
        turns(&mut depth, 3, COLD);
        depth.learn(syncing);
        assert_eq!(depth.workers(), 22, "others wait for something else");
        let mut few = Depth::of(2, 5);
        turns(&mut few, 100, syncing);
        assert_eq!(few.workers(), 5, "there are no more");
    }

    #[test]
    fn nothing_done_teaches_nothing_and_what_was_learnt_can_be_forgotten() {
        let mut depth = Depth::of(2, 64);
        turns(&mut depth, 3, COLD);
        turns(&mut depth, 9, Effort::default());
        assert_eq!((depth.workers(), depth.jobs()), (8, 1));
        depth.forget();
        assert_eq!((depth.workers(), depth.jobs()), (2, 1));
    }

    #[test]
    fn there_are_never_more_than_there_may_be() {
        for most in [0, 1, 2, 3] {
            let mut depth = Depth::of(2, most);
            assert!(depth.workers() <= most);
            turns(&mut depth, 9, COLD);
            assert_eq!(depth.workers(), most);
        }
    }
}
