//! G4, G6: where the file system makes clones, mapped files are handed out without a copy, and what is
//! done to them does not reach what was handed out. Elsewhere they are mapped themselves.
//!
//! A Btrfs and an XFS are made in files and mounted for a process of their own; skipped with a word
//! where that cannot be.

use driver_blocking::{Clones, Contents, How, Life, Mode, Stager};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

const LEN: usize = 3 << 20;

/// Set in the process for which a file system is mounted: where.
const MOUNTED: &str = "STAGING_TEST_CLONES";

/// Stages a mapping of a new file in the folder; answers whether its bytes are handed out as they are.
fn staged(folder: &Path, clones: Clones, mode: Mode) -> Result<bool, Box<dyn Error>> {
    let path = folder.join("file");
    let bytes: Vec<u8> = (0..LEN).map(|at| ((at * 31) >> 7) as u8 | 1).collect();
    fs::write(&path, &bytes)?;
    let stager = Stager::builder().clones(clones).build();
    let open = stager.options().mode(mode).open(&path)?;
    let life = open.staging().map(|staging| staging.life);
    assert!(
        matches!(life, Some(Life::Staged(How::Mapped | How::MappedShared))),
        "{life:?}"
    );
    let contents = open.contents().ok_or("nothing is staged")?;
    let Some(held) = contents.bytes(0, LEN) else {
        return Ok(false);
    };
    let again = open.bytes_at(7, 100)?;
    assert_eq!(again.as_ptr(), held[7..].as_ptr(), "it is not copied");
    assert!(held == bytes, "other bytes");
    // Rewritten, then cut.
    File::options()
        .write(true)
        .open(&path)?
        .write_all_at(&vec![0; LEN], 0)?;
    assert!(
        held == bytes && open.bytes_at(0, LEN)? == bytes,
        "a stranger's write shows"
    );
    File::options().write(true).open(&path)?.set_len(1)?;
    assert!(
        held == bytes && contents.is_intact(),
        "a stranger's cut shows"
    );
    drop((open, contents));
    assert!(held == bytes, "what was handed out is gone");
    drop((held, again));
    assert_eq!(stager.charged(), 0);
    let later = stager.options().mode(mode).open(&path)?;
    assert_eq!(later.len(), 1);
    Ok(true)
}

/// In the process for which one is mounted.
#[test]
fn where_there_are_clones() -> Result<(), Box<dyn Error>> {
    let Some(folder) = std::env::var_os(MOUNTED) else {
        return Ok(());
    };
    let folder = Path::new(&folder);
    assert!(
        staged(folder, Clones::WherePossible, Mode::Map)?,
        "a clone was to be mapped"
    );
    assert!(
        !staged(folder, Clones::WherePossible, Mode::MapShared)?,
        "a shared mapping is the file's"
    );
    assert!(
        !staged(folder, Clones::Never, Mode::Map)?,
        "nobody wished for a clone"
    );
    let left = fs::read_dir(folder)?.filter_map(Result::ok);
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["file"], "a clone has no name");
    Ok(())
}

/// G4, G6
#[test]
fn a_clone_is_handed_out_without_a_copy() -> Result<(), Box<dyn Error>> {
    for kind in ["btrfs", "xfs"] {
        let room = tempfile::tempdir()?;
        let script = format!(
            "set -e; cd \"$1\"; truncate -s 320M image; mkfs.{kind} -q image; mkdir at; \
             mount -o loop image at || exit 9; shift; exec \"$@\""
        );
        let run = Command::new("unshare")
            .args(["--mount", "sh", "-c", &script, "sh"])
            .arg(room.path())
            .arg(std::env::current_exe()?)
            .args(["--exact", "where_there_are_clones", "--test-threads=1"])
            .env(MOUNTED, room.path().join("at"))
            .output();
        let ended = run.as_ref().ok().and_then(|run| run.status.code());
        let said = run.map_or_else(
            |error| error.to_string().into(),
            |run| [run.stdout, run.stderr].concat(),
        );
        let said = String::from_utf8_lossy(&said).into_owned();
        match ended {
            Some(0) if said.contains("1 passed") => {}
            Some(101) => return Err(format!("{kind}: {said}").into()),
            _ => writeln!(
                io::stderr(),
                "skipped: no {kind} can be made and mounted here: {said}"
            )?,
        }
    }
    Ok(())
}

/// Where the file system makes none, or the directory is not to be written to, the file is mapped.
#[test]
fn where_there_are_none_the_file_is_mapped() -> Result<(), Box<dyn Error>> {
    let folder = match tempfile::tempdir_in("/dev/shm") {
        Ok(folder) => folder,
        Err(_) => tempfile::tempdir()?,
    };
    assert!(!staged(folder.path(), Clones::WherePossible, Mode::Map)?);
    let contents = {
        let stager = Stager::builder().clones(Clones::WherePossible).build();
        stager
            .options()
            .mode(Mode::Map)
            .open(folder.path().join("file"))?
            .contents()
    };
    assert!(matches!(contents, Some(Contents::Mapped(_))));
    Ok(())
}
