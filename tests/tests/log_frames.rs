//! L1: reading a log in plain bytes. Nothing before a tear is lost, no record is ever a wrong one, and
//! damage is told from a tear.

use driver_kit::log::{Ending, FRAME, HEADER, Header, LONGEST, Payloads, Record, Unsound};
use proptest::collection::vec;
use proptest::prelude::*;
use tests::logs::{header, read, written};

/// Payloads, and behind which of them a sync succeeded.
type Appends = Vec<(Vec<u8>, bool)>;

fn appends() -> impl Strategy<Value = Appends> {
    vec((vec(any::<u8>(), 0..60), any::<bool>()), 0..12)
}

fn some() -> Appends {
    let payload = |n: u8| vec![n; 5 + usize::from(n) * 7];
    (0..8).map(|n| (payload(n), n == 2 || n == 4)).collect()
}

/// Where each record begins, and where the last one ends.
fn places(appends: &Appends) -> Vec<u64> {
    let mut places = vec![HEADER];
    for (payload, _) in appends {
        places.push(places[places.len() - 1] + (FRAME + payload.len()) as u64);
    }
    places
}

/// Whether a record behind this one was written when this one was known to be durable.
fn is_vouched_for(appends: &Appends, at: usize) -> bool {
    let synced = (at..appends.len()).find(|at| appends[*at].1);
    synced.is_some_and(|synced| synced + 1 < appends.len())
}

fn are_the_first(records: &[Record], appends: &Appends, base: u64) -> bool {
    let right = |(at, record): (usize, &Record)| {
        record.seq == base + at as u64 && record.payload == appends[at].0
    };
    records.len() <= appends.len() && records.iter().enumerate().all(right)
}

/// L1.
#[test]
fn a_whole_log_gives_every_record_in_order() -> Result<(), Unsound> {
    let appends = some();
    let (records, ending) = read(&written(header(5, 1), &appends), Payloads::Kept)?;
    assert_eq!(ending, Ending::Whole);
    assert_eq!(records.len(), appends.len());
    assert!(are_the_first(&records, &appends, 5));
    let (checked, ending) = read(&written(header(5, 1), &appends), Payloads::Checked)?;
    assert_eq!((checked.len(), ending), (appends.len(), Ending::Whole));
    assert!(checked.iter().all(|record| record.payload.is_empty()));
    Ok(())
}

/// L1: a file that ends anywhere is torn there, and every record before is there. What is gone with its
/// vouchers cannot be missed.
#[test]
fn a_log_cut_at_every_byte_keeps_what_was_before() -> Result<(), Unsound> {
    let appends = some();
    let whole = written(header(1, 1), &appends);
    let places = places(&appends);
    for len in HEADER as usize..whole.len() {
        let (records, ending) = read(&whole[..len], Payloads::Kept)?;
        let left = places.iter().filter(|place| **place <= len as u64).count() - 1;
        assert_eq!(records.len(), left, "cut at {len}");
        assert!(are_the_first(&records, &appends, 1));
        let expected = match places[left] == len as u64 {
            true => Ending::Whole,
            false => Ending::Torn {
                offset: places[left],
                seq: 1 + left as u64,
            },
        };
        assert_eq!(ending, expected, "cut at {len}");
    }
    for len in 0..HEADER as usize {
        assert!(read(&whole[..len], Payloads::Kept).is_err(), "cut at {len}");
    }
    Ok(())
}

/// L1: a bad record is damage if one behind it says that it was durable, and else the end.
#[test]
fn every_flipped_bit_is_seen_and_told_for_what_it_is() {
    let appends = some();
    let whole = written(header(1, 1), &appends);
    let places = places(&appends);
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok((records, ending)) = read(&bytes, Payloads::Kept) else {
            assert!(bit / 8 < HEADER as usize, "bit {bit} is in no header");
            continue;
        };
        // Four bytes of the header are spare, and checked.
        assert!(bit / 8 >= HEADER as usize, "bit {bit} was not seen");
        let hit = places.iter().filter(|at| **at <= bit as u64 / 8).count() - 1;
        assert_eq!(records.len(), hit, "bit {bit}");
        assert!(are_the_first(&records, &appends, 1), "bit {bit}");
        let (offset, seq) = (places[hit], 1 + hit as u64);
        match ending {
            Ending::Damaged {
                offset: at,
                seq: number,
                vouched_by,
            } => {
                assert!(is_vouched_for(&appends, hit), "bit {bit}");
                assert_eq!((at, number), (offset, seq));
                assert!(vouched_by > at);
            }
            Ending::Torn {
                offset: at,
                seq: number,
            } => {
                assert!(!is_vouched_for(&appends, hit), "bit {bit}");
                assert_eq!((at, number), (offset, seq));
            }
            Ending::Whole => assert!(bit > whole.len() * 8, "bit {bit} was not seen"),
        }
    }
}

/// L1: appends that no sync covered reach the disk in any order, also without those before them.
#[test]
fn a_hole_among_records_that_nobody_vouches_for_is_a_tear() -> Result<(), Unsound> {
    let mut appends = some();
    for (_, synced) in &mut appends {
        *synced = false;
    }
    let places = places(&appends);
    let mut bytes = written(header(1, 1), &appends);
    bytes[places[3] as usize..places[5] as usize].fill(0);
    let (records, ending) = read(&bytes, Payloads::Kept)?;
    assert_eq!(records.len(), 3);
    let torn = Ending::Torn {
        offset: places[3],
        seq: 4,
    };
    assert_eq!(ending, torn);
    Ok(())
}

/// L1: the length reached the disk, and the bytes did not.
#[test]
fn a_tail_of_zeros_is_a_tear() -> Result<(), Unsound> {
    let appends = some();
    let mut bytes = written(header(1, 1), &appends);
    let end = bytes.len() as u64;
    bytes.resize(bytes.len() + 700_000, 0);
    let (records, ending) = read(&bytes, Payloads::Kept)?;
    assert_eq!(records.len(), appends.len());
    let torn = Ending::Torn {
        offset: end,
        seq: 1 + appends.len() as u64,
    };
    assert_eq!(ending, torn);
    Ok(())
}

/// L1: what a file held when it got its name was durable, whoever is behind it.
#[test]
fn what_the_header_vouches_for_is_never_torn() -> Result<(), Unsound> {
    let appends = some();
    let places = places(&appends);
    let sealed = Header {
        sealed: places[4],
        ..header(1, 1)
    };
    let whole = written(sealed, &appends);
    for len in [HEADER, places[2], places[4] - 1] {
        let (records, ending) = read(&whole[..len as usize], Payloads::Kept)?;
        let damaged = Ending::Damaged {
            offset: places[records.len()],
            seq: 1 + records.len() as u64,
            vouched_by: 0,
        };
        assert_eq!(ending, damaged, "cut at {len}");
    }
    let (records, ending) = read(&whole[..places[4] as usize], Payloads::Kept)?;
    assert_eq!((records.len(), ending), (4, Ending::Whole));
    Ok(())
}

/// L1: a frame is good at one place of one file.
#[test]
fn records_that_are_swapped_doubled_or_stale_are_no_records() -> Result<(), Unsound> {
    let appends: Appends = (0..6_u8).map(|n| (vec![n; 20], false)).collect();
    let places = places(&appends);
    let whole = written(header(1, 1), &appends);
    let frame = |at: usize| places[at] as usize..places[at + 1] as usize;

    let mut swapped = whole.clone();
    swapped[frame(2)].copy_from_slice(&whole[frame(3)]);
    swapped[frame(3)].copy_from_slice(&whole[frame(2)]);
    assert_eq!(read(&swapped, Payloads::Kept)?.0.len(), 2);

    let mut doubled = whole[..frame(2).end].to_vec();
    doubled.extend_from_slice(&whole[frame(2)]);
    let (records, ending) = read(&doubled, Payloads::Kept)?;
    assert!(records.len() == 3 && matches!(ending, Ending::Torn { seq: 4, .. }));

    // The same numbers at the same places, of the file that was here before.
    let mut stale = whole[..frame(3).start].to_vec();
    stale.extend_from_slice(&written(header(1, 2), &appends)[frame(3).start..]);
    let (records, ending) = read(&stale, Payloads::Kept)?;
    assert!(records.len() == 3 && matches!(ending, Ending::Torn { seq: 4, .. }));
    Ok(())
}

/// L1: behind a tear there may be payloads that are logs themselves.
#[test]
fn a_payload_that_looks_like_a_frame_vouches_for_nothing() -> Result<(), Unsound> {
    let inner = written(header(1, 1), &some());
    let appends = vec![(vec![1; 50], false), (inner, false), (vec![2; 50], false)];
    let mut bytes = written(header(1, 1), &appends);
    bytes[HEADER as usize] ^= 1;
    let (records, ending) = read(&bytes, Payloads::Kept)?;
    assert!(records.is_empty());
    assert!(matches!(ending, Ending::Torn { seq: 1, .. }), "{ending:?}");
    Ok(())
}

/// L1: it is read in pieces, and judged as a whole.
#[test]
fn a_record_of_many_pieces_is_whole_or_not_there() -> Result<(), Unsound> {
    for synced in [false, true] {
        let long = (0..700_000_u32).map(|at| (at / 1000) as u8).collect();
        let appends: Appends = vec![(vec![1; 9], false), (long, synced), (vec![2; 9], false)];
        let mut bytes = written(header(1, 1), &appends);
        let (records, ending) = read(&bytes, Payloads::Kept)?;
        assert!(are_the_first(&records, &appends, 1));
        assert_eq!((records.len(), ending), (3, Ending::Whole));
        for at in [600_000, 300_000, 300] {
            bytes[at] ^= 1;
            let (records, ending) = read(&bytes, Payloads::Checked)?;
            assert_eq!(records.len(), 1);
            match synced {
                true => assert!(matches!(ending, Ending::Damaged { seq: 2, .. })),
                false => assert!(matches!(ending, Ending::Torn { seq: 2, .. })),
            }
        }
        let (records, ending) = read(&bytes[..500_000], Payloads::Kept)?;
        assert_eq!(records.len(), 1);
        assert!(matches!(ending, Ending::Torn { seq: 2, .. }));
    }
    Ok(())
}

/// L1: a length that no writer wrote takes no memory.
#[test]
fn lengths_of_all_ones_are_a_tear() -> Result<(), Unsound> {
    let mut bytes = written(header(1, 1), &some());
    let end = bytes.len() as u64;
    bytes.extend_from_slice(&[0xff; FRAME * 3]);
    let (_, ending) = read(&bytes, Payloads::Kept)?;
    assert!(matches!(ending, Ending::Torn { offset, .. } if offset == end));
    const { assert!(LONGEST < u32::MAX) };
    Ok(())
}

/// L1: what is not ours, or of a later day, is left alone.
#[test]
fn newer_and_foreign_files_are_told_apart() {
    let whole = written(header(1, 1), &some());
    let mut newer = whole.clone();
    newer[8] = 2;
    let judged = |bytes: &[u8]| read(bytes, Payloads::Kept).map(|(_, ending)| ending);
    assert!(matches!(
        judged(&newer),
        Err(Unsound::Newer { version: 2, .. })
    ));
    assert!(matches!(judged(b""), Err(Unsound::Foreign)));
    assert!(matches!(
        judged(b"2026-01-01 hello\n"),
        Err(Unsound::Foreign)
    ));
    assert!(matches!(judged(&[0; 500]), Err(Unsound::Foreign)));
    assert!(matches!(judged(&whole[..20]), Err(Unsound::Header)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// L1: whatever becomes of the bytes, what is read is a beginning of what was written.
    #[test]
    fn no_damage_makes_a_record(
        appends in appends(),
        hits in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = written(header(1, 1), &appends);
        for (at, value) in hits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(1 + cut.index(bytes.len()));
        if let Ok((records, ending)) = read(&bytes, Payloads::Kept) {
            prop_assert!(are_the_first(&records, &appends, 1));
            let end = places(&appends)[records.len()];
            match ending {
                Ending::Whole => prop_assert_eq!(end, bytes.len() as u64),
                Ending::Torn { offset, .. } | Ending::Damaged { offset, .. } => {
                    prop_assert_eq!(offset, end);
                }
            }
        }
    }

    /// L1: of writes that no sync covered, any may be missing, sector by sector; nothing durable is.
    #[test]
    fn a_loss_of_power_is_a_tear_and_never_damage(
        appends in appends(),
        kept in any::<[u64; 4]>(),
    ) {
        let whole = written(header(1, 1), &appends);
        let places = places(&appends);
        let durable = appends.iter().rposition(|(_, synced)| *synced).map_or(0, |at| at + 1);
        let mut bytes = whole.clone();
        for (at, byte) in bytes.iter_mut().enumerate().skip(places[durable] as usize) {
            let sector = at / 16 % 256;
            if kept[sector / 64] >> (sector % 64) & 1 == 0 {
                *byte = 0;
            }
        }
        let read = read(&bytes, Payloads::Kept);
        let (records, ending) = read.map_err(|why| TestCaseError::fail(why.to_string()))?;
        prop_assert!(records.len() >= durable);
        prop_assert!(are_the_first(&records, &appends, 1));
        let damaged = matches!(ending, Ending::Damaged { .. });
        prop_assert!(!damaged, "{:?}", ending);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// L1, L2: a log that was opened is whole, whatever was done to its files, and has no record that was
    /// not appended; one that is not opened is not changed.
    #[test]
    fn a_damaged_log_opens_to_what_was_appended_or_not_at_all(choices in vec(any::<u8>(), 0..400)) {
        tests::logs::hostile::holds(&choices);
    }

    /// L1: any bytes.
    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..300), valid in any::<bool>()) {
        let mut file = if valid { written(header(1, 1), &[]) } else { Vec::new() };
        file.extend_from_slice(&bytes);
        tests::logs::hostile::endures(&file);
    }
}
