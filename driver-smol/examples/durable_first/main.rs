//! Durable first: each line of standard input is made durable and acknowledged before anybody looks at it.
//! Whether it is valid, and what is to be added to it, is found out later, or never; a look that fails or
//! hangs holds no acknowledgement up, and a kill at any moment loses no line that was acknowledged.
//!
//! ```sh
//! seq 5 | cargo run -p driver-smol --example durable_first FOLDER
//! cat FOLDER/notes
//! ```

#![expect(clippy::print_stdout, reason = "it acknowledges what it took in")]

mod desk;

use driver_smol::{Grace, Stager};
use std::path::Path;
use std::time::Duration;
use std::{env, io};

/// So long a look at one line may take.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> io::Result<()> {
    smol::block_on(durable_first())
}

async fn durable_first() -> io::Result<()> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [folder] = arguments.as_slice() else {
        return Err(io::Error::other("usage: durable_first FOLDER"));
    };
    let stager = Stager::new();
    let (intake, follower) = desk::open(&stager, Path::new(folder), PATIENCE).await?;
    let following = smol::spawn(follower.follow(number));
    // Waiting for a line blocks this thread; the follower has another.
    for line in io::stdin().lines() {
        let stored = intake.take(line?.as_bytes()).await?;
        println!("stored {stored}");
    }
    // No more will come: the follower ends when he has seen it all.
    drop(intake);
    following.await?;
    println!("{}", stager.shutdown(Grace::default()).await);
    Ok(())
}

/// Here a record is valid if it is a number, and its square is worth knowing.
fn number(raw: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(raw).map_err(|error| error.to_string())?;
    let number: u64 = text
        .trim()
        .parse()
        .map_err(|_| "it is no number".to_owned())?;
    number
        .checked_mul(number)
        .map(|square| format!("its square is {square}"))
        .ok_or_else(|| "its square is too large".to_owned())
}
