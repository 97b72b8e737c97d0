//! G4: a copying read of what is staged makes no system call, takes no lock and allocates nothing.

use driver_blocking::{File, Mode, Stager};
use std::error::Error;
use std::fmt::{self, Write};
use std::io;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tests::counting::{Counting, allocations};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CHILD: &str = "STAGING_TEST_READS";
const READS: u64 = 1_000;
const PIECE: usize = 4_096;
const LEN: usize = 64 * PIECE;

fn staged(mode: Mode) -> io::Result<(tempfile::TempDir, Stager, File)> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("file");
    std::fs::write(&path, vec![0x5a; LEN])?;
    let stager = Stager::new();
    let file = stager.options().mode(mode).open(&path)?;
    assert!(file.is_staged());
    Ok((dir, stager, file))
}

fn read_all_over(file: &File, reads: u64) -> io::Result<()> {
    let mut buffer = [0; PIECE];
    for n in 0..reads {
        let offset = n * 37 % 60 * PIECE as u64 + 5;
        assert_eq!(file.read_at(&mut buffer, offset)?, PIECE);
    }
    assert!(reads == 0 || buffer.iter().all(|byte| *byte == 0x5a));
    Ok(())
}

/// The reads that the traced process makes, once with and once without reads.
#[test]
fn the_traced_reads() -> Result<(), Box<dyn Error>> {
    let Ok(reads) = std::env::var(CHILD) else {
        return Ok(());
    };
    for mode in [Mode::Load, Mode::Map] {
        let (_dir, _stager, file) = staged(mode)?;
        read_all_over(&file, reads.parse()?)?;
    }
    Ok(())
}

fn system_calls(reads: u64) -> Result<Option<u64>, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let trace = tempfile::NamedTempFile::new()?;
    let run = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(trace.path())
        .arg(program)
        .args(["--exact", "the_traced_reads", "--test-threads=1"])
        .env(CHILD, reads.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match run {
        Ok(status) if status.success() => {
            let trace = std::fs::read_to_string(trace.path())?;
            Ok(Some(trace.lines().count() as u64))
        }
        // No such program, or nobody may trace here.
        Ok(_) | Err(_) => Ok(None),
    }
}

#[test]
fn a_staged_read_makes_no_system_call() -> Result<(), Box<dyn Error>> {
    let (Some(without), Some(with)) = (system_calls(0)?, system_calls(READS)?) else {
        io::Write::write_all(&mut io::stderr(), b"skipped: strace cannot be used here\n")?;
        return Ok(());
    };
    assert!(without > 50, "{without} system calls cannot be all of them");
    let more = with.saturating_sub(without);
    assert!(
        more < READS / 20,
        "{READS} reads made {more} system calls more than none"
    );
    Ok(())
}

#[test]
fn a_staged_read_allocates_nothing() -> Result<(), Box<dyn Error>> {
    for mode in [Mode::Load, Mode::Map] {
        let (_dir, _stager, file) = staged(mode)?;
        read_all_over(&file, 1)?;
        let before = allocations();
        read_all_over(&file, READS)?;
        assert_eq!(allocations(), before, "{mode:?}");
        file.read_at(&mut vec![0; PIECE], 0)?;
        assert!(allocations() > before, "allocations are counted");
    }
    Ok(())
}

/// Writes nothing, and keeps whoever writes here until it is let go.
struct Dam {
    reached: Sender<()>,
    open: Receiver<()>,
}

impl Write for Dam {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        let _ = self.reached.send(());
        let _ = self.open.recv();
        Ok(())
    }
}

/// The hub shows its machine under its lock: whoever shows it to a dam keeps the lock.
#[test]
fn a_staged_read_takes_no_lock() -> Result<(), Box<dyn Error>> {
    for mode in [Mode::Load, Mode::Map] {
        let (dir, stager, file) = staged(mode)?;
        let unstaged = stager
            .options()
            .mode(Mode::None)
            .open(dir.path().join("file"))?;
        unstaged.unstage()?;
        let other = dir.path().join("other");
        std::fs::write(&other, [1; PIECE])?;
        let unstaged = stager.options().mode(Mode::None).open(&other)?;
        file.stage(mode)?;
        let (reached, reaching) = channel();
        let (opening, open) = channel();
        let hub = std::sync::Arc::clone(stager.hub());
        let locked = std::thread::spawn(move || {
            let mut dam = Dam { reached, open };
            let _ = write!(dam, "{hub:?}");
        });
        reaching.recv_timeout(Duration::from_secs(10))?;
        // The first piece of text may be written before the lock is taken; later ones are not.
        for _ in 0..2 {
            opening.send(())?;
            reaching.recv_timeout(Duration::from_secs(10))?;
        }
        let (done, ended) = channel();
        let reading = done.clone();
        let reader = std::thread::spawn(move || {
            let read = read_all_over(&file, READS);
            let _ = reading.send("staged");
            (read, file)
        });
        assert_eq!(ended.recv_timeout(Duration::from_secs(10))?, "staged");
        let blocked = std::thread::spawn(move || {
            let read = unstaged.read_at(&mut [0; 10], 0);
            let _ = done.send("unstaged");
            (read, unstaged)
        });
        let kept = ended.recv_timeout(Duration::from_millis(20)).is_err();
        assert!(kept, "the lock was not held, so nothing was shown");
        drop(opening);
        locked.join().map_err(|_| "the one who shows panicked")?;
        let (read, _file) = reader.join().map_err(|_| "the reader panicked")?;
        read?;
        let (read, _file) = blocked.join().map_err(|_| "the other reader panicked")?;
        assert_eq!(read?, 10);
    }
    Ok(())
}
