//! A driver that lies: it completes what was never asked, completes twice, completes with the
//! wrong kind and with impossible sizes, or never.

use super::dice::Dice;
use super::world::World;
use staging_core::{
    Completion, Event, Fault, HandleId, Ignored, IoId, IoKind, Key, LockStep, OpId, PhaseName,
    ReplaceStep, Reply, Stamp,
};

/// Says one thing that may be a lie, and holds the answer against what the machine can know.
pub(crate) fn lie(world: &mut World) {
    match world.dice.below(8) {
        0 => nobody(world),
        1 => {
            let bytes = size(&mut world.dice);
            let _ = world.say(Event::Returned { bytes });
        }
        _ => finish_somehow(world),
    }
    world.check();
}

/// Ids that were never given, or are given back.
fn nobody(world: &mut World) {
    // Any number, or one that may well be an id, of something that was not handed out yet.
    let raw = match world.dice.chance(30) {
        true => world.dice.any() >> world.dice.below(64),
        false => (1 + world.dice.below(12) as u64) << 32 | world.dice.below(6) as u64,
    };
    let dice = &mut world.dice;
    let event = match dice.below(3) {
        0 => IoId::from_u64(raw).map(|io| {
            let completion = completion(dice);
            Event::Completed { io, completion }
        }),
        1 => OpId::from_u64(raw).map(|op| Event::Cancelled { op }),
        _ => HandleId::from_u64(raw).map(|handle| Event::Dropped { handle }),
    };
    let Some(event) = event else { return };
    let known = match event {
        Event::Completed { io, .. } => world.driver.jobs.iter().any(|job| job.io == io),
        Event::Cancelled { op } => world.asked.contains_key(&op),
        Event::Dropped { handle } => world.rows.iter().any(|row| row.id == handle),
        _ => false,
    };
    if !known {
        let reply = world.say(event);
        assert!(matches!(reply, Reply::Ignored(_)), "{reply:?}");
    }
}

fn finish_somehow(world: &mut World) {
    if world.driver.jobs.is_empty() {
        return;
    }
    let at = world.dice.below(world.driver.jobs.len());
    let job = world.driver.jobs[at].clone();
    let completion = completion(&mut world.dice);
    world.complete(job.io, completion);
    let reply = world.log.last_reply();
    if world.machine.phase() == PhaseName::Closed {
        return;
    }
    let fits = fits(job.kind, completion);
    let wrong = Some(Reply::Ignored(Ignored::WrongKind));
    assert_eq!(reply == wrong, !fits, "{:?} and {completion:?}", job.kind);
    if matches!(reply, Some(Reply::Ignored(_))) {
        return;
    }
    world.driver.jobs.swap_remove(at);
    if let Some(Reply::Adopted { file }) = reply {
        world.files.entry(file).or_default();
    }
    if world.dice.chance(30) {
        let (io, completion) = (job.io, self::completion(&mut world.dice));
        let reply = world.say(Event::Completed { io, completion });
        let twice = matches!(reply, Reply::Ignored(Ignored::UnknownIo | Ignored::Closed));
        assert!(twice, "completed twice: {reply:?}");
    }
}

fn size(dice: &mut Dice) -> u64 {
    dice.one_of(&[0, 1, 4096, 20_000, 1 << 40, u64::MAX - 4096, u64::MAX])
}

fn completion(dice: &mut Dice) -> Completion {
    let stamp = Stamp {
        len: size(dice),
        version: dice.one_of(&[1, 2]),
    };
    let key = Key([0, dice.below(4) as u64]);
    match dice.below(20) {
        0 => Completion::Opened { key, stamp },
        1 => Completion::Fetched { key, stamp },
        2 => Completion::Looked { stamp },
        3 => Completion::Mapped,
        4 => Completion::Loaded { stamp },
        5 => Completion::Read { bytes: size(dice) },
        6 => Completion::Released { lent: size(dice) },
        7 => Completion::Closed,
        8 => Completion::Written,
        9 => Completion::CutShort {
            bytes: size(dice),
            fault: Fault::Short,
        },
        10 => Completion::LengthSet,
        11 => Completion::Synced,
        12 => Completion::Created {
            volume: dice.one_of(&[None, Some(0), Some(1)]),
        },
        13 => Completion::Published { directory: key },
        14 => Completion::Discarded,
        15 => Completion::Locked,
        16 => Completion::Contended,
        17 => Completion::Unlocked,
        18 => Completion::Unsure {
            fault: Fault::Os(5),
        },
        _ => Completion::Failed {
            fault: dice.one_of(&[
                Fault::Os(5),
                Fault::Truncated,
                Fault::NoMapping,
                Fault::Deadline,
            ]),
        },
    }
}

/// Which kind of completion each kind of action can have.
fn fits(kind: IoKind, completion: Completion) -> bool {
    match kind {
        IoKind::Replace { step, .. } => return fits_step(step, completion),
        IoKind::Lock { step, .. } => return fits_lock(step, completion),
        _ => {}
    }
    match completion {
        Completion::Opened { .. } => matches!(kind, IoKind::Open { .. } | IoKind::Fetch { .. }),
        Completion::Fetched { .. } => matches!(kind, IoKind::Fetch { .. }),
        Completion::Looked { .. } => matches!(kind, IoKind::Look { .. }),
        Completion::Mapped => matches!(kind, IoKind::Map { .. }),
        Completion::Loaded { .. } => matches!(kind, IoKind::Load { .. }),
        Completion::Read { .. } => matches!(kind, IoKind::Read { .. }),
        Completion::Released { .. } => matches!(kind, IoKind::Release { .. }),
        Completion::Closed => matches!(kind, IoKind::Close { .. }),
        Completion::Written | Completion::CutShort { .. } => matches!(kind, IoKind::Write { .. }),
        Completion::LengthSet => matches!(kind, IoKind::SetLength { .. }),
        Completion::Created { .. }
        | Completion::Published { .. }
        | Completion::Unsure { .. }
        | Completion::Discarded => false,
        Completion::Locked | Completion::Contended | Completion::Unlocked => false,
        Completion::Synced => matches!(kind, IoKind::Sync { .. }),
        Completion::Failed { .. } => true,
    }
}

fn fits_lock(step: LockStep, completion: Completion) -> bool {
    match completion {
        Completion::Locked | Completion::Contended => matches!(step, LockStep::Try { .. }),
        Completion::Unlocked => step == LockStep::Release,
        Completion::Failed { .. } => true,
        _ => false,
    }
}

fn fits_step(step: ReplaceStep, completion: Completion) -> bool {
    let fill = matches!(step, ReplaceStep::Fill { .. });
    match completion {
        Completion::Created { .. } => matches!(step, ReplaceStep::Create { .. }),
        Completion::Written | Completion::CutShort { .. } => fill,
        Completion::Synced => matches!(
            step,
            ReplaceStep::SyncFile { .. } | ReplaceStep::SyncDirectory
        ),
        Completion::Published { .. } | Completion::Unsure { .. } => {
            matches!(step, ReplaceStep::Publish { .. })
        }
        Completion::Discarded => step == ReplaceStep::Discard,
        Completion::Failed { .. } => true,
        _ => false,
    }
}
