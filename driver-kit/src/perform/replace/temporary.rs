//! Making temporary files, under names that tell whose they are and that nobody can guess (A1, A2).

use super::owner::Owner;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};

/// So many names are tried; that even two are taken, chance alone does not bring about.
const TRIES: u32 = 8;

/// Makes a new file in a directory; readable by its owner alone where it takes the place of one whose
/// permissions it is to get.
pub(super) fn make(directory: &File, replaces: bool) -> Result<(File, OsString), Errno> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = match replaces {
        true => Mode::RUSR | Mode::WUSR,
        // The umask takes from these what it takes from every new file.
        false => Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH,
    };
    let mut left = TRIES;
    loop {
        let name = OsString::from(Owner::this().name(unguessable()));
        match rustix::fs::openat(directory, &name, flags, mode) {
            Ok(file) => return Ok((file.into(), name)),
            Err(Errno::EXIST) if left > 1 => left -= 1,
            Err(errno) => return Err(errno),
        }
    }
}

/// The keys of the hasher are the system's random numbers.
fn unguessable() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_are_the_same() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let directory = File::open(folder.path())?;
        let mut names = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let (_file, name) = make(&directory, true)?;
            assert!(Owner::of(&name.to_string_lossy()).is_some());
            assert!(names.insert(name));
        }
        Ok(())
    }
}
