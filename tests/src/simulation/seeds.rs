//! Many seeds, on as many threads as are wanted, and what was reached in all of them together.

use super::history::{history, history_by};
use driver_sim::{Dice, Simulation, Struck, Trouble};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// What happened in all seeds together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[expect(missing_docs, reason = "each is named after what it counts")]
pub struct Tally {
    pub seeds: u64,
    pub events: u64,
    pub power_losses: u64,
    pub checks: u64,
    pub answers: u64,
    pub failed: u64,
    pub rejected: u64,
    pub refused_broken: u64,
    pub cancelled: u64,
    pub shutdowns: u64,
    pub strangers: u64,
    pub staged: u64,
    pub copies_checked: u64,
    pub bytes_read: u64,
    pub syncs: u64,
    pub sync_all_failed: u64,
    pub lies_seen: u64,
    pub kept_dirty: u64,
    pub synced_by_time: u64,
    pub limits_changed: u64,
    pub replaces: u64,
    pub replaced: u64,
    pub rewritten: u64,
    pub files_synced_together: u64,
    pub temporaries_left: u64,
    pub struck: Struck,
}

impl Tally {
    pub(crate) fn strike(&mut self, struck: &Struck) {
        self.struck.add(struck);
    }

    fn add(&mut self, other: &Tally) {
        self.seeds += other.seeds;
        self.events += other.events;
        self.power_losses += other.power_losses;
        self.checks += other.checks;
        self.answers += other.answers;
        self.failed += other.failed;
        self.rejected += other.rejected;
        self.refused_broken += other.refused_broken;
        self.cancelled += other.cancelled;
        self.shutdowns += other.shutdowns;
        self.strangers += other.strangers;
        self.staged += other.staged;
        self.copies_checked += other.copies_checked;
        self.bytes_read += other.bytes_read;
        self.syncs += other.syncs;
        self.sync_all_failed += other.sync_all_failed;
        self.lies_seen += other.lies_seen;
        self.kept_dirty += other.kept_dirty;
        self.synced_by_time += other.synced_by_time;
        self.limits_changed += other.limits_changed;
        self.replaces += other.replaces;
        self.replaced += other.replaced;
        self.rewritten += other.rewritten;
        self.files_synced_together += other.files_synced_together;
        self.temporaries_left += other.temporaries_left;
        self.struck.add(&other.struck);
    }

    /// What has to be reached in a long run, or it proves nothing, and was not.
    pub fn missed(&self) -> Vec<&'static str> {
        let counts = [
            ("a power loss", self.power_losses),
            ("a failed operation", self.failed),
            ("a refused one", self.rejected),
            ("a write refused after a failed sync", self.refused_broken),
            ("one that keeps dirty, and was told", self.kept_dirty),
            (
                "a file that is synced by time, at rest",
                self.synced_by_time,
            ),
            ("other limits", self.limits_changed),
            ("a cancel", self.cancelled),
            ("a shutdown", self.shutdowns),
            ("a stranger", self.strangers),
            ("a staged file", self.staged),
            ("a copy of a file that changes", self.copies_checked),
            ("a sync that succeeded", self.syncs),
            ("a sync of all that named a file", self.sync_all_failed),
            ("a replace that was committed", self.replaced),
            (
                "a content written again after a failed sync",
                self.rewritten,
            ),
            (
                "contents of replaces synced together",
                self.files_synced_together,
            ),
            ("a temporary file that a cut left", self.temporaries_left),
            ("a lie that would be found out", self.lies_seen),
        ];
        let troubles = Trouble::ALL
            .into_iter()
            .map(|trouble| (trouble.name(), self.struck.came(trouble)));
        let all = counts.into_iter().chain(troubles);
        all.filter(|(_, count)| *count == 0)
            .map(|(what, _)| what)
            .collect()
    }
}

/// Lives one seed through, and counts what happened.
///
/// # Errors
/// What went wrong, in words.
pub fn live(seed: u64, tally: &mut Tally) -> Result<(), String> {
    tally.seeds += 1;
    history(seed, false, tally, &mut |_| {})
}

/// Lives through what somebody else made up: the first eight bytes are the luck of the disk, each
/// other one is a choice.
///
/// # Errors
/// What went wrong, in words.
pub fn live_by(bytes: &[u8]) -> Result<(), String> {
    let (luck, choices) = bytes.split_at(bytes.len().min(8));
    let seed = luck
        .iter()
        .fold(0, |seed, byte| seed << 8 | u64::from(*byte));
    let dice = Dice::of_bytes(choices);
    history_by(dice, seed, false, &mut Tally::default(), &mut |_| {})
}

/// The transcript of the last life of a seed, and what went wrong in it.
pub fn transcript(seed: u64) -> (String, Option<String>) {
    let mut text = String::new();
    let mut keep = |sim: &Simulation| text = sim.transcript();
    let wrong = history(seed, true, &mut Tally::default(), &mut keep).err();
    (text, wrong)
}

/// Lives these seeds through on two threads.
///
/// # Errors
/// The least seed that went wrong among those that were tried, and how.
pub fn run(seeds: Range<u64>) -> Result<Tally, (u64, String)> {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return (tally, None);
            }
            let lived =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| live(seed, &mut tally)));
            let wrong = match lived {
                Ok(Ok(())) => continue,
                Ok(Err(wrong)) => wrong,
                Err(_) => "it panicked; see above".to_owned(),
            };
            // Seeds below this one are under way on the other thread, or done.
            next.store(seeds.end, Ordering::Relaxed);
            return (tally, Some((seed, wrong)));
        }
    };
    let results = thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.map(|thread| thread.join())
    });
    let mut all = Tally::default();
    let mut wrong: Option<(u64, String)> = None;
    for result in results {
        let (tally, failed) = result.map_err(|_| (seeds.start, "a thread was lost".to_owned()))?;
        all.add(&tally);
        if let Some(failed) = failed
            && wrong.as_ref().is_none_or(|(least, _)| failed.0 < *least)
        {
            wrong = Some(failed);
        }
    }
    match wrong {
        Some(wrong) => Err(wrong),
        None => Ok(all),
    }
}
