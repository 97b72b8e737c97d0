//! Whether a file has its name after the system said that it could not be given (A1).
//!
//! On a disk of this machine an error means that nothing happened, and a look shows it. Over a network the
//! reply may have been lost, and not the request: then the name is given and the error says no, or the request is
//! sent again and finds that the old name is gone. Looking is believed where it shows the new name on our file,
//! which nobody else can have brought about. That the old name is still there is believed where the file system
//! is no other machine's: what is known of those may be older than what they did.

use super::Temporary;
use crate::perform::lock::is_of_this_machine;
use rustix::fs::AtFlags;
use rustix::io::Errno;
use staging_core::{Completion, Fault};
use std::ffi::OsStr;

/// Said before anything is done: nothing of it can have happened, wherever the file is.
const REFUSALS: [Errno; 18] = [
    Errno::ACCESS,
    Errno::PERM,
    Errno::EXIST,
    Errno::XDEV,
    Errno::NOSPC,
    Errno::DQUOT,
    Errno::ROFS,
    Errno::ISDIR,
    Errno::NOTDIR,
    Errno::NOTEMPTY,
    Errno::INVAL,
    Errno::NAMETOOLONG,
    Errno::LOOP,
    Errno::MLINK,
    Errno::BUSY,
    Errno::NOSYS,
    Errno::OPNOTSUPP,
    Errno::BADF,
];

impl Temporary {
    /// How the publishing ended for which the system said this.
    pub(super) fn judged(&self, given: Result<(), Errno>) -> Completion {
        let directory = self.key;
        let published = Completion::Published { directory };
        let Err(errno) = given else { return published };
        let fault: Fault = super::os(errno);
        if self.is_led_to_by(&self.target) {
            // Where a link gave the name, the other is still there.
            let _ = self.discard();
            return published;
        }
        let here = || is_of_this_machine(&self.directory);
        let untouched = || errno == Errno::NOENT || self.is_led_to_by(&self.name);
        match REFUSALS.contains(&errno) || (here() && untouched()) {
            true => Completion::Failed { fault },
            false => Completion::Unsure { fault },
        }
    }

    /// Removes the name that it had at first, if that is still its own; never what has been published.
    pub(super) fn discard(&self) -> Result<(), Errno> {
        match self.is_led_to_by(&self.name) {
            true => self.unlink(),
            false => Ok(()),
        }
    }

    /// Whether a name in the directory leads to this very file.
    fn is_led_to_by(&self, name: &OsStr) -> bool {
        let found = rustix::fs::statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW);
        let own = rustix::fs::fstat(&self.file);
        match (found, own) {
            (Ok(found), Ok(own)) => (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino),
            (Err(_), _) | (_, Err(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perform::replace::Swept;
    use staging_core::Existing;
    use std::error::Error;
    use std::fs;

    /// What a lost connection looks like.
    const LOST: [Errno; 4] = [Errno::IO, Errno::INTR, Errno::TIMEDOUT, Errno::STALE];

    fn temporary(folder: &std::path::Path) -> Result<Temporary, Box<dyn Error>> {
        let path = folder.join("file");
        fs::write(&path, "old")?;
        let made = Temporary::beside(&path, Existing::Replace, &Swept::default());
        made.map_err(|fault| format!("{fault:?}").into())
    }

    /// A1: it is done, and the system says that it is not.
    #[test]
    fn a1_what_has_the_name_is_published_whatever_was_said() -> Result<(), Box<dyn Error>> {
        for errno in LOST.into_iter().chain([Errno::NOENT, Errno::EXIST]) {
            let folder = tempfile::tempdir()?;
            let temporary = temporary(folder.path())?;
            temporary.give_name(Existing::Replace)?;
            let ended = temporary.judged(Err(errno));
            assert!(matches!(ended, Completion::Published { .. }), "{errno}");
            assert!(temporary.discard().is_ok());
            assert_eq!(fs::read(folder.path().join("file"))?, b"");
            assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        }
        Ok(())
    }

    /// A1: it is not done, and a look shows it.
    #[test]
    fn a1_what_keeps_its_first_name_is_not_committed() -> Result<(), Box<dyn Error>> {
        for errno in LOST.into_iter().chain([Errno::ACCESS, Errno::NOENT]) {
            let folder = tempfile::tempdir()?;
            let temporary = temporary(folder.path())?;
            let fault = crate::perform::replace::os(errno);
            assert_eq!(temporary.judged(Err(errno)), Completion::Failed { fault });
            temporary.discard()?;
            assert_eq!(fs::read(folder.path().join("file"))?, b"old");
            assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        }
        Ok(())
    }

    /// A1: it had the name, and somebody else has given that away since; or it had it not, and its first name
    /// is gone. Nothing tells these apart, and what stands there is not ours to remove.
    #[test]
    fn a1_what_has_neither_name_is_indeterminate() -> Result<(), Box<dyn Error>> {
        for errno in LOST {
            let folder = tempfile::tempdir()?;
            let temporary = temporary(folder.path())?;
            temporary.give_name(Existing::Replace)?;
            fs::write(folder.path().join("newer"), "newer")?;
            fs::rename(folder.path().join("newer"), folder.path().join("file"))?;
            // Somebody else's file, under the name that was ours.
            fs::write(folder.path().join(&temporary.name), "a stranger's")?;
            let fault = crate::perform::replace::os(errno);
            assert_eq!(temporary.judged(Err(errno)), Completion::Unsure { fault });
            temporary.discard()?;
            assert_eq!(fs::read(folder.path().join("file"))?, b"newer");
            let kept = fs::read(folder.path().join(&temporary.name))?;
            assert_eq!(kept, b"a stranger's");
        }
        Ok(())
    }
}
