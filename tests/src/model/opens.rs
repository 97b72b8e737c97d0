//! Opening, alone and together: where a name leads, and what staging makes of it.

use super::content::{Change, Happened};
use super::directory::{COUNT, Leads, Stand};
use super::play::{Held, Player, Verdict, deadline, said};
use super::step::Manner;
use crate::conformance::{Answers, Opening, fault_of};
use driver_kit::Deadline;
use driver_kit::batch::Order;
use driver_kit::core::{Class, Fault, FileLimits, How, Mode, Plan};
use std::io;

impl Player {
    pub(super) fn open(&mut self, name: usize, manner: &Manner) -> Verdict {
        let leads = self.directory.lookup(name, manner);
        let opened = self
            .driver
            .open(&self.directory.path(name), opening(manner));
        let (file, real) = match leads {
            Leads::Refused(refusal) => {
                let fault = opened.map(drop).err().as_ref().and_then(fault_of);
                return self.same("the open", fault, Some(refusal.fault()));
            }
            Leads::To(file, real) => (file, real),
            Leads::New(name) => (self.directory.create(name), name),
        };
        let writes = manner.write || manner.append;
        let known = &mut self.directory.files[file];
        known.writers += usize::from(writes);
        let mapped = matches!(known.life, Stand::Staged(How::Mapped | How::MappedShared));
        if writes && mapped {
            known.life = Stand::NotStaged;
        }
        let opened = self.staged(file, manner.mode, manner.threshold, opened);
        let open = match opened? {
            Some(open) => open,
            None => {
                self.directory.files[file].writers -= usize::from(writes);
                return Ok(());
            }
        };
        self.same("its path", open.path(), &self.directory.path(real))?;
        for held in &self.handles {
            let (same, one) = (held.open.file() == open.file(), held.file == file);
            if same != one {
                return Err(format!(
                    "one identity: {one}, one file of the machine: {same}"
                ));
            }
        }
        let known = &mut self.directory.files[file];
        known.handles += 1;
        if manner.truncate {
            known.content.apply(Change::SetLen(0), Happened::All);
            known.life = Stand::NotStaged;
        }
        self.handles.push(Held {
            open,
            file,
            writes,
            appends: manner.append,
        });
        Ok(())
    }

    /// Something that stages was asked: what it made of the file in memory, or why it did not.
    pub(super) fn staged<T>(
        &mut self,
        file: usize,
        mode: Mode,
        threshold: u64,
        staged: io::Result<T>,
    ) -> Result<Option<T>, String> {
        let poor = self.is_poor();
        self.tally.checks += 1;
        let known = &mut self.directory.files[file];
        let wanted = known.staged_by(mode, threshold);
        let maps = matches!(wanted, How::Mapped | How::MappedShared);
        let explicit = mode != Mode::Auto && mode != Mode::None;
        let was = known.life;
        match staged {
            Ok(done) => {
                known.life = match (was, mode) {
                    (life, Mode::None) => life,
                    (Stand::Staged(how), _) => Stand::Staged(how),
                    (_, Mode::Auto) if poor => Stand::Unknown,
                    (Stand::Unknown, _) => Stand::Unknown,
                    (Stand::NotStaged, _) if maps && known.writers > 0 => {
                        return Err("a file that is open for writing was mapped".into());
                    }
                    (Stand::NotStaged, _) => Stand::Staged(wanted),
                };
                Ok(Some(done))
            }
            Err(error) => {
                let staged = matches!(was, Stand::Staged(_));
                let right = match fault_of(&error) {
                    Some(Fault::OverBudget) => poor && explicit && !staged,
                    Some(Fault::NoMapping) => maps && known.writers > 0 && !staged,
                    _ => false,
                };
                match right {
                    true => Ok(None),
                    false => Err(format!("failed: {error}")),
                }
            }
        }
    }

    pub(super) fn batch(&mut self, names: &[usize], mode: Mode) -> Verdict {
        let paths: Vec<_> = names
            .iter()
            .map(|name| self.directory.path(name % COUNT))
            .collect();
        let order = Order {
            plan: Plan::of(mode),
            concurrency: 2,
            deadline: Deadline::Never,
        };
        let batch = self.driver.batch(Box::new(paths.into_iter()), order);
        let items = batch.map_err(said)?.wait();
        self.same("its items", items.len(), names.len())?;
        let manner = Manner {
            mode,
            ..Manner::TO_READ
        };
        let mut came: Vec<_> = items.into_iter().collect();
        for name in names {
            let leads = self.directory.lookup(name % COUNT, &manner);
            let (real, expected) = match leads {
                Leads::To(_, real) => (real, None),
                Leads::New(name) => (name, None),
                Leads::Refused(refusal) => (name % COUNT, Some(refusal.fault())),
            };
            let path = self.directory.path(real);
            let found = came.iter().position(|item| *item.path == *path);
            let item = came.swap_remove(found.ok_or_else(|| format!("no item for {path:?}"))?);
            let staged = item.result.map_err(driver_kit::error::Failure::into_io);
            match (leads, expected) {
                (Leads::To(file, _), None) => {
                    let staged = self.staged(file, mode, manner.threshold, staged)?;
                    if let Some(staged) = staged {
                        let len = self.directory.files[file].content.size();
                        self.same("the length of an item", staged.len, len)?;
                    }
                    // The handles of the batch go with it, some of them before others come.
                    let known = &mut self.directory.files[file];
                    if known.handles == 0 {
                        known.life = Stand::Unknown;
                    }
                }
                (_, expected) => {
                    let fault = staged.map(drop).err().as_ref().and_then(fault_of);
                    self.same("an item", fault, expected)?;
                }
            }
        }
        Ok(())
    }
}

fn opening(manner: &Manner) -> Opening {
    let plan = Plan {
        mode: manner.mode,
        over_budget: manner.over_budget,
        map_threshold: manner.threshold,
    };
    Opening {
        plan,
        write: manner.write,
        append: manner.append,
        keep_dirty: false,
        timed: false,
        limits: FileLimits::NONE,
        truncate: manner.truncate,
        create: manner.create,
        create_new: manner.create_new,
        answers: Answers::Executed,
        every: None,
        class: Class::Normal,
        deadline: deadline(manner.late),
    }
}
