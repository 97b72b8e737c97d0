//! Ours, through each driver, and through the ring loop of the core's examples.

pub(crate) mod appends;
pub(crate) mod batches;
pub(crate) mod cancels;
pub(crate) mod hand_over;
pub(crate) mod reads;
pub(crate) mod replacing;
pub(crate) mod ring_loop;
pub(crate) mod writes;
