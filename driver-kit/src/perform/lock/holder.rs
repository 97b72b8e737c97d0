//! Who has the lock that is in the way, as `/proc` tells.
//!
//! `/proc/locks` names the process of a `flock` and of a lock by `lockf`; a lock that belongs to an open
//! file description names nobody there, and is found by the descriptors of the processes that this one
//! may look at. Who cannot be seen is not named.

use crate::error::{Holder, Process};
use staging_core::Span;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Who has a lock on this file that meets the span. Looks first whether it is still the one it was.
pub(super) fn of(file: &File, span: Span, known: Option<Holder>) -> Holder {
    let Ok(about) = file.metadata() else {
        return Holder::Unseen;
    };
    let inode = name_of(about.dev(), about.ino());
    let Ok(locks) = fs::read_to_string("/proc/locks") else {
        return Holder::Unseen;
    };
    let mut hidden = false;
    for line in locks.lines() {
        match holder_in(line, &inode, span) {
            Some(Owner::Process(id)) => {
                if let Some(process) = process(id) {
                    return Holder::Process(process);
                }
            }
            Some(Owner::Hidden) => hidden = true,
            None => {}
        }
    }
    if !hidden {
        return Holder::Unseen;
    }
    let before = match known {
        Some(Holder::Process(process)) => Some(process.id),
        Some(Holder::Caller | Holder::Unseen) | None => None,
    };
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let found = before
        .into_iter()
        .chain(ids)
        .find(|id| has_lock(*id, &inode, span));
    found
        .and_then(process)
        .map_or(Holder::Unseen, Holder::Process)
}

/// Whose a lock is.
#[derive(PartialEq, Eq, Debug)]
enum Owner {
    Process(u32),
    /// An open file description's.
    Hidden,
}

/// A file as `/proc/locks` names it.
fn name_of(device: u64, inode: u64) -> String {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    format!("{major:02x}:{minor:02x}:{inode}")
}

/// Reads a line such as `1: FLOCK  ADVISORY  WRITE 411 fe:00:1310 0 EOF`. One that only waits (`->`) is in
/// nobody's way.
fn holder_in(line: &str, inode: &str, span: Span) -> Option<Owner> {
    let mut words = line.split_whitespace();
    let (_, kind) = (words.next()?, words.next()?);
    let (_, _, owner) = (words.next()?, words.next()?, words.next()?);
    if kind == "->" || words.next()? != inode {
        return None;
    }
    let start: u64 = words.next()?.parse().ok()?;
    let last = match words.next()? {
        "EOF" => u64::MAX,
        last => last.parse().ok()?,
    };
    if start >= span.end || last < span.start {
        return None;
    }
    match owner.parse::<i64>().ok()? {
        id if id > 0 => Some(Owner::Process(u32::try_from(id).ok()?)),
        _ => Some(Owner::Hidden),
    }
}

/// Whether a descriptor of the process has such a lock.
fn has_lock(id: u32, inode: &str, span: Span) -> bool {
    let infos = fs::read_dir(format!("/proc/{id}/fdinfo"));
    infos.into_iter().flatten().flatten().any(|entry| {
        let Ok(info) = fs::read_to_string(entry.path()) else {
            return false;
        };
        let locks = info.lines().filter_map(|line| line.strip_prefix("lock:"));
        let mut owners = locks.filter_map(|line| holder_in(line, inode, span));
        owners.any(|owner| owner == Owner::Hidden)
    })
}

fn process(id: u32) -> Option<Process> {
    let name = fs::read(Path::new("/proc").join(id.to_string()).join("comm")).ok()?;
    Some(Process::new(id, name.trim_ascii_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INODE: &str = "fe:00:1310";
    const PART: Span = Span { start: 10, end: 20 };

    #[test]
    fn a_line_of_the_kernel_names_who_is_in_the_way() {
        let cases = [
            (
                "1: FLOCK  ADVISORY  WRITE 411 fe:00:1310 0 EOF",
                Some(Owner::Process(411)),
            ),
            (
                "2: POSIX  ADVISORY  READ 412 fe:00:1310 19 30",
                Some(Owner::Process(412)),
            ),
            (
                "3: OFDLCK ADVISORY  WRITE -1 fe:00:1310 0 10",
                Some(Owner::Hidden),
            ),
            ("4: OFDLCK ADVISORY  WRITE -1 fe:00:1310 0 9", None),
            ("5: OFDLCK ADVISORY  WRITE -1 fe:00:1310 20 EOF", None),
            ("6: FLOCK  ADVISORY  WRITE 411 fe:00:1311 0 EOF", None),
            ("6: -> FLOCK  ADVISORY  WRITE 413 fe:00:1310 0 EOF", None),
            ("7: FLOCK", None),
            ("", None),
        ];
        for (line, owner) in cases {
            assert_eq!(holder_in(line, INODE, PART), owner, "{line}");
        }
        let whole = "1: FLOCK  ADVISORY  WRITE 411 fe:00:1310 0 EOF";
        assert_eq!(
            holder_in(whole, INODE, Span::ALL),
            Some(Owner::Process(411))
        );
    }
}
