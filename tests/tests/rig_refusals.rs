//! A1, A2, A3, R8: what a real system refuses. The disk is full, read-only, not to be written to; the target
//! is another's, immutable or a mount point; descriptors have run out. Each is a typed outcome, nothing is lost,
//! and nothing is left behind.

use driver_blocking::{Deadline, Mode, Stager};
use driver_kit::error::{Cause, errno, failure};
use libtest_mimic::{Arguments, Trial};
use rustix::fs::{Gid, Uid, XattrFlags};
use rustix::io::Errno;
use std::error::Error;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use tests::folder::names;
use tests::rig::full::fill;
use tests::rig::protocols::content;
use tests::rig::{Cut, Entered, House, Kind, LoggedDisk, Mounted, Room, kinds_to_be_had, run};

type Proof = Result<(), Box<dyn Error>>;

const CHILD: &str = env!("CARGO_BIN_EXE_rig_child");
/// Somebody who is not root.
const SOMEBODY: u32 = 12_345;

/// It was refused with this number, and says that nothing happened.
fn is_refused(said: io::Result<()>, wanted: Errno) -> Proof {
    let Err(error) = said else {
        return Err(format!("{wanted:?} was expected").into());
    };
    let failure = failure(&error).ok_or("an error of nothing")?;
    assert!(!failure.is_indeterminate(), "{error}");
    assert_eq!(errno(&error), Some(wanted.raw_os_error()), "{error}");
    Ok(())
}

/// A directory with a file in it that has content 1.
fn folder(at: &Path) -> io::Result<PathBuf> {
    let folder = at.join("d");
    fs::create_dir(&folder)?;
    fs::write(folder.join("file"), content(1))?;
    Ok(folder)
}

/// A1, A2: where there is no room the old content stands, and when there is, all goes on.
fn a_full_disk_refuses_and_forgets_nothing(room: &Room, kind: Kind) -> Proof {
    let mounted = room.mounted(kind)?;
    let folder = folder(mounted.at())?;
    let (path, filler) = (folder.join("file"), mounted.at().join("filler"));
    fs::write(folder.join("written"), content(1))?;
    rustix::fs::syncfs(fs::File::open(&path)?)?;
    fill(&filler)?;
    let stager = Stager::new();
    let large = vec![b'x'; 8 << 20];
    is_refused(stager.replace(&path, large.clone()).commit(), Errno::NOSPC)?;
    assert!(fs::read(&path)? == content(1), "the old content is gone");
    assert_eq!(names(&folder)?, ["file", "written"], "something is left");
    // A write in place says how far it came, and a sync what became of that.
    let options = stager.options().mode(Mode::None).write(true);
    let file = options.open(folder.join("written"))?;
    let before = content(1).len() as u64;
    let Err(error) = file.write_at(&large, before) else {
        return Err("there was room".into());
    };
    assert_eq!(errno(&error), Some(Errno::NOSPC.raw_os_error()), "{error}");
    let written = match failure(&error).map(|failure| failure.cause) {
        Some(Cause::CutShort { bytes, .. }) => bytes,
        Some(Cause::Fault(_)) => 0,
        other => return Err(format!("{other:?}").into()),
    };
    assert_eq!(
        fs::metadata(folder.join("written"))?.len(),
        before + written
    );
    fs::remove_file(&filler)?;
    rustix::fs::syncfs(fs::File::open(mounted.at())?)?;
    file.sync(Deadline::Never)?;
    assert!(fs::read(folder.join("written"))?.starts_with(&content(1)));
    match stager.replace(&path, content(2)).commit() {
        Ok(()) => assert!(fs::read(&path)? == content(2)),
        // It gave all room to data, and has none for names until it takes some back by itself.
        refused if kind == Kind::Btrfs => {
            is_refused(refused, Errno::NOSPC)?;
            assert!(fs::read(&path)? == content(1));
        }
        Err(error) => return Err(error.into()),
    }
    assert_eq!(names(&folder)?, ["file", "written"], "something is left");
    drop((file, stager));
    Ok(mounted.unmount()?)
}

/// A1, A2: a file system that becomes read-only, and writable again.
fn a_read_only_remount_refuses(room: &Room, kind: Kind) -> Proof {
    let mounted = room.mounted(kind)?;
    let folder = folder(mounted.at())?;
    let path = folder.join("file");
    let stager = Stager::new();
    stager.replace(&path, content(2)).commit()?;
    mounted.remount("ro")?;
    is_refused(stager.replace(&path, content(3)).commit(), Errno::ROFS)?;
    let created = stager.replace(folder.join("new"), content(3));
    is_refused(created.create_new(true).commit(), Errno::ROFS)?;
    let opened = stager.options().write(true).open(&path).map(|_| ());
    is_refused(opened, Errno::ROFS)?;
    assert_eq!(
        stager.open(&path)?.len(),
        content(2).len() as u64,
        "it can be read"
    );
    mounted.remount("rw")?;
    assert_eq!(names(&folder)?, ["file"], "something is left");
    stager.replace(&path, content(3)).commit()?;
    assert!(fs::read(&path)? == content(3));
    drop(stager);
    Ok(mounted.unmount()?)
}

/// A3: a file on which something is mounted is not replaced (EBUSY); neither is what is mounted there.
fn a_mount_point_is_not_replaced(room: &Room, kind: Kind) -> Proof {
    let mounted = room.mounted(kind)?;
    let folder = folder(mounted.at())?;
    let path = folder.join("file");
    let other = room.path("other");
    fs::write(&other, content(7))?;
    run(
        "mount",
        &["--bind".as_ref(), other.as_os_str(), path.as_os_str()],
    )?;
    let stager = Stager::new();
    let said = stager.replace(&path, content(2)).commit();
    let shown = fs::read(&path)?;
    let left = names(&folder)?;
    run("umount", &[&path])?;
    is_refused(said, Errno::BUSY)?;
    assert!(shown == content(7) && fs::read(&other)? == content(7));
    assert!(fs::read(&path)? == content(1));
    assert_eq!(left, ["file"], "something is left");
    stager.replace(&path, content(2)).commit()?;
    drop(stager);
    Ok(mounted.unmount()?)
}

/// A3: a link that leads to another file system is replaced there; no name is given across (EXDEV).
fn a_link_to_another_file_system_is_replaced_there(room: &Room, kind: Kind) -> Proof {
    let mounted = room.mounted(kind)?;
    let folder = folder(mounted.at())?;
    let link = room.path("link");
    symlink(folder.join("file"), &link)?;
    let stager = Stager::new();
    stager.replace(&link, content(2)).commit()?;
    assert!(fs::read(folder.join("file"))? == content(2));
    assert!(fs::symlink_metadata(&link)?.is_symlink());
    assert_eq!(names(&folder)?, ["file"], "something is left");
    drop(stager);
    Ok(mounted.unmount()?)
}

/// A1, A3: what nobody may change is not changed, by root neither.
fn an_immutable_file_is_not_replaced(room: &Room, kind: Kind) -> Proof {
    let mounted = room.mounted(kind)?;
    let folder = folder(mounted.at())?;
    let path = folder.join("file");
    let stager = Stager::new();
    for flag in ["i", "a"] {
        run("chattr", &[format!("+{flag}").as_ref(), path.as_os_str()])?;
        let said = stager.replace(&path, content(2)).commit();
        let left = names(&folder)?;
        run("chattr", &[format!("-{flag}").as_ref(), path.as_os_str()])?;
        is_refused(said, Errno::PERM)?;
        assert!(fs::read(&path)? == content(1));
        assert_eq!(left, ["file"], "something is left");
    }
    stager.replace(&path, content(2)).commit()?;
    drop(stager);
    Ok(mounted.unmount()?)
}

/// What the child says when somebody runs it in a shell.
fn child(
    room: &Room,
    who: u32,
    before: &str,
    what: &str,
    path: &Path,
) -> Result<String, Box<dyn Error>> {
    let program = room.path("child");
    if !program.exists() {
        fs::copy(CHILD, &program)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    }
    let mut command = Command::new("timeout");
    command
        .args(["60", "sh", "-c", &format!("{before} exec \"$@\""), "sh"])
        .args([program.as_os_str(), what.as_ref(), path.as_os_str()])
        .current_dir("/");
    if who != 0 {
        command.uid(who).gid(who);
    }
    let ended = command.output()?;
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let outcome = said.lines().find(|line| *line != "begin" && *line != "end");
    Ok(outcome.unwrap_or_default().to_owned())
}

/// A2, A3: a directory that is not to be written to, and another's file in one where all may write.
fn who_may_not_write_there_is_told(room: &Room, kind: Kind) -> Proof {
    let mounted = room.mounted(kind)?;
    let folder = folder(mounted.at())?;
    let path = folder.join("file");
    for (mode, wanted) in [(0o755, Errno::ACCESS), (0o1777, Errno::PERM)] {
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode))?;
        let said = child(room, SOMEBODY, "", "replace", &path)?;
        let number = format!("not committed errno=Some({})", wanted.raw_os_error());
        assert!(
            said.starts_with(&number) && said.contains("/d/file"),
            "{mode:o}: {said}"
        );
        assert!(fs::read(&path)? == content(1));
        assert_eq!(names(&folder)?, ["file"], "{mode:o}: something is left");
    }
    Ok(mounted.unmount()?)
}

/// A1, A4: a directory that may be written to and not be read. The new content is durable, with its name.
fn a_directory_that_may_not_be_read_is_written_to(room: &Room, kind: Kind) -> Proof {
    let disk = LoggedDisk::new(room, kind)?;
    let folder = folder(disk.at())?;
    let path = folder.join("file");
    for place in [&folder, &path] {
        rustix::fs::chown(
            place,
            Some(Uid::from_raw(SOMEBODY)),
            Some(Gid::from_raw(SOMEBODY)),
        )?;
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o300))?;
    rustix::fs::syncfs(fs::File::open(&path)?)?;
    assert_eq!(child(room, SOMEBODY, "", "replace", &path)?, "committed");
    let told = disk.position()?;
    assert_eq!(names(&folder)?, ["file"], "something is left");
    let (beginning, log) = disk.end()?;
    let image = room.path("cut");
    beginning.with(&Cut::unlucky(told).kept(kind, &log), &image)?;
    let after = Mounted::new(kind, &image, &room.path("after"))?;
    assert!(
        fs::read(after.at().join("d/file"))? == content(2),
        "it is lost"
    );
    Ok(after.unmount()?)
}

/// A3: attributes are kept where there is no `/proc` to reach them by.
fn attributes_are_kept_without_proc(room: &Room, kind: Kind) -> Proof {
    let mounted = room.mounted(kind)?;
    let folder = folder(mounted.at())?;
    let path = folder.join("file");
    rustix::fs::setxattr(&path, "user.colour", b"green", XattrFlags::empty())?;
    let hidden = "unshare --mount --propagation private sh -c \
                  'mount -t tmpfs none /proc && exec \"$0\" \"$@\"' \"$@\"; exit;";
    assert_eq!(child(room, 0, hidden, "replace", &path)?, "committed");
    assert!(fs::read(&path)? == content(2));
    let mut value = [0; 16];
    let len = rustix::fs::getxattr(&path, "user.colour", &mut value[..])?;
    assert_eq!(&value[..len], b"green");
    Ok(mounted.unmount()?)
}

/// A1, R9: with however few descriptors, it is done, or was not begun.
fn without_descriptors_nothing_happens(room: &Room, kind: Kind) -> Proof {
    let mounted = room.mounted(kind)?;
    let folder = folder(mounted.at())?;
    let path = folder.join("file");
    let number = format!("not committed errno=Some({})", Errno::MFILE.raw_os_error());
    let (mut refused, mut done) = (0, 0);
    for descriptors in 3..12 {
        fs::write(&path, content(1))?;
        let before = format!("ulimit -n {descriptors};");
        let said = child(room, 0, &before, "replace", &path)?;
        let found = fs::read(&path)?;
        match &*said {
            "committed" => {
                assert!(found == content(2));
                done += 1;
            }
            said if said.starts_with(&number) => {
                assert!(found == content(1));
                refused += 1;
            }
            // The program itself did not come up.
            said if said.contains("shared librar") => {}
            other => return Err(format!("{descriptors}: {other}").into()),
        }
        assert_eq!(
            names(&folder)?,
            ["file"],
            "{descriptors}: something is left"
        );
    }
    assert!(refused > 0 && done > 0, "{refused} refused, {done} done");
    Ok(mounted.unmount()?)
}

/// A3: a new file has what the umask leaves; one that is replaced what it had.
fn the_umask_is_for_new_files(room: &Room, kind: Kind) -> Proof {
    let mounted = room.mounted(kind)?;
    let folder = folder(mounted.at())?;
    let path = folder.join("file");
    for (mask, created) in [("000", 0o666), ("077", 0o600), ("027", 0o640)] {
        let before = format!("umask {mask};");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o6754))?;
        rustix::fs::chown(&path, Some(Uid::from_raw(SOMEBODY)), Some(Gid::from_raw(7)))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o6754))?;
        assert_eq!(child(room, 0, &before, "replace", &path)?, "committed");
        let about = fs::metadata(&path)?;
        assert_eq!(about.mode() & 0o7777, 0o6754, "{mask}");
        assert_eq!((about.uid(), about.gid()), (SOMEBODY, 7));
        let new = folder.join(mask);
        assert_eq!(child(room, 0, &before, "create", &new)?, "committed");
        assert_eq!(fs::metadata(&new)?.mode() & 0o7777, created, "{mask}");
    }
    Ok(mounted.unmount()?)
}

/// What is seen on each file system.
type Case = fn(&Room, Kind) -> Proof;

const CASES: [(&str, Case); 10] = [
    (
        "a_full_disk_refuses_and_forgets_nothing",
        a_full_disk_refuses_and_forgets_nothing,
    ),
    ("a_read_only_remount_refuses", a_read_only_remount_refuses),
    (
        "a_mount_point_is_not_replaced",
        a_mount_point_is_not_replaced,
    ),
    (
        "a_link_to_another_file_system_is_replaced_there",
        a_link_to_another_file_system_is_replaced_there,
    ),
    (
        "attributes_are_kept_without_proc",
        attributes_are_kept_without_proc,
    ),
    (
        "an_immutable_file_is_not_replaced",
        an_immutable_file_is_not_replaced,
    ),
    (
        "a_directory_that_may_not_be_read_is_written_to",
        a_directory_that_may_not_be_read_is_written_to,
    ),
    (
        "who_may_not_write_there_is_told",
        who_may_not_write_there_is_told,
    ),
    (
        "without_descriptors_nothing_happens",
        without_descriptors_nothing_happens,
    ),
    ("the_umask_is_for_new_files", the_umask_is_for_new_files),
];

fn main() -> ExitCode {
    let house = match House::enter(env!("CARGO_BIN_EXE_rig_disk")) {
        Entered::House(house) => Arc::new(house),
        Entered::Ended(code) => return code,
    };
    let mut trials = Vec::new();
    for kind in kinds_to_be_had(&house) {
        for (name, case) in CASES {
            let house = Arc::clone(&house);
            trials.push(Trial::test(format!("{}::{name}", kind.name()), move || {
                Ok(case(&house.room()?, kind)?)
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
