//! What changes in the middle of a history: the bounds, those of single files, and what a failed sync means
//! to a handle.

use super::dice::Dice;
use super::history::{limits, usable};
use super::world::World;
use staging_core::{FailedSync, FileLimits, Limit, Tuning};

pub(crate) fn change(world: &mut World) {
    let usable = usable(world);
    if usable.is_empty() || world.dice.chance(40) {
        let limit = limit(&mut world.dice);
        return world.limit(limit);
    }
    let handle = world.dice.one_of(&usable);
    let tuning = tuning(&mut world.dice);
    world.tune(handle, tuning);
}

/// Any of them, as a history may begin with.
fn limit(dice: &mut Dice) -> Limit {
    let others = limits(dice).each();
    dice.one_of(&others)
}

fn tuning(dice: &mut Dice) -> Tuning {
    match dice.below(3) {
        0 => Tuning::Limits(FileLimits {
            operations: dice.one_of(&[None, Some(0), Some(1), Some(2), Some(9)]),
            bytes: dice.one_of(&[None, Some(0), Some(5_000), Some(1 << 30)]),
        }),
        _ => Tuning::FailedSync(dice.one_of(&[
            FailedSync::KeepDirty,
            FailedSync::KeepDirty,
            FailedSync::Refuse,
        ])),
    }
}
