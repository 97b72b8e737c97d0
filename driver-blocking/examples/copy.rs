//! Copies a file: staged once, then written in parts, made durable, and read again. The same
//! program stands beside the other drivers; compare them with diff.
//!
//! ```sh
//! cargo run -p driver-blocking --example copy FROM TO
//! ```

#![expect(clippy::print_stdout, reason = "it tells what it copied")]

use driver_blocking::{Deadline, Grace, Stager};
use std::{env, io};

/// How much is written at once.
const PART: usize = 256 << 10;

fn main() -> io::Result<()> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [from, to] = arguments.as_slice() else {
        return Err(io::Error::other("usage: copy FROM TO"));
    };
    let stager = Stager::new();
    let source = stager.open(from)?;
    let options = stager.options().write(true).create(true).truncate(true);
    let target = options.open(to)?;
    let mut at = 0;
    while at < source.len() {
        let bytes = source.bytes_at(at, PART)?;
        target.write_at(&bytes, at)?;
        at += bytes.len() as u64;
    }
    target.sync(Deadline::Never)?;
    println!(
        "{at} bytes from {} to {}",
        source.path().display(),
        target.path().display()
    );
    drop((source, target));
    let report = stager.shutdown(Grace::default());
    println!("{report}");
    Ok(())
}
