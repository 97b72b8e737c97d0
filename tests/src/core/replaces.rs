//! Every replace from its acceptance until nothing of it is left, held against what was promised: the steps
//! in their order (A1), one at a time for each target, nobody answered before what he depends on is durable
//! (A4), and no temporary file that is forgotten (A2).

mod together;

use super::world::World;
use staging_core::{
    Completion, Done, Durability, Existing, Fault, IoId, IoKind, Key, Machine, OpId, Outcome,
    ReplaceStep, Request,
};
use together::volume_of;

/// All that are not over.
#[derive(Clone, Default, Debug)]
pub(crate) struct Replaces {
    /// In the order in which they were accepted.
    all: Vec<Replace>,
}

#[derive(Clone, Debug)]
struct Replace {
    op: OpId,
    target: Key,
    len: u64,
    durability: Durability,
    existing: Existing,
    file: File,
    /// Which files are synced with its own.
    volume: Option<u64>,
    /// After which operation the sync of its file is named that is under way.
    synced_by: Option<OpId>,
    /// How many of its files could not be synced.
    failed_syncs: u64,
    /// The step under way.
    step: Option<ReplaceStep>,
    name: Name,
    /// It was being published; who gave it up then hears so perhaps after that failed.
    begun: bool,
    /// A later one of the same target was published.
    overtaken: bool,
    answered: bool,
}

/// The temporary file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum File {
    /// Not made yet, published, or removed.
    Absent,
    /// It has so many bytes.
    Filled { end: u64, synced: bool },
    /// Its sync failed: no later one vouches for it.
    Unsyncable,
}

/// What became of the target's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Name {
    Old,
    /// Published; whether a sync that began later has ended.
    New(Sync),
    /// It will stay what it was.
    Kept,
    /// Nobody knows.
    Perhaps,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sync {
    NotYet,
    UnderWay,
    Done,
    Failed,
}

impl Replace {
    /// Others of the same target have to wait.
    fn holds_its_target(&self) -> bool {
        let at_work = self
            .step
            .is_some_and(|step| step != ReplaceStep::SyncDirectory);
        at_work || self.file != File::Absent
    }

    /// Its first file could not be synced, and it is to have a second.
    fn is_to_be_written_again(&self) -> bool {
        self.failed_syncs == 1 && self.name == Name::Old && !self.answered
    }
}

/// In which directory a target is.
pub(crate) const fn directory_of(target: Key) -> Key {
    Key([9, target.0[1] % 2])
}

/// How a step of a replace ends that goes well.
pub(crate) fn done(step: ReplaceStep, target: Key) -> Completion {
    match step {
        ReplaceStep::Create { .. } => Completion::Created {
            volume: volume_of(target),
        },
        step => step.done(directory_of(target)),
    }
}

/// What was broken, in words.
pub(crate) type Verdict = Result<(), String>;

fn hold(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}

impl Replaces {
    pub(crate) fn accepted(&mut self, op: OpId, request: Request) {
        if let Request::Replace {
            target,
            len,
            durability,
            existing,
        } = request
        {
            self.all.push(Replace {
                op,
                target,
                len,
                durability,
                existing,
                file: File::Absent,
                volume: None,
                synced_by: None,
                failed_syncs: 0,
                step: None,
                name: Name::Old,
                begun: false,
                overtaken: false,
                answered: false,
            });
        }
    }

    fn of(&mut self, op: OpId) -> Option<&mut Replace> {
        self.all.iter_mut().rfind(|replace| replace.op == op)
    }

    /// With a chunk between these, as it was when the step was ordered.
    ///
    /// # Errors
    /// This step is not its turn.
    pub(crate) fn handed_out(
        &mut self,
        op: OpId,
        step: ReplaceStep,
        (least, most): (u64, u64),
    ) -> Verdict {
        let Some(at) = self.all.iter().rposition(|replace| replace.op == op) else {
            return Err(format!("{step:?} of {op:?}, which is over"));
        };
        let before = self.all[..at].iter();
        let target = self.all[at].target;
        let at_work = before
            .filter(|other| other.target == target)
            .find(|other| other.holds_its_target());
        let replace = &self.all[at];
        let wrong = || format!("{step:?} of {replace:?}");
        hold(replace.step.is_none(), wrong)?;
        match (step, replace.file) {
            (ReplaceStep::Create { len, existing }, File::Absent) => {
                let fits = (replace.len.min(least)..=replace.len.min(most)).contains(&len);
                let right = fits && existing == replace.existing;
                hold(
                    right && replace.name == Name::Old && !replace.answered,
                    wrong,
                )?;
                hold(at_work.is_none(), || {
                    format!("{} beside {at_work:?}", wrong())
                })?;
            }
            (ReplaceStep::Fill { offset, len }, File::Filled { end, .. }) => {
                let rest = replace.len.saturating_sub(end);
                let fits = (rest.min(least)..=rest.min(most)).contains(&len);
                hold(offset == end && fits && len > 0 && !replace.answered, wrong)?;
            }
            (ReplaceStep::SyncFile { .. }, File::Filled { .. }) => {
                hold(replace.is_to_be_synced(), wrong)?;
            }
            (ReplaceStep::Publish { existing }, File::Filled { end, synced }) => {
                let ready =
                    end == replace.len && (synced || replace.durability == Durability::None);
                hold(
                    ready && existing == replace.existing && !replace.answered,
                    wrong,
                )?;
                hold(!replace.overtaken, || {
                    format!("{} after a later one", wrong())
                })?;
            }
            (ReplaceStep::Discard, File::Filled { .. } | File::Unsyncable) => {
                hold(replace.name != Name::New(Sync::NotYet), wrong)?;
            }
            (ReplaceStep::SyncDirectory, File::Absent) => return self.directory_sync(at),
            _ => return Err(wrong()),
        }
        self.all[at].step = Some(step);
        self.all[at].begun |= matches!(step, ReplaceStep::Publish { .. });
        Ok(())
    }

    /// It covers everything that is published in the directory by now, and is on behalf of one of those.
    fn directory_sync(&mut self, at: usize) -> Verdict {
        let leader = &self.all[at];
        let directory = directory_of(leader.target);
        hold(
            leader.name == Name::New(Sync::NotYet) && !leader.answered,
            || format!("a directory is synced for {leader:?}"),
        )?;
        let beside = self.all.iter().find(|other| {
            other.name == Name::New(Sync::UnderWay) && directory_of(other.target) == directory
        });
        hold(beside.is_none(), || {
            format!("a directory is synced beside {beside:?}")
        })?;
        self.all[at].step = Some(ReplaceStep::SyncDirectory);
        for replace in &mut self.all {
            let here = directory_of(replace.target) == directory;
            if here && replace.name == Name::New(Sync::NotYet) {
                replace.name = Name::New(Sync::UnderWay);
            }
        }
        Ok(())
    }

    pub(crate) fn ended(&mut self, op: OpId, step: ReplaceStep, completion: Completion) {
        if step == ReplaceStep::SyncDirectory {
            let sync = match completion {
                Completion::Synced => Sync::Done,
                _ => Sync::Failed,
            };
            let directory = self.of(op).map(|leader| {
                leader.step = None;
                directory_of(leader.target)
            });
            for replace in &mut self.all {
                if Some(directory_of(replace.target)) != directory {
                    continue;
                }
                match (replace.name, sync) {
                    (Name::New(Sync::UnderWay), _) => replace.name = Name::New(sync),
                    // What a failed sync forgot, a later one does not make durable.
                    (Name::New(Sync::NotYet), Sync::Failed) => replace.name = Name::New(sync),
                    _ => {}
                }
            }
            return self.forget();
        }
        if let ReplaceStep::SyncFile { .. } = step {
            self.files_ended(op, completion);
            return self.forget();
        }
        let Some(at) = self.all.iter().rposition(|replace| replace.op == op) else {
            return;
        };
        let (earlier, rest) = self.all.split_at_mut(at);
        let replace = &mut rest[0];
        replace.step = None;
        match (step, completion) {
            (ReplaceStep::Create { len, .. }, Completion::Created { volume }) => {
                replace.volume = volume;
                replace.file = File::Filled {
                    end: len,
                    synced: false,
                };
            }
            (ReplaceStep::Create { .. }, _) => replace.name = Name::Kept,
            (ReplaceStep::Fill { offset, len }, Completion::Written) => {
                replace.file = File::Filled {
                    end: offset + len,
                    synced: false,
                };
            }
            (ReplaceStep::Publish { .. }, Completion::Published { .. }) => {
                replace.file = File::Absent;
                replace.name = Name::New(Sync::NotYet);
                for other in earlier {
                    other.overtaken |= other.target == replace.target;
                }
            }
            (ReplaceStep::Publish { .. }, Completion::Unsure { .. }) => {
                replace.name = Name::Perhaps
            }
            (ReplaceStep::Discard, _) => {
                let written_again =
                    replace.file == File::Unsyncable && replace.is_to_be_written_again();
                replace.file = File::Absent;
                if replace.name != Name::Perhaps && !written_again {
                    replace.name = Name::Kept;
                }
            }
            _ => replace.name = Name::Kept,
        }
        self.forget();
    }

    /// # Errors
    /// That is not what happened.
    pub(crate) fn answered(&mut self, op: OpId, outcome: Outcome) -> Verdict {
        let Some(replace) = self.of(op) else {
            return Ok(());
        };
        let wrong = || format!("{outcome:?} to {replace:?}");
        match outcome {
            Outcome::Replaced => {
                let durable = replace.durability != Durability::FileAndDirectory
                    || replace.name == Name::New(Sync::Done);
                hold(matches!(replace.name, Name::New(_)) && durable, wrong)?;
            }
            Outcome::Failed { fault, done } => {
                let said = match done {
                    Done::Nothing => {
                        replace.name == Name::Kept
                            || (replace.name == Name::Old && !matches!(fault, Fault::Os(_)))
                    }
                    Done::Unknown => replace.begun,
                    Done::Bytes(_) => false,
                };
                hold(said, wrong)?;
            }
            _ => return Err(wrong()),
        }
        replace.answered = true;
        if replace.step.is_none() && replace.file == File::Absent && replace.name == Name::Old {
            replace.name = Name::Kept;
        }
        self.forget();
        Ok(())
    }

    /// Bytes that wait to be published.
    pub(crate) fn bytes(&self) -> u64 {
        let waiting = |replace: &&Replace| {
            replace.file != File::Absent || replace.step.is_some() || replace.name == Name::Old
        };
        self.all
            .iter()
            .filter(waiting)
            .map(|replace| replace.len)
            .sum()
    }

    /// How many are answered, and not over for the machine.
    pub(crate) fn outlived(&self, machine: &Machine, is_asked: impl Fn(OpId) -> bool) -> usize {
        let ops = self.all.iter().map(|replace| replace.op);
        ops.filter(|op| !is_asked(*op) && machine.is_under_way(*op))
            .count()
    }

    /// What a step is to replace.
    pub(crate) fn target_of(&self, kind: IoKind) -> Key {
        let known =
            |replace: &&Replace| matches!(kind, IoKind::Replace { op, .. } if op == replace.op);
        let replace = self.all.iter().rfind(known);
        replace.map_or(Key([0, 0]), |replace| replace.target)
    }

    /// What tells two of these apart, in the order of acceptance: which operations they are, by rank, and how
    /// far each is.
    pub(crate) fn words(&self, words: &mut Vec<u64>) {
        for replace in &self.all {
            let rank = self
                .all
                .iter()
                .filter(|other| other.op.index() < replace.op.index());
            let file = match replace.file {
                File::Absent => 0,
                File::Filled { end, synced } => 1 | u64::from(synced) << 1 | end << 2,
                File::Unsyncable => 2,
            };
            let step = match replace.step {
                None => 0,
                Some(ReplaceStep::Create { .. }) => 1,
                Some(ReplaceStep::Fill { .. }) => 2,
                Some(ReplaceStep::SyncFile { .. }) => 3,
                Some(ReplaceStep::Publish { .. }) => 4,
                Some(ReplaceStep::SyncDirectory) => 5,
                Some(ReplaceStep::Discard) => 6,
            };
            let name = match replace.name {
                Name::Old => 0,
                Name::Kept => 1,
                Name::Perhaps => 2,
                Name::New(sync) => 3 + sync as u64,
            };
            let flags = u64::from(replace.begun)
                | u64::from(replace.overtaken) << 1
                | u64::from(replace.answered) << 2
                | replace.failed_syncs << 16;
            let synced_by = replace.synced_by.map_or(u64::MAX, |by| by.index() as u64);
            words.extend([rank.count() as u64, replace.target.0[1], replace.len]);
            words.push(synced_by);
            words.extend([
                file,
                step << 8 | name << 4 | flags,
                replace.durability as u64,
            ]);
        }
        words.push(u64::MAX);
    }

    fn forget(&mut self) {
        self.all.retain(|replace| {
            !replace.answered || replace.step.is_some() || replace.file != File::Absent
        });
    }

    /// # Errors
    /// A temporary file is left, and nobody is at work on it.
    pub(crate) fn nothing_is_left(&self) -> Verdict {
        match self.all.first() {
            None => Ok(()),
            Some(left) => Err(format!("left: {left:?}")),
        }
    }
}

impl World {
    pub(crate) fn check_step(&mut self, io: IoId, op: OpId, step: ReplaceStep) {
        let chunk = (self.bounds.least.chunk, self.bounds.most.chunk);
        let held = match step {
            ReplaceStep::SyncFile { .. } => {
                let ops: Vec<OpId> = self.machine.files_of(io).collect();
                self.replaces.files_handed_out(op, step, &ops)
            }
            step => self.replaces.handed_out(op, step, chunk),
        };
        assert_eq!(held, Ok(()));
    }

    pub(crate) fn check_replaced(&mut self, op: OpId, request: Request, outcome: Outcome) {
        if matches!(request, Request::Replace { .. }) {
            let held = self.replaces.answered(op, outcome);
            assert_eq!(held, Ok(()));
        }
    }
}

#[cfg(test)]
mod tests;
