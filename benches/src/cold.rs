//! Files that are on the disk and not in memory, and seen not to be.

#![expect(
    unsafe_code,
    reason = "the allocator is asked to give back what is free"
)]

use crate::files::Corpus;
use driver_kit::contents::PAGE;
use rustix::fs::Advice;
use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::path::Path;
use std::rc::Rc;

/// Files are many: of thousands, one in so many is looked at.
const LOOKED_AT: usize = 500;

/// What makes a corpus cold before each run, and remembers whether it became so.
pub(crate) struct Chill {
    corpus: Corpus,
    /// Whether names and inodes are dropped too: all of the machine's.
    whole_machine: bool,
    seen: Rc<RefCell<Seen>>,
}

/// What was seen after the drops.
#[derive(Debug, Default)]
struct Seen {
    runs: u32,
    /// Runs after which some of the looked at pages were still in memory.
    warm_runs: u32,
    most_pages: usize,
    refused: Option<String>,
}

impl Chill {
    /// In a hurry, the caches of the rest of the machine are left alone.
    pub(crate) fn new(corpus: &Corpus, quick: bool) -> Chill {
        Chill {
            corpus: corpus.clone(),
            whole_machine: !quick,
            seen: Rc::default(),
        }
    }

    /// Says what became of it, once all is measured.
    pub(crate) fn account(&self) -> Box<dyn FnOnce() -> Vec<String>> {
        let (seen, whole) = (Rc::clone(&self.seen), self.whole_machine);
        Box::new(move || seen.borrow().notes(whole))
    }

    /// Drops what is in memory of the files, and looks.
    pub(crate) fn drop_caches(&mut self) -> io::Result<()> {
        for path in &*self.corpus.paths {
            forget(path)?;
        }
        let mut seen = self.seen.borrow_mut();
        if self.whole_machine
            && let Err(error) = std::fs::write("/proc/sys/vm/drop_caches", "3")
        {
            seen.refused = Some(error.to_string());
        }
        let step = self.corpus.paths.len().div_ceil(LOOKED_AT);
        let mut pages = 0;
        for path in self.corpus.paths.iter().step_by(step) {
            pages += resident(path)?;
        }
        seen.runs += 1;
        seen.warm_runs += u32::from(pages > 0);
        seen.most_pages = seen.most_pages.max(pages);
        Ok(())
    }
}

impl Seen {
    fn notes(&self, whole_machine: bool) -> Vec<String> {
        let mut notes = Vec::new();
        notes.push(match (self.warm_runs, self.runs) {
            (0, runs) => format!("cold: no page was in memory before any of {runs} runs (mincore)"),
            (warm, runs) => format!(
                "NOT COLD: pages were still in memory before {warm} of {runs} runs, {} at most; \
                 a cache drop is not possible here",
                self.most_pages
            ),
        });
        notes.push(match (whole_machine, &self.refused) {
            (false, _) => {
                "names and inodes stayed in memory (only pages are dropped in a hurry)".into()
            }
            (true, None) => "names and inodes were dropped too (drop_caches)".into(),
            (true, Some(why)) => format!("names and inodes stayed in memory (drop_caches: {why})"),
        });
        notes
    }
}

/// Drops a file's pages. Dirty ones would stay, but a corpus was written back when it was made.
pub(crate) fn forget(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?;
    Ok(())
}

/// How many pages of a file are in memory.
pub(crate) fn resident(path: &Path) -> io::Result<usize> {
    let bytes = driver_kit::residency(path)?.bytes();
    Ok(bytes.div_ceil(PAGE as u64) as usize)
}

/// Gives the allocator's free memory back to the kernel: whoever allocates next meets fresh pages.
pub(crate) fn fresh_pages() {
    // SAFETY: it takes no pointer, and memory that is in use stays where it is.
    #[cfg(target_env = "gnu")]
    let _ = unsafe { libc::malloc_trim(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_resident_and_says_so() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let corpus = Corpus::make(folder.path(), 1, 1 << 20)?;
        assert_eq!(
            resident(&corpus.paths[0])?,
            (1 << 20) / rustix::param::page_size()
        );
        Ok(())
    }

    #[test]
    fn what_stays_warm_is_told() {
        let mut seen = Seen {
            runs: 3,
            ..Seen::default()
        };
        assert!(seen.notes(true)[0].starts_with("cold:"));
        seen.warm_runs = 1;
        seen.most_pages = 7;
        seen.refused = Some("not allowed".into());
        let notes = seen.notes(true);
        let told = notes[0].starts_with("NOT COLD") && notes[0].contains("1 of 3 runs, 7 at most");
        assert!(told, "{notes:?}");
        assert!(notes[1].contains("not allowed"), "{notes:?}");
    }
}
