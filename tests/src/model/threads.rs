//! Several threads at once, each with a handle of its own, through the calls that users make.
//!
//! The order of acceptance is not known while they run; the journal tells it afterwards. An operation
//! that came to the machine has its place there, and one outcome. A read that took what was in memory
//! has none: it must be what the file was at one moment, not before a write that had been answered
//! when it began (G4, R6), and not after one that was begun when it had ended.

use super::content::{Change, Content, Happened};
use super::play::{Tally, Verdict, limits, said};
use super::step::Text;
use crate::conformance::{Configuration, Open, Opening, Scene, start};
use crate::core::dice::Dice;
use driver_kit::core::{Entry, Event, Grace, HandleId, Mode, Reply, Request};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

const THREADS: usize = 3;
const STEPS: usize = 14;
const PLACES: [u64; 7] = [0, 1, 100, 4_095, 4_096, 5_000, 9_000];
const LENGTHS: [usize; 4] = [1, 64, 4_096, 6_000];

/// What a thread does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Act {
    Read(u64, usize),
    Write(u64, Text),
    Append(Text),
    SetLen(u64),
    Stage,
    Unstage,
}

/// What a thread did, and between which moments.
#[derive(Debug)]
struct Done {
    act: Act,
    began: u64,
    ended: u64,
    /// What was read.
    bytes: Vec<u8>,
    /// Where an append began.
    place: u64,
    /// Its place in the order of its file, if it came to the machine.
    accepted: Option<usize>,
}

/// Lets threads loose on two files, and holds what they saw against the order that was.
///
/// # Errors
/// What was not as promised.
pub fn play_threads(configuration: Configuration, seed: u64, tally: &mut Tally) -> Verdict {
    let scene = Scene::new(configuration).map_err(said)?;
    let mut dice = Dice::of(seed);
    let driver = scene.driver_with(limits(&mut dice));
    let clock = Arc::new(AtomicU64::new(0));
    let (mut handles, mut running, mut contents, mut paths) = (vec![], vec![], vec![], vec![]);
    for name in ["one", "two"] {
        let (path, bytes) = scene.file(name, 5_000).map_err(said)?;
        paths.push(path);
        contents.push(bytes);
    }
    for thread in 0..THREADS {
        let file = thread % 2;
        let open = driver
            .open(&paths[file], Opening::to_write())
            .map_err(said)?;
        handles.push((open.handle().id(), file));
        let (acts, clock) = (acts(&mut dice, thread), Arc::clone(&clock));
        running.push(start(move || live(&open, &acts, &clock)));
    }
    let mut done = Vec::new();
    for thread in running {
        done.push(thread.join().map_err(said)?.map_err(said)?);
    }
    let hub = Arc::clone(driver.hub());
    let report = driver.shutdown(Grace::default());
    if !report.is_clean() {
        return Err(format!("the end was not clean: {report}"));
    }
    let journal = hub.journal().ok_or("no journal was kept")?;
    tally.operations += (THREADS * STEPS) as u64;
    let orders = order(journal.entries(), &handles, &mut done)?;
    for (file, order) in orders.iter().enumerate() {
        let bytes = std::mem::take(&mut contents[file]);
        let states = in_order(order, bytes, &done, tally)?;
        from_memory(&handles, file, &states, &done, tally)?;
        let end = std::fs::read(&paths[file]).map_err(said)?;
        let last = states.last().map(|(_, content)| content);
        tally.checks += 1;
        let right = last.map_or(Ok(()), |last| last.allows(0, usize::MAX, &end));
        right.map_err(|forbidden| format!("in the end: {forbidden}"))?;
    }
    Ok(())
}

fn acts(dice: &mut Dice, thread: usize) -> Vec<Act> {
    let act = |number: usize| {
        // No two of one thread are of one length, so the journal tells which is which.
        let len = dice.one_of(&LENGTHS) + number;
        let colour = (thread * STEPS + number) as u8;
        let text = Text { len, colour };
        match dice.below(100) {
            0..=39 => Act::Read(dice.one_of(&PLACES), len),
            40..=59 => Act::Write(dice.one_of(&PLACES), text),
            60..=74 => Act::Append(text),
            75..=79 => Act::SetLen(dice.one_of(&PLACES)),
            80..=92 => Act::Stage,
            _ => Act::Unstage,
        }
    };
    (0..STEPS).map(act).collect()
}

fn live(open: &Open, acts: &[Act], clock: &AtomicU64) -> io::Result<Vec<Done>> {
    let mut all = Vec::new();
    for act in acts {
        let began = clock.fetch_add(1, SeqCst);
        let (mut bytes, mut place) = (Vec::new(), 0);
        match *act {
            Act::Read(offset, len) => bytes = open.read(offset, len)?,
            Act::Write(offset, text) => open.write_at(&text.bytes(), offset)?,
            Act::Append(text) => place = open.append(&text.bytes())?,
            Act::SetLen(len) => open.set_len(len)?,
            // Somebody else unstages it, or there is no room.
            Act::Stage => drop(open.stage(Mode::Load)),
            Act::Unstage => open.unstage()?,
        }
        let ended = clock.fetch_add(1, SeqCst);
        all.push(Done {
            act: *act,
            began,
            ended,
            bytes,
            place,
            accepted: None,
        });
    }
    Ok(all)
}

/// In which order what touches each file was accepted: by thread and number.
fn order(
    entries: &[Entry],
    handles: &[(HandleId, usize)],
    done: &mut [Vec<Done>],
) -> Result<[Vec<(usize, usize)>; 2], String> {
    let (mut orders, mut next) = ([vec![], vec![]], vec![0; THREADS]);
    for entry in entries {
        let Entry::Said {
            event: Event::Submitted { request, .. },
            reply: Reply::Accepted { .. },
            ..
        } = *entry
        else {
            continue;
        };
        let thread = handles
            .iter()
            .position(|(id, _)| request.handle() == Some(*id));
        let (Some(thread), true) = (thread, touches(request)) else {
            continue;
        };
        let log = &mut done[thread];
        let same = |one: &Done| asks(one.act, request);
        let found = log[next[thread]..].iter().position(same);
        let at = next[thread] + found.ok_or_else(|| format!("{request:?} was not asked"))?;
        let order: &mut Vec<_> = &mut orders[handles[thread].1];
        log[at].accepted = Some(order.len());
        order.push((thread, at));
        next[thread] = at + 1;
    }
    Ok(orders)
}

fn touches(request: Request) -> bool {
    matches!(
        request,
        Request::Read { .. }
            | Request::Write { .. }
            | Request::Append { .. }
            | Request::SetLength { .. }
    )
}

fn asks(act: Act, request: Request) -> bool {
    match (act, request) {
        (Act::Read(at, n), Request::Read { offset, len, .. }) => (at, n as u64) == (offset, len),
        (Act::Write(at, text), Request::Write { offset, len, .. }) => {
            (at, text.len as u64) == (offset, len)
        }
        (Act::Append(text), Request::Append { len, .. }) => text.len as u64 == len,
        (Act::SetLen(to), Request::SetLength { len, .. }) => to == len,
        _ => false,
    }
}

/// What came to the machine, in its order; and what the file is after each change, with how much had
/// been accepted by then.
fn in_order(
    order: &[(usize, usize)],
    bytes: Vec<u8>,
    done: &[Vec<Done>],
    tally: &mut Tally,
) -> Result<Vec<(usize, Content)>, String> {
    let mut states = vec![(0, Content::of(bytes))];
    for (place, (thread, at)) in order.iter().enumerate() {
        let one = &done[*thread][*at];
        let now = states.len() - 1;
        let mut content = states[now].1.clone();
        tally.checks += 1;
        match one.act {
            Act::Read(offset, len) => {
                let allowed = content.allows(offset, len, &one.bytes);
                allowed.map_err(|forbidden| format!("thread {thread}, {one:?}: {forbidden}"))?;
                continue;
            }
            Act::Write(offset, text) => {
                content.apply(Change::Write(offset, &text.bytes()), Happened::All);
            }
            Act::Append(text) => {
                if !content.takes_append_at(one.place) {
                    let size = content.size();
                    return Err(format!("{:?} at {}, not {size}", one.act, one.place));
                }
                content.apply(
                    Change::Append(Some(one.place), &text.bytes()),
                    Happened::All,
                );
            }
            Act::SetLen(len) => content.apply(Change::SetLen(len), Happened::All),
            Act::Stage | Act::Unstage => {}
        }
        states.push((place + 1, content));
    }
    Ok(states)
}

/// Reads that took what was in memory.
fn from_memory(
    handles: &[(HandleId, usize)],
    file: usize,
    states: &[(usize, Content)],
    done: &[Vec<Done>],
    tally: &mut Tally,
) -> Verdict {
    let here = || {
        let logs = done.iter().zip(handles).filter(|(_, (_, of))| *of == file);
        logs.flat_map(|(log, _)| log)
    };
    for one in here().filter(|one| one.accepted.is_none()) {
        let Act::Read(offset, len) = one.act else {
            continue;
        };
        let changes = || here().filter(|other| !matches!(other.act, Act::Read(..)));
        let before = changes().filter(|other| other.ended < one.began);
        let after = changes().filter(|other| other.began > one.ended);
        let least = before.filter_map(|other| other.accepted).max();
        let most = after.filter_map(|other| other.accepted).min();
        let in_time = |place: usize| {
            let not_stale = least.is_none_or(|least| place > least);
            not_stale && most.is_none_or(|most| place <= most)
        };
        tally.checks += 1;
        let may = states
            .iter()
            .filter(|(place, _)| in_time(*place))
            .any(|(_, content)| content.allows(offset, len, &one.bytes).is_ok());
        if !may {
            return Err(format!(
                "{:?} from memory at {}..{} is of no moment in that time",
                one.act, one.began, one.ended
            ));
        }
    }
    Ok(())
}
