//! What the model of replaces must reject, and what it must not.

use super::*;

const TARGET: Key = Key([8, 1]);
const CREATE: ReplaceStep = ReplaceStep::Create {
    len: 10,
    existing: Existing::Replace,
};
const SYNC: ReplaceStep = ReplaceStep::SyncFile { files: 1 };
const PUBLISH: ReplaceStep = ReplaceStep::Publish {
    existing: Existing::Replace,
};
const WELL: [ReplaceStep; 4] = [CREATE, SYNC, PUBLISH, ReplaceStep::SyncDirectory];
const LOST: Outcome = Outcome::Failed {
    fault: Fault::Cancelled,
    done: Done::Nothing,
};

fn op(index: u64) -> OpId {
    OpId::from_u64(1 << 32 | index).unwrap_or_else(|| unreachable!())
}

/// A step, of a sync that is of one file alone.
fn hand_out(all: &mut Replaces, op: OpId, step: ReplaceStep) -> Verdict {
    match step == SYNC {
        true => all.files_handed_out(op, step, &[op]),
        false => all.handed_out(op, step, (100, 100)),
    }
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
        assert_eq!(hand_out(&mut all, op(0), *step), Ok(()));
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
        (0, SYNC),
        (0, PUBLISH),
        (0, ReplaceStep::Discard),
        (1, CREATE),
        (1, PUBLISH),
        (1, ReplaceStep::SyncDirectory),
        (2, SYNC),
        (2, ReplaceStep::Fill { offset: 10, len: 1 }),
        (3, PUBLISH),
        (3, ReplaceStep::Discard),
        (4, ReplaceStep::SyncDirectory),
    ] {
        let said = hand_out(&mut after(done, 1), op(0), step);
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
        assert_eq!(hand_out(&mut all, op(1), *step), Ok(()));
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

/// So many replaces whose files are synced together, each of a target of its own.
fn sharing(replaces: u64) -> Replaces {
    let mut all = Replaces::default();
    for index in 0..replaces {
        let request = Request::Replace {
            target: Key([8, 4 + index % 2]),
            len: 10,
            durability: Durability::File,
            existing: Existing::Replace,
        };
        all.accepted(op(index), request);
        assert_eq!(all.handed_out(op(index), CREATE, (100, 100)), Ok(()));
        let created = done(CREATE, Key([8, 4]));
        all.ended(op(index), CREATE, created);
    }
    all
}

#[test]
fn a_sync_of_other_files_than_it_says_is_rejected() {
    let (both, first) = ([op(0), op(1)], [op(0)]);
    let two = ReplaceStep::SyncFile { files: 2 };
    assert_eq!(sharing(2).files_handed_out(op(0), two, &both), Ok(()));
    for (leader, step, ops) in [
        (op(0), SYNC, &both[..]),
        (op(1), two, &both[..]),
        (op(0), two, &first[..]),
        (op(0), SYNC, &first[..]),
        (op(0), ReplaceStep::SyncFile { files: 0 }, &[]),
    ] {
        let said = sharing(2).files_handed_out(leader, step, ops);
        assert!(said.is_err(), "{step:?} of {ops:?}");
    }
}

#[test]
fn what_waits_for_the_sync_after_a_failed_one_is_lost_with_it() {
    let mut all = sharing(1);
    assert_eq!(all.files_handed_out(op(0), SYNC, &[op(0)]), Ok(()));
    let request = Request::Replace {
        target: Key([8, 5]),
        len: 10,
        durability: Durability::File,
        existing: Existing::Replace,
    };
    all.accepted(op(1), request);
    assert_eq!(all.handed_out(op(1), CREATE, (100, 100)), Ok(()));
    all.ended(op(1), CREATE, done(CREATE, Key([8, 5])));
    let beside = all.clone().files_handed_out(op(1), SYNC, &[op(1)]);
    assert!(beside.is_err_and(|said| said.contains("beside")));
    let fault = Fault::Os(5);
    all.ended(op(0), SYNC, Completion::Failed { fault });
    assert!(all.files_handed_out(op(1), SYNC, &[op(1)]).is_err());
    for index in [0, 1] {
        let discarded = all.handed_out(op(index), ReplaceStep::Discard, (100, 100));
        assert_eq!(discarded, Ok(()));
    }
}
