//! One run of `staging stage`, from its arguments to its exit status.

use crate::args::StageArgs;
use crate::exit::Exit;
use crate::found::Found;
use crate::hold::{Hold, spoken};
use crate::list::{self, Named};
use crate::progress::Show;
use crate::stop::{self, Running};
use crate::summary::Summary;
use crate::times::Kinds;
use crate::voice::{Voice, complain};
use crate::watch::{self, Watched};
use crate::{bounds, json, size, stdout, table};
use driver_blocking::{Batch, Grace, Item, Stager};
use driver_kit::signals::Signals;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

/// How many failures are listed one by one.
const LISTED: usize = 20;

/// Stages what was named, and reports.
pub(crate) fn stage(args: StageArgs) -> Exit {
    let show = Show::of(&args);
    let voice = Voice::new(show.bar(), args.quiet);
    run(args, show, &voice).unwrap_or_else(|error| {
        complain(format_args!("{error}"));
        Exit::Nothing
    })
}

fn run(mut args: StageArgs, show: Show, voice: &Voice) -> io::Result<Exit> {
    let signals = Signals::catch()?;
    let (asked, lockable) = (bounds::budget(args.budget), bounds::lockable_of(&args));
    let stager = Stager::builder()
        .limits(bounds::of(&args, asked.min(lockable)))
        .paging(bounds::paging(&args))
        .pool(bounds::threads(&args))
        .build();
    if let Some(file) = &args.record {
        stager.record_to(file)?;
    }
    if lockable < asked {
        voice.remark(format_args!(
            "at most {} can be locked in memory; `ulimit -l` tells, and may raise it",
            size::shown(lockable)
        ));
    }
    let watched = begin_watching(&args, &stager)?;
    let found = Arc::new(Found::default());
    let named = Named {
        paths: std::mem::take(&mut args.paths),
        null: args.null,
        lengths: show == Show::Bar,
    };
    let (files, stop) = list::start(named, &found, voice)?;
    let batch = stager
        .stage(files)
        .mode(args.mode.mode())
        .concurrency(args.concurrency)
        .start()?;
    let batch = Arc::new(batch);
    let pressed = stop::listen(
        signals,
        Running {
            stager: stager.clone(),
            batch: Arc::clone(&batch),
            list: stop,
            voice: voice.clone(),
            watches: watched.is_some(),
        },
    )?;
    let items = wait(&batch, &found, show, voice);
    let mut summary = Summary::of(&items);
    summary.elapsed = batch.progress().elapsed;
    summary.interrupted = pressed.try_recv().is_ok();
    summary.skipped = found.skipped();
    summary.failed.append(&mut found.take_troubles());
    summary.times = args.stats.then(|| Kinds::of(&stager.timings()));
    let mut exit = judge(&summary, &found);
    if let Err(error) = report(&args, &summary, exit, voice) {
        complain(format_args!("cannot write the report: {error}"));
        exit = exit.marred();
    }
    let (items, exit) = match (watched, args.hold) {
        _ if summary.interrupted => (items, exit),
        (Some(watched), _) => watched.keep(&stager, &args, items, exit, voice),
        (None, Some(hold)) => {
            keep(hold, &summary, &pressed, voice);
            (items, exit)
        }
        (None, None) => (items, exit),
    };
    Ok(close(&stager, items, exit, voice))
}

/// Watches first, if that was asked, and stages then.
fn begin_watching(args: &StageArgs, stager: &Stager) -> io::Result<Option<Watched>> {
    if !args.watch {
        return Ok(None);
    }
    if args.paths.iter().any(|path| path == Path::new("-")) {
        let advice = "--watch takes paths, and no list on standard input";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, advice));
    }
    watch::begin(stager, &args.paths).map(Some)
}

/// Waits for the batch, and shows how far it is meanwhile.
fn wait(batch: &Batch, found: &Found, show: Show, voice: &Voice) -> Vec<Item> {
    let (done, ended) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || show.watch(batch, found, voice, &ended));
        let items = batch.wait();
        drop(done);
        items
    })
}

fn judge(summary: &Summary, found: &Found) -> Exit {
    if summary.interrupted {
        Exit::Interrupted
    } else if found.files() == 0 {
        Exit::Nothing
    } else if summary.failed.is_empty() && summary.left.is_empty() && summary.cut_off == 0 {
        Exit::Staged
    } else {
        Exit::Partly
    }
}

/// The report on standard output, the failures on standard error.
fn report(args: &StageArgs, summary: &Summary, exit: Exit, voice: &Voice) -> io::Result<()> {
    let written = match (args.json, args.quiet) {
        (true, _) => stdout::write(|out| json::write(summary, exit, out)),
        (false, true) => Ok(()),
        (false, false) => stdout::write(|out| table::write(summary, out)),
    };
    for trouble in summary.failed.iter().take(LISTED) {
        voice.insist(format_args!("staging: {}", trouble.message));
    }
    if let Some(more @ 1..) = summary.failed.len().checked_sub(LISTED) {
        voice.insist(format_args!("staging: and {more} more; --json lists all"));
    }
    if summary.skipped > 0 {
        voice.remark(format_args!(
            "skipped inside directories, because no regular file: {}",
            summary.skipped
        ));
    }
    if exit == Exit::Nothing {
        voice.insist(format_args!("staging: there was nothing to stage"));
    }
    written
}

/// Keeps what is staged until the time is over or a signal came.
fn keep(hold: Hold, summary: &Summary, pressed: &Receiver<()>, voice: &Voice) {
    let held = summary.staged();
    if held.files == 0 {
        return voice.remark(format_args!("nothing to hold"));
    }
    let began = Instant::now();
    let bytes = size::shown(held.bytes);
    voice.remark(format_args!(
        "holding {} files, {bytes}, {hold}",
        held.files
    ));
    hold.wait(pressed);
    voice.remark(format_args!("held for {}", spoken(began.elapsed())));
}

/// Gives everything back; names what could not be, and what of the run could not be recorded.
fn close(stager: &Stager, items: Vec<Item>, mut exit: Exit, voice: &Voice) -> Exit {
    let report = stager.shutdown(Grace::default());
    drop(items);
    if !report.is_clean() {
        voice.insist(format_args!("staging: {report}"));
        exit = exit.marred();
    }
    if let Some(recording) = stager.recording().filter(|it| it.stopped.is_some()) {
        voice.insist(format_args!("staging: the recording {recording}"));
        exit = exit.marred();
    }
    exit
}
