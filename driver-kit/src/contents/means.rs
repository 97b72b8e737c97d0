//! By which means contents are held, where the machine leaves it open.

/// By which means contents are held: what the system may do with their pages, and whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Means {
    /// Whether the system may take staged pages out of memory.
    pub paging: Paging,
    /// Whether a file is mapped, or a clone of it.
    pub clones: Clones,
}

/// Whether the system may take staged pages out of memory when it is short of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Paging {
    /// It may; then a read brings them in again, by a major fault.
    #[default]
    Allowed,
    /// It may not: they are locked (`mlock`), as far as `RLIMIT_MEMLOCK` allows it.
    Locked,
}

/// Whether a file that is to be mapped is mapped itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Clones {
    /// It is. Another process may write to it, so its bytes are copied out.
    #[default]
    Never,
    /// A clone without a name is mapped in its place (`FICLONE`), where the file system makes one
    /// and its directory may be written to: Btrfs, XFS and others that share blocks until they are
    /// written. Nobody else can reach it, so its bytes are handed out without a copy (G4), and what
    /// is done to the file does not reach it. Elsewhere the file itself is mapped.
    ///
    /// A clone has pages of its own: they are read from the disk, also where those of the file are
    /// in memory.
    WherePossible,
}
