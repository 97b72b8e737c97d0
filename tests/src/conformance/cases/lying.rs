//! R9: a driver that lies harms itself: no panic, no wrong bytes, no second outcome.

use crate::conformance::driver::Opening;
use crate::conformance::gate::{Gate, Verdict};
use crate::conformance::run::{Case, Proof};
use crate::conformance::scene::{CHUNK, Scene};
use crate::conformance::watch::{start, until};
use driver_kit::Deadline;
use driver_kit::core::{Completion, Fault, Key, Mode, Stamp};
use driver_kit::handlers::ActionKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Lie = fn(Completion) -> Completion;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, words) in [
        (ActionKind::Open, "open"),
        (ActionKind::Fetch, "fetch"),
        (ActionKind::Look, "look"),
        (ActionKind::Map, "map"),
        (ActionKind::Load, "load"),
        (ActionKind::Read, "read"),
        (ActionKind::Release, "release"),
        (ActionKind::Close, "close"),
    ] {
        for (at, how) in LIES.iter().map(|(how, _)| how).enumerate() {
            let name = format!("lying::{words}_says_{how}");
            cases.push(Case::named(name, "R9", move |scene| {
                lied_to(scene, kind, LIES[at].1)
            }));
        }
    }
    cases
}

const STAMP: Stamp = Stamp {
    len: 777,
    version: 1,
};

const LIES: [(&str, Lie); 7] = [
    ("it_closed", |_| Completion::Closed),
    ("it_mapped", |_| Completion::Mapped),
    ("it_read_too_much", |_| Completion::Read { bytes: 1 << 40 }),
    ("it_lent_too_much", |_| Completion::Released {
        lent: 1 << 40,
    }),
    ("it_saw_another_stamp", |completion| match completion {
        Completion::Opened { key, .. } => Completion::Opened { key, stamp: STAMP },
        Completion::Fetched { key, .. } => Completion::Fetched { key, stamp: STAMP },
        Completion::Loaded { .. } => Completion::Loaded { stamp: STAMP },
        Completion::Looked { .. } => Completion::Looked { stamp: STAMP },
        other => other,
    }),
    ("it_met_another_file", |completion| match completion {
        Completion::Opened { stamp, .. } => Completion::Opened {
            key: Key([1, 2]),
            stamp,
        },
        Completion::Fetched { stamp, .. } => Completion::Fetched {
            key: Key([1, 2]),
            stamp,
        },
        _ => Completion::Looked { stamp: STAMP },
    }),
    ("it_failed", |_| Completion::Failed {
        fault: Fault::Os(5),
    }),
];

const LEN: usize = 3 * CHUNK as usize;

/// Whatever it says, everybody is answered in time, and what is read is of the file.
fn lied_to(scene: &Scene, kind: ActionKind, lie: Lie) -> Proof {
    let driver = scene.driver();
    let (path, bytes) = scene.file("file", LEN)?;
    let (small, text) = scene.file("small", 5_000)?;
    let gate = Gate::judging(driver.hub(), kind, move |number| match number {
        0 => Verdict::Say(lie),
        _ => Verdict::Pass,
    });
    let deadline = Instant::now() + Duration::from_millis(80);
    let lives = Arc::clone(&driver);
    let life = start(move || {
        let by = |mode| Opening::by(mode).deadline(Deadline::At(deadline));
        let mut wrong = 0;
        for (path, bytes, mode) in [
            (&small, &text, Mode::Auto),
            (&path, &bytes, Mode::Load),
            (&path, &bytes, Mode::Map),
            (&path, &bytes, Mode::None),
        ] {
            let Ok(file) = lives.open(path, by(mode)) else {
                continue;
            };
            let mut buffer = vec![0; LEN];
            let mut read = |file: &dyn crate::conformance::OpenFile| match file.read_at_by(
                &mut buffer,
                0,
                Deadline::At(deadline),
            ) {
                Ok(len) => usize::from(buffer[..len] != bytes[..len]),
                Err(_) => 0,
            };
            wrong += read(file.as_ref());
            let plan = driver_kit::core::Plan::of(Mode::Load);
            let _ = file.stage_by(plan, Deadline::At(deadline));
            wrong += read(file.as_ref());
            // What is never said to have ended is waited for; so nobody waits for an unstage.
            drop(file.handle().unstage(Deadline::At(deadline), None));
            wrong += read(file.as_ref());
        }
        wrong
    });
    assert_eq!(life.join()?, 0, "wrong bytes were read");
    until(deadline);
    driver.hub().tick();
    assert_eq!(driver.stats().pending, 0, "everybody was answered");
    drop(gate);
    let report = driver.force(Duration::from_millis(20));
    assert!(report.exit_code() <= 1, "{report}");
    assert_eq!(report.panics, 0);
    Ok(())
}
