//! A process that something is to happen to: `rig_child replace|create|write PATH`. It says `begin`, does it
//! by driver-blocking on its one thread, says how that ended, and `end`. The new bytes are content 2.

#![expect(clippy::print_stdout, reason = "what it says is what it is run for")]

use driver_blocking::{Deadline, Mode, Stager};
use driver_kit::error::{errno, failure};
use std::error::Error;
use std::io;
use std::path::Path;
use tests::rig::protocols::content;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [what, path] = &words[..] else {
        return Err("rig_child replace|create|write PATH".into());
    };
    let path = Path::new(path);
    // Made before, so that what is counted is the protocol.
    let bytes = content(2);
    let stager = Stager::new();
    println!("begin");
    let ended = match &**what {
        "replace" => stager.replace(path, bytes).commit(),
        "create" => stager.replace(path, bytes).create_new(true).commit(),
        "write" => write(&stager, path, &bytes),
        other => return Err(format!("{other} is nothing to do").into()),
    };
    match ended {
        Ok(()) => println!("committed"),
        Err(error) => println!("{}", told(&error)),
    }
    println!("end");
    // What a stager still has to do at its end is not part of it.
    std::process::exit(0)
}

fn write(stager: &Stager, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = stager.options().mode(Mode::None).write(true).open(path)?;
    file.write_at(bytes, 0)?;
    file.set_len(bytes.len() as u64)?;
    file.sync(Deadline::Never)
}

/// How it failed, in one line.
fn told(error: &io::Error) -> String {
    let outcome = match failure(error) {
        Some(failure) if failure.is_indeterminate() => "indeterminate",
        Some(_) => "not committed",
        None => "untyped",
    };
    format!("{outcome} errno={:?} {error}", errno(error))
}
