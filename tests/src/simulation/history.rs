//! One seed: lives on one disk, each ended by a shutdown, a killed process or a power loss.

use super::model::Book;
use super::profile::{CREATED, OURS, Profile, THEIRS, WAYS};
use super::seeds::Tally;
use super::world::{Cut, Known, Name, Row, Verdict, Version, World};
use driver_sim::{Dice, Simulation, Stranger};
use staging_core::{
    Access, Class, Event, Grace, Missing, Mode, OverBudget, PhaseName, Plan, Request, Tick,
};

/// How many events a seed lives through, about.
const EVENTS: u64 = 5_000;

/// Lives a seed through. The simulation of its last life is given to `last`, whatever came of it.
pub(crate) fn history(
    seed: u64,
    record: bool,
    tally: &mut Tally,
    last: &mut dyn FnMut(&Simulation),
) -> Verdict {
    let dice = Dice::of(seed ^ 0xc0ff_ee00_0000_0000);
    history_by(dice, seed, record, tally, last)
}

/// The same, by dice of one's own until they are spent; the seed is the disk's luck.
pub(crate) fn history_by(
    mut dice: Dice,
    seed: u64,
    record: bool,
    tally: &mut Tally,
    last: &mut dyn FnMut(&Simulation),
) -> Verdict {
    let profile = Profile::of(seed, &mut dice, record);
    let disk = profile.disk(seed, &mut dice);
    let sim = Simulation::new(disk, profile.setup);
    let mut world = World::new(sim, dice, profile.liars, tally);
    world.keeps = profile.changes;
    world.every = profile.every;
    world.lay_out(&profile);
    let begun = world.tally.events;
    loop {
        let lived = world.live(&profile, begun);
        if lived.is_err() {
            last(&world.sim);
            return lived;
        }
        let lived = world.tally.events + world.sim.events() - begun;
        let ended = lived >= EVENTS || world.dice.is_spent();
        // The last life ends with a power loss, always.
        let cut = match ended || world.dice.permille(700) {
            true => Cut::Power,
            false => Cut::Process,
        };
        if ended {
            last(&world.sim);
        }
        world = world.cut(cut)?;
        if ended {
            world.tally.strike(world.sim.disk().struck());
            return Ok(());
        }
        for at in 0..world.names.len() {
            if world.names[at].theirs {
                world.replace(at, &profile);
            }
        }
    }
}

impl World<'_> {
    fn lay_out(&mut self, profile: &Profile) {
        for path in OURS {
            if let Some(inode) = self.sim.disk().inode(path) {
                let bytes = self.sim.disk().cached_of(inode).to_vec();
                self.known
                    .insert(inode, Known::Ours(Book::exact(bytes).named(true)));
            }
        }
        let ours = OURS.iter().chain(&CREATED).map(|path| (*path, false));
        for (path, theirs) in ours.chain(THEIRS.iter().map(|path| (*path, true))) {
            self.names.push(Name {
                path: path.to_owned(),
                theirs,
                touched: false,
            });
        }
        self.lay_out_replaced();
        for at in 0..self.names.len() {
            if self.names[at].theirs {
                self.replace(at, profile);
            }
        }
    }

    /// One life: requests and steps in any order, until it has been long enough.
    fn live(&mut self, profile: &Profile, begun: u64) -> Verdict {
        let share = self.dice.between(EVENTS / 8, EVENTS);
        let end = (self.sim.events() + share).min(EVENTS.saturating_sub(self.tally.events - begun));
        let mut idle = 0;
        while self.sim.events() < end && idle < 50 && !self.dice.is_spent() {
            let before = self.sim.events();
            match self.dice.below(100) {
                0..=54 if self.asked.len() < profile.crowd => self.request(profile)?,
                55 if profile.hangs || self.dice.permille(300) => self.cancel_one()?,
                56 => self.meddle(profile),
                57 if self.dice.permille(300) => self.drop_one()?,
                59 if profile.changes => self.change_limits(profile)?,
                58 if self.dice.permille(20) => {
                    self.shut_down()?;
                    break;
                }
                _ => {
                    self.step()?;
                }
            }
            idle = match self.sim.events() == before {
                true => idle + 1,
                false => 0,
            };
        }
        if self.dice.permille(400) {
            self.come_to_rest()?;
        }
        Ok(())
    }

    /// Everything that can end ends; then each file shows what it must.
    fn come_to_rest(&mut self) -> Verdict {
        while self.step()? {}
        // Whoever waits for room may do so for ever, and others behind him.
        while let Some(patient) = self
            .asked
            .iter()
            .find(|asked| waits_for_room(asked.request))
        {
            self.cancel(patient.op)?;
            while self.step()? {}
        }
        let closed = self.sim.phase() == PhaseName::Closed;
        if closed && !self.asked.is_empty() {
            return Err(format!("R9: closed, and never answered: {:?}", self.asked));
        }
        let waits = self.asked.iter().find(|_| self.sim.hanging() == 0);
        if let Some(waits) = waits {
            return Err(format!("R9: nothing is due, and {waits:?} still waits"));
        }
        self.nothing_is_left()?;
        let inodes: Vec<_> = self.known.keys().copied().collect();
        for inode in inodes {
            self.check_cached(inode)?;
            self.check_synced_by_time(inode)?;
        }
        Ok(())
    }

    fn shut_down(&mut self) -> Verdict {
        self.tally.shutdowns += 1;
        let least = self.dice.one_of(&[1_000, 1_000_000, 1_000_000_000]);
        self.sim.tell(match self.dice.below(3) {
            0 => Event::Forced { closing: least },
            1 => Event::DriverLost,
            _ => Event::ShutdownAsked {
                grace: Grace {
                    total: 4 * least,
                    draining: least,
                    closing: 2 * least,
                },
            },
        });
        self.listen()?;
        self.come_to_rest()?;
        match self.sim.is_closed() {
            true => Ok(()),
            false => Err(format!("S5: at rest, and {:?}", self.sim.phase())),
        }
    }

    fn deadline(&mut self, profile: &Profile) -> Tick {
        let soon = if profile.hangs { 500 } else { 60 };
        match self.dice.permille(soon) {
            true => self.sim.now().plus(self.dice.below(300_000)),
            false => Tick::NEVER,
        }
    }

    fn request(&mut self, profile: &Profile) -> Verdict {
        let deadline = self.deadline(profile);
        if profile.replaces && self.dice.permille(150) {
            return self.request_replaces(profile, deadline);
        }
        let row = match self.rows.len() as u64 {
            0 => None,
            rows => Some(self.rows[self.dice.below(rows) as usize]),
        };
        let Some(row) = row.filter(|_| self.rows.len() >= 3 || self.dice.permille(800)) else {
            return self.request_open(deadline);
        };
        let handle = row.id;
        let at = |dice: &mut Dice| match dice.permille(50) {
            true => dice.below(2 * profile.most_len),
            false => dice.below(profile.most_len),
        };
        let len = |dice: &mut Dice| dice.below(profile.most_bytes + 1);
        let ours = row.writes;
        let dice = &mut self.dice;
        let class = Class::ALL[dice.below(4) as usize];
        let request = match dice.below(100) {
            0..=27 if ours => Request::Write {
                handle,
                offset: at(dice),
                len: len(dice),
                class,
            },
            28..=37 if ours => Request::Append {
                handle,
                len: len(dice),
                class,
            },
            38..=42 if ours => Request::SetLength {
                handle,
                len: at(dice),
                class,
            },
            43..=46 if ours => Request::Flush { handle },
            47..=54 if ours => Request::Sync { handle },
            55..=56 => Request::FlushAll,
            57..=59 => Request::SyncAll,
            60..=62 => Request::Close { handle },
            63..=67 => Request::Stage {
                handle,
                plan: self.plan(),
            },
            68..=69 => Request::Unstage { handle },
            70..=72 => Request::Read {
                handle,
                offset: 0,
                len: 2 * profile.most_len,
            },
            _ => Request::Read {
                handle,
                offset: at(dice),
                len: len(dice),
            },
        };
        let of_all = request.handle().is_none();
        self.ask(Some(row).filter(|_| !of_all), request, deadline)
    }

    fn request_open(&mut self, deadline: Tick) -> Verdict {
        let dice = &mut self.dice;
        let path = match dice.below(10) {
            0..=4 => dice.one_of(&OURS),
            5..=6 => dice.one_of(&CREATED),
            7..=8 => dice.one_of(&THEIRS),
            _ => dice.one_of(&WAYS),
        };
        let created = CREATED.contains(&path);
        let (access, missing) = match THEIRS.contains(&path) {
            true => (Access::Read, Missing::Fail),
            false => (
                dice.one_of(&[Access::Write, Access::Write, Access::Read]),
                match created {
                    true => dice.one_of(&[Missing::Create, Missing::Create, Missing::CreateNew]),
                    false => Missing::Fail,
                },
            ),
        };
        let plan = self.plan();
        self.open(path, access, missing, plan, deadline)
    }

    fn plan(&mut self) -> Plan {
        let dice = &mut self.dice;
        Plan {
            mode: dice.one_of(&[
                Mode::Auto,
                Mode::Auto,
                Mode::Load,
                Mode::Map,
                Mode::MapShared,
                Mode::None,
                Mode::None,
            ]),
            over_budget: dice.one_of(&[OverBudget::Refuse, OverBudget::Wait]),
            map_threshold: dice.one_of(&[0, 2_000, Plan::MAP_THRESHOLD]),
        }
    }

    fn cancel_one(&mut self) -> Verdict {
        if self.asked.is_empty() {
            return Ok(());
        }
        let at = self.dice.below(self.asked.len() as u64) as usize;
        self.tally.cancelled += 1;
        self.cancel(self.asked[at].op)
    }

    fn drop_one(&mut self) -> Verdict {
        if self.rows.is_empty() {
            return Ok(());
        }
        let at = self.dice.below(self.rows.len() as u64) as usize;
        let Row { id, .. } = self.rows[at];
        self.drop_handle(id)
    }

    /// Somebody else does something: to files of his own, and to names of ours.
    fn meddle(&mut self, profile: &Profile) {
        self.tally.strangers += 1;
        let at = self.dice.below(self.names.len() as u64) as usize;
        if !self.names[at].theirs {
            if self.dice.permille(100) {
                self.meddle_with_name(at, profile);
            }
            return;
        }
        let path = self.names[at].path.clone();
        let inode = self.sim.disk().inode(&path);
        let version = inode.and_then(|inode| match self.known.get(&inode) {
            Some(Known::Theirs(versions)) => versions.last().copied(),
            Some(Known::Ours(_)) | None => None,
        });
        let (Some(inode), Some(before)) = (inode, version) else {
            return self.replace(at, profile);
        };
        let (stranger, version) = match self.dice.below(8) {
            0 => return self.replace(at, profile),
            1 => (Some(Stranger::Removes { path }), None),
            2 | 3 => {
                let len = self.dice.below(before.len as u64 + 1);
                let cut = Stranger::SetsLength { path, len };
                self.versions += 1;
                let version = Version {
                    number: self.versions,
                    len: len as usize,
                    ..before
                };
                (Some(cut), Some(version))
            }
            _ => {
                let (mut version, mut bytes) = self.next_version(profile);
                // Of the same length it can be told by its stamp alone.
                if self.dice.permille(500) {
                    version.len = before.len;
                    bytes.resize(version.len, version.byte);
                }
                (Some(Stranger::Rewrites { path, bytes }), Some(version))
            }
        };
        if let Some(stranger) = stranger {
            self.sim.disk_mut().meddle(&stranger);
        }
        if let (Some(Known::Theirs(versions)), Some(version)) =
            (self.known.get_mut(&inode), version)
        {
            versions.push(version);
        }
    }

    fn next_version(&mut self, profile: &Profile) -> (Version, Vec<u8>) {
        self.versions += 1;
        let version = Version {
            number: self.versions,
            byte: (self.versions % 251) as u8 + 1,
            len: self.dice.below(profile.most_len) as usize,
        };
        (version, vec![version.byte; version.len])
    }

    /// Another file, whole, in the place of a stranger's.
    fn replace(&mut self, at: usize, profile: &Profile) {
        let (version, bytes) = self.next_version(profile);
        let path = self.names[at].path.clone();
        self.sim
            .disk_mut()
            .meddle(&Stranger::Replaces { path, bytes });
        if let Some(inode) = self.sim.disk().inode(&self.names[at].path) {
            self.known.insert(inode, Known::Theirs(vec![version]));
        }
    }

    /// A name of ours leads to another file, or to none; whoever has the old one open keeps it.
    fn meddle_with_name(&mut self, at: usize, profile: &Profile) {
        self.names[at].touched = true;
        let path = self.names[at].path.clone();
        if self.dice.permille(300) {
            return self.sim.disk_mut().meddle(&Stranger::Removes { path });
        }
        let bytes = vec![0x5a; self.dice.below(profile.most_len) as usize];
        let book = Book::exact(bytes.clone()).named(true);
        let stranger = Stranger::Replaces {
            path: path.clone(),
            bytes,
        };
        self.sim.disk_mut().meddle(&stranger);
        if let Some(inode) = self.sim.disk().inode(&path) {
            self.known.insert(inode, Known::Ours(book));
        }
    }
}

const fn waits_for_room(request: Request) -> bool {
    match request {
        Request::Open { plan, .. } | Request::Stage { plan, .. } => {
            matches!(plan.over_budget, OverBudget::Wait)
        }
        _ => false,
    }
}
