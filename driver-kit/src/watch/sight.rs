//! What a path shows, and what two looks at it, one after the other, say of the time between them.

use super::ChangeKind;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

/// For how long after a change another may leave the same times: filesystems count in ticks of the
/// system's timer, or coarser ones of their own.
const TICK: Duration = Duration::from_millis(20);

/// What stands at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Sight {
    /// Nothing that could be seen.
    #[default]
    Missing,
    /// A regular file.
    File(Stamp),
    /// A directory. What is in it has paths of its own.
    Directory,
    /// A link, a pipe, a socket, a device: nothing that is staged.
    Other,
}

/// What changes when a file does, or another comes to stand in its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    /// It was seen so soon after it changed that another change may look the same.
    fresh: bool,
}

impl Stamp {
    /// Whether something may have happened between two looks, the second of which had a reason.
    fn may_differ(self, now: Stamp) -> bool {
        self.fresh
            || Stamp {
                fresh: false,
                ..now
            } != self
    }
}

impl Sight {
    /// What was found at this time of the system's clock.
    pub(super) fn of(found: &Metadata, at: SystemTime) -> Sight {
        if found.is_dir() {
            Sight::Directory
        } else if found.is_file() {
            Sight::File(Stamp {
                device: found.dev(),
                inode: found.ino(),
                len: found.len(),
                modified: (found.mtime(), found.mtime_nsec()),
                changed: (found.ctime(), found.ctime_nsec()),
                fresh: is_fresh(found, at),
            })
        } else {
            Sight::Other
        }
    }

    /// What is to be told of a path that showed this before and shows that now. What came and went
    /// in between tells nothing; a file that was removed and created again was modified.
    pub(super) fn change(self, now: Sight) -> Option<ChangeKind> {
        match (self, now) {
            (Sight::File(before), Sight::File(now)) => {
                before.may_differ(now).then_some(ChangeKind::Modified)
            }
            (Sight::Missing | Sight::Directory | Sight::Other, Sight::File(_)) => {
                Some(ChangeKind::Created)
            }
            (Sight::File(_), Sight::Missing | Sight::Directory | Sight::Other) => {
                Some(ChangeKind::Removed)
            }
            (
                Sight::Missing | Sight::Directory | Sight::Other,
                Sight::Missing | Sight::Directory | Sight::Other,
            ) => None,
        }
    }
}

/// Whether it changed within a tick before, or seems to have changed later.
fn is_fresh(found: &Metadata, at: SystemTime) -> bool {
    let (Ok(seconds), Ok(nanos)) = (
        u64::try_from(found.ctime()),
        u32::try_from(found.ctime_nsec()),
    ) else {
        return false; // before there were such filesystems
    };
    let changed = SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos));
    let since = changed.and_then(|changed| at.duration_since(changed).ok());
    since.is_none_or(|since| since < TICK)
}

#[cfg(test)]
mod tests {
    use super::{ChangeKind, Sight, Stamp, TICK};
    use std::time::SystemTime;

    const STAMP: Stamp = Stamp {
        device: 1,
        inode: 2,
        len: 3,
        modified: (4, 5),
        changed: (6, 7),
        fresh: false,
    };

    #[test]
    fn equal_sights_tell_nothing() {
        for sight in [
            Sight::Missing,
            Sight::File(STAMP),
            Sight::Directory,
            Sight::Other,
        ] {
            assert_eq!(sight.change(sight), None, "{sight:?}");
        }
    }

    #[test]
    fn whatever_differs_in_a_file_is_a_modification() {
        let others = [
            Stamp { device: 0, ..STAMP },
            Stamp { inode: 0, ..STAMP },
            Stamp { len: 0, ..STAMP },
            Stamp {
                modified: (4, 0),
                ..STAMP
            },
            Stamp {
                changed: (0, 7),
                ..STAMP
            },
        ];
        for other in others {
            let change = Sight::File(STAMP).change(Sight::File(other));
            assert_eq!(change, Some(ChangeKind::Modified), "{other:?}");
        }
    }

    /// Two writes within a tick of the clock of the filesystem leave equal times.
    #[test]
    fn a_fresh_sight_is_not_relied_upon() {
        let fresh = Stamp {
            fresh: true,
            ..STAMP
        };
        let again = |before, now| Sight::File(before).change(Sight::File(now));
        assert_eq!(again(fresh, STAMP), Some(ChangeKind::Modified));
        assert_eq!(again(STAMP, fresh), None, "only the look before counts");
    }

    #[test]
    fn a_sight_is_fresh_for_a_tick() -> std::io::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        let (found, now) = (file.as_file().metadata()?, SystemTime::now());
        let fresh = |at| matches!(Sight::of(&found, at), Sight::File(stamp) if stamp.fresh);
        assert!(fresh(now));
        assert!(!fresh(now + 50 * TICK));
        assert!(
            fresh(now - 50 * TICK),
            "a clock that was set back proves nothing"
        );
        Ok(())
    }

    #[test]
    fn files_come_and_go_and_nothing_else_is_told() {
        for other in [Sight::Missing, Sight::Directory, Sight::Other] {
            let (came, went) = (Sight::File(STAMP), other);
            assert_eq!(other.change(came), Some(ChangeKind::Created));
            assert_eq!(came.change(went), Some(ChangeKind::Removed));
            assert_eq!(Sight::Missing.change(other), None);
        }
    }
}
