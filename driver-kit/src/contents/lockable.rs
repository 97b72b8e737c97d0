//! How much memory this process may lock.

use rustix::{
    process::{Resource, getrlimit},
    thread::{CapabilitySet, capabilities},
};

/// How many bytes this process may lock in memory, those it has locked included: the soft limit
/// `RLIMIT_MEMLOCK`, or `u64::MAX` for whoever has the capability `CAP_IPC_LOCK`, as root has.
///
/// With [`Paging::Locked`](super::Paging::Locked) a larger budget cannot be used up: staging fails
/// with what `mlock` says.
pub fn lockable() -> u64 {
    let privileged =
        capabilities(None).is_ok_and(|all| all.effective.contains(CapabilitySet::IPC_LOCK));
    match getrlimit(Resource::Memlock).current {
        Some(bytes) if !privileged => bytes,
        _ => u64::MAX,
    }
}
