//! A log on the simulated disk: the protocols of the kit, step by step, until the power is cut.

use driver_kit::log::{
    Checkpoint, Header, Identity, Ledger, Lengths, Opened, Opening, Payloads, Prepared, Said, Step,
    Unsound, Upto, Which,
};
use driver_sim::{Answer, Dice, Disk, Payload, Setup, Simulation, TicketNumber};
use staging_core::{
    Access, Class, Durability, Existing, Fault, HandleId, Key, Limits, Missing, Mode, Outcome,
    Plan, Request, Tick,
};
use std::collections::{BTreeMap, VecDeque};

const PATHS: [&str; 2] = ["/d/log", "/d/log.snapshot"];

/// Why an operation did not come to its end.
#[derive(Debug)]
pub enum Faulty {
    /// The power is cut.
    Cut,
    /// The disk said no.
    Disk(Fault),
    /// The log is not sound, which it always is.
    Unsound(Unsound),
}

type Outcomes<T> = Result<T, Faulty>;

/// A log, and what may be in it.
pub struct Life {
    simulation: Simulation,
    dice: Dice,
    /// So many steps are left before the power is cut.
    left: u64,
    handles: [Option<HandleId>; 2],
    ledger: Option<Ledger>,
    upto: u64,
    pending: VecDeque<(u64, TicketNumber)>,
    identities: u8,
    /// Every record that may be found, by its number.
    accepted: BTreeMap<u64, Vec<u8>>,
    /// Up to where records were promised.
    promised: u64,
}

impl Life {
    /// A log on a disk, for so many steps.
    pub fn on(disk: Disk, seed: u64, steps: u64) -> Life {
        let setup = Setup {
            record: false,
            lazy: [0, 300][seed as usize % 2],
            limits: Limits {
                chunk: 2_000,
                ..Limits::default()
            },
            ..Setup::of(seed)
        };
        Life {
            simulation: Simulation::new(disk, setup),
            dice: Dice::of(seed ^ 0x10c),
            left: steps,
            handles: [None; 2],
            ledger: None,
            upto: 0,
            pending: VecDeque::new(),
            identities: 0,
            accepted: BTreeMap::new(),
            promised: 0,
        }
    }

    /// The disk.
    pub const fn disk(&self) -> &Disk {
        self.simulation.disk()
    }

    /// The disk, to be changed.
    pub const fn disk_mut(&mut self) -> &mut Disk {
        self.simulation.disk_mut()
    }

    /// The dice of the story.
    pub const fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }

    /// The power is lost, and comes back; it holds for so many steps.
    #[must_use]
    pub fn power_loss(mut self, steps: u64) -> Life {
        self.simulation = self.simulation.power_loss();
        self.begin_anew(steps)
    }

    /// The process ends, and another begins on the disk as it is.
    #[must_use]
    pub fn restart(mut self, steps: u64) -> Life {
        self.simulation = self.simulation.restart();
        self.begin_anew(steps)
    }

    fn begin_anew(mut self, steps: u64) -> Life {
        self.left = steps;
        self.handles = [None; 2];
        self.ledger = None;
        self.pending.clear();
        self
    }

    /// The number of the last record that was accepted.
    pub fn last(&self) -> u64 {
        self.ledger
            .as_ref()
            .map_or(0, |ledger| ledger.mark().next - 1)
    }

    /// Up to which record the snapshot stands for them.
    pub const fn upto(&self) -> u64 {
        self.upto
    }

    fn submit(&mut self, request: Request, payload: Payload<'_>) -> Outcomes<TicketNumber> {
        let asked = self.simulation.submit(request, payload, Tick::NEVER);
        asked.map_err(|_| Faulty::Disk(Fault::SyncFailed))
    }

    fn wait(&mut self, ticket: TicketNumber) -> Outcomes<Answer> {
        loop {
            if let Some(answer) = self.simulation.answer(ticket) {
                return match answer.outcome {
                    Outcome::SyncFailed { fault, .. } => Err(Faulty::Disk(fault)),
                    _ => answer
                        .fault()
                        .map_or(Ok(answer), |fault| Err(Faulty::Disk(fault))),
                };
            }
            if self.left == 0 || !self.simulation.step() {
                return Err(Faulty::Cut);
            }
            self.left -= 1;
        }
    }

    fn ask(&mut self, request: Request, payload: Payload<'_>) -> Outcomes<Answer> {
        let ticket = self.submit(request, payload)?;
        self.wait(ticket)
    }

    fn open_file(&mut self, which: Which) -> Outcomes<()> {
        let request = Request::Open {
            access: Access::Write,
            missing: Missing::Fail,
            plan: Plan::of(Mode::None),
        };
        let answer = self.ask(request, Payload::Path(PATHS[which as usize]))?;
        let before = std::mem::replace(&mut self.handles[which as usize], answer.handle);
        if let Some(before) = before {
            self.simulation.drop_handle(before);
        }
        Ok(())
    }

    fn replace(&mut self, which: Which, bytes: Vec<u8>, existing: Existing) -> Outcomes<()> {
        let request = Request::Replace {
            target: Key([1, which as u64]),
            len: bytes.len() as u64,
            durability: Durability::FileAndDirectory,
            existing,
        };
        let path = PATHS[which as usize];
        self.ask(request, Payload::Content { path, bytes })?;
        self.open_file(which)
    }

    fn handle(&self, which: Which) -> Outcomes<HandleId> {
        self.handles[which as usize].ok_or(Faulty::Unsound(Unsound::Undecided))
    }

    fn perform(&mut self, step: Step) -> Outcomes<Vec<u8>> {
        match step {
            Step::Read { which, offset, len } => {
                let (handle, len) = (self.handle(which)?, len as u64);
                let request = Request::Read {
                    handle,
                    offset,
                    len,
                };
                return Ok(self.ask(request, Payload::Nothing)?.bytes);
            }
            Step::Write { offset, bytes } => {
                let (handle, len) = (self.handle(Which::Log)?, bytes.len() as u64);
                let request = Request::Write {
                    handle,
                    offset,
                    len,
                    class: Class::Normal,
                };
                self.ask(request, Payload::Bytes(bytes))?;
            }
            Step::Cut { len } => {
                let handle = self.handle(Which::Log)?;
                self.ask(
                    Request::SetLength {
                        handle,
                        len,
                        class: Class::Normal,
                    },
                    Payload::Nothing,
                )?;
            }
            Step::Sync => {
                let handle = self.handle(Which::Log)?;
                self.ask(Request::Sync { handle }, Payload::Nothing)?;
            }
            Step::Make { content } => self.replace(Which::Log, content, Existing::Fail)?,
            Step::Replace { which, content } => self.replace(which, content, Existing::Replace)?,
            Step::Pause => self.settle()?,
        }
        Ok(Vec::new())
    }

    fn settle(&mut self) -> Outcomes<()> {
        while let Some((_, ticket)) = self.pending.front().copied() {
            self.wait(ticket)?;
            self.pending.pop_front();
        }
        Ok(())
    }

    fn identity(&mut self) -> Identity {
        self.identities += 1;
        Identity([self.identities; 16])
    }

    /// Opens the log, and holds what is found against what was accepted and promised.
    ///
    /// # Errors
    /// The power is cut first; or what should not be.
    pub fn open(&mut self) -> Outcomes<Opened> {
        let mut lengths = [None; 2];
        for which in [Which::Log, Which::Snapshot] {
            let found = self.simulation.disk().cached(PATHS[which as usize]);
            lengths[which as usize] = found.map(|bytes| bytes.len() as u64);
            if found.is_some() {
                self.open_file(which)?;
            }
        }
        let [log, snapshot] = lengths;
        let fresh = Header {
            lineage: self.identity(),
            identity: self.identity(),
            ..Header::begin()
        };
        let mut opening = Opening::new(Lengths { log, snapshot }, fresh);
        let mut brought = Vec::new();
        let opened = loop {
            match opening.next(&brought).map_err(Faulty::Unsound)? {
                Said::Do(step) => brought = self.perform(step)?,
                Said::Ready(opened) => break opened,
            }
        };
        self.upto = opened.snapshot.map_or(0, |snapshot| snapshot.upto);
        self.ledger = Some(opened.ledger.clone());
        self.judge();
        Ok(opened)
    }

    /// Snapshot and log together are exactly the first records that were accepted, and have all that
    /// were promised; from now on they are promised.
    fn judge(&mut self) {
        let found = self.found();
        let records: Vec<u64> = found.keys().copied().collect();
        let last = records.len() as u64;
        assert_eq!(records, (1..=last).collect::<Vec<_>>(), "holes or doubles");
        assert!(
            last >= self.promised,
            "{last} found, {} promised",
            self.promised
        );
        for (seq, payload) in &found {
            assert_eq!(Some(payload), self.accepted.get(seq), "record {seq}");
        }
        assert_eq!(last, self.last());
        (self.accepted, self.promised) = (found, last);
    }

    /// What the snapshot stands for, and the records behind it.
    fn found(&self) -> BTreeMap<u64, Vec<u8>> {
        let disk = self.simulation.disk();
        let mut found = BTreeMap::new();
        if let Some(bytes) = disk.cached(PATHS[1]) {
            let payload = &bytes[driver_kit::log::SNAPSHOT_HEADER as usize..];
            let mut rest = payload;
            while let Some((head, behind)) = rest.split_at_checked(2) {
                let len = usize::from(u16::from_le_bytes([head[0], head[1]]));
                let (record, behind) = behind.split_at(len);
                found.insert(found.len() as u64 + 1, record.to_vec());
                rest = behind;
            }
            assert_eq!(found.len() as u64, self.upto);
        }
        let log = disk.cached(PATHS[0]).unwrap_or_default();
        let (records, _) = super::read(log, Payloads::Kept).unwrap_or_else(|why| unreadable(&why));
        for record in records {
            let before = found.insert(record.seq, record.payload.clone());
            let same = before.is_none_or(|before| before == record.payload);
            assert!(same, "record {} is another one in the snapshot", record.seq);
        }
        found
    }

    /// Asks for an append, and goes on.
    ///
    /// # Errors
    /// The file takes no more.
    pub fn append(&mut self, payload: Vec<u8>) -> Outcomes<()> {
        let handle = self.handle(Which::Log)?;
        let Some(ledger) = &mut self.ledger else {
            return Err(Faulty::Unsound(Unsound::Undecided));
        };
        let Some(prepared) = Prepared::new(ledger.key(), &payload) else {
            return Err(Faulty::Unsound(Unsound::TooLong { len: 0 }));
        };
        let placed = ledger.place(prepared);
        let (offset, len) = (placed.offset, placed.bytes.len() as u64);
        let request = Request::Write {
            handle,
            offset,
            len,
            class: Class::Normal,
        };
        ledger.take(len);
        self.accepted.insert(placed.seq, payload);
        let ticket = self.submit(request, Payload::Bytes(placed.bytes))?;
        self.pending.push_back((placed.seq, ticket));
        Ok(())
    }

    /// Makes durable what was accepted.
    ///
    /// # Errors
    /// The power is cut, or the disk says no.
    pub fn sync(&mut self) -> Outcomes<()> {
        let handle = self.handle(Which::Log)?;
        let ticket = self.submit(Request::Sync { handle }, Payload::Nothing)?;
        let Some(mark) = self.ledger.as_ref().map(Ledger::mark) else {
            return Ok(());
        };
        // Others append meanwhile.
        if self.dice.permille(300) {
            let payload = self.payload();
            self.append(payload)?;
        }
        self.wait(ticket)?;
        while let Some((seq, ticket)) = self.pending.front().copied()
            && seq < mark.next
        {
            self.wait(ticket)?;
            self.pending.pop_front();
        }
        if let Some(ledger) = &mut self.ledger {
            ledger.synced(mark);
        }
        self.promised = self.promised.max(mark.next - 1);
        Ok(())
    }

    /// Writes a snapshot up to a record, and cuts the log.
    ///
    /// # Errors
    /// The power is cut, or the disk says no.
    pub fn checkpoint(&mut self, upto: u64) -> Outcomes<()> {
        let mut snapshot = Vec::new();
        for (_, payload) in self.accepted.range(..=upto) {
            snapshot.extend_from_slice(&(payload.len() as u16).to_le_bytes());
            snapshot.extend_from_slice(payload);
        }
        let (fresh, upto) = (
            self.identity(),
            Upto {
                seq: upto,
                before: self.upto,
            },
        );
        let Some(ledger) = &self.ledger else {
            return Err(Faulty::Unsound(Unsound::Undecided));
        };
        let begun = Checkpoint::new(ledger, upto, &snapshot, fresh);
        let mut checkpoint = begun.map_err(Faulty::Unsound)?;
        let (mut brought, mut others_append) = (Vec::new(), true);
        loop {
            match checkpoint.next(&brought).map_err(Faulty::Unsound)? {
                Said::Do(Step::Sync) => self.sync()?,
                Said::Do(step) => {
                    let pauses = step == Step::Pause;
                    others_append &= !pauses;
                    brought = self.perform(step)?;
                    if let (true, Some(ledger)) = (pauses, &self.ledger) {
                        checkpoint.paused(ledger.mark());
                    }
                    if others_append && self.dice.permille(300) {
                        let payload = self.payload();
                        self.append(payload)?;
                    }
                }
                Said::Ready((ledger, snapshot)) => {
                    self.promised = self.promised.max(ledger.mark().next - 1);
                    (self.ledger, self.upto) = (Some(ledger), snapshot.upto);
                    return Ok(());
                }
            }
        }
    }

    /// A record, of any length.
    pub fn payload(&mut self) -> Vec<u8> {
        let len = self.dice.below(700);
        (0..len).map(|_| self.dice.any() as u8 | 1).collect()
    }
}

#[expect(clippy::panic, reason = "a log that was just opened can be read")]
fn unreadable(why: &Unsound) -> (Vec<driver_kit::log::Record>, driver_kit::log::Ending) {
    panic!("{why}")
}
