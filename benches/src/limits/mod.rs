//! What the hardware and the kernel allow: the system calls of a job and nothing else.

pub(crate) mod chains;
pub(crate) mod direct;
pub(crate) mod memory;
pub(crate) mod pooled;
