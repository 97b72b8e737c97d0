//! The core in a foreign loop: a hand-written mio (epoll) loop that also serves a socket.
//!
//! ```text
//!   peers ── lines ──►┌──────────┐── jobs ────────► channel ──► 2 workers   system calls
//!   peers ◄─ bytes ───│ the loop │◄── what ended ── channel ◄──────┤
//!                     └──────────┘◄── wake-up ───── mio::Waker ◄───┘
//! ```
//!
//! One thread owns the machine, its tables and all sockets, and blocks nowhere but in `poll`: for
//! as long as the machine says, or until a socket or a worker has news.
//!
//! A peer says a line and is answered `OK n` with n bytes, or `NO` with the reason:
//!
//! - `GET path offset len`: these bytes of that file, staged first if the budget has room.
//! - `ADD path text`: this text at the end of that file, which is created if it is missing; says
//!   where it stands.
//! - `STAT`: how many operations there were so far.
//! - `WITHIN ms`: from now on, it waits no longer than this for an answer.
//! - `QUIT`: everything is finished and given back; then all peers hear `BYE`.
//!
//! Without arguments it is its own peer, and shows what came. With `serve` it waits for others; it
//! gives whoever may connect any file you may read, so it listens on this host alone.
//!
//! Read `files.rs` first: steps 1 to 3 of the loop, where the core is. Step 4 is in `server.rs`; what
//! a `GET` is made of, in `errands.rs`.
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

mod calls;
mod demo;
mod errands;
mod files;
mod peer;
mod server;
mod workers;

use server::Server;
use std::{env, io, process::ExitCode, thread};

fn main() -> io::Result<ExitCode> {
    let server = Server::bind()?;
    let address = server.address()?;
    println!("listening on {address}");
    let peer = match env::args().nth(1).as_deref() {
        Some("serve") => None,
        _ => Some(thread::spawn(move || demo::ask_for_a_few(address))),
    };
    let report = server.run()?;
    if let Some(asked) = peer.and_then(|peer| peer.join().ok()) {
        asked?;
    }
    println!("{report:?}");
    Ok(report.exit_code().into())
}
