//! A5, K1: eight processes update one file, each adding its number and a sequence, and are killed again and again.
//! Nothing that was acknowledged is lost, and nothing is there twice.
//!
//! A process is killed when it has acknowledged so many, by the throw of a seed, and a moment after: wherever it is
//! then, waiting for the lock, reading, writing or renaming. It begins again where its last acknowledgement
//! was, and looks whether what it finds in the file agrees: what it had acknowledged, or one more, which
//! was under way. The file in the end is every sequence of every process, once, in order.

use driver_blocking::{Deadline, Durability, Scope, Stager};
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

type Proof<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const PROCESSES: u8 = 8;
/// In a child: which one it is, what it acknowledged before, how far it is to go, and in which folder.
const CHILD: &str = "STAGING_UPDATES_CHILD";
/// Nobody waits that long for a lock, unless something hangs.
const HANGS: Duration = Duration::from_secs(60);
/// A process, and a sequence.
const RECORD: usize = 5;

/// So many by each, where nobody says otherwise. `just updates` makes it 5,000.
const FEW: u32 = 50;

#[test]
fn updates_under_kills_lose_nothing() -> Proof {
    if let Ok(told) = env::var(CHILD) {
        return child(&told);
    }
    let each = env::var("UPDATES").map_or(Ok(FEW), |each| each.parse())?;
    tell(crowd(each, u64::from(each / 4).clamp(1, 300))?)
}

/// What was seen.
struct Seen {
    updates: usize,
    kills: u32,
    /// Updates whose process was killed before it could acknowledge them.
    unacknowledged: u32,
    took: Duration,
}

fn tell(seen: Seen) -> Proof {
    let Seen {
        updates,
        kills,
        unacknowledged,
        took,
    } = seen;
    assert!(kills >= u32::from(PROCESSES), "{kills} kills prove nothing");
    writeln!(
        io::stdout(),
        "{updates} updates by {PROCESSES} processes, {kills} kills, {unacknowledged} applied and not \
         acknowledged; none lost, none twice; {:.1} s",
        took.as_secs_f64()
    )?;
    Ok(())
}

/// One record of a process.
fn record(process: u8, sequence: u32) -> [u8; RECORD] {
    let [a, b, c, d] = sequence.to_le_bytes();
    [process, a, b, c, d]
}

/// The sequences of a process, in the order in which they stand there.
fn sequences(content: &[u8], process: u8) -> impl DoubleEndedIterator<Item = u32> + '_ {
    let records = content.chunks_exact(RECORD);
    let own = records.filter(move |record| record[0] == process);
    own.map(|record| u32::from_le_bytes([record[1], record[2], record[3], record[4]]))
}

/// Updates until its last sequence is there, and says each that it has.
fn child(told: &str) -> Proof {
    let mut words = told.splitn(4, ' ');
    let mut word = || words.next().ok_or("it was told too little");
    let (process, mut acknowledged, last) = (word()?.parse()?, word()?.parse()?, word()?.parse()?);
    let path = Path::new(word()?).join("file");
    let stager = Stager::new();
    let mut fresh = true;
    while acknowledged < last {
        let (before, may_be_more) = (acknowledged, fresh);
        let mut next = 0;
        let update = stager.update(&path, |old| {
            let old = old.unwrap_or_default();
            let found = sequences(&old, process).next_back().unwrap_or(0);
            if found != before && !(may_be_more && found == before + 1) {
                let lost = format!("process {process} finds {found} and had {before}");
                return Err(io::Error::other(lost));
            }
            next = found + 1;
            match found {
                // It was applied, and not acknowledged: there is nothing to add.
                found if found == last => Ok(old.to_vec()),
                _ => Ok([&old[..], &record(process, next)].concat()),
            }
        });
        let update = update.scope(Scope::System).durability(Durability::None);
        update.deadline(Deadline::within(HANGS)).commit()?;
        acknowledged = next.min(last);
        fresh = false;
        writeln!(io::stdout(), "+{acknowledged}")?;
        io::stdin().read_exact(&mut [0])?;
    }
    Ok(())
}

/// All of them at once, each killed and begun again until it is through.
fn crowd(each: u32, gap: u64) -> Proof<Seen> {
    let folder = tempfile::tempdir()?;
    let begun = Instant::now();
    let ended: Vec<Proof<(u32, u32)>> = thread::scope(|scope| {
        let folder = folder.path();
        let lives: Vec<_> = (0..PROCESSES)
            .map(|process| scope.spawn(move || live(process, each, gap, folder)))
            .collect();
        let joined = lives.into_iter().map(|life| life.join());
        joined
            .map(|ended| ended.unwrap_or_else(|_| Err("a thread panicked".into())))
            .collect()
    });
    let (mut kills, mut unacknowledged) = (0, 0);
    for ended in ended {
        let (killed, applied) = ended?;
        kills += killed;
        unacknowledged += applied;
    }
    let content = fs::read(folder.path().join("file"))?;
    for process in 0..PROCESSES {
        let there: Vec<u32> = sequences(&content, process).collect();
        let all: Vec<u32> = (1..=each).collect();
        assert!(there == all, "process {process}: {there:?}");
    }
    Ok(Seen {
        updates: content.len() / RECORD,
        kills,
        unacknowledged,
        took: begun.elapsed(),
    })
}

/// One process through all its lives: how often it was killed, and how many of its updates were applied and
/// not acknowledged.
fn live(process: u8, each: u32, gap: u64, folder: &Path) -> Proof<(u32, u32)> {
    let mut seed = u64::from(process) + 1;
    let mut dice = move |sides: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % sides
    };
    let (mut acknowledged, mut kills, mut unacknowledged) = (0, 0, 0);
    loop {
        let mut alive = Command::new(env::current_exe()?)
            .args(["--exact", "updates_under_kills_lose_nothing", "--nocapture"])
            .env(
                CHILD,
                format!("{process} {acknowledged} {each} {}", folder.display()),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let said = alive.stdout.take().ok_or("it cannot be heard")?;
        let mut heard = alive.stdin.take().ok_or("it cannot be told")?;
        let (mut left, mut first) = (1 + dice(gap), true);
        for line in BufReader::new(said).lines() {
            let line = line?;
            let Some(word) = line.split('+').nth(1).filter(|_| line.contains('+')) else {
                continue;
            };
            let sequence: u32 = word.trim().parse()?;
            // What was under way when it was killed is acknowledged with what comes after it.
            unacknowledged += u32::from(first && sequence == acknowledged + 2);
            (acknowledged, first) = (sequence, false);
            // It goes on when it was heard, so that it is killed in its very next update. Who is dead hears
            // nothing.
            let _ = heard.write_all(b".");
            left = left.saturating_sub(1);
            if left == 0 {
                let most = dice(12);
                (0..dice(1 << most)).for_each(|_| thread::yield_now());
                alive.kill()?;
            }
        }
        let ended = alive.wait()?;
        match ended.code() {
            Some(0) if acknowledged == each => return Ok((kills, unacknowledged)),
            None => kills += 1,
            _ => return Err(format!("process {process}: {ended} after {acknowledged}").into()),
        }
    }
}
