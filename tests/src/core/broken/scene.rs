//! The worlds of the fixtures, before anything is wrong in them.

use crate::core::dice::Dice;
use crate::core::log::Origin;
use crate::core::world::{Asked, World};
use staging_core::{
    Access, Class, FileId, HandleId, Limits, Missing, Mode, OpId, Plan, Request, Tick,
};

pub(super) fn limits() -> Limits {
    Limits {
        chunk: 4096,
        fetch: 0,
        ..Limits::default()
    }
}

/// A world with one open file, which has more than one chunk.
pub(super) fn opened(access: Access) -> World {
    let long = |world: &World| world.disk.stamp(0).len > 9_000;
    let new = |seed| World::new(Dice::of(seed), Origin::Seed(seed), limits(), true);
    let mut world = (0..).map(new).find(long).unwrap_or_else(|| new(0));
    let (missing, plan) = (Missing::Fail, Plan::of(Mode::None));
    world.submit(
        0,
        Tick::NEVER,
        Request::Open {
            access,
            missing,
            plan,
        },
    );
    work(&mut world);
    world
}

/// The file is being staged, and nothing of it is in.
pub(super) fn staging() -> World {
    let mut world = opened(Access::Read);
    let (handle, plan) = (world.rows[0].id, Plan::of(Mode::Load));
    world.now = Tick(world.now.0 + 5);
    world.submit(0, Tick::NEVER, Request::Stage { handle, plan });
    world.drain();
    world
}

pub(super) fn staged() -> World {
    let mut world = staging();
    work(&mut world);
    world
}

/// A read is under way.
pub(super) fn reading(deadline: Tick) -> World {
    let mut world = opened(Access::Read);
    let handle = world.rows[0].id;
    world.submit(0, deadline, read(handle));
    world.drain();
    world
}

/// These writes are accepted, and under way where nothing is in the way.
pub(super) fn writing(ranges: &[(u64, u64)]) -> (World, FileId) {
    let mut world = opened(Access::Write);
    let handle = world.rows[0].id;
    for (offset, len) in ranges {
        world.submit(0, Tick::NEVER, write(handle, *offset, *len));
    }
    world.drain();
    let file = first_file(&world);
    (world, file)
}

pub(super) fn read(handle: HandleId) -> Request {
    let (offset, len) = (0, 10);
    Request::Read {
        handle,
        offset,
        len,
    }
}

pub(super) fn write(handle: HandleId, offset: u64, len: u64) -> Request {
    Request::Write {
        handle,
        offset,
        len,
        class: Class::Normal,
    }
}

pub(super) fn append(handle: HandleId) -> Request {
    let len = 10;
    Request::Append {
        handle,
        len,
        class: Class::Normal,
    }
}

/// The driver carries out what it has, and nothing new.
pub(super) fn finish_all(world: &mut World) {
    while !world.driver.jobs.is_empty() {
        world.finish(0);
    }
}

pub(super) fn work(world: &mut World) {
    world.drain();
    while !world.driver.jobs.is_empty() {
        world.finish(0);
        world.drain();
    }
}

pub(super) fn first_file(world: &World) -> FileId {
    let handle = world.rows[0].id;
    let file = world.machine.file_of(handle);
    file.unwrap_or_else(|| unreachable!("the file is open"))
}

pub(super) fn last_op(world: &World) -> OpId {
    let ops = world.asked.iter();
    let last = ops.max_by_key(|(_, asked)| asked.tag.0);
    last.map_or_else(|| unreachable!("nothing was asked"), |(op, _)| *op)
}

pub(super) fn only(world: &World) -> (OpId, Asked) {
    let (op, asked) = world.asked.iter().next().unwrap_or_else(|| unreachable!());
    (*op, *asked)
}
