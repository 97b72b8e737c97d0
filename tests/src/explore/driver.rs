//! The driver: how actions end, and what that does to the disk and to what the driver holds.

use super::around::{Around, End, Held, Job, View};
use super::rules::{Rule, Verdict};
use super::step::Turn;
use super::world::{Ill, World};
use crate::core::replaces::done;
use arrayvec::ArrayVec;
use staging_core::{
    Access, Completion, Fault, How as Holding, IoKind, Key, LockStep, PAGE, PhaseName, ReplaceStep,
    Reply, Stamp, charge_loaded, charge_mapped,
};

/// How an action ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    /// As it should, and it sees the file as it is now.
    Well,
    /// As it should, and it saw the file as it was when the action was handed out.
    Early,
    /// It fails: nothing happened.
    Fails,
    Truncated,
    NoMapping,
    /// The first page was written.
    CutShort,
    /// Nobody knows whether it happened.
    Unsure,
    /// Another process has the lock.
    Contended,
    /// A fetch kept the descriptor instead.
    Unfetched,
    /// The path leads to another file by now.
    Elsewhere,
}

/// The errno of every failure.
pub(crate) const EIO: Fault = Fault::Os(5);
/// The inode that stands in the place of another.
const STRANGER: u64 = 99;

/// How this action may end.
pub(crate) fn hows(world: &World, around: &Around, job: &Job, into: &mut ArrayVec<How, 8>) {
    into.push(How::Well);
    let sees = matches!(
        job.kind,
        IoKind::Open { .. } | IoKind::Fetch { .. } | IoKind::Look { .. } | IoKind::Load { .. }
    );
    if sees && job.early != around.files[job.file].view {
        into.push(How::Early);
    }
    for ill in world.ills {
        let how = match (ill, job.kind) {
            (Ill::Open, IoKind::Open { .. } | IoKind::Fetch { .. })
            | (Ill::Look, IoKind::Look { .. })
            | (Ill::Load, IoKind::Load { .. })
            | (Ill::Read, IoKind::Read { .. })
            | (Ill::Write, IoKind::Write { .. })
            | (Ill::SetLength, IoKind::SetLength { .. })
            | (Ill::Sync, IoKind::Sync { .. })
            | (Ill::Replace, IoKind::Replace { .. })
            | (Ill::Lock, IoKind::Lock { .. })
            | (Ill::Close, IoKind::Close { .. }) => How::Fails,
            (
                Ill::Contended,
                IoKind::Lock {
                    step: LockStep::Try { .. },
                    ..
                },
            ) => How::Contended,
            (
                Ill::Unsure,
                IoKind::Replace {
                    step: ReplaceStep::Publish { .. },
                    ..
                },
            ) => How::Unsure,
            (Ill::Release, IoKind::Release { .. }) if job.lent == 0 => How::Fails,
            (Ill::Unfetched, IoKind::Fetch { .. }) => How::Unfetched,
            (Ill::Elsewhere, IoKind::Open { .. }) if job.reopens => How::Elsewhere,
            (Ill::NoMapping, IoKind::Map { .. }) => How::NoMapping,
            (Ill::Truncated, IoKind::Load { .. } | IoKind::Map { .. }) => How::Truncated,
            (Ill::CutShort, IoKind::Write { len, .. }) if len > PAGE => How::CutShort,
            _ => continue,
        };
        into.push(how);
    }
}

impl Turn<'_> {
    /// The driver says that an action ended.
    pub(crate) fn end(&mut self, at: usize, how: How) -> Verdict {
        let job = self.state.around.jobs.remove(at);
        let mut rest = ArrayVec::<Job, 8>::new();
        self.state.around.jobs.retain(|other| {
            let with_it = other.io == job.io;
            if with_it {
                rest.push(*other);
            }
            !with_it
        });
        let view = match how {
            How::Early => job.early,
            _ => self.state.around.files[job.file].view,
        };
        let completion = match (job.kind, how) {
            (IoKind::Replace { step, .. }, How::Well) => {
                let target = self.state.around.replaces.target_of(job.kind);
                done(step, target)
            }
            _ => completion(&job, how, &view),
        };
        if let IoKind::Replace { op, step } = job.kind {
            self.state.around.replaces.ended(op, step, completion);
        }
        if let IoKind::Lock { lock, step } = job.kind {
            self.state.around.locks.ended(lock, step, completion);
        }
        match completion {
            Completion::Failed { fault } | Completion::CutShort { fault, .. } => {
                self.heard = Some(fault);
            }
            Completion::Opened { .. } if how == How::Elsewhere => {
                self.heard = Some(Fault::Replaced);
            }
            _ => {}
        }
        self.carry_out(&job, completion, &view)?;
        for part in &rest {
            self.carry_out(part, completion, &view)?;
        }
        let io = job.io;
        let reply = self.say(staging_core::Event::Completed { io, completion });
        self.state.around.stale.io = Some(io);
        self.state.around.released(&job);
        self.replied(&job, completion, &view, reply)
    }

    /// What the action does to the disk, and to what the driver holds of the file already.
    fn carry_out(&mut self, job: &Job, completion: Completion, view: &View) -> Verdict {
        match (job.kind, completion) {
            (IoKind::Map { len, how, .. }, Completion::Mapped) => {
                let held = Held {
                    how,
                    charge: charge_mapped(len),
                    done: 0,
                    ..held(len, view)
                };
                self.hold(job.file, held)
            }
            (IoKind::Load { .. }, Completion::Loaded { .. }) => self.load(job, view),
            (IoKind::Read { .. }, Completion::Read { bytes }) => {
                self.check_read(job, view)?;
                self.mark(job, End::Read(bytes));
                Ok(())
            }
            (IoKind::Write { .. }, Completion::Written) => {
                let (offset, len) = job.part.unwrap_or_default();
                self.written(job, offset, len);
                self.mark(job, End::Executed);
                Ok(())
            }
            (IoKind::Write { offset: from, .. }, Completion::CutShort { bytes, .. }) => {
                let (offset, len) = job.part.unwrap_or_default();
                let share = (from + bytes).saturating_sub(offset).min(len);
                if share > 0 {
                    self.written(job, offset, share);
                }
                self.mark(
                    job,
                    if share == len {
                        End::Executed
                    } else {
                        End::Failed
                    },
                );
                Ok(())
            }
            (IoKind::SetLength { len, .. }, Completion::LengthSet) => {
                self.length_set(job, len);
                self.mark(job, End::Executed);
                Ok(())
            }
            (IoKind::Sync { .. }, completion) => {
                self.synced(job.file, completion == Completion::Synced);
                if completion != Completion::Synced {
                    self.note_failed_sync();
                }
                Ok(())
            }
            (_, Completion::Failed { .. }) => {
                self.mark(job, End::Failed);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn mark(&mut self, job: &Job, end: End) {
        let mut asked = self.state.around.asked.iter_mut();
        if let Some(asked) = asked.find(|asked| asked.seq == job.seq) {
            asked.end = end;
        }
    }

    fn hold(&mut self, file: usize, held: Held) -> Verdict {
        let before = self.state.around.files[file].held.replace(held);
        Rule::OneFlight.holds(before.is_none(), || format!("held twice: {before:?}"))
    }

    fn load(&mut self, job: &Job, view: &View) -> Verdict {
        let IoKind::Load {
            offset, len, total, ..
        } = job.kind
        else {
            return Ok(());
        };
        if total == 0 {
            self.state.around.files[job.file].found_empty = true;
            return Ok(());
        }
        if offset == 0 && self.state.around.files[job.file].held.is_none() {
            let first = Held {
                done: 0,
                ..held(total, view)
            };
            self.hold(job.file, first)?;
        }
        let Some(held) = &mut self.state.around.files[job.file].held else {
            return Rule::OneFlight.broken(format!("{:?} into nothing", job.kind));
        };
        let fits = (held.done, held.total) == (offset, total) && len > 0 && offset + len <= total;
        held.mixed |= held.version != view.version;
        for page in (offset / PAGE) as usize..((offset + len).div_ceil(PAGE)) as usize {
            held.pages[page] = view.pages[page];
        }
        held.done += len;
        let held = *held;
        Rule::OneFlight.holds(fits, || format!("{:?} into {held:?}", job.kind))
    }

    /// Who owns what was brought.
    fn replied(&mut self, job: &Job, completion: Completion, view: &View, reply: Reply) -> Verdict {
        if self.state.machine.phase() == PhaseName::Closed {
            return Ok(());
        }
        let adopted = match (job.kind, completion, reply) {
            (
                _,
                Completion::Opened { .. } | Completion::Fetched { .. },
                Reply::Adopted { file },
            ) => Some(file),
            (_, Completion::Opened { .. } | Completion::Fetched { .. }, Reply::Surplus) => None,
            (_, Completion::Opened { .. } | Completion::Fetched { .. }, _) => {
                return Rule::AdoptedOnce.broken(format!("{completion:?}: {reply:?}"));
            }
            (_, _, reply) => {
                return Rule::LiesAreIgnored.holds(reply == Reply::Done, || {
                    format!("{:?} ended with {completion:?}: {reply:?}", job.kind)
                });
            }
        };
        self.learn_ids();
        let Some(id) = adopted else { return Ok(()) };
        let file = &mut self.state.around.files[job.file];
        let known = file.id.get_or_insert(id);
        let mut right = *known == id;
        match (job.kind, completion) {
            (_, Completion::Fetched { stamp, .. }) => {
                right &= file.held.is_none();
                file.held = Some(held(stamp.len, view));
            }
            (IoKind::Open { access, .. }, _) => {
                right &= file.descriptor.is_none() || access == Access::Write;
                file.descriptor = Some(access);
            }
            _ => {
                right &= file.descriptor.is_none();
                file.descriptor = Some(Access::Read);
            }
        }
        Rule::AdoptedOnce.holds(right, || format!("{completion:?} is adopted by {id:?}"))
    }
}

/// Contents that were loaded whole.
fn held(len: u64, view: &View) -> Held {
    let how = match len {
        0 => Holding::Empty,
        _ => Holding::Loaded,
    };
    Held {
        how,
        charge: charge_loaded(len),
        done: len,
        total: len,
        version: view.version,
        pages: view.pages,
        mixed: false,
        kept: false,
    }
}

fn completion(job: &Job, how: How, view: &View) -> Completion {
    let stamp = Stamp {
        len: view.len,
        version: view.version,
    };
    let key = Key([0, job.file as u64 + 1]);
    let fault = match how {
        How::Fails => EIO,
        How::Truncated => Fault::Truncated,
        How::NoMapping => Fault::NoMapping,
        How::CutShort => {
            let (bytes, fault) = (PAGE, Fault::Os(28));
            return Completion::CutShort { bytes, fault };
        }
        How::Elsewhere => {
            let key = Key([0, STRANGER]);
            return Completion::Opened { key, stamp };
        }
        How::Unfetched => return Completion::Opened { key, stamp },
        How::Unsure => return Completion::Unsure { fault: EIO },
        How::Contended => return Completion::Contended,
        How::Well | How::Early => return success(job.kind, key, stamp, job.lent),
    };
    Completion::Failed { fault }
}

fn success(kind: IoKind, key: Key, stamp: Stamp, lent: u64) -> Completion {
    match kind {
        IoKind::Open { .. } => Completion::Opened { key, stamp },
        IoKind::Fetch { up_to, .. } if stamp.len > up_to => Completion::Opened { key, stamp },
        IoKind::Fetch { .. } => Completion::Fetched { key, stamp },
        IoKind::Look { .. } => Completion::Looked { stamp },
        IoKind::Map { .. } => Completion::Mapped,
        IoKind::Load { .. } => Completion::Loaded { stamp },
        IoKind::Read { offset, len, .. } => {
            let bytes = stamp.len.saturating_sub(offset).min(len);
            Completion::Read { bytes }
        }
        IoKind::Write { .. } => Completion::Written,
        IoKind::SetLength { .. } => Completion::LengthSet,
        IoKind::Sync { .. } => Completion::Synced,
        IoKind::Replace { step, .. } => step.done(Key([0, 0])),
        IoKind::Lock { step, .. } => step.done(),
        IoKind::Release { .. } => Completion::Released { lent: lent * PAGE },
        IoKind::Close { .. } => Completion::Closed,
    }
}
