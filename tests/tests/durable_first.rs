//! A6, L1: what the example `durable_first` of driver-tokio shows: a raw record is durable and acknowledged before
//! anybody looks at it. A process is killed again and again whose looks hang or say no: every record that was
//! acknowledged is there, in order, though nobody vouched for it.

#[path = "../../driver-tokio/examples/durable_first/desk.rs"]
mod desk;

use desk::{Enrich, Follower, Intake};
use driver_tokio::Stager;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;
use std::{env, fs, thread};
use tokio::runtime::{Builder, Runtime};

type Proof<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// In a child: how its looks end, and in which folder.
const CHILD: &str = "STAGING_DURABLE_FIRST_CHILD";
/// How often a process is killed.
const LIVES: u64 = 12;
/// Longer than any test.
const LONG: Duration = Duration::from_secs(3_600);

#[test]
fn what_was_acknowledged_survives_a_kill_though_nobody_looked() -> Proof {
    if let Ok(told) = env::var(CHILD) {
        return child(&told);
    }
    for looks in ["hangs", "refuses"] {
        let folder = tempfile::tempdir()?;
        let mut acknowledged = 0;
        for life in 1..=LIVES {
            acknowledged = killed_after(7 * life % 23 + 1, looks, folder.path())?;
        }
        let there = raw_records(folder.path())?;
        assert!(acknowledged >= LIVES, "{acknowledged}");
        // What was under way when it was killed may be there, too.
        let found = there.len() as u64;
        assert!(found >= acknowledged, "{found} of {acknowledged} are there");
        for (number, raw) in (1..).zip(&there) {
            assert_eq!(raw, &raw_of(number), "{looks}");
        }
        let noted = fs::read_to_string(folder.path().join("notes")).unwrap_or_default();
        assert!(!noted.contains("enriched"), "{noted}");
        assert_eq!(noted.is_empty(), looks == "hangs", "{noted}");
    }
    Ok(())
}

/// One life of a process, from where the log ends; it is killed once it has acknowledged so many. Says up to which
/// record it did.
fn killed_after(records: u64, looks: &str, folder: &Path) -> Proof<u64> {
    let name = "what_was_acknowledged_survives_a_kill_though_nobody_looked";
    let mut alive = Command::new(env::current_exe()?)
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, format!("{looks} {}", folder.display()))
        .stdout(Stdio::piped())
        .spawn()?;
    let said = alive.stdout.take().ok_or("it cannot be heard")?;
    let (mut last, mut left) = (0, records);
    for line in BufReader::new(said).lines() {
        let line = line?;
        let Some(number) = line.split("stored ").nth(1) else {
            continue;
        };
        last = number.trim().parse()?;
        left = left.saturating_sub(1);
        if left == 0 {
            alive.kill()?;
        }
    }
    let ended = alive.wait()?;
    match ended.code() {
        None => Ok(last),
        Some(_) => Err(format!("{looks}: {ended} after {last}").into()),
    }
}

/// Takes records in for as long as it lives.
fn child(told: &str) -> Proof {
    let (looks, folder) = told.split_once(' ').ok_or("it was told too little")?;
    let enrich: Enrich = match looks {
        "hangs" => |_| loop {
            thread::park();
        },
        _ => |_| Err("it always says no".to_owned()),
    };
    runtime()?.block_on(async {
        let stager = Stager::new()?;
        let (intake, follower) = desk::open(&stager, Path::new(folder), LONG).await?;
        let last = raw_records_by(&stager, Path::new(folder)).await?.len() as u64;
        let following = tokio::spawn(follower.follow(enrich));
        for number in last + 1.. {
            let stored = intake.take(&raw_of(number)).await?;
            assert_eq!(stored, number);
            writeln!(io::stdout(), "stored {stored}")?;
            if following.is_finished() {
                return Err("nobody looks any more".into());
            }
        }
        Ok(())
    })
}

/// The bytes of a record: nobody would take them for valid.
fn raw_of(number: u64) -> Vec<u8> {
    let mut raw = number.to_le_bytes().to_vec();
    raw.resize(8 + (number * 37 % 200) as usize, 0xff);
    raw
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

fn raw_records(folder: &Path) -> Proof<Vec<Vec<u8>>> {
    runtime()?.block_on(async { raw_records_by(&Stager::new()?, folder).await })
}

async fn raw_records_by(stager: &Stager, folder: &Path) -> Proof<Vec<Vec<u8>>> {
    let mut records = stager.log(folder.join("records")).read().await?;
    let mut all = Vec::new();
    while let Some(record) = records.next().await? {
        all.push(record.payload);
    }
    Ok(all)
}

/// Where looks wait until the test lets them go on.
static GATE: Mutex<Gate> = Mutex::new(Gate {
    arrived: 0,
    open: false,
});
static MOVED: Condvar = Condvar::new();

struct Gate {
    arrived: u32,
    open: bool,
}

fn changed(change: impl FnOnce(&mut Gate), until: impl Fn(&Gate) -> bool) {
    let mut gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    change(&mut gate);
    MOVED.notify_all();
    while !until(&gate) {
        gate = MOVED.wait(gate).unwrap_or_else(PoisonError::into_inner);
    }
}

fn even(raw: &[u8]) -> Result<String, String> {
    changed(|gate| gate.arrived += 1, |gate| gate.open);
    match raw.first().copied().unwrap_or(0) % 2 {
        0 => Ok(format!("{} bytes", raw.len())),
        _ => Err("it is odd".to_owned()),
    }
}

/// While a look hangs every record that comes is durable and acknowledged; when it ends, all are looked at, and
/// what is refused stays where it is.
#[test]
fn a_look_that_hangs_holds_no_acknowledgement_up() -> Proof {
    const RECORDS: u64 = 100;
    let folder = tempfile::tempdir()?;
    let notes = folder.path().join("notes");
    let runtime = runtime()?;
    let raw = |number| vec![number as u8; 3];
    runtime.block_on(async {
        let stager = Stager::new()?;
        let (intake, follower): (Intake, Follower) =
            desk::open(&stager, folder.path(), LONG).await?;
        let following = tokio::spawn(follower.follow(even));
        assert_eq!(intake.take(&raw(1)).await?, 1);
        changed(|_| {}, |gate| gate.arrived == 1);
        for number in 2..=RECORDS {
            assert_eq!(intake.take(&raw(number)).await?, number);
        }
        assert!(!notes.exists(), "nobody has said anything");
        let there = raw_records_by(&stager, folder.path()).await?;
        assert_eq!(there.len() as u64, RECORDS, "and all are there");
        changed(|gate| gate.open = true, |_| true);
        drop(intake);
        following.await??;
        let noted = fs::read_to_string(&notes)?;
        for (number, line) in (1..).zip(noted.lines()) {
            let expected = match number % 2 {
                0 => format!("{number} enriched: 3 bytes"),
                _ => format!("{number} refused: it is odd"),
            };
            assert_eq!(line, expected);
        }
        assert_eq!(noted.lines().count() as u64, RECORDS);
        let all = raw_records_by(&stager, folder.path()).await?;
        assert_eq!(all, (1..=RECORDS).map(raw).collect::<Vec<_>>());
        Ok(())
    })
}

/// One that takes too long is refused, and those behind it are looked at.
#[test]
fn a_look_that_takes_too_long_holds_no_other_up() -> Proof {
    let folder = tempfile::tempdir()?;
    let runtime = runtime()?;
    let noted = runtime.block_on(async {
        let stager = Stager::new()?;
        let patience = Duration::from_millis(1);
        let (intake, follower) = desk::open(&stager, folder.path(), patience).await?;
        let following = tokio::spawn(follower.follow(|_| {
            loop {
                thread::park();
            }
        }));
        for number in 1..=3 {
            intake.take(&raw_of(number)).await?;
        }
        drop(intake);
        following.await??;
        Ok::<_, Box<dyn Error + Send + Sync>>(fs::read_to_string(folder.path().join("notes"))?)
    })?;
    // The looks hang still.
    runtime.shutdown_background();
    let too_long = noted.lines().filter(|line| line.ends_with("took too long"));
    assert_eq!(too_long.count(), 3, "{noted}");
    Ok(())
}
