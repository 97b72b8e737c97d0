//! The journal as a file: one way to write each value, every word of the core's alphabet, and damage
//! that is named with its line.
//!
//! `journals/every_word.journal` has a line for each variant of each type that can be recorded. It
//! pins the format: where it has to be changed, the version has to be another.

use driver_kit::core::{Entry, Limits, Turns};
use driver_kit::journal::{Damage, Flaw, ReadError, Reader, header, line};
use std::error::Error;
use std::ops::Range;

type Proof = Result<(), Box<dyn Error>>;

const EVERY_WORD: &str = include_str!("../journals/every_word.journal");

/// Each type of the alphabet: where it is declared, and before which of its words `=` stands.
const ALPHABET: [(&str, &str, &str); 32] = [
    (EVENT, "Event", "event"),
    (EVENT, "Request", "request"),
    (CLASS, "Class", "class"),
    (EVENT, "Tuning", "tuning"),
    (EVENT, "FailedSync", "failed_sync"),
    (LIMIT, "Limit", "limit"),
    (EVENT, "Access", "access"),
    (EVENT, "Missing", "missing"),
    (EVENT, "Mode", "mode"),
    (EVENT, "OverBudget", "over_budget"),
    (EVENT, "Durability", "durability"),
    (EVENT, "Existing", "existing"),
    (LOCK, "Sharing", "sharing"),
    (LOCK, "Scope", "scope"),
    (LOCK, "Patience", "patience"),
    (COMPLETION, "Completion", "completion"),
    (FAULT, "Fault", "fault"),
    (FAULT, "NodeKind", "node"),
    (REPLY, "Reply", "reply"),
    (REPLY, "Reject", "reject"),
    (REPLY, "Ignored", "ignored"),
    (ACTION, "Action", "action"),
    (ACTION, "Tell", "tell"),
    (ACTION, "IoKind", "kind"),
    (ACTION, "ReplaceStep", "step"),
    (ACTION, "LockStep", "step"),
    (ACTION, "Outcome", "outcome"),
    (ACTION, "Done", "done"),
    (ACTION, "Bound", "bound"),
    (STAGING, "Why", "why"),
    (PHASE, "PhaseName", "phase"),
    (PHASE, "Cause", "cause"),
];

const CLASS: &str = include_str!("../../staging-core/src/class.rs");
const COMPLETION: &str = include_str!("../../staging-core/src/completion.rs");
const EVENT: &str = include_str!("../../staging-core/src/event.rs");
const LIMIT: &str = include_str!("../../staging-core/src/limit.rs");
const LOCK: &str = include_str!("../../staging-core/src/lock.rs");
const FAULT: &str = include_str!("../../staging-core/src/fault.rs");
const REPLY: &str = include_str!("../../staging-core/src/reply.rs");
const ACTION: &str = include_str!("../../staging-core/src/action.rs");
const STAGING: &str = include_str!("../../staging-core/src/staging.rs");
const PHASE: &str = include_str!("../../staging-core/src/phase.rs");

/// What a file says before it ends or is found damaged, and how it ended.
fn read(text: &[u8]) -> (Vec<Entry>, Result<bool, Damage>) {
    let mut reader = match Reader::new(text) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Err(damage(error))),
    };
    let mut entries = Vec::new();
    for entry in reader.by_ref() {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => return (entries, Err(damage(error))),
        }
    }
    (entries, Ok(reader.is_torn()))
}

fn damage(error: ReadError) -> Damage {
    match error {
        ReadError::Damaged(damage) => damage,
        ReadError::Io(error) => unreachable!("memory can be read: {error}"),
    }
}

fn written(entries: &[Entry]) -> String {
    let (first, _) = EVERY_WORD.split_once('\n').unwrap_or_default();
    let lines = entries.iter().map(|entry| line(entry) + "\n");
    format!("{first}\n{}", lines.collect::<String>())
}

#[test]
fn every_word_is_read_and_written_the_same() -> Proof {
    let reader = Reader::new(EVERY_WORD.as_bytes())?;
    assert_eq!(
        Some(header(reader.limits()).as_str()),
        EVERY_WORD.lines().next()
    );
    let entries = reader.collect::<Result<Vec<_>, _>>()?;
    assert_eq!(entries.len() + 1, EVERY_WORD.lines().count());
    assert_eq!(written(&entries), EVERY_WORD);
    Ok(())
}

/// The limits have another word than those of the file.
#[test]
fn turns_by_arrival_are_read_and_written_the_same() -> Proof {
    let limits = Limits {
        turns: Turns::ByArrival,
        ..Limits::default()
    };
    let text = header(&limits) + "\n";
    assert_eq!(*Reader::new(text.as_bytes())?.limits(), limits);
    Ok(())
}

/// Also of the enums to which the core may add: there the compiler does not insist on a word.
#[test]
fn every_variant_of_the_core_has_its_word() {
    for (source, kind, field) in ALPHABET {
        let variants = variants(source, kind);
        assert!(variants.len() > 1, "{kind} was not found");
        for variant in variants {
            let word = format!("{field}={variant}");
            let mut words = EVERY_WORD.split_ascii_whitespace();
            assert!(words.any(|other| other == word), "no line has {word}");
        }
    }
}

/// The variants of an enum, as its source says.
fn variants(source: &str, kind: &str) -> Vec<String> {
    let after = source
        .split_once(&format!("pub enum {kind} {{\n"))
        .map_or("", |(_, after)| after);
    let body = after.lines().take_while(|line| *line != "}");
    body.filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(|line| {
            line.chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect()
        })
        .collect()
}

/// The same lines with other numbers, of every size.
#[test]
fn every_number_is_read_and_written_the_same() {
    let mut changed = 0;
    for (at, line_before) in EVERY_WORD.lines().enumerate().skip(1) {
        for range in numbers(line_before) {
            for bits in 0..=64 {
                let number = u64::MAX.checked_shr(bits).unwrap_or_default();
                let other = put(line_before, &range, &number.to_string());
                let text = format!("{}{other}\n", written(&[]));
                match read(text.as_bytes()) {
                    (entries, Ok(false)) => {
                        assert_eq!(written(&entries), text, "line {}", at + 1);
                        changed += 1;
                    }
                    // Too large for 32 bits or for an error number, or no id.
                    (_, Err(damage)) => assert_eq!(damage.line, 2, "{other}"),
                    (_, Ok(true)) => unreachable!("{other} is whole"),
                }
                for wrong in ["+1", "01", "", "1_000", "18446744073709551616", "0x1"] {
                    let text = format!("{}{}\n", written(&[]), put(line_before, &range, wrong));
                    let (_, read) = read(text.as_bytes());
                    assert_eq!(read.map_err(|damage| damage.line), Err(2), "{text}");
                }
            }
        }
    }
    assert!(changed > 10_000, "{changed} lines were read");
}

fn numbers(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        match (begin, c.is_ascii_digit()) {
            (None, true) => begin = Some(at),
            (Some(from), false) => {
                found.push(from..at);
                begin = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    found
}

fn put(line: &str, range: &Range<usize>, number: &str) -> String {
    format!("{}{number}{}", &line[..range.start], &line[range.end..])
}

/// As a crash leaves it: every whole line counts, and a torn one is said to be torn.
#[test]
fn a_file_cut_at_any_byte_is_read_up_to_there() {
    let first = EVERY_WORD.find('\n').unwrap_or_default();
    let (all, _) = read(EVERY_WORD.as_bytes());
    for cut in 0..EVERY_WORD.len() {
        let text = &EVERY_WORD.as_bytes()[..cut];
        let (entries, ended) = read(text);
        if cut <= first {
            let flaw = Flaw::EndsBefore("");
            assert_eq!(ended, Err(Damage { line: 1, flaw }), "cut at {cut}");
            continue;
        }
        let whole = text.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(entries, all[..whole - 1], "cut at {cut}");
        assert_eq!(ended, Ok(text.last() != Some(&b'\n')), "cut at {cut}");
    }
}

/// Whatever byte is another, nothing panics, and what is still read is what stands there.
#[test]
fn a_line_with_any_other_byte_is_read_as_it_is_or_not_at_all() {
    let first = written(&[]);
    let (mut read_on, mut damaged) = (0, 0);
    for line in EVERY_WORD.lines().skip(1) {
        for (at, byte) in line.bytes().enumerate() {
            for other in [b' ', b'\n', b'=', b'.', b'0', b'9', b'z', 0, 0xff] {
                let mut text = format!("{first}{line}\n").into_bytes();
                if byte == other {
                    continue;
                }
                text[first.len() + at] = other;
                let (entries, ended) = read(&text);
                match ended {
                    Ok(torn) => {
                        assert!(!torn, "{other} at {at} of {line}");
                        assert_eq!(
                            written(&entries).as_bytes(),
                            text,
                            "{other} at {at} of {line}"
                        );
                        read_on += 1;
                    }
                    // The first half of a line may be a line, too.
                    Err(damage) => {
                        let in_second = other == b'\n' && damage.line == 3;
                        assert!(damage.line == 2 || in_second, "{damage} of {line}");
                        damaged += 1;
                    }
                }
            }
        }
    }
    assert!(read_on > 1_000 && damaged > 50_000, "{read_on}, {damaged}");
}

#[test]
fn damage_is_named_with_its_line() {
    let first = written(&[]);
    let ticked = "Said now=1 event=Ticked reply=Done";
    let in_second = |line: &str| format!("{first}{ticked}\n{line}\n{ticked}\n");
    let long = "x".repeat(10_000);
    for (text, line, flaw) in [
        (String::new(), 1, "it ends too early"),
        ("PK\u{3}\u{4}\n".into(), 1, "not the beginning of a journal"),
        (
            first.replace("version=1", "version=2"),
            1,
            "`version=2`, and this reads version=1",
        ),
        (
            first.replace(" patience=16", ""),
            1,
            "it ends before `patience`",
        ),
        (
            first.replace("restarts=3", "restarts=300"),
            1,
            "`300` is no value of `restarts`",
        ),
        (in_second(""), 3, "no entry begins with ``"),
        (in_second("Said now=1"), 3, "it ends before `event`"),
        (
            in_second("Polled action=Tell tell=Nothing"),
            3,
            "`Nothing` is no value of `tell`",
        ),
        (
            in_second("Said event=Ticked now=1"),
            3,
            "`event=Ticked` is no value of `now`",
        ),
        (
            in_second("Said now=1 event=Ticked reply=Done Done"),
            3,
            "it should end before `Done`",
        ),
        (
            in_second("Said now=01 event=Ticked reply=Done"),
            3,
            "its numbers are not written as they should be",
        ),
        (
            in_second("Said now=1 event=Cancelled op=io1 reply=Done"),
            3,
            "`io1` is no value of `op`",
        ),
        (
            in_second("Said now=1 event=Cancelled op=op0.0 reply=Done"),
            3,
            "`op0.0` is no value of `op`",
        ),
        (in_second(&long), 3, "no entry begins with"),
    ] {
        let (entries, ended) = read(text.as_bytes());
        let told = ended.map_err(|damage| damage.to_string());
        let expected = format!("line {line}: {flaw}");
        assert!(
            told.as_ref().is_err_and(|told| told.starts_with(&expected)),
            "{told:?}, not {expected}"
        );
        assert_eq!(entries.len(), usize::from(line == 3), "{expected}");
    }
    let mut text = in_second("").into_bytes();
    text[first.len()] = 0xff;
    let not_text = Damage {
        line: 2,
        flaw: Flaw::NotText,
    };
    assert_eq!(read(&text).1, Err(not_text));
}
