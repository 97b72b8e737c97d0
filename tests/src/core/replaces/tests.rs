//! What the model of replaces must reject, and what it must not.

use super::*;

const TARGET: Key = Key([8, 1]);
const CREATE: ReplaceStep = ReplaceStep::Create {
    len: 10,
    existing: Existing::Replace,
};
const PUBLISH: ReplaceStep = ReplaceStep::Publish {
    existing: Existing::Replace,
};
const WELL: [ReplaceStep; 4] = [
    CREATE,
    ReplaceStep::SyncFile,
    PUBLISH,
    ReplaceStep::SyncDirectory,
];
const LOST: Outcome = Outcome::Failed {
    fault: Fault::Cancelled,
    done: Done::Nothing,
};

fn op(index: u64) -> OpId {
    OpId::from_u64(1 << 32 | index).unwrap_or_else(|| unreachable!())
}

/// So many replaces of one target; the first took so many steps.
fn after(steps: usize, replaces: u64) -> Replaces {
    let mut all = Replaces::default();
    for index in 0..replaces {
        let request = Request::Replace {
            target: TARGET,
            len: 10,
            durability: Durability::FileAndDirectory,
            existing: Existing::Replace,
        };
        all.accepted(op(index), request);
    }
    for step in &WELL[..steps] {
        assert_eq!(all.handed_out(op(0), *step, (100, 100)), Ok(()));
        all.ended(op(0), *step, step.done(directory_of(TARGET)));
    }
    all
}

#[test]
fn what_goes_well_is_accepted() {
    let mut all = after(4, 1);
    assert_eq!(all.answered(op(0), Outcome::Replaced), Ok(()));
    assert_eq!(all.nothing_is_left(), Ok(()));
}

#[test]
fn a_step_before_its_turn_is_rejected() {
    for (done, step) in [
        (0, ReplaceStep::SyncFile),
        (0, PUBLISH),
        (0, ReplaceStep::Discard),
        (1, CREATE),
        (1, PUBLISH),
        (1, ReplaceStep::SyncDirectory),
        (2, ReplaceStep::SyncFile),
        (2, ReplaceStep::Fill { offset: 10, len: 1 }),
        (3, PUBLISH),
        (3, ReplaceStep::Discard),
        (4, ReplaceStep::SyncDirectory),
    ] {
        let said = after(done, 1).handed_out(op(0), step, (100, 100));
        assert!(said.is_err(), "{step:?} after {done} steps");
    }
}

#[test]
fn two_at_once_of_one_target_are_rejected() {
    for done in [1, 2] {
        let said = after(done, 2).handed_out(op(1), CREATE, (100, 100));
        assert!(said.is_err_and(|said| said.contains("beside")), "{done}");
    }
    assert_eq!(after(3, 2).handed_out(op(1), CREATE, (100, 100)), Ok(()));
}

#[test]
fn an_answer_before_its_time_is_rejected() {
    for done in 0..4 {
        let mut all = after(done, 1);
        assert!(all.answered(op(0), Outcome::Replaced).is_err(), "{done}");
    }
    for done in 3..=4 {
        assert!(after(done, 1).answered(op(0), LOST).is_err(), "{done}");
    }
}

#[test]
fn a_sync_that_began_before_the_name_was_given_is_no_sync_of_it() {
    let mut all = after(3, 2);
    let sync = ReplaceStep::SyncDirectory;
    assert_eq!(all.handed_out(op(0), sync, (100, 100)), Ok(()));
    for step in &WELL[..3] {
        assert_eq!(all.handed_out(op(1), *step, (100, 100)), Ok(()));
        all.ended(op(1), *step, step.done(directory_of(TARGET)));
    }
    all.ended(op(0), sync, Completion::Synced);
    assert_eq!(all.answered(op(0), Outcome::Replaced), Ok(()));
    assert!(all.answered(op(1), Outcome::Replaced).is_err());
}

#[test]
fn a_file_that_nobody_removes_is_left() {
    let mut all = after(2, 1);
    assert_eq!(all.answered(op(0), LOST), Ok(()));
    assert!(all.nothing_is_left().is_err());
}
