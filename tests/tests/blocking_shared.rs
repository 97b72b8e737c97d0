//! G3, G9: two processes that stage a file `MapShared` read one copy of it, and see what a third writes.

use driver_blocking::{How, Life, Mode, Stager};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const LEN: u64 = 8 << 20;

/// Set in the other process: the file that it stages.
const OTHER: &str = "STAGING_TEST_SHARED";

/// Of our mapping of the file, in KiB: what is resident, and our share of that, as the kernel counts.
fn counted(path: &Path) -> Result<[u64; 2], Box<dyn Error>> {
    let name = path.to_string_lossy().into_owned();
    let smaps = fs::read_to_string("/proc/self/smaps")?;
    let (mut counted, mut ours) = ([0; 2], false);
    for line in smaps.lines() {
        if line
            .split_whitespace()
            .next()
            .is_some_and(|word| word.contains('-'))
        {
            ours = line.ends_with(&name);
        }
        for (sum, field) in counted.iter_mut().zip(["Rss:", "Pss:"]) {
            if let Some(kibibytes) = line.strip_prefix(field).filter(|_| ours) {
                *sum += kibibytes.trim_end_matches("kB").trim().parse::<u64>()?;
            }
        }
    }
    Ok(counted)
}

/// The other process: stages the file, says so, and says what it reads whenever it is asked.
#[test]
fn the_other_process() -> Result<(), Box<dyn Error>> {
    let Some(path) = std::env::var_os(OTHER) else {
        return Ok(());
    };
    let stager = Stager::new();
    let file = stager.options().mode(Mode::MapShared).open(path)?;
    let mut asked = [0];
    loop {
        let mut read = [0];
        file.read_at(&mut read, LEN / 2)?;
        io::stderr().write_all(&read)?;
        if io::stdin().read(&mut asked)? == 0 {
            return Ok(());
        }
    }
}

struct Other(Child);

impl Other {
    fn start(path: &Path) -> io::Result<Other> {
        let mut other = Command::new(std::env::current_exe()?);
        other
            .args([
                "--exact",
                "the_other_process",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(OTHER, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        Ok(Other(other.spawn()?))
    }

    fn ask(&mut self) -> io::Result<()> {
        self.0
            .stdin
            .as_mut()
            .ok_or(io::ErrorKind::BrokenPipe)?
            .write_all(&[1])
    }

    fn reads(&mut self) -> io::Result<u8> {
        let mut said = [0];
        let from = self.0.stderr.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        from.read_exact(&mut said)?;
        Ok(said[0])
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// G3, G9
#[test]
fn two_processes_read_one_copy() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let path = dir.path().canonicalize()?.join("file");
    fs::write(&path, vec![7; LEN as usize])?;
    let stager = Stager::new();
    let file = stager.options().mode(Mode::MapShared).open(&path)?;
    let life = file.staging().map(|staging| staging.life);
    assert_eq!(life, Some(Life::Staged(How::MappedShared)));
    let [resident, share] = counted(&path)?;
    assert!(resident >= LEN / 1024 - 8, "{resident} KiB of {LEN} bytes");
    assert!(
        share > resident * 9 / 10,
        "{share} of {resident} KiB: nobody else has it yet"
    );
    let mut other = Other::start(&path)?;
    assert_eq!(other.reads()?, 7);
    let [resident, share] = counted(&path)?;
    assert!(
        share < resident * 6 / 10,
        "{share} of {resident} KiB: half of it is the other's"
    );
    // What a third writes, both see: that is what they share, and why it is copied out.
    File::options()
        .write(true)
        .open(&path)?
        .write_all_at(&[9], LEN / 2)?;
    other.ask()?;
    assert_eq!(other.reads()?, 9);
    let mut read = [0];
    file.read_at(&mut read, LEN / 2)?;
    assert_eq!(read, [9]);
    Ok(())
}
