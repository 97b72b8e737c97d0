//! Bounds that are not kept, and failed syncs that are forgotten.

use super::Broken;
use super::scene::*;
use crate::core::world::World;
use staging_core::{
    Access, Bound, Completion, Done, FailedSync, Fault, FileLimits, HandleId, IoId, IoKind, Limit,
    Outcome, Request, Tick, Tuning,
};

pub(super) fn fixtures() -> Vec<Broken> {
    let broken = |check, what, says, run| Broken {
        check,
        what,
        says,
        run,
    };
    vec![
        broken(
            "bounds::check_bounds",
            "what was said of a file is forgotten",
            "(R12)",
            || {
                let mut world = opened(Access::Read);
                let file = first_file(&world);
                world.bounds.own.insert(file, one_operation());
                world.check_bounds();
            },
        ),
        broken(
            "bounds::check_room_is_told",
            "a bound is raised, and whoever was refused is not told",
            "nobody is told (R12)",
            || {
                let mut world = opened(Access::Read);
                world.full.push(Bound::Operations);
                let more = world.limits.operations + 1;
                world.limit(Limit::Operations(more));
            },
        ),
        broken(
            "bounds::check_room_is_told",
            "a file may hold more, and whoever was refused is not told",
            "nobody is told (R12)",
            || {
                let mut world = opened(Access::Read);
                let (file, handle) = (first_file(&world), world.rows[0].id);
                world.full.push(Bound::FileOperations(file));
                let operations = Some(u32::MAX);
                let limits = FileLimits {
                    operations,
                    ..FileLimits::NONE
                };
                world.tune(handle, Tuning::Limits(limits));
            },
        ),
        broken(
            "bounds::check_had_room",
            "a file takes more than it may of its own",
            "1 may be (R12)",
            || {
                let mut world = reading(Tick::NEVER);
                let (file, handle) = (first_file(&world), world.rows[0].id);
                world.bounds.own.insert(file, one_operation());
                let load = world.load_before(read(handle));
                world.check_had_room(read(handle), load);
            },
        ),
        broken(
            "order::answered",
            "a handle that keeps dirty was not told, and a sync vouches for what was lost",
            "(R3, R8)",
            || {
                let (mut world, handle) = failed_sync();
                let op = asked_for_sync(&mut world, handle);
                world
                    .order
                    .answered(op, Request::Sync { handle }, Outcome::Synced);
            },
        ),
        broken(
            "order::answered",
            "a sync that was asked before the failure vouches for what was lost",
            "(R3, R8)",
            || {
                let (mut world, handle) = written();
                let op = asked_for_sync(&mut world, handle);
                fail_sync(&mut world);
                tell(&mut world, handle);
                world
                    .order
                    .answered(op, Request::Sync { handle }, Outcome::Synced);
            },
        ),
        broken(
            "order::answered",
            "a sync of all that was asked before the failure vouches for what was lost",
            "(R3, R8)",
            || {
                let (mut world, handle) = written();
                world.submit(0, Tick::NEVER, Request::SyncAll);
                let op = last_op(&world);
                fail_sync(&mut world);
                tell(&mut world, handle);
                world.order.answered(op, Request::SyncAll, Outcome::Synced);
            },
        ),
    ]
}

fn one_operation() -> FileLimits {
    FileLimits {
        operations: Some(1),
        ..FileLimits::NONE
    }
}

/// Something is written, by a handle that keeps dirty.
fn written() -> (World, HandleId) {
    let (mut world, _) = writing(&[(0, 10)]);
    let handle = world.rows[0].id;
    world.tune(handle, Tuning::FailedSync(FailedSync::KeepDirty));
    work(&mut world);
    (world, handle)
}

/// And lost, as far as the order knows.
fn failed_sync() -> (World, HandleId) {
    let (mut world, handle) = written();
    fail_sync(&mut world);
    (world, handle)
}

fn fail_sync(world: &mut World) {
    let file = first_file(world);
    let io = IoId::from_u64(9 << 32 | 77).unwrap_or_else(|| unreachable!("it is a number"));
    let fault = Fault::Os(5);
    world
        .order
        .ended(io, IoKind::Sync { file }, Completion::Failed { fault });
}

/// Its caller hears of it by another operation.
fn tell(world: &mut World, handle: HandleId) {
    world.submit(0, Tick::NEVER, write(handle, 0, 10));
    let op = last_op(world);
    let Some(asked) = world.asked.get(&op).copied() else {
        return;
    };
    let (fault, done) = (Fault::SyncFailed, Done::Nothing);
    world.note_failed_sync(op, &asked, Outcome::Failed { fault, done });
}

fn asked_for_sync(world: &mut World, handle: HandleId) -> staging_core::OpId {
    world.submit(0, Tick::NEVER, Request::Sync { handle });
    last_op(world)
}
