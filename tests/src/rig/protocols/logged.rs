//! A log: what was appended, and what must be in it when the power went (L1, L2).

use super::Position;
use super::content::content;
use driver_blocking::{Log, Record, Snapshot, Stager};
use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::path::Path;

/// One record that was appended and acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Appended {
    pub(super) seq: u64,
    /// The number of its content.
    pub(super) number: u64,
    /// Where it was acknowledged as durable, if it was.
    pub(super) durable: Option<Position>,
}

/// One checkpoint that was acknowledged: its snapshot is the content of the number of its last record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) upto: u64,
    pub(super) told: Position,
}

/// Everything that was done with one log, in any order.
#[derive(Clone, Debug)]
pub struct Logged {
    pub(super) name: &'static str,
    /// Where it was said that there is one.
    pub(super) opened: Position,
    pub(super) appended: Vec<Appended>,
    pub(super) cuts: Vec<Cut>,
}

impl Logged {
    pub(super) const fn new(name: &'static str, opened: Position) -> Logged {
        Logged {
            name,
            opened,
            appended: Vec::new(),
            cuts: Vec::new(),
        }
    }

    pub(super) fn told(&self) -> impl Iterator<Item = Position> {
        let durable = self.appended.iter().filter_map(|one| one.durable);
        let cuts = self.cuts.iter().map(|cut| cut.told);
        [self.opened].into_iter().chain(durable).chain(cuts)
    }

    /// What each record holds, by its number.
    fn contents(&self) -> Result<BTreeMap<u64, u64>, String> {
        let contents: BTreeMap<u64, u64> = self
            .appended
            .iter()
            .map(|one| (one.seq, one.number))
            .collect();
        let last = self.appended.len() as u64;
        match contents.keys().copied().eq(1..=last) {
            true => Ok(contents),
            false => Err(format!("{}: some numbers were given twice", self.name)),
        }
    }

    /// How many records are there, and that they are what they must be; then that the log goes on.
    pub(super) fn check(&self, at: &Path, cut: Position) -> Result<u64, Box<dyn Error>> {
        let (stager, path) = (Stager::new(), at.join(self.name));
        let wrong = |what: String| format!("{}: {what}", self.name);
        let promised = self.promised(cut);
        match stager.log(&path).verify() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.opened > cut => {
                return Ok(0);
            }
            Err(error) => return Err(wrong(error.to_string()).into()),
        }
        let mut reader = stager.log(&path).read()?;
        let snapshot = reader.snapshot()?;
        let records: Vec<Record> = (&mut reader).collect::<io::Result<_>>()?;
        let last = self
            .judge(snapshot.as_ref(), &records, cut)
            .map_err(wrong)?;
        if last < promised {
            return Err(wrong(format!("ends with record {last}, {promised} was promised")).into());
        }
        self.go_on(&stager.log(&path).open()?, last, &records)?;
        Ok(last)
    }

    /// The last record that was acknowledged as durable by then, or by a checkpoint.
    fn promised(&self, cut: Position) -> u64 {
        let durable = self
            .appended
            .iter()
            .filter(|one| one.durable.is_some_and(|told| told <= cut))
            .map(|one| one.seq);
        durable.max().unwrap_or(0).max(self.cut_by(cut))
    }

    /// Up to which record a snapshot was acknowledged by then.
    fn cut_by(&self, cut: Position) -> u64 {
        let cuts = self.cuts.iter().filter(|one| one.told <= cut);
        cuts.map(|one| one.upto).max().unwrap_or(0)
    }

    /// The number of the last record, in the log or the snapshot: every one is there once, in order.
    fn judge(
        &self,
        snapshot: Option<&Snapshot>,
        records: &[Record],
        cut: Position,
    ) -> Result<u64, String> {
        let contents = self.contents()?;
        let upto = snapshot.map_or(0, |snapshot| snapshot.upto);
        if upto < self.cut_by(cut) {
            return Err(format!("the snapshot stands for {upto} records"));
        }
        if let Some(snapshot) = snapshot {
            let known = self.cuts.iter().any(|cut| cut.upto == snapshot.upto);
            if !known || content(snapshot.upto) != snapshot.bytes {
                return Err(format!("the snapshot up to {upto} is none that was given"));
            }
        }
        let mut last = upto;
        for record in records {
            if record.seq != last + 1 {
                return Err(format!("record {} comes after {last}", record.seq));
            }
            let number = contents
                .get(&record.seq)
                .ok_or("a record came from nowhere")?;
            if content(*number) != record.payload {
                return Err(format!("record {} is another", record.seq));
            }
            last = record.seq;
        }
        Ok(last)
    }

    /// It is opened, appended to, and has what it had and that.
    fn go_on(&self, log: &Log, last: u64, before: &[Record]) -> Result<(), Box<dyn Error>> {
        let payload = content(99_999);
        let seq = log.append_durable(&payload)?;
        let after: Vec<Record> = log.records().collect::<io::Result<_>>()?;
        let (new, old) = after.split_last().ok_or("the log is empty")?;
        match seq == last + 1 && new.seq == seq && new.payload == payload && old == before {
            true => Ok(()),
            false => Err(format!("{}: record {seq} does not follow {last}", self.name).into()),
        }
    }
}
