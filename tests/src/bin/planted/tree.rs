//! A copy of the project, to be spoilt.

use crate::fault::Fault;
use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The project, and its copy.
pub(crate) struct Tree {
    root: PathBuf,
    room: PathBuf,
}

impl Tree {
    /// The project that this program was built from.
    ///
    /// # Errors
    /// It is not where it was.
    pub(crate) fn of_this_project() -> io::Result<Tree> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let root = root.canonicalize()?;
        let room = root.join("target/planted");
        fs::create_dir_all(room.join("tree"))?;
        fs::create_dir_all(room.join("log"))?;
        Ok(Tree { root, room })
    }

    /// Where the faults are told.
    pub(crate) fn planted(&self) -> PathBuf {
        self.root.join("tests/planted")
    }

    /// Where the copy is.
    pub(crate) fn copied(&self) -> PathBuf {
        self.room.join("tree")
    }

    /// Where a kind of build of the copy goes.
    pub(crate) fn builds(&self, kind: &str) -> PathBuf {
        self.room.join("target").join(kind)
    }

    /// Where a run says what it said.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.room.join("log").join(name)
    }

    /// A path as it is written from the project's root.
    pub(crate) fn shown<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }

    /// Makes the copy what the project is now. Only what differs is written, so that little has to
    /// be compiled again.
    ///
    /// # Errors
    /// A file cannot be read or written, or git does not tell which files there are.
    pub(crate) fn copy(&self) -> Result<(), Box<dyn Error>> {
        let copied = self.copied();
        let wanted = self.files()?;
        for path in &wanted {
            let (from, to) = (fs::read(self.root.join(path))?, copied.join(path));
            if fs::read(&to).ok().as_ref() != Some(&from) {
                if let Some(folder) = to.parent() {
                    fs::create_dir_all(folder)?;
                }
                fs::write(to, from)?;
            }
        }
        let mut there = BTreeSet::new();
        walk(&copied, &copied, &mut there)?;
        for path in there.difference(&wanted) {
            fs::remove_file(copied.join(path))?;
        }
        Ok(())
    }

    /// Those that git tracks or would track, and that are there.
    fn files(&self) -> Result<BTreeSet<PathBuf>, Box<dyn Error>> {
        let listed = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(&self.root)
            .output()?;
        if !listed.status.success() {
            return Err("git does not tell which files there are".into());
        }
        let listed = String::from_utf8(listed.stdout)?;
        let paths = listed.split('\0').filter(|path| !path.is_empty());
        let there = |path: &PathBuf| self.root.join(path).is_file();
        Ok(paths.map(PathBuf::from).filter(there).collect())
    }

    /// Puts a fault into the copy.
    ///
    /// # Errors
    /// The patch does not fit, which means that it has to be made anew.
    pub(crate) fn plant(&self, fault: &Fault) -> Result<(), Box<dyn Error>> {
        self.apply(fault, &[])
    }

    /// Takes it out again. The project itself may be another by now; the copy is of when this began.
    ///
    /// # Errors
    /// The copy was changed by another.
    pub(crate) fn pull_up(&self, fault: &Fault) -> Result<(), Box<dyn Error>> {
        self.apply(fault, &["--reverse"])
    }

    fn apply(&self, fault: &Fault, how: &[&str]) -> Result<(), Box<dyn Error>> {
        // Within a repository git would look for the paths there, so it must not find one.
        let applied = Command::new("git")
            .args(["apply", "--recount", "--whitespace=nowarn"])
            .args(how)
            .arg(&fault.patch)
            .current_dir(self.copied())
            .env("GIT_CEILING_DIRECTORIES", &self.room)
            .output()?;
        if applied.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&applied.stderr);
        Err(format!("{} does not fit this tree: {said}", fault.name).into())
    }
}

fn walk(root: &Path, folder: &Path, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, found)?;
        } else if let Ok(path) = path.strip_prefix(root) {
            found.insert(path.into());
        }
    }
    Ok(())
}
