//! The clock of those rows that ask for files in memory, all at once.

use crate::row::{Aspect, Sample};
use driver_kit::batch::Item;
use std::hint::black_box;
use std::io;
use std::time::Instant;

/// What is in memory when the work is done.
pub(crate) trait Held {
    /// How many bytes of files that is.
    fn bytes(&self) -> u64;
}

impl Held for Vec<Vec<u8>> {
    fn bytes(&self) -> u64 {
        self.iter().map(|file| file.len() as u64).sum()
    }
}

impl Held for Vec<memmap2::Mmap> {
    fn bytes(&self) -> u64 {
        self.iter().map(|file| file.len() as u64).sum()
    }
}

impl Held for Vec<Item> {
    /// An item that failed, or that is open and not in memory, counts nothing.
    fn bytes(&self) -> u64 {
        let staged = self.iter().filter_map(|item| item.result.as_ref().ok());
        let contents = staged.filter_map(|staged| staged.handle.contents());
        contents.map(|contents| contents.len()).sum()
    }
}

/// Memory that its owner keeps for the next time.
pub(crate) struct Pooled(pub(crate) u64);

impl Held for Pooled {
    fn bytes(&self) -> u64 {
        self.0
    }
}

/// Times the work; sees, outside the clock, that all is there; then times giving it back.
///
/// # Errors
/// The work failed, or left something out.
pub(crate) fn kept<T: Held>(
    wanted: u64,
    work: impl FnOnce() -> io::Result<T>,
    give_back: impl FnOnce(T),
) -> io::Result<Sample> {
    let began = Instant::now();
    let held = black_box(work()?);
    let took = began.elapsed().as_nanos() as f64;
    let bytes = held.bytes();
    if bytes != wanted {
        return Err(io::Error::other(format!(
            "{bytes} bytes are there, not {wanted}"
        )));
    }
    let began = Instant::now();
    give_back(held);
    let back = began.elapsed().as_nanos() as f64;
    Ok(vec![(Aspect::Work, took), (Aspect::GivenBack, took + back)])
}

/// Leaves out what it takes to give back, where nothing is.
pub(crate) fn work_alone(mut sample: Sample) -> Sample {
    sample.retain(|(aspect, _)| *aspect == Aspect::Work);
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_something_out_is_not_measured() -> io::Result<()> {
        let files = vec![vec![0; 10], vec![0; 5]];
        assert!(kept(16, || Ok(files.clone()), drop).is_err());
        let sample = kept(15, || Ok(files), drop)?;
        assert!(sample[0].1 <= sample[1].1);
        assert_eq!(work_alone(sample).len(), 1);
        Ok(())
    }
}
