//! The file systems that are looked at.

use super::command::run;
use std::fs::File;
use std::path::Path;

/// A file system of the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// With its journal, data ordered before it.
    Ext4,
    /// With its log.
    Xfs,
    /// Copies on writing.
    Btrfs,
}

/// A part of a disk.
pub(super) struct Span {
    from: u64,
    to: u64,
}

impl Span {
    /// Whether a write is to this part.
    pub(super) fn meets(&self, offset: u64, bytes: &[u8]) -> bool {
        self.from < offset + bytes.len() as u64 && offset < self.to
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Ext4, Kind::Xfs, Kind::Btrfs];

    /// As `mount` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Ext4 => "ext4",
            Kind::Xfs => "xfs",
            Kind::Btrfs => "btrfs",
        }
    }

    /// How it is mounted: without what it does by itself for programs that leave syncs out. Ext4 begins to write a
    /// file out when it gets the name of another; whether it is done when the journal is committed is a race,
    /// which now and then hides a sync that is missing.
    pub(super) const fn options(self) -> &'static str {
        match self {
            Kind::Ext4 => "loop,noauto_da_alloc",
            Kind::Xfs | Kind::Btrfs => "loop",
        }
    }

    /// The least that it can be made in, without tricks.
    const fn bytes(self) -> u64 {
        match self {
            Kind::Ext4 => 64 << 20,
            Kind::Xfs => 320 << 20,
            Kind::Btrfs => 128 << 20,
        }
    }

    /// Where a file system writes in place and takes what it writes to land whole: its superblocks. Torn,
    /// they are refused, so this would show nothing of ours. Everything else may be torn.
    pub(super) const fn never_torn(self) -> &'static [Span] {
        match self {
            Kind::Ext4 => &[Span {
                from: 1 << 10,
                to: 2 << 10,
            }],
            // It is one sector.
            Kind::Xfs => &[],
            Kind::Btrfs => &[
                Span {
                    from: 64 << 10,
                    to: 68 << 10,
                },
                Span {
                    from: 64 << 20,
                    to: (64 << 20) + (4 << 10),
                },
            ],
        }
    }

    /// Makes an empty one in a new file.
    ///
    /// # Errors
    /// Its `mkfs` is not here, or failed.
    pub(super) fn make(self, image: &Path) -> Result<(), String> {
        let file = File::create(image).and_then(|file| file.set_len(self.bytes()));
        file.map_err(|error| format!("{}: {error}", image.display()))?;
        let image = image.display().to_string();
        // Nothing is left to be done in the background later.
        let words: &[&str] = match self {
            Kind::Ext4 => &[
                "-q",
                "-F",
                "-b",
                "4096",
                "-E",
                "lazy_itable_init=0,lazy_journal_init=0",
                &image,
            ],
            Kind::Xfs => &["-q", "-f", &image],
            Kind::Btrfs => &["-q", "-f", "-m", "single", "-d", "single", &image],
        };
        run(&format!("mkfs.{}", self.name()), words).map(|_| ())
    }
}
