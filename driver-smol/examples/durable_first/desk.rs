//! Where records come in, and where somebody looks at them later.
//!
//! ```text
//!   record ──► Intake: appended, durable ──► acknowledged      it is there, and *pending*
//!                          │
//!                          ▼ later, or never
//!                      Follower: looks at it ──► notes         it is *enriched*, or *refused*
//! ```
//!
//! The log has the raw records, and nobody ever changes one. What is known of them stands in another file, so
//! nothing that looks at records is between a record and the disk. A record without a note is pending; where
//! the notes end is where the follower goes on, whenever he is there again.

use driver_smol::{Log, Scope, Stager};
use smol::channel::{Receiver, Sender, unbounded};
use smol::{Timer, future};
use std::fs;
use std::io;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many records are looked at before it is noted what came of it.
const TOGETHER: u64 = 64;

/// Looks at a raw record: what is to be noted of it, or why it is refused.
pub(crate) type Enrich = fn(&[u8]) -> Result<String, String>;

/// Takes records in.
#[derive(Debug)]
pub(crate) struct Intake {
    log: Log,
    grown: Sender<u64>,
}

/// Looks at records that were taken in.
#[derive(Debug)]
pub(crate) struct Follower {
    stager: Stager,
    log: Log,
    notes: PathBuf,
    grown: Receiver<u64>,
    patience: Duration,
}

/// Opens the desk in a folder: what was acknowledged in an earlier life is there, looked at or not. A follower
/// waits so long for what is to come of one record.
///
/// # Errors
/// The log is open in another process, or damaged; what the system said.
pub(crate) async fn open(
    stager: &Stager,
    folder: &Path,
    patience: Duration,
) -> io::Result<(Intake, Follower)> {
    let log = stager.log(folder.join("records")).open().await?;
    let (grown, heard) = unbounded();
    // What an earlier life took in, nobody else tells.
    let _ = grown.try_send(log.last());
    let follower = Follower {
        stager: stager.clone(),
        log: log.clone(),
        notes: folder.join("notes"),
        grown: heard,
        patience,
    };
    Ok((Intake { log, grown }, follower))
}

impl Intake {
    /// Takes a record in, whatever is in it, and says its number: it is durable, and pending. Nobody looks at
    /// it before that.
    ///
    /// # Errors
    /// It could not be made durable, and so must not be acknowledged.
    ///
    /// # Cancel safety
    /// Dropped, the record is taken in, or is not; nobody was promised anything.
    pub(crate) async fn take(&self, record: &[u8]) -> io::Result<u64> {
        let number = self.log.append_durable(record).await?;
        // There may be no follower.
        let _ = self.grown.try_send(number);
        Ok(number)
    }
}

impl Follower {
    /// Looks at every record, the oldest pending one first, for as long as there is an intake. What cannot be
    /// enriched is refused, and what takes too long is too; its raw bytes stay where they are.
    ///
    /// # Errors
    /// The log could not be read, or the notes not be written. The records that were not noted are pending.
    ///
    /// # Cancel safety
    /// Dropped, what was not noted is pending.
    pub(crate) async fn follow(self, enrich: Enrich) -> io::Result<()> {
        let mut noted = count(&fs::read(&self.notes).or_else(none_if_missing)?);
        while let Ok(mut last) = self.grown.recv().await {
            while let Ok(more) = self.grown.try_recv() {
                last = last.max(more);
            }
            if noted < last {
                noted = self.look(noted, enrich).await?;
            }
        }
        Ok(())
    }

    /// Looks at the records behind those that are noted, and notes them. Says how many are noted then.
    async fn look(&self, mut noted: u64, enrich: Enrich) -> io::Result<u64> {
        let mut lines = String::new();
        // From the first record on: whoever has millions of them keeps where he was.
        let mut records = self.log.records();
        let mut looked = noted;
        while let Some(record) = records.next().await? {
            if record.seq <= noted {
                continue;
            }
            let said = self.ask(record.payload, enrich).await;
            lines.push_str(&format!("{} {said}\n", record.seq));
            looked = record.seq;
            if looked - noted >= TOGETHER {
                self.note(std::mem::take(&mut lines)).await?;
                noted = looked;
            }
        }
        self.note(lines).await?;
        Ok(looked)
    }

    async fn note(&self, lines: String) -> io::Result<()> {
        let update = self.stager.update(&self.notes, move |old| {
            let old = old.unwrap_or_default();
            Ok([&old[..], lines.as_bytes()].concat())
        });
        update.scope(Scope::System).await
    }

    /// What is to be noted of one record. It is asked on a thread of its own, which may hang.
    async fn ask(&self, raw: Vec<u8>, enrich: Enrich) -> String {
        let asked = smol::unblock(move || catch_unwind(|| enrich(&raw)));
        let answered = async { Some(asked.await) };
        let late = async {
            Timer::after(self.patience).await;
            None
        };
        match future::or(answered, late).await {
            Some(Ok(Ok(more))) => format!("enriched: {more}"),
            Some(Ok(Err(why))) => format!("refused: {why}"),
            Some(Err(_)) => "refused: whoever looked at it panicked".to_owned(),
            None => "refused: whoever looked at it took too long".to_owned(),
        }
    }
}

fn none_if_missing(error: io::Error) -> io::Result<Vec<u8>> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(Vec::new()),
        _ => Err(error),
    }
}

fn count(notes: &[u8]) -> u64 {
    notes.iter().filter(|byte| **byte == b'\n').count() as u64
}
