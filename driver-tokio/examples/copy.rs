//! Copies a file: staged once, then written in parts, made durable, and read again. The same
//! program stands beside the other drivers; compare them with diff.
//!
//! ```sh
//! cargo run -p driver-tokio --example copy FROM TO
//! ```

#![expect(clippy::print_stdout, reason = "it tells what it copied")]

use driver_tokio::{Deadline, Grace, Stager};
use std::{env, io};

/// How much is written at once.
const PART: usize = 256 << 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [from, to] = arguments.as_slice() else {
        return Err(io::Error::other("usage: copy FROM TO"));
    };
    let stager = Stager::new()?;
    let source = stager.open(from).await?;
    let options = stager.options().write(true).create(true).truncate(true);
    let target = options.open(to).await?;
    let mut at = 0;
    while at < source.len() {
        let bytes = source.read_at(at, PART).await?;
        target.write_at(at, bytes.clone()).await?;
        at += bytes.len() as u64;
    }
    target.sync(Deadline::Never).await?;
    println!(
        "{at} bytes from {} to {}",
        source.path().display(),
        target.path().display()
    );
    drop((source, target));
    let report = stager.shutdown(Grace::default()).await;
    println!("{report}");
    Ok(())
}
