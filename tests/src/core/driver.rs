//! A driver that does what it is asked, on a disk in memory, and checks that it is asked nothing
//! that cannot be done.

use super::dice::Dice;
use super::disk::Disk;
use super::replaces::done;
use staging_core::{
    Access, Completion, Fault, FileId, How, IoId, IoKind, Key, LockStep, Missing, PAGE,
    ReplaceStep, Reply, Stamp, charge_loaded, charge_mapped,
};
use std::collections::{BTreeMap, BTreeSet};

/// An action in the driver's hands.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) io: IoId,
    pub(crate) kind: IoKind,
    /// The name that an open goes by, taken when the action was handed out.
    name: Option<usize>,
    /// The inode behind the descriptor that the action uses.
    inode: Option<usize>,
    /// What slices kept of the contents that the action releases.
    lent: u64,
    /// It closes a descriptor that was opened for reading only.
    closes_reader: bool,
    /// What the action replaces, or some file.
    target: Key,
}

/// Contents, whole or in part.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    number: u64,
    pub(crate) inode: usize,
    pub(crate) how: How,
    pub(crate) charge: u64,
    done: u64,
    total: u64,
    version: u64,
    /// Two chunks were read from two versions of the file.
    pub(crate) mixed: bool,
}

impl Held {
    pub(crate) fn whole(&self) -> bool {
        self.done == self.total
    }
}

/// A part of contents that a caller holds, one page long.
#[derive(Clone, Debug)]
struct Slice {
    of: u64,
    released: bool,
}

/// How unlucky the driver is, in a hundred actions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Luck {
    pub(crate) failing: usize,
    pub(crate) no_mapping: bool,
    /// How often another process has a lock.
    pub(crate) contended: usize,
}

#[derive(Default)]
pub(crate) struct Driver {
    pub(crate) jobs: Vec<Job>,
    pub(crate) descriptors: BTreeMap<FileId, (usize, Access)>,
    pub(crate) contents: BTreeMap<FileId, Held>,
    /// Files of which a load has shown that they are empty.
    pub(crate) found_empty: BTreeSet<FileId>,
    slices: Vec<Slice>,
    made: u64,
    pub(crate) luck: Luck,
}

impl Driver {
    /// Takes an action, as a driver does under its lock: what is closed or released leaves the
    /// table now.
    pub(crate) fn take(&mut self, io: IoId, kind: IoKind, name: Option<usize>, target: Key) {
        let mut job = Job {
            io,
            kind,
            name,
            inode: None,
            lent: 0,
            closes_reader: false,
            target,
        };
        match kind {
            IoKind::Open { .. } | IoKind::Fetch { .. } => {
                assert!(name.is_some(), "{kind:?} goes by a handle that is gone");
            }
            IoKind::Look { file } | IoKind::Map { file, .. } | IoKind::Load { file, .. } => {
                self.check_alone(file, kind);
                self.check_unwritten(file, kind);
                job.inode = Some(self.descriptor(file, kind));
            }
            IoKind::Read { file, len, .. } => {
                assert!(len > 0, "{kind:?} reads nothing");
                job.inode = Some(self.descriptor(file, kind));
            }
            IoKind::Write { file, .. } | IoKind::SetLength { file, .. } => {
                self.check_alone(file, kind);
                let held = self.contents.get(&file);
                assert!(held.is_none(), "{kind:?} under {held:?}");
                job.inode = Some(self.writable(file, kind));
            }
            IoKind::Sync { file } => {
                let beside =
                    |job: &&Job| matches!(job.kind, IoKind::Sync { file: of } if of == file);
                let beside = self.jobs.iter().find(beside);
                assert!(beside.is_none(), "{kind:?} beside {beside:?}");
                job.inode = Some(self.writable(file, kind));
            }
            IoKind::Replace { .. } | IoKind::Lock { .. } => {}
            IoKind::Release { file } => {
                self.check_alone(file, kind);
                if let Some(held) = self.contents.remove(&file) {
                    job.lent = self.lend(held.number);
                }
            }
            IoKind::Close { file } => {
                let used = self.jobs.iter().any(|job| uses_descriptor(job.kind, file));
                assert!(!used, "{kind:?} while the descriptor is used");
                self.descriptor(file, kind);
                let closed = self.descriptors.remove(&file);
                job.closes_reader = closed.is_some_and(|(_, access)| access == Access::Read);
            }
        }
        self.jobs.push(job);
    }

    /// Takes an action without a look at what it needs: this driver lies anyway.
    pub(crate) fn take_blindly(&mut self, io: IoId, kind: IoKind) {
        self.jobs.push(Job {
            io,
            kind,
            name: None,
            inode: None,
            lent: 0,
            closes_reader: false,
            target: Key([0, 0]),
        });
    }

    /// One staging action for a file at a time (G9), and no release beside it.
    pub(crate) fn check_alone(&self, file: FileId, kind: IoKind) {
        let beside = self.jobs.iter().find(|job| stages(job.kind, file));
        assert!(beside.is_none(), "{kind:?} beside {beside:?}");
    }

    fn descriptor(&self, file: FileId, kind: IoKind) -> usize {
        let held = self.descriptors.get(&file).copied();
        assert!(held.is_some(), "{kind:?} without a descriptor");
        held.unwrap_or((0, Access::Read)).0
    }

    fn writable(&self, file: FileId, kind: IoKind) -> usize {
        let access = self.descriptors.get(&file).map(|(_, access)| *access);
        assert!(access.is_some_and(Access::may_write), "{kind:?}");
        self.descriptor(file, kind)
    }

    /// Nothing of a file is brought in while it is written (R1).
    pub(crate) fn check_unwritten(&self, file: FileId, kind: IoKind) {
        let beside = self.jobs.iter().find(|job| writes(job.kind, file));
        assert!(beside.is_none(), "{kind:?} beside {beside:?}");
    }

    fn lend(&mut self, number: u64) -> u64 {
        let mut lent = 0;
        for slice in self.slices.iter_mut().filter(|slice| slice.of == number) {
            slice.released = true;
            lent += PAGE;
        }
        lent
    }

    /// Carries a job out. What it brought to a file that already has a place is put there at
    /// once; the rest waits for the reply.
    pub(crate) fn perform(&mut self, job: &Job, disk: &mut Disk, dice: &mut Dice) -> Completion {
        let stamp = |disk: &Disk| disk.stamp(job.inode.unwrap_or_default());
        let fails = dice.chance(self.luck.failing);
        match job.kind {
            IoKind::Open { missing, .. } => match self.open(job, missing, fails, disk, dice) {
                Ok(inode) => opened(inode, disk),
                Err(fault) => Completion::Failed { fault },
            },
            IoKind::Fetch { missing, up_to, .. } => {
                match self.open(job, missing, fails, disk, dice) {
                    Ok(inode) if disk.stamp(inode).len <= up_to && !dice.chance(10) => {
                        let (key, stamp) = (Disk::key(inode), disk.stamp(inode));
                        Completion::Fetched { key, stamp }
                    }
                    Ok(inode) => opened(inode, disk),
                    Err(fault) => Completion::Failed { fault },
                }
            }
            IoKind::Release { .. } if fails && job.lent == 0 => failed(dice),
            IoKind::Release { .. } => Completion::Released { lent: job.lent },
            IoKind::Close { .. } if fails => failed(dice),
            IoKind::Close { .. } => Completion::Closed,
            IoKind::Write { offset, len, .. } if fails && len > 1 && dice.chance(50) => {
                let bytes = 1 + dice.below(len as usize - 1) as u64;
                disk.write(job.inode.unwrap_or_default(), offset + bytes);
                let fault = dice.one_of(&[Fault::Os(28), Fault::Short]);
                Completion::CutShort { bytes, fault }
            }
            IoKind::Replace { step, .. } => replaced(step, job.target, fails, dice),
            IoKind::Lock { step, .. } => locked(step, self.luck, fails, dice),
            _ if fails => failed(dice),
            IoKind::Look { .. } => Completion::Looked { stamp: stamp(disk) },
            IoKind::Map { file, len, how } => self.map(job, file, len, how, disk),
            IoKind::Load {
                file,
                offset,
                len,
                total,
            } => {
                let mapped = self.contents.contains_key(&file) && offset == 0;
                if mapped && stamp(disk).len < offset + len && dice.chance(50) {
                    let fault = Fault::Truncated;
                    return Completion::Failed { fault };
                }
                self.load(job, file, offset, len, total, disk);
                Completion::Loaded { stamp: stamp(disk) }
            }
            IoKind::Read { offset, len, .. } => {
                let bytes = stamp(disk).len.saturating_sub(offset).min(len);
                Completion::Read { bytes }
            }
            IoKind::Write { offset, len, .. } => {
                disk.write(job.inode.unwrap_or_default(), offset + len);
                Completion::Written
            }
            IoKind::SetLength { len, .. } => {
                disk.set_len(job.inode.unwrap_or_default(), len);
                Completion::LengthSet
            }
            IoKind::Sync { .. } => Completion::Synced,
        }
    }

    fn open(
        &mut self,
        job: &Job,
        missing: Missing,
        fails: bool,
        disk: &mut Disk,
        dice: &mut Dice,
    ) -> Result<usize, Fault> {
        if fails {
            return Err(Fault::Os(dice.one_of(&super::disk::ERRNOS)));
        }
        disk.open(job.name.unwrap_or_default(), missing)
    }

    fn map(&mut self, job: &Job, file: FileId, len: u64, how: How, disk: &Disk) -> Completion {
        assert!(len > 0, "an empty mapping");
        if self.luck.no_mapping {
            let fault = Fault::NoMapping;
            return Completion::Failed { fault };
        }
        let inode = job.inode.unwrap_or_default();
        let charge = charge_mapped(len);
        self.hold(file, inode, how, charge, 0, len, disk.stamp(inode));
        Completion::Mapped
    }

    fn load(&mut self, job: &Job, file: FileId, offset: u64, len: u64, total: u64, disk: &Disk) {
        if total == 0 {
            // A look whether it really is empty.
            self.found_empty.insert(file);
            return;
        }
        let inode = job.inode.unwrap_or_default();
        let now = disk.stamp(inode);
        if offset == 0 && !self.contents.contains_key(&file) {
            let charge = charge_loaded(total);
            self.hold(file, inode, How::Loaded, charge, 0, total, now);
        }
        let held = self.contents.get_mut(&file);
        assert!(held.is_some(), "{:?} into nothing", job.kind);
        if let Some(held) = held {
            assert_eq!((held.done, held.total), (offset, total), "{:?}", job.kind);
            assert!(len > 0 && offset + len <= total, "{:?}", job.kind);
            held.mixed |= held.version != now.version;
            held.done += len;
        }
    }

    #[expect(clippy::too_many_arguments, reason = "contents are made in one place")]
    fn hold(
        &mut self,
        file: FileId,
        inode: usize,
        how: How,
        charge: u64,
        done: u64,
        total: u64,
        stamp: Stamp,
    ) {
        self.made += 1;
        let held = Held {
            number: self.made,
            inode,
            how,
            charge,
            done,
            total,
            version: stamp.version,
            mixed: false,
        };
        let before = self.contents.insert(file, held);
        assert!(before.is_none(), "{file:?} is held twice: {before:?}");
    }

    /// What the machine said to a completion: who owns what was brought.
    pub(crate) fn replied(&mut self, job: &Job, completion: Completion, reply: Reply) {
        match (job.kind, completion, reply) {
            (
                IoKind::Open { access, .. },
                Completion::Opened { key, .. },
                Reply::Adopted { file },
            ) => {
                let before = self.descriptors.insert(file, (key.0[1] as usize, access));
                let right = before.is_none() || access.may_write();
                assert!(right, "{file:?} has two descriptors");
            }
            (_, Completion::Opened { key, .. }, Reply::Adopted { file }) => {
                let descriptor = (key.0[1] as usize, Access::Read);
                let before = self.descriptors.insert(file, descriptor);
                assert!(before.is_none(), "{file:?} has two descriptors");
            }
            (_, Completion::Fetched { key, stamp }, Reply::Adopted { file }) => {
                let (charge, len) = (charge_loaded(stamp.len), stamp.len);
                let how = if len == 0 { How::Empty } else { How::Loaded };
                self.hold(file, key.0[1] as usize, how, charge, len, len, stamp);
            }
            (_, Completion::Opened { .. } | Completion::Fetched { .. }, Reply::Surplus) => {}
            // What was mapped or loaded before the failure is still there, to be released.
            (_, Completion::Failed { .. }, Reply::Done) => {}
            (IoKind::Open { .. } | IoKind::Fetch { .. }, _, _) => {
                unreachable!("{:?} was answered {reply:?}", job.kind)
            }
            (_, _, reply) => assert_eq!(reply, Reply::Done, "{:?}", job.kind),
        }
    }

    /// The machine says that an empty file is staged: there is nothing to hold, and that is whole.
    pub(crate) fn hold_nothing(&mut self, file: FileId, inode: usize) {
        let stamp = Stamp { len: 0, version: 0 };
        self.hold(file, inode, How::Empty, 0, 0, 0, stamp);
    }

    /// A caller keeps a page of the contents.
    pub(crate) fn slice(&mut self, file: FileId) {
        let Some(held) = self.contents.get(&file) else {
            return;
        };
        let of = held.number;
        let kept = self.slices.iter().filter(|slice| slice.of == of).count() as u64;
        if (kept + 1) * PAGE <= held.charge {
            let released = false;
            self.slices.push(Slice { of, released });
        }
    }

    pub(crate) fn slices(&self) -> usize {
        self.slices.len()
    }

    /// A caller drops a slice; whether that gives memory back.
    pub(crate) fn drop_slice(&mut self, at: usize) -> bool {
        self.slices.swap_remove(at).released
    }

    /// What is in memory: contents, and slices of contents that were released.
    pub(crate) fn holds(&self) -> u64 {
        let whole: u64 = self.contents.values().map(|held| held.charge).sum();
        let lent = self.slices.iter().filter(|slice| slice.released).count() as u64;
        whole + lent * PAGE
    }

    /// Descriptors that only read, held, being acquired, or not yet closed.
    pub(crate) fn descriptors(&self) -> usize {
        let moving = |job: &&Job| {
            matches!(
                job.kind,
                IoKind::Open {
                    access: Access::Read,
                    ..
                } | IoKind::Fetch { .. }
            ) || job.closes_reader
        };
        let reads = |(_, access): &&(usize, Access)| *access == Access::Read;
        self.descriptors.values().filter(reads).count() + self.jobs.iter().filter(moving).count()
    }

    pub(crate) fn check(&self, most: usize) {
        let held = self.descriptors();
        assert!(held <= most, "{held} descriptors, {most} at most");
    }
}

fn opened(inode: usize, disk: &Disk) -> Completion {
    let (key, stamp) = (Disk::key(inode), disk.stamp(inode));
    Completion::Opened { key, stamp }
}

/// What went wrong, as an end of an action says it.
pub(crate) fn fault_of(completion: Completion) -> Option<Fault> {
    match completion {
        Completion::Failed { fault }
        | Completion::CutShort { fault, .. }
        | Completion::Unsure { fault } => Some(fault),
        _ => None,
    }
}

fn failed(dice: &mut Dice) -> Completion {
    let fault = Fault::Os(dice.one_of(&super::disk::ERRNOS));
    Completion::Failed { fault }
}

/// Another process may have the lock.
fn locked(step: LockStep, luck: Luck, fails: bool, dice: &mut Dice) -> Completion {
    match step {
        _ if fails => failed(dice),
        LockStep::Try { .. } if dice.chance(luck.contended) => Completion::Contended,
        LockStep::Try { .. } => Completion::Locked,
        LockStep::Release => Completion::Unlocked,
    }
}

fn replaced(step: ReplaceStep, target: Key, fails: bool, dice: &mut Dice) -> Completion {
    match step {
        ReplaceStep::Fill { len, .. } if fails && len > 1 && dice.chance(50) => {
            let bytes = 1 + dice.below(len as usize - 1) as u64;
            let fault = Fault::Os(28);
            Completion::CutShort { bytes, fault }
        }
        _ if fails => failed(dice),
        step => done(step, target),
    }
}

fn uses_descriptor(kind: IoKind, of: FileId) -> bool {
    match kind {
        IoKind::Look { file }
        | IoKind::Map { file, .. }
        | IoKind::Load { file, .. }
        | IoKind::Read { file, .. }
        | IoKind::Write { file, .. }
        | IoKind::SetLength { file, .. }
        | IoKind::Sync { file } => file == of,
        IoKind::Open { .. }
        | IoKind::Fetch { .. }
        | IoKind::Replace { .. }
        | IoKind::Lock { .. }
        | IoKind::Release { .. }
        | IoKind::Close { .. } => false,
    }
}

fn writes(kind: IoKind, of: FileId) -> bool {
    matches!(kind, IoKind::Write { file, .. } | IoKind::SetLength { file, .. } if file == of)
}

fn stages(kind: IoKind, of: FileId) -> bool {
    match kind {
        IoKind::Look { file }
        | IoKind::Map { file, .. }
        | IoKind::Load { file, .. }
        | IoKind::Release { file } => file == of,
        IoKind::Open { .. }
        | IoKind::Fetch { .. }
        | IoKind::Read { .. }
        | IoKind::Write { .. }
        | IoKind::SetLength { .. }
        | IoKind::Sync { .. }
        | IoKind::Replace { .. }
        | IoKind::Lock { .. }
        | IoKind::Close { .. } => false,
    }
}
