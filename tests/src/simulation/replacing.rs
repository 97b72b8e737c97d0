//! Replaces (A1, A2, A4): what each path may hold, whole, now and after a loss of power.

use super::model::fill;
use super::profile::{CREATED, OURS, Profile, REPLACED, THEIRS, WAYS};
use super::world::{Asked, Cut, Verdict, World};
use driver_sim::{Payload, Stranger, TicketNumber as Ticket, Trouble};
use staging_core::{Done, Durability, Existing, IoKind, Key, Outcome, ReplaceStep, Request, Tick};

/// How a replace ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ended {
    /// Nobody knows, or not yet.
    Open,
    Committed,
    /// The path must never have it.
    NotCommitted,
}

/// A content that was to be given to a path.
#[derive(Clone, Debug)]
struct Content {
    ticket: u64,
    bytes: Option<Vec<u8>>,
    durability: Durability,
    ended: Ended,
}

impl Content {
    /// What is there whatever happens.
    fn durable(bytes: Option<Vec<u8>>) -> Content {
        Content {
            // Nobody asked for it.
            ticket: u64::MAX,
            bytes,
            durability: Durability::FileAndDirectory,
            ended: Ended::Committed,
        }
    }

    /// Whether this may be it: whole, but after a loss of power where nothing was asked to survive.
    fn is(&self, found: Option<&[u8]>, image: Image) -> bool {
        match (&self.bytes, found) {
            (Some(bytes), Some(found)) => {
                let torn = image == Image::Durable && self.durability == Durability::None;
                let pairs = found.iter().zip(bytes);
                let mut parts = pairs.map(|(found, whole)| found == whole || *found == 0);
                bytes == found || (torn && found.len() <= bytes.len() && parts.all(|part| part))
            }
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

/// What is looked at: what a reader sees, or what the disk has for certain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Image {
    Seen,
    Durable,
}

/// What a path may hold, in the order of acceptance, which is that of publication.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    path: &'static str,
    contents: Vec<Content>,
}

impl Line {
    /// The contents that may be found: none from before the last that was promised.
    fn check(&self, found: Option<&[u8]>, image: Image) -> Verdict {
        let promised = |one: &Content| {
            let kept = image == Image::Seen || one.durability == Durability::FileAndDirectory;
            one.ended == Ended::Committed && kept
        };
        let first = self.contents.iter().rposition(promised).unwrap_or(0);
        let mut may = self.contents[first..]
            .iter()
            .filter(|one| one.ended != Ended::NotCommitted);
        if may.any(|one| one.is(found, image)) {
            return Ok(());
        }
        let which = self.contents.iter().find(|one| one.is(found, image));
        let told = |one: &Content| (one.ticket, one.durability, one.ended);
        Err(format!(
            "A1: {} {image:?} has {:?} bytes, those of {:?}; not older than {:?} it may be",
            self.path,
            found.map(<[u8]>::len),
            which.map(told),
            self.contents.get(first).map(told),
        ))
    }

    /// What is older than what is durable comes back no more.
    fn forget(&mut self) {
        let safe = |one: &Content| {
            one.ended == Ended::Committed && one.durability == Durability::FileAndDirectory
        };
        let first = self.contents.iter().rposition(safe).unwrap_or(0);
        self.contents.drain(..first);
    }
}

impl World<'_> {
    pub(super) fn lay_out_replaced(&mut self) {
        for path in REPLACED {
            let bytes = self.sim.disk().cached(path).map(<[u8]>::to_vec);
            let contents = vec![Content::durable(bytes)];
            self.lines.push(Line { path, contents });
        }
    }

    /// One to four of them, so that they are at work together.
    pub(super) fn request_replaces(&mut self, profile: &Profile, deadline: Tick) -> Verdict {
        let shared = self.sim.under_way().filter(|(_, kind)| match kind {
            IoKind::Replace {
                step: ReplaceStep::SyncFile { files },
                ..
            } => *files > 1,
            _ => false,
        });
        self.tally.files_synced_together += shared.count() as u64;
        for _ in 0..self.dice.between(1, 4) {
            let at = self.dice.below(REPLACED.len() as u64) as usize;
            let len = self.dice.between(16, 16 + profile.most_bytes);
            let durability = self.dice.one_of(&[
                Durability::FileAndDirectory,
                Durability::FileAndDirectory,
                Durability::File,
                Durability::None,
            ]);
            let usual = Existing::Replace;
            let existing =
                self.dice
                    .one_of(&[usual, usual, usual, Existing::ReplaceLink, Existing::Fail]);
            let request = Request::Replace {
                target: Key([0x53, at as u64]),
                len,
                durability,
                existing,
            };
            let mut bytes = vec![0; len as usize];
            fill(self.sim.next_ticket().0, &mut bytes);
            let path = self.lines[at].path;
            let payload = Payload::Content {
                path,
                bytes: bytes.clone(),
            };
            match self.sim.submit_op(request, payload, deadline) {
                Ok((Ticket(ticket), op)) => {
                    self.tally.replaces += 1;
                    self.lines[at].contents.push(Content {
                        ticket,
                        bytes: Some(bytes),
                        durability,
                        ended: Ended::Open,
                    });
                    self.asked.push(Asked::of(ticket, op, request));
                }
                Err(_) => self.tally.rejected += 1,
            }
            self.listen()?;
        }
        Ok(())
    }

    /// Committed, its path has it, and nothing older; the disk, if that was asked (A1, A4). Not committed,
    /// its path has it never.
    pub(super) fn replace_ended(&mut self, ticket: u64, outcome: Outcome) -> Verdict {
        let line = self.lines.iter().position(|line| {
            let mut tickets = line.contents.iter().map(|one| one.ticket);
            tickets.any(|one| one == ticket)
        });
        let Some(line) = line else {
            // A later one of its path was durable before.
            return Ok(());
        };
        let contents = &mut self.lines[line].contents;
        let Some(content) = contents.iter_mut().find(|one| one.ticket == ticket) else {
            return Ok(());
        };
        content.ended = match outcome {
            Outcome::Replaced => Ended::Committed,
            Outcome::Failed {
                done: Done::Nothing,
                ..
            } => Ended::NotCommitted,
            _ => Ended::Open,
        };
        self.tally.replaced += u64::from(content.ended == Ended::Committed);
        self.check_replaced(line)
            .map_err(|wrong| format!("{wrong}; {ticket} was answered {outcome:?}"))?;
        if !self.liars {
            self.lines[line].forget();
        }
        Ok(())
    }

    fn check_replaced(&mut self, line: usize) -> Verdict {
        self.tally.checks += 2;
        let line = &self.lines[line];
        let disk = self.sim.disk();
        line.check(disk.cached(line.path), Image::Seen)?;
        match line.check(disk.durable(line.path).as_deref(), Image::Durable) {
            Err(_) if self.liars => {
                self.tally.lies_seen += 1;
                Ok(())
            }
            checked => checked,
        }
    }

    /// The power was lost, or the process ended: every path has what it may, and beside them is nothing but
    /// temporary files (A1, A2). Those go now, as a first replace in their directory would have it.
    pub(super) fn replaced_survived(&mut self, cut: Cut) -> Verdict {
        for line in &mut self.lines {
            self.tally.checks += 1;
            let found = self.sim.disk().cached(line.path);
            let checked = match cut {
                Cut::Power => line.check(found, Image::Durable),
                Cut::Process => line.check(found, Image::Seen),
            };
            if let Err(wrong) = checked {
                match self.liars && cut == Cut::Power {
                    true => self.tally.lies_seen += 1,
                    false => return Err(format!("{wrong}; after {cut:?} was cut")),
                }
            }
            if cut == Cut::Power {
                let bytes = found.map(<[u8]>::to_vec);
                line.contents = vec![Content::durable(bytes)];
            }
        }
        let known = |path: &str| {
            let all = OURS.iter().chain(&CREATED).chain(&THEIRS).chain(&WAYS);
            all.chain(&REPLACED).any(|known| *known == path)
        };
        let mut left = Vec::new();
        for (path, _) in self.sim.disk().files() {
            if path.contains("/.staging-") {
                left.push(path.to_string());
            } else if !known(path) {
                return Err(format!("A2: {path} came from nowhere"));
            }
        }
        self.tally.temporaries_left += left.len() as u64;
        for path in left {
            self.sim.disk_mut().meddle(&Stranger::Removes { path });
        }
        self.well = self.troubles();
        Ok(())
    }

    /// How often something happened in which a temporary file may stay.
    fn troubles(&self) -> u64 {
        let struck = self.sim.disk().struck();
        struck.came(Trouble::Broken)
    }

    /// At rest no temporary file is left, unless removing it may have failed (A2).
    pub(super) fn nothing_is_left(&mut self) -> Verdict {
        if self.sim.is_closed() || self.sim.hanging() > 0 || self.troubles() != self.well {
            return Ok(());
        }
        self.tally.checks += 1;
        let mut files = self.sim.disk().files();
        match files.find(|(path, _)| path.contains("/.staging-")) {
            Some((path, _)) => Err(format!("A2: at rest {path} is left")),
            None => Ok(()),
        }
    }
}
