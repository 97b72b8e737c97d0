//! Logs in plain bytes: files that are a `Vec`, for whoever damages them and reads them again.

pub mod hostile;
mod life;

pub use life::{Faulty, Life};

use driver_kit::log::{
    Checkpoint, Ending, Header, Identity, Ledger, Lengths, Next, Opened, Opening, Payloads,
    Prepared, Record, Recovery, Said, Step, Unsound, Upto, Which,
};

/// The two files of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The log.
    pub log: Option<Vec<u8>>,
    /// The snapshot.
    pub snapshot: Option<Vec<u8>>,
}

impl Files {
    fn of(&mut self, which: Which) -> &mut Option<Vec<u8>> {
        match which {
            Which::Log => &mut self.log,
            Which::Snapshot => &mut self.snapshot,
        }
    }

    /// Carries a step out; what it read.
    pub fn perform(&mut self, step: Step) -> Vec<u8> {
        match step {
            Step::Read { which, offset, len } => {
                let bytes = self.of(which).as_deref().unwrap_or_default();
                let from = (offset as usize).min(bytes.len());
                return bytes[from..bytes.len().min(from + len)].to_vec();
            }
            Step::Write { offset, bytes } => {
                let log = self.log.get_or_insert_default();
                let end = offset as usize + bytes.len();
                log.resize(log.len().max(end), 0);
                log[offset as usize..end].copy_from_slice(&bytes);
            }
            Step::Cut { len } => self.log.get_or_insert_default().truncate(len as usize),
            Step::Make { content } => self.log = Some(content),
            Step::Replace { which, content } => *self.of(which) = Some(content),
            Step::Sync | Step::Pause => {}
        }
        Vec::new()
    }

    /// How long they are.
    pub fn lengths(&self) -> Lengths {
        let len = |file: &Option<Vec<u8>>| file.as_ref().map(|bytes| bytes.len() as u64);
        Lengths {
            log: len(&self.log),
            snapshot: len(&self.snapshot),
        }
    }

    /// Opens the log for appending.
    ///
    /// # Errors
    /// It cannot be.
    pub fn open(&mut self) -> Result<Opened, Unsound> {
        let mut opening = Opening::new(self.lengths(), header(1, 1));
        let mut brought = Vec::new();
        loop {
            match opening.next(&brought)? {
                Said::Do(step) => brought = self.perform(step),
                Said::Ready(opened) => return Ok(opened),
            }
        }
    }

    /// Writes a snapshot, and cuts the log.
    ///
    /// # Errors
    /// The log is not what it was.
    pub fn checkpoint(
        &mut self,
        ledger: &mut Ledger,
        upto: Upto,
        payload: &[u8],
    ) -> Result<(), Unsound> {
        let mut checkpoint = Checkpoint::new(ledger, upto, payload, another(ledger))?;
        let mut brought = Vec::new();
        loop {
            match checkpoint.next(&brought)? {
                Said::Do(step) => {
                    if step == Step::Pause {
                        checkpoint.paused(ledger.mark());
                    }
                    brought = self.perform(step);
                }
                Said::Ready((cut, _)) => {
                    *ledger = cut;
                    return Ok(());
                }
            }
        }
    }

    /// Appends a record, synced or not.
    pub fn append(&mut self, ledger: &mut Ledger, payload: &[u8], synced: bool) -> u64 {
        let seq = ledger.mark().next;
        append(self.log.get_or_insert_default(), ledger, payload);
        if synced {
            ledger.synced(ledger.mark());
        }
        seq
    }
}

/// Appends a record to the bytes of a log.
#[expect(clippy::expect_used, reason = "no test has records that long")]
pub fn append(log: &mut Vec<u8>, ledger: &mut Ledger, payload: &[u8]) {
    let prepared = Prepared::new(ledger.key(), payload).expect("the record is short");
    let placed = ledger.place(prepared);
    assert_eq!(placed.offset, log.len() as u64);
    ledger.take(placed.bytes.len() as u64);
    log.extend_from_slice(&placed.bytes);
}

/// A header that is the same each time.
pub fn header(base: u64, file: u8) -> Header {
    Header {
        lineage: Identity([7; 16]),
        identity: Identity([file; 16]),
        base,
        sealed: driver_kit::log::HEADER,
    }
}

/// What no file of this log had before.
fn another(ledger: &Ledger) -> Identity {
    let Identity(mut bytes) = ledger.header().identity;
    bytes[0] = bytes[0].wrapping_add(1);
    Identity(bytes)
}

/// A log of these payloads; behind those for which it is said it was synced.
pub fn written(header: Header, payloads: &[(Vec<u8>, bool)]) -> Vec<u8> {
    let (mut log, mut ledger) = (header.encode().to_vec(), Ledger::begin(header));
    for (payload, synced) in payloads {
        append(&mut log, &mut ledger, payload);
        if *synced {
            ledger.synced(ledger.mark());
        }
    }
    log
}

/// Every record, and what the log is.
///
/// # Errors
/// Its header is not one.
pub fn read(bytes: &[u8], payloads: Payloads) -> Result<(Vec<Record>, Ending), Unsound> {
    let header = Header::decode(bytes)?;
    let mut recovery = Recovery::new(&header, bytes.len() as u64, payloads);
    let mut records = Vec::new();
    loop {
        match recovery.step() {
            Next::Read { offset, len } => {
                let from = (offset as usize).min(bytes.len());
                recovery.give(&bytes[from..bytes.len().min(from + len)]);
            }
            Next::Record(record) => records.push(record),
            Next::End(ending) => return Ok((records, ending)),
        }
    }
}
