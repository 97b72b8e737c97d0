//! Playing a history: each step is taken by the driver and by the model, and the two are compared.

use super::content::{Change, Happened};
use super::directory::{COUNT, Directory, Leads, Stand};
use super::step::{Barrier, Deed, Late, Manner, Step};
use super::transcript::transcript;
use crate::conformance::{Configuration, Driver, Open, Opening, Scene, fault_of, wait_for};
use crate::core::dice::Dice;
use bytes::Bytes;
use driver_kit::Deadline;
use driver_kit::batch::Order;
use driver_kit::core::{Fault, How, Life, Limits, Mode, PAGE, Plan, Standing};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Instant;

/// What was not as promised, in words.
pub(crate) type Verdict = Result<(), String>;

/// How much was done and looked at.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    /// Operations that a driver carried out or refused.
    pub operations: u64,
    /// Comparisons with the model.
    pub checks: u64,
}

/// An open file, and what is known of it.
pub(super) struct Held {
    pub(super) open: Open,
    pub(super) file: usize,
    pub(super) writes: bool,
    pub(super) appends: bool,
}

/// See the module.
pub(super) struct Player {
    pub(super) driver: Arc<dyn Driver>,
    pub(super) directory: Directory,
    pub(super) handles: Vec<Held>,
    kept: Vec<(Bytes, Vec<u8>)>,
    pub(super) limits: Limits,
    pub(super) tally: Tally,
}

/// Plays a history over a configuration.
///
/// # Errors
/// What was not as promised.
pub fn play(
    configuration: Configuration,
    limits: Limits,
    history: &[Step],
    tally: &mut Tally,
) -> Verdict {
    let scene = Scene::new(configuration).map_err(said)?;
    let driver = scene.driver_with(limits);
    play_with(&scene, driver, limits, history, Pace::Brisk, tally)?;
    scene
        .leave()
        .map_err(|error| format!("afterwards: {error}"))
}

/// Plays a history over this driver, which is set up with these limits.
///
/// # Errors
/// What was not as promised.
pub(super) fn play_over(
    driver: impl FnOnce(&Scene) -> Arc<dyn Driver>,
    limits: Limits,
    history: &[Step],
) -> Verdict {
    let scene = Scene::new(crate::conformance::blocking::CONFIGURATIONS[0]).map_err(said)?;
    let driver = driver(&scene);
    let mut tally = Tally::default();
    play_with(&scene, driver, limits, history, Pace::Brisk, &mut tally)
}

/// Plays a history, and gives the transcript of what the driver and its machine said.
///
/// # Errors
/// What was not as promised.
pub fn record(
    configuration: Configuration,
    limits: Limits,
    history: &[Step],
    tally: &mut Tally,
) -> Result<Vec<String>, String> {
    let scene = Scene::new(configuration).map_err(said)?;
    let driver = scene.driver_with(limits);
    let hub = Arc::clone(driver.hub());
    play_with(&scene, driver, limits, history, Pace::Calm, tally)?;
    let journal = hub.journal().ok_or("no journal was kept")?;
    Ok(transcript(journal.entries()))
}

/// Whether the next step may be taken while what the last one left behind is still given back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pace {
    Brisk,
    Calm,
}

fn play_with(
    scene: &Scene,
    driver: Arc<dyn Driver>,
    limits: Limits,
    history: &[Step],
    pace: Pace,
    tally: &mut Tally,
) -> Verdict {
    let directory = Directory::make(scene.root()).map_err(said)?;
    let mut player = Player {
        driver,
        directory,
        handles: Vec::new(),
        kept: Vec::new(),
        limits,
        tally: Tally::default(),
    };
    for (at, step) in history.iter().enumerate() {
        let taken = player.take(step).and_then(|()| player.look());
        taken.map_err(|what| format!("step {at}, {step:?}: {what}"))?;
        if pace == Pace::Calm {
            player.come_to_rest()?;
        }
    }
    while pace == Pace::Calm && player.part_with(0).is_some() {
        player.come_to_rest()?;
    }
    let end = player.end();
    tally.operations += player.tally.operations;
    tally.checks += player.tally.checks;
    drop(player);
    end
}

/// Limits that a history plays under: usual ones, or some of them low.
pub(crate) fn limits(dice: &mut Dice) -> Limits {
    let usual = Limits {
        fetch: 4_096,
        chunk: 4_096,
        ..Limits::default()
    };
    if dice.chance(40) {
        return usual;
    }
    Limits {
        operations: dice.one_of(&[1, 2, 4, 4_096]),
        operations_per_file: dice.one_of(&[1, 2, 4, 1_024]),
        bytes: dice.one_of(&[1, 5_000, 1 << 30]),
        bytes_per_file: dice.one_of(&[1, 5_000, 1 << 30]),
        descriptors: dice.one_of(&[1, 2, 8]),
        budget: dice.one_of(&[0, PAGE, 4 * PAGE, 12 * PAGE, u64::MAX, u64::MAX]),
        linger: dice.one_of(&[0, 0, 4 * PAGE]),
        fetch: dice.one_of(&[0, 100, 4_096, 16_384]),
        chunk: dice.one_of(&[1_000, 4_096, 65_536]),
        ..usual
    }
}

pub(super) fn said(error: impl ToString) -> String {
    error.to_string()
}

pub(super) fn deadline(late: Late) -> Deadline {
    match late {
        Late::No => Deadline::Never,
        Late::Yes => Deadline::At(Instant::now()),
    }
}

impl Player {
    fn take(&mut self, step: &Step) -> Verdict {
        self.tally.operations += 1;
        match step {
            Step::Open(name, manner) => self.open(name % COUNT, manner),
            Step::Close(handle) => match self.part_with(*handle) {
                Some(held) => held.open.close().map_err(said),
                None => Ok(()),
            },
            Step::Drop(handle) => {
                drop(self.part_with(*handle));
                Ok(())
            }
            Step::All(barrier, late) => {
                let done = match barrier {
                    Barrier::Flush => self.driver.flush_all(deadline(*late)),
                    Barrier::Sync => self.driver.sync_all(deadline(*late)),
                };
                self.done_by(done, *late)
            }
            Step::Batch(names, mode) => self.batch(names, *mode),
            Step::Burst(storage, burst) => self.burst(*storage, burst),
            Step::With(handle, deed) => match self.which(*handle) {
                Some(at) => self.with(at, deed),
                None => Ok(()),
            },
        }
    }

    /// A number that counts round the open handles.
    pub(super) fn which(&self, handle: usize) -> Option<usize> {
        handle.checked_rem(self.handles.len())
    }

    /// Takes a handle away: the file may not be in memory from now on, if it was the last.
    fn part_with(&mut self, handle: usize) -> Option<Held> {
        let held = self.handles.swap_remove(self.which(handle)?);
        let file = &mut self.directory.files[held.file];
        file.handles -= 1;
        file.writers -= usize::from(held.writes);
        if file.handles == 0 {
            let lingers = self.limits.linger > 0;
            file.life = if lingers {
                Stand::Unknown
            } else {
                Stand::NotStaged
            };
        }
        Some(held)
    }

    /// Whether there may be no room for what is to be staged.
    fn is_poor(&self) -> bool {
        self.limits.budget < u64::MAX
    }

    fn open(&mut self, name: usize, manner: &Manner) -> Verdict {
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
    fn staged<T>(
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

    fn batch(&mut self, names: &[usize], mode: Mode) -> Verdict {
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

    fn with(&mut self, at: usize, deed: &Deed) -> Verdict {
        let open = Arc::clone(&self.handles[at].open);
        let file = self.handles[at].file;
        match deed {
            Deed::Read(offset, len, late) => {
                let mut buffer = vec![0xee; *len];
                let read = open.read_at_by(&mut buffer, *offset, deadline(*late));
                match read {
                    Ok(read) => self.reads(file, *offset, *len, &buffer[..read]),
                    Err(error) => self.may_fail_to_read(file, *offset, *len, *late, &error),
                }
            }
            Deed::Slice(offset, len) => {
                let bytes = match open.bytes_at(*offset, *len) {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        return self.may_fail_to_read(file, *offset, *len, Late::No, &error);
                    }
                };
                self.reads(file, *offset, *len, &bytes)?;
                let copy = bytes.to_vec();
                self.kept.push((bytes, copy));
                Ok(())
            }
            Deed::Hold => {
                let all = open.contents().and_then(|held| held.bytes(0, usize::MAX));
                if let Some(bytes) = all {
                    self.reads(file, 0, usize::MAX, &bytes)?;
                    let copy = bytes.to_vec();
                    self.kept.push((bytes, copy));
                }
                Ok(())
            }
            Deed::Travel(legs) => self.travel(file, legs, open.travel(legs)),
            Deed::ReadThrough => {
                let all = open.read_through().map_err(said)?;
                self.reads(file, 0, usize::MAX, &all)
            }
            Deed::Lines => {
                let lines = open.lines().map_err(said)?;
                let content = self.directory.files[file].content.exact();
                let text = String::from_utf8_lossy(content.unwrap_or_default());
                let expected: Vec<String> = text.split_terminator('\n').map(String::from).collect();
                self.same("its lines", &lines, &expected)
            }
            Deed::Write(offset, text) => {
                let bytes = text.bytes();
                let written = open.write_at(&bytes, *offset);
                self.changes(at, Change::Write(*offset, &bytes), written)
            }
            Deed::WriteThrough(from, parts) => {
                let parts: Vec<_> = parts.iter().map(|text| text.bytes()).collect();
                let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                let position = open.write_through(*from, &slices);
                self.written_through(at, *from, &parts, position)
            }
            Deed::Append(text) => {
                let bytes = text.bytes();
                let place = open.append(&bytes);
                let at_end = self.directory.files[file].content.size();
                if let Ok(place) = &place {
                    self.same("the place of the append", *place, at_end)?;
                }
                let append = Change::Append(Some(at_end), &bytes);
                self.changes(at, append, place.map(drop))
            }
            Deed::SetLen(len) => {
                let set = open.set_len(*len);
                self.changes(at, Change::SetLen(*len), set)
            }
            Deed::Barrier(barrier, late) => {
                let done = match barrier {
                    Barrier::Flush => open.flush(deadline(*late)),
                    Barrier::Sync => open.sync(deadline(*late)),
                };
                if !self.handles[at].writes {
                    return self.refused(done, ErrorKind::PermissionDenied);
                }
                self.done_by(done, *late)
            }
            Deed::Stage(mode, over_budget, late) => {
                let plan = Plan {
                    over_budget: *over_budget,
                    ..Plan::of(*mode)
                };
                // Who waits for room that he holds himself waits for ever.
                let plan = match self.is_poor() {
                    true => Plan::of(*mode),
                    false => plan,
                };
                let staged = open.stage_by(plan, deadline(*late));
                if *late == Late::Yes {
                    let known = &mut self.directory.files[file];
                    let staged = staged.map(drop);
                    if !matches!(known.life, Stand::Staged(_)) {
                        known.life = Stand::Unknown;
                        return self.is_done(staged, *late);
                    }
                    return self.done_or_late(staged);
                }
                let standing = self.staged(file, *mode, plan.map_threshold, staged)?;
                match (standing, self.directory.files[file].life) {
                    (Some(standing), Stand::Staged(how)) => {
                        self.same("the standing", standing, Standing::Staged(how))
                    }
                    _ => Ok(()),
                }
            }
            Deed::Unstage => {
                open.unstage().map_err(said)?;
                self.directory.files[file].life = Stand::NotStaged;
                Ok(())
            }
        }
    }

    fn travel(
        &mut self,
        file: usize,
        legs: &[(io::SeekFrom, usize)],
        came: io::Result<Vec<(u64, Vec<u8>)>>,
    ) -> Verdict {
        let end = self.directory.files[file].content.size();
        let (mut position, mut route) = (0_u64, Vec::new());
        for (to, len) in legs {
            let target = match to {
                io::SeekFrom::Start(to) => Some(*to),
                io::SeekFrom::Current(by) => position.checked_add_signed(*by),
                io::SeekFrom::End(by) => end.checked_add_signed(*by),
            };
            let Some(target) = target else {
                return self.refused(came.map(drop), ErrorKind::InvalidInput);
            };
            route.push((target, *len));
            position = target + end.saturating_sub(target).min(*len as u64);
        }
        let came = came.map_err(said)?;
        self.same("its legs", came.len(), route.len())?;
        for ((target, len), (began, bytes)) in route.into_iter().zip(came) {
            self.same("where a leg began", began, target)?;
            self.reads(file, target, len, &bytes)?;
        }
        Ok(())
    }

    fn written_through(
        &mut self,
        at: usize,
        from: u64,
        parts: &[Vec<u8>],
        position: io::Result<u64>,
    ) -> Verdict {
        let (file, appends) = (self.handles[at].file, self.handles[at].appends);
        let content = &mut self.directory.files[file].content;
        let mut place = match appends {
            true => content.size(),
            false => from,
        };
        let all: u64 = parts.iter().map(|part| part.len() as u64).sum();
        if !self.handles[at].writes {
            // Nothing is asked where there is nothing to write.
            return match position {
                Ok(_) if all == 0 => Ok(()),
                position => self.refused(position.map(drop), ErrorKind::PermissionDenied),
            };
        }
        for part in parts {
            content.apply(Change::Write(place, part), Happened::All);
            place += part.len() as u64;
        }
        if all > 0 {
            self.directory.files[file].life = Stand::NotStaged;
        }
        let position = position.map_err(said)?;
        self.same("the position of the writer", position, place)
    }

    /// A change was asked through a handle, and answered.
    fn changes(&mut self, at: usize, change: Change<'_>, answer: io::Result<()>) -> Verdict {
        if !self.handles[at].writes {
            return self.refused(answer, ErrorKind::PermissionDenied);
        }
        let file = self.handles[at].file;
        let (end, nothing) = match change {
            Change::Write(offset, bytes) => {
                (offset.checked_add(bytes.len() as u64), bytes.is_empty())
            }
            Change::Append(_, bytes) => (Some(0), bytes.is_empty()),
            Change::SetLen(len) => (Some(len), false),
        };
        if end.is_none_or(|end| end > i64::MAX as u64) {
            return self.refused(answer, ErrorKind::InvalidInput);
        }
        answer.map_err(said)?;
        let known = &mut self.directory.files[file];
        known.content.apply(change, Happened::All);
        if !nothing {
            known.life = Stand::NotStaged;
        }
        Ok(())
    }

    pub(super) fn reads(&mut self, file: usize, offset: u64, len: usize, got: &[u8]) -> Verdict {
        self.tally.checks += 1;
        let content = &self.directory.files[file].content;
        let allowed = content.allows(offset, len, got);
        allowed.map_err(|forbidden| format!("the read of {len} at {offset}: {forbidden}"))
    }

    fn may_fail_to_read(
        &mut self,
        file: usize,
        offset: u64,
        len: usize,
        late: Late,
        error: &io::Error,
    ) -> Verdict {
        let staged = matches!(self.directory.files[file].life, Stand::Staged(_));
        let right = match error.kind() {
            ErrorKind::TimedOut => late == Late::Yes && !staged,
            ErrorKind::InvalidInput => offset.checked_add(len as u64).is_none(),
            _ => false,
        };
        match right {
            true => Ok(()),
            false => Err(format!("the read failed: {error}")),
        }
    }

    fn is_done(&mut self, done: io::Result<()>, late: Late) -> Verdict {
        match late {
            Late::No => done.map_err(said),
            Late::Yes => self.refused(done, ErrorKind::TimedOut),
        }
    }

    /// What had nothing to wait for may be done although it was asked too late.
    fn done_by(&mut self, done: io::Result<()>, late: Late) -> Verdict {
        match late {
            Late::No => done.map_err(said),
            Late::Yes => self.done_or_late(done),
        }
    }

    fn done_or_late(&mut self, done: io::Result<()>) -> Verdict {
        match done {
            Err(error) if error.kind() != ErrorKind::TimedOut => Err(said(error)),
            _ => Ok(()),
        }
    }

    fn refused(&mut self, done: io::Result<()>, kind: ErrorKind) -> Verdict {
        let came = done.err().map(|error| error.kind());
        self.same("it", came, Some(kind))
    }

    pub(super) fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        got: T,
        expected: T,
    ) -> Verdict {
        self.tally.checks += 1;
        match got == expected {
            true => Ok(()),
            false => Err(format!("{what} is {got:?}, and must be {expected:?}")),
        }
    }

    /// Waits until nobody works any more.
    fn come_to_rest(&self) -> Verdict {
        self.driver.attend();
        let hub = self.driver.hub();
        wait_for("everybody to rest", || hub.working() == 0).map_err(said)
    }

    /// Between two steps: every handle says the same of its file, and it is what the model says.
    fn look(&mut self) -> Verdict {
        for at in 0..self.handles.len() {
            let (file, open) = (self.handles[at].file, Arc::clone(&self.handles[at].open));
            let Some(staging) = open.staging() else {
                return Err("an open file has no state".into());
            };
            let known = &mut self.directory.files[file];
            let size = known.content.size();
            let seen = match staging.life {
                Life::NotStaged(_) => Stand::NotStaged,
                Life::Staging { .. } => Stand::Unknown,
                Life::Staged(how) => Stand::Staged(how),
            };
            if known.life == Stand::Unknown {
                known.life = seen;
            }
            let life = known.life;
            self.same("its life", seen, life)?;
            self.same("its size", staging.len, size)?;
            // What is in memory is not stale.
            if let Some(bytes) = open.handle().bytes_staged(0, usize::MAX) {
                self.reads(file, 0, usize::MAX, &bytes)?;
            }
        }
        Ok(())
    }

    /// What is on the disk is what the model says, what was handed out is what it was, and the end
    /// is clean.
    fn end(&mut self) -> Verdict {
        for file in 0..self.directory.files.len() {
            let bytes = self.directory.on_disk(file).map_err(said)?;
            self.reads(file, 0, usize::MAX, &bytes)?;
        }
        self.handles.clear();
        let report = self.driver.shutdown(driver_kit::core::Grace::default());
        self.tally.checks += 1;
        if !report.is_clean() {
            return Err(format!("the end was not clean: {report}"));
        }
        self.tally.checks += self.kept.len() as u64;
        let spoilt = self.kept.iter().find(|(bytes, copy)| bytes != copy);
        if let Some((bytes, _)) = spoilt {
            return Err(format!("{} bytes handed out changed (G1)", bytes.len()));
        }
        self.kept.clear();
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
        truncate: manner.truncate,
        create: manner.create,
        create_new: manner.create_new,
        deadline: deadline(manner.late),
    }
}
