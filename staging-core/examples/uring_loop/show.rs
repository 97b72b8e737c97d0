//! What the example does with the loop: stage, compare, read again, cancel, shut down.

use super::files::{Answer, Files, Payload};
use super::ring::Ring;
use staging_core::*;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{env, ffi::CString, fs, io, process, process::ExitCode, time::Duration, time::Instant};

/// How many calls may be under way.
const DEPTH: u32 = 64;

struct Staged<'a> {
    path: &'a Path,
    name: &'a CString,
    handle: HandleId,
    len: u64,
}

pub(crate) fn main() -> io::Result<ExitCode> {
    let ring = match Ring::new(DEPTH) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
            println!("io_uring is not to be had here: {error}");
            return Ok(ExitCode::SUCCESS);
        }
        ring => ring?,
    };
    let mut files = Files::new(Limits::default(), ring);
    let paths = named_or_own()?;
    let names = paths
        .iter()
        .map(|path| CString::new(path.as_os_str().as_bytes()));
    let names = names.collect::<Result<Vec<CString>, _>>()?;

    let began = Instant::now();
    let mut staged = Vec::new();
    let opens: Vec<_> = names.iter().map(|name| (name, open())).collect();
    have_done(&mut files, &opens, |at, answer| {
        match (answer.outcome, answer.handle) {
            (Outcome::Opened { len, .. }, Some(handle)) => {
                let (path, name) = (paths[at].as_path(), &names[at]);
                staged.push(Staged {
                    path,
                    name,
                    handle,
                    len,
                });
            }
            (outcome, _) => println!("{}: {outcome:?}", paths[at].display()),
        }
    })?;
    let took = began.elapsed();
    let bytes: u64 = staged.iter().map(|file| file.len).sum();
    println!(
        "{} of {} files staged: {bytes} bytes in {took:?}, {} of the budget",
        staged.len(),
        paths.len(),
        files.machine().charged()
    );
    println!(
        "{} calls, at most {} at once",
        files.ring.all, files.ring.most
    );

    let in_memory = compare(&mut files, &staged, "from memory")?;
    let unstages: Vec<_> = staged.iter().map(unstage).collect();
    have_done(&mut files, &unstages, |_, _| {})?;
    let on_disk = compare(&mut files, &staged, "from the disk, through the ring")?;

    let mut written = true;
    if let Some(file) = staged.first() {
        cancel_in_flight(&mut files, file)?;
        written = copy(&mut files, file)?;
    }
    files.shutdown(Grace::default());
    let report = loop {
        while files.next_answer().is_some() {}
        match files.report() {
            Some(report) => break report,
            None => files.wait()?,
        }
    };
    println!("{report:?}");
    match in_memory && on_disk && written {
        true => Ok(report.exit_code().into()),
        false => Ok(ExitCode::FAILURE),
    }
}

fn open() -> Request {
    let (missing, plan) = (Missing::Fail, Plan::of(Mode::Auto));
    let access = Access::Read;
    Request::Open {
        access,
        missing,
        plan,
    }
}

fn unstage<'a>(file: &Staged<'a>) -> (&'a CString, Request) {
    let handle = file.handle;
    (file.name, Request::Unstage { handle })
}

fn read_whole<'a>(file: &Staged<'a>) -> (&'a CString, Request) {
    let (handle, offset, len) = (file.handle, 0, file.len);
    (
        file.name,
        Request::Read {
            handle,
            offset,
            len,
        },
    )
}

/// Asks, with the path along if it is an open.
fn ask(files: &mut Files, tag: Tag, name: &CString, request: Request) -> Result<OpId, Reply> {
    let payload = match request {
        Request::Open { .. } => Payload::Path(name.clone()),
        _ => Payload::Nothing,
    };
    files.ask(tag, Tick::NEVER, request, payload)
}

/// Has all of this done, as many at once as the machine accepts, and shows each answer with the
/// place of its request.
fn have_done(
    files: &mut Files,
    requests: &[(&CString, Request)],
    mut answered: impl FnMut(usize, Answer),
) -> io::Result<()> {
    let (mut asked, mut pending) = (0, 0);
    loop {
        while files.may_ask() && asked < requests.len() {
            let (name, request) = requests[asked];
            match ask(files, Tag(asked as u64), name, request) {
                Ok(_) => pending += 1,
                // Full: once there is room, the same again.
                Err(_) if !files.may_ask() => break,
                Err(refused) => println!("{}: {refused:?}", name.to_string_lossy()),
            }
            asked += 1;
        }
        while let Some(answer) = files.next_answer() {
            pending -= 1;
            answered(answer.tag.0 as usize, answer);
        }
        if pending > 0 {
            files.wait()?;
        } else if asked == requests.len() {
            return Ok(());
        }
    }
}

/// Reads each file whole, and asks std for the same.
fn compare(files: &mut Files, staged: &[Staged<'_>], from: &str) -> io::Result<bool> {
    let reads: Vec<_> = staged.iter().map(read_whole).collect();
    let mut equal = 0;
    have_done(files, &reads, |at, answer| {
        match fs::read(staged[at].path) {
            Ok(bytes) if bytes == answer.bytes => equal += 1,
            _ => println!("{}: {:?}", staged[at].path.display(), answer.outcome),
        }
    })?;
    let all = equal == staged.len();
    let word = if all { "equal" } else { "NOT EQUAL" };
    println!("{equal} of {} read {from}: {word}", staged.len());
    Ok(all)
}

/// Writes what a file holds to another, makes that durable, and asks std what is there.
fn copy(files: &mut Files, from: &Staged<'_>) -> io::Result<bool> {
    let bytes = fs::read(from.path)?;
    let to = env::temp_dir().join(format!("staging-uring-loop-{}", process::id()));
    let name = CString::new(to.as_os_str().as_bytes())?;
    let open = Request::Open {
        access: Access::Write,
        missing: Missing::CreateNew,
        plan: Plan::of(Mode::None),
    };
    let Some(handle) = answer_to(files, open, Payload::Path(name))?.handle else {
        return Ok(false);
    };
    let (offset, len) = (0, bytes.len() as u64);
    let write = Request::Write {
        handle,
        offset,
        len,
        class: Class::Normal,
    };
    let wrote = answer_to(files, write, Payload::Bytes(bytes.clone()))?.outcome;
    let synced = answer_to(files, Request::Sync { handle }, Payload::Nothing)?.outcome;
    let equal = fs::read(&to)? == bytes;
    println!(
        "{wrote:?}, {synced:?}: {}",
        if equal { "equal" } else { "NOT EQUAL" }
    );
    files.drop_handle(handle);
    fs::remove_file(&to)?;
    Ok(equal && synced == Outcome::Synced)
}

/// Asks, and waits for the answer. Nothing else is under way.
fn answer_to(files: &mut Files, request: Request, payload: Payload) -> io::Result<Answer> {
    if let Err(refused) = files.ask(Tag(0), Tick::NEVER, request, payload) {
        return Err(io::Error::other(format!("{refused:?}")));
    }
    loop {
        match files.next_answer() {
            Some(answer) => return Ok(answer),
            None => files.wait()?,
        }
    }
}

/// The caller is answered at once; the kernel has the path and the buffers until it is through.
fn cancel_in_flight(files: &mut Files, file: &Staged<'_>) -> io::Result<()> {
    let Ok(op) = ask(files, Tag(0), file.name, open()) else {
        return Ok(());
    };
    while files.next_answer().is_some() {}
    files.ring.wait(Some(Duration::ZERO))?;
    files.cancel(op);
    let outcome = files.next_answer().map(|answer| answer.outcome);
    println!(
        "cancelled: {outcome:?}, {} call under way",
        files.ring.under_way()
    );
    let before = files.surplus;
    while files.ring.under_way() > 0 {
        files.wait()?;
        while files.next_answer().is_some() {}
    }
    println!("then its calls ended, {} surplus", files.surplus - before);
    Ok(())
}

/// The files of the command line, or the sources of this package.
fn named_or_own() -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                let place = if path.is_dir() {
                    &mut folders
                } else {
                    &mut paths
                };
                place.push(path);
            }
        }
    }
    Ok(paths)
}
