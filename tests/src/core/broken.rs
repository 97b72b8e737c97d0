//! Worlds in which something is wrong, made by hand: for each check of the random histories at least
//! one that it must reject.
//!
//! The machine in them is the real one, and right. What is tampered with is what it is held against:
//! what its driver has, what its callers were told, what was handed out when. So each fixture is what
//! a machine would look like that forgot, doubled or invented that thing.

mod limits;
mod scene;

use super::columns::Columns;
use super::rules::quiet;
use super::world::Seen;
use scene::*;
use staging_core::{
    Bound, Done, Fault, Grace, IoKind, Key, Machine, Mode, Outcome, PhaseName, Plan, Request, Tick,
};

/// A world that is not as it should be.
#[derive(Clone, Copy)]
pub struct Broken {
    /// The check that must see it, by module and function.
    pub check: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// A word of what the check says of it.
    pub says: &'static str,
    /// Makes the world, and has it checked. Panics, if the check is worth anything.
    pub run: fn(),
}

/// Something is wrong in each of these.
pub fn fixtures() -> Vec<Broken> {
    let broken = |check, what, says, run| Broken {
        check,
        what,
        says,
        run,
    };
    let mut all = vec![
        broken(
            "rules::check",
            "the budget is exceeded",
            "bytes are charged",
            || {
                let mut world = staged();
                world.limits.budget = 0;
                world.bounds.charged = 0;
                world.check();
            },
        ),
        broken(
            "rules::check_files",
            "a file that is gone keeps its contents",
            "leaks",
            || {
                let mut world = staged();
                let (file, handle) = (first_file(&world), world.rows[0].id);
                let held = world.driver.contents.get(&file).cloned();
                world.drop_handle(handle);
                work(&mut world);
                world.files.insert(file, Seen::default());
                world.driver.contents.extend(held.map(|held| (file, held)));
                world.check_files();
            },
        ),
        broken(
            "rules::check_life",
            "a staged file has no contents",
            "nothing is there",
            || {
                let mut world = staged();
                world.driver.contents.clear();
                world.check();
            },
        ),
        broken(
            "rules::check_budget",
            "more is held than charged",
            "is held than charged",
            || {
                let mut world = staged();
                for held in world.driver.contents.values_mut() {
                    held.charge *= 2;
                }
                world.check_budget();
            },
        ),
        broken(
            "rules::check_counts",
            "an operation is forgotten",
            "1 pending, 0 wait",
            || {
                let mut world = reading(Tick::NEVER);
                world.asked.clear();
                world.check_counts();
            },
        ),
        broken(
            "columns::check_columns",
            "an answer is counted and never told",
            "counted, and told",
            || {
                let mut world = staged();
                world.columns = Columns::default();
                world.check_columns();
            },
        ),
        broken(
            "columns::check_columns",
            "an action is handed out and not counted",
            "counted, and handed out",
            || {
                let mut world = staged();
                world.issued.clear();
                world.check_columns();
            },
        ),
        broken(
            "rules::check_wake",
            "an earlier deadline is not kept",
            "the first deadline",
            || {
                let mut world = reading(Tick(50));
                for asked in world.asked.values_mut() {
                    asked.deadline = Tick(40);
                }
                world.check_wake();
            },
        ),
        broken(
            "rules::check_not_past",
            "a deadline passed, and is due",
            "nothing happened",
            || {
                let mut world = reading(Tick(50));
                world.latest = Tick(50);
                world.check_not_past(Tick(50));
            },
        ),
        broken(
            "bounds::check_full",
            "refused for fullness, and empty",
            "not full",
            || {
                staged().check_full(Bound::Operations);
            },
        ),
        broken(
            "rules::check_issue",
            "an action after the end",
            "after the end",
            || {
                let mut world = reading(Tick::NEVER);
                let (io, kind) = (world.driver.jobs[0].io, world.driver.jobs[0].kind);
                world.shut_down(Grace::default());
                work(&mut world);
                world.check_issue(io, kind);
            },
        ),
        broken(
            "rules::check_progress",
            "more came in than there is",
            "5 of 4",
            || {
                let world = staged();
                world.check_progress(first_file(&world), 5, 4);
            },
        ),
        broken(
            "rules::check_outcome",
            "more was read than asked",
            "bytes <= len",
            || {
                let world = reading(Tick::NEVER);
                world.check_outcome(&only(&world).1, Outcome::Read { bytes: 11 });
            },
        ),
        broken(
            "rules::check_outcome",
            "a read is answered as a write",
            "unreachable",
            || {
                let world = reading(Tick::NEVER);
                let (offset, bytes) = (0, 10);
                world.check_outcome(&only(&world).1, Outcome::Written { offset, bytes });
            },
        ),
        broken(
            "rules::check_contents",
            "a read is sent to nothing",
            "read from None",
            || {
                let mut world = staged();
                world.driver.contents.clear();
                let asked = only(&reading(Tick::NEVER)).1;
                world.check_contents(&asked, first_file(&world));
            },
        ),
        broken(
            "rules::check_fault",
            "cancelled, and nobody cancelled",
            "with Cancelled",
            || {
                let world = reading(Tick::NEVER);
                world.check_fault(&only(&world).1, Fault::Cancelled, Done::Nothing);
            },
        ),
        broken(
            "rules::check_end",
            "closed without an answer",
            "without an answer",
            || {
                reading(Tick::NEVER).check_end(PhaseName::Closed);
            },
        ),
        broken(
            "rules::quiet",
            "a read waits, and nothing goes on",
            "wait for no staging",
            || {
                quiet(&reading(Tick::NEVER));
            },
        ),
        broken(
            "world::say",
            "the same was answered otherwise",
            "the twin said",
            || {
                let mut world = staged();
                world.twin = Machine::new(world.limits);
                let handle = world.rows[0].id;
                world.submit(0, Tick::NEVER, read(handle));
            },
        ),
        broken(
            "world::answered",
            "an outcome is told twice",
            "nobody waits",
            || {
                let mut world = reading(Tick::NEVER);
                let (op, asked) = only(&world);
                work(&mut world);
                world.answered(op, asked.tag, Outcome::Read { bytes: 10 });
            },
        ),
        broken(
            "world::take",
            "an action is handed out twice",
            "is issued twice",
            || {
                let mut world = reading(Tick::NEVER);
                let (io, kind) = (world.driver.jobs[0].io, world.driver.jobs[0].kind);
                world.take(io, kind);
            },
        ),
        broken(
            "world::check_ended",
            "a read does not wait for its staging",
            "did not wait",
            || {
                let mut world = staging();
                let handle = world.rows[0].id;
                world.submit(0, Tick::NEVER, read(handle));
                world.latest = Tick(world.latest.0 + 1);
                let (op, file) = (last_op(&world), first_file(&world));
                world.check_not_held_up(op, file);
            },
        ),
        broken(
            "driver::check",
            "there are too many descriptors",
            "1 descriptors, 0",
            || {
                let world = reading(Tick::NEVER);
                world.driver.check(0);
            },
        ),
        broken(
            "driver::check_alone",
            "a file is staged twice at once",
            "beside",
            || {
                let mut world = staging();
                let (io, kind) = (world.driver.jobs[0].io, world.driver.jobs[0].kind);
                world.driver.take(io, kind, None, Key([0, 0]));
            },
        ),
        broken(
            "driver::check_unwritten",
            "a file is looked at while it is written",
            "beside",
            || {
                let (mut world, file) = writing(&[(0, 10)]);
                let io = world.driver.jobs[0].io;
                world.driver.check_unwritten(file, IoKind::Look { file });
                world
                    .driver
                    .take(io, IoKind::Look { file }, None, Key([0, 0]));
            },
        ),
        broken(
            "order::accepted",
            "the size is not that after the write",
            "(R6)",
            || {
                let (mut world, _) = writing(&[]);
                let handle = world.rows[0].id;
                world.submit(0, Tick::NEVER, read(handle));
                let op = last_op(&world);
                let before = world.before(append(handle));
                world.accepted(op, append(handle), Tick::NEVER, before);
            },
        ),
        broken(
            "order::check_size",
            "a write is accepted, and stale bytes are shown",
            "shown",
            || {
                let (mut world, file) = writing(&[]);
                let handle = world.rows[0].id;
                let plan = Plan::of(Mode::Load);
                world.submit(0, Tick::NEVER, Request::Stage { handle, plan });
                work(&mut world);
                let (machine, contents) = (world.machine.clone(), world.driver.contents.clone());
                world.submit(0, Tick::NEVER, write(handle, 0, 10));
                world.drain();
                world.order.forget_withdrawal(file);
                (world.machine, world.driver.contents) = (machine, contents);
                world.check_size();
            },
        ),
        broken(
            "order::handed_out",
            "two writes that meet are under way",
            "beside",
            || {
                let (mut world, file) = writing(&[(0, 10), (5, 10)]);
                let io = world.driver.jobs[0].io;
                let op = last_op(&world);
                let (offset, len) = (5, 10);
                world.order.handed_out(
                    io,
                    IoKind::Write {
                        file,
                        op,
                        offset,
                        len,
                        parts: 1,
                    },
                    &[op],
                );
            },
        ),
        broken(
            "order::check_run",
            "two writes become one action that is longer than both",
            "Write",
            || {
                let (mut world, file) = writing(&[(0, 10)]);
                let op = last_op(&world);
                let io = world.driver.jobs[0].io;
                world.order.forget_flight(op);
                let (offset, len, parts) = (0, 20, 1);
                let kind = IoKind::Write {
                    file,
                    op,
                    offset,
                    len,
                    parts,
                };
                world.order.handed_out(io, kind, &[op]);
            },
        ),
        broken(
            "order::answered",
            "a flush ends before a write it covers",
            "(R3)",
            || {
                let (mut world, _) = writing(&[(0, 10)]);
                let handle = world.rows[0].id;
                world.submit(0, Tick::NEVER, Request::Flush { handle });
                let op = last_op(&world);
                world
                    .order
                    .answered(op, Request::Flush { handle }, Outcome::Flushed);
            },
        ),
        broken(
            "order::answered",
            "a sync counts that began before the write ended",
            "(R3",
            || {
                let (mut world, _) = writing(&[(0, 10)]);
                let handle = world.rows[0].id;
                finish_all(&mut world);
                world.submit(0, Tick::NEVER, Request::Sync { handle });
                let op = last_op(&world);
                world
                    .order
                    .answered(op, Request::Sync { handle }, Outcome::Synced);
            },
        ),
    ];
    all.extend(limits::fixtures());
    all
}
