//! What holds for every journal, whoever wrote it.

use super::script;
use driver_kit::journal::{ReadError, Reader, Transcript, header, line};
use staging_core::{Entry, Limits, Machine, replay};

/// The journal of a machine: read from its file it is the same, played it is the same, and its
/// transcript, played as a script, gives itself. Panics where it is not so.
pub fn holds(limits: &Limits, entries: &[Entry]) {
    let text = file(limits, entries);
    let (read, ended) = read(text.as_bytes());
    assert!(matches!(ended, Ok(false)), "{ended:?} in\n{text}");
    assert_eq!(read, Some((*limits, entries.to_vec())));
    let played = replay(&mut Machine::new(*limits), entries.iter().copied());
    assert_eq!(played, Ok(()), "{text}");
    let transcript = transcript(limits, entries);
    let again = script::play(&transcript);
    let same = again.as_ref() == Ok(&transcript);
    assert!(same, "{transcript}\nis played as\n{again:?}");
}

/// Any bytes, read as a journal: no panic, and what is read is what stands there. It can be played,
/// and shown.
pub fn endures(bytes: &[u8]) {
    let (read, ended) = read(bytes);
    let Some((limits, entries)) = read else {
        return assert!(ended.is_err(), "nothing was read, and why?");
    };
    let text = file(&limits, &entries);
    match ended {
        Ok(false) => assert_eq!(text.as_bytes(), bytes),
        Ok(true) | Err(_) => assert!(bytes.starts_with(text.as_bytes())),
    }
    let _ = transcript(&limits, &entries);
    let played = replay(&mut Machine::new(limits), entries.iter().copied());
    if let Err(parting) = played {
        assert!(parting.at < entries.len(), "{parting}");
    }
}

fn file(limits: &Limits, entries: &[Entry]) -> String {
    let mut text = header(limits) + "\n";
    for entry in entries {
        text.push_str(&line(entry));
        text.push('\n');
    }
    text
}

fn transcript(limits: &Limits, entries: &[Entry]) -> String {
    let mut transcript = Transcript::new();
    let mut text = transcript.beginning(limits);
    text.extend(entries.iter().map(|entry| transcript.entry(entry)));
    text
}

/// What stands in a file up to its end or its damage, and whether the end is torn.
type Read = (Option<(Limits, Vec<Entry>)>, Result<bool, ReadError>);

fn read(bytes: &[u8]) -> Read {
    let mut reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return (None, Err(error)),
    };
    let (limits, mut entries) = (*reader.limits(), Vec::new());
    for entry in reader.by_ref() {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => return (Some((limits, entries)), Err(error)),
        }
    }
    let torn = reader.is_torn();
    (Some((limits, entries)), Ok(torn))
}
