//! Staying: what changes beneath the paths is staged again, until a signal comes or the hold is over.

use crate::args::StageArgs;
use crate::exit::Exit;
use crate::hold::Hold;
use crate::size;
use crate::stdout;
use crate::summary::Count;
use crate::told::{Came, Told};
use crate::voice::{Voice, complain};
use crate::walk::literal;
use driver_blocking::{Deadline, Item, Staged, Stager, Standing, Watch};
use driver_kit::path::Here;
use driver_kit::watch::{Change, ChangeKind};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many changes are taken together, at the most.
const MOUTHFUL: usize = 4096;

/// Paths that are watched, before anything is staged, so that no change is missed.
pub(crate) struct Watched {
    watch: Watch,
    roots: Vec<Root>,
}

/// A path as it is told in changes, and where it leads.
struct Root {
    spelled: PathBuf,
    end: Option<PathBuf>,
}

/// Begins to watch what was named.
///
/// # Errors
/// It cannot be watched.
pub(crate) fn begin(stager: &Stager, named: &[PathBuf]) -> io::Result<Watched> {
    let here = Here::now()?;
    let mut roots = Vec::new();
    for path in named {
        let spelled = here.absolute(&literal(path.clone()))?;
        let end = fs::canonicalize(&spelled).ok();
        roots.push(Root { spelled, end });
    }
    let watch = stager
        .watch(roots.iter().map(|root| &root.spelled))
        .start()?;
    Ok(Watched { watch, roots })
}

/// What is held, by the paths that changes are told of.
struct Keeper<'a> {
    stager: &'a Stager,
    args: &'a StageArgs,
    voice: &'a Voice,
    held: HashMap<PathBuf, Item>,
    /// Files whose last version is not in memory, although it was asked.
    short: HashSet<PathBuf>,
    tally: Tally,
    /// Standard output cannot be written.
    mute: bool,
}

/// What came of the changes.
#[derive(Default, Serialize)]
struct Tally {
    changes: u64,
    staged: u64,
    left: u64,
    failed: u64,
    released: u64,
}

impl Watched {
    /// Stages again what changes, until there will be no more changes or the hold is over. Gives
    /// what is held then, and the exit status.
    pub(crate) fn keep(
        mut self,
        stager: &Stager,
        args: &StageArgs,
        items: Vec<Item>,
        exit: Exit,
        voice: &Voice,
    ) -> (Vec<Item>, Exit) {
        let hold = args.hold.unwrap_or(Hold::Forever);
        let mut keeper = Keeper {
            stager,
            args,
            voice,
            held: self.by_path(items),
            short: HashSet::new(),
            tally: Tally::default(),
            mute: false,
        };
        voice.remark(format_args!("watching, {hold}"));
        let until = match hold {
            Hold::For(duration) => Deadline::within(duration),
            Hold::Forever => Deadline::Never,
        };
        while let Some(changes) = self.next(until) {
            keeper.follow(changes);
        }
        keeper.end(exit)
    }

    /// The next change, and those that were told meanwhile. `None` when it is over.
    fn next(&mut self, until: Deadline) -> Option<Vec<Change>> {
        let mut changes = vec![self.watch.next_by(until).ok()??];
        while changes.len() < MOUTHFUL {
            match self.watch.next_by(Deadline::within(Duration::ZERO)) {
                Ok(Some(change)) => changes.push(change),
                Ok(None) | Err(_) => break,
            }
        }
        Some(changes)
    }

    /// Files by the paths under which their changes are told. Where links led to one file, it has as
    /// many paths as items.
    fn by_path(&self, items: Vec<Item>) -> HashMap<PathBuf, Item> {
        let mut held = HashMap::new();
        for item in items.into_iter().filter(|item| item.result.is_ok()) {
            let paths = self.roots.iter().filter_map(|root| root.spell(&item.path));
            let path = paths.into_iter().find(|path| !held.contains_key(path));
            held.insert(path.unwrap_or_else(|| item.path.to_path_buf()), item);
        }
        held
    }
}

impl Root {
    /// How it spells a file that was found beneath it.
    fn spell(&self, found: &Path) -> Option<PathBuf> {
        let rest = found.strip_prefix(self.end.as_ref()?).ok()?;
        Some(match rest.as_os_str().is_empty() {
            true => self.spelled.clone(),
            false => self.spelled.join(rest),
        })
    }
}

impl Keeper<'_> {
    /// Gives back old versions, and stages new ones.
    fn follow(&mut self, changes: Vec<Change>) {
        let mut again = Vec::new();
        for change in changes {
            let before = self.held.remove(&change.path);
            match change.kind {
                ChangeKind::Created | ChangeKind::Modified => {
                    again.push((change, before.is_some()));
                }
                ChangeKind::Removed => {
                    let came = before.map_or(Came::Nothing, |_| Came::Released);
                    self.tell(&change, &came);
                }
                ChangeKind::Rescanned | ChangeKind::Unwatched => {
                    // A watched path may be a file, and that is as it was.
                    if let Some(item) = before {
                        self.held.insert(change.path.clone(), item);
                    }
                    self.tell(&change, &Came::Nothing);
                }
            }
        }
        let together = usize::try_from(self.args.concurrency).unwrap_or(usize::MAX);
        for changes in again.chunks(together) {
            self.stage_again(changes);
        }
    }

    /// Stages some files together. Each is a batch of its own, because a result names the file, and
    /// where links were followed that is not the path that changed.
    fn stage_again(&mut self, changes: &[(Change, bool)]) {
        let begin = |(change, _): &(Change, bool)| {
            let batch = self.stager.stage([change.path.clone()]);
            batch.mode(self.args.mode.mode()).start()
        };
        let batches: Vec<_> = changes.iter().map(begin).collect();
        for ((change, before), batch) in changes.iter().zip(batches) {
            let item = match batch.map(|batch| batch.wait().pop()) {
                Ok(Some(item)) => item,
                Ok(None) => continue, // a signal came first
                Err(error) => {
                    complain(format_args!("{error}"));
                    continue;
                }
            };
            let came = match &item.result {
                Ok(Staged { standing, len, .. }) => Came::of(*standing, *len, *before),
                Err(failure) => Came::Failed(failure.clone()),
            };
            if item.result.is_ok() {
                self.held.insert(change.path.clone(), item);
            }
            self.tell(change, &came);
        }
    }

    fn tell(&mut self, change: &Change, came: &Came) {
        self.tally.changes += 1;
        match came {
            Came::Staged { .. } => self.tally.staged += 1,
            Came::Left { .. } => self.tally.left += 1,
            Came::Failed(_) => self.tally.failed += 1,
            Came::Released => self.tally.released += 1,
            Came::Nothing => {}
        }
        match came.falls_short() {
            true => drop(self.short.insert(change.path.clone())),
            false => drop(self.short.remove(&change.path)),
        }
        let told = Told { change, came };
        match came {
            Came::Failed(_) => self.voice.insist(format_args!("staging: {told}")),
            Came::Nothing if change.kind == ChangeKind::Unwatched => {
                self.voice.insist(format_args!("staging: {told}"));
            }
            Came::Staged { .. } | Came::Left { .. } | Came::Released | Came::Nothing => {
                self.voice.remark(format_args!("{told}"));
            }
        }
        if self.args.json {
            self.write(|out| told.write_json(out));
        }
    }

    fn write(&mut self, out: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.mute {
            return;
        }
        if let Err(error) = stdout::write(|to| out(to)) {
            complain(format_args!("cannot write the report: {error}"));
            self.mute = true;
        }
    }

    /// Says what is held in the end.
    fn end(mut self, exit: Exit) -> (Vec<Item>, Exit) {
        let mut held = Count::default();
        for item in self.held.values() {
            if let Ok(Staged {
                standing: Standing::Staged(_),
                len,
                ..
            }) = &item.result
            {
                held.add(*len);
            }
        }
        let Tally {
            changes,
            staged,
            left,
            failed,
            released,
        } = self.tally;
        self.voice.remark(format_args!(
            "held {} files, {}, after {changes} changes: \
             {staged} staged, {left} left, {failed} failed, {released} released",
            held.files,
            size::shown(held.bytes)
        ));
        if self.args.json {
            #[derive(Serialize)]
            struct End<'a> {
                held: Count,
                #[serde(flatten)]
                tally: &'a Tally,
            }
            let tally = std::mem::take(&mut self.tally);
            self.write(|out| {
                let tally = &tally;
                serde_json::to_writer(&mut *out, &End { held, tally })?;
                writeln!(out)
            });
        }
        let exit = match exit {
            Exit::Nothing if held.files > 0 => Exit::Staged,
            exit => exit,
        };
        let short = self.mute || !self.short.is_empty();
        let exit = if short { exit.marred() } else { exit };
        (self.held.into_values().collect(), exit)
    }
}
