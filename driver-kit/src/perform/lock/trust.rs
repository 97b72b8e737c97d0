//! Which file systems keep locks for all who can write to them (K2).
//!
//! On one that other machines may write to, a lock may keep out those of this machine alone, or nobody, as
//! the server, the version and the options of the mount have it; and it may be lost without a word when the
//! connection is. What runs in a process of this machine (FUSE) cannot be told from these.

/// Whether locks on a file system of this kind (`f_type` of `statfs`) can be trusted.
pub(super) fn is_deserved(kind: impl TryInto<i64>) -> bool {
    // Only the lower half is the kind; it is signed on some systems.
    let kind = kind.try_into().map_or(0, |kind: i64| kind as u32);
    !UNTRUSTED.iter().any(|(magic, _)| *magic == kind)
}

/// As the kernel numbers them, in `statfs(2)`.
const UNTRUSTED: [(u32, &str); 14] = [
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "kAFS"),
    (0x7375_7245, "Coda"),
    (0x0000_564c, "NCP"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x0bad_1dea, "PVFS"),
    (0x6573_5546, "FUSE"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// K2: what other machines may write to is told from what is here.
    #[test]
    fn k2_network_file_systems_are_not_trusted() {
        for (magic, name) in UNTRUSTED {
            assert!(!is_deserved(i64::from(magic)), "{name}");
            assert!(!is_deserved(i64::from(magic as i32)), "{name}, signed");
        }
        let here = [
            (0xef53, "ext4"),
            (0x5846_5342, "XFS"),
            (0x9123_683e_u32, "Btrfs"),
            (0x0102_1994, "tmpfs"),
            (0x2fc1_2fc1, "ZFS"),
            (0x794c_7630, "overlayfs"),
        ];
        for (magic, name) in here {
            assert!(is_deserved(i64::from(magic)), "{name}");
        }
    }
}
