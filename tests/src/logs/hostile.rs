//! Logs that somebody has been at: whatever the bytes, nothing panics, no record is a wrong one, and an
//! error changes nothing.

use super::{Files, read};
use driver_kit::log::{Ending, Payloads, SNAPSHOT_HEADER, Upto};
use driver_sim::Dice;

/// A file of any bytes in the place of a log.
pub fn endures(bytes: &[u8]) {
    let _ = read(bytes, Payloads::Checked);
    let log = Some(bytes.to_vec());
    let snapshot = None;
    opens_or_is_left_alone(&mut Files { log, snapshot });
}

/// A log that is written, and then damaged, a byte for each choice.
pub fn holds(choices: &[u8]) {
    let mut dice = Dice::of_bytes(choices);
    let (mut files, mut all, stale) = written(&mut dice);
    while !dice.is_spent() {
        damage(&mut files, &stale, &mut dice);
    }
    let upto = opens_or_is_left_alone(&mut files);
    let Some(upto) = upto else {
        return;
    };
    if let Some(snapshot) = &files.snapshot {
        let payload = &snapshot[SNAPSHOT_HEADER as usize..];
        assert_eq!(payload, upto.to_le_bytes(), "the snapshot is another one");
    }
    let log = files.log.as_deref().unwrap_or_default();
    let records = read(log, Payloads::Kept).map(|(records, _)| records);
    for record in records.unwrap_or_default() {
        let written = all.get_mut(record.seq as usize - 1);
        assert_eq!(
            written,
            Some(&mut record.payload.clone()),
            "record {}",
            record.seq
        );
    }
}

/// Opens it, twice if that is possible; up to where its snapshot goes.
fn opens_or_is_left_alone(files: &mut Files) -> Option<u64> {
    let before = files.clone();
    let Ok(opened) = files.open() else {
        assert_eq!(*files, before, "it was no log, and was changed");
        return None;
    };
    let after = files.clone();
    let again = files.open();
    assert!(again.is_ok_and(|again| again.cut == 0), "opened twice");
    assert_eq!(*files, after, "opened twice");
    let log = files.log.as_deref().unwrap_or_default();
    let whole = read(log, Payloads::Checked).is_ok_and(|(_, ending)| ending == Ending::Whole);
    assert!(whole, "it was opened and is not whole");
    Some(opened.snapshot.map_or(0, |snapshot| snapshot.upto))
}

/// A log with a checkpoint now and then; every record it ever had, and every file it ever was.
fn written(dice: &mut Dice) -> (Files, Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let (mut files, mut all, mut stale) = (Files::default(), Vec::new(), Vec::new());
    let Ok(opened) = files.open() else {
        return (files, all, stale);
    };
    let (mut ledger, mut before) = (opened.ledger, 0);
    for _ in 0..dice.below(12) {
        let payload = vec![dice.below(250) as u8; dice.below(90) as usize];
        files.append(&mut ledger, &payload, dice.permille(400));
        all.push(payload);
        if dice.permille(150) {
            stale.extend(files.log.clone());
            let seq = dice.between(before, all.len() as u64);
            let upto = Upto { seq, before };
            let cut = files.checkpoint(&mut ledger, upto, &seq.to_le_bytes());
            assert!(cut.is_ok(), "{cut:?}");
            before = seq;
        }
    }
    (files, all, stale)
}

/// One thing that disks and people do.
fn damage(files: &mut Files, stale: &[Vec<u8>], dice: &mut Dice) {
    let file = match dice.below(4) {
        0 => &mut files.snapshot,
        _ => &mut files.log,
    };
    let Some(bytes) = file else {
        return;
    };
    let len = bytes.len() as u64;
    let (from, to) = (dice.below(len + 1) as usize, dice.below(len + 1) as usize);
    let (from, to) = (from.min(to), from.max(to));
    match dice.below(7) {
        0 if from < bytes.len() => bytes[from] ^= 1 << dice.below(8),
        1 => bytes.truncate(to),
        2 => bytes[from..to].fill(0),
        3 => bytes.extend_from_within(from..to),
        4 => bytes.copy_within(from..to, 0),
        5 => bytes.extend((0..dice.below(80)).map(|_| dice.any() as u8)),
        6 if !stale.is_empty() => {
            let old = &stale[dice.below(stale.len() as u64) as usize];
            let end = to.min(old.len());
            let from = from.min(end);
            bytes[from..end].copy_from_slice(&old[from..end]);
        }
        _ => *file = None,
    }
}
