//! Every answer is looked at: bytes, counts, places, barriers, and what a failed sync forbids.

use super::model::{Change, Effect};
use super::world::{Asked, Known, Row, Verdict, Version, World, changes};
use driver_sim::{Answer, InodeId};
use staging_core::{Access, Done, Fault, HandleId, Life, Outcome, Request, Standing};

impl World<'_> {
    pub(super) fn answered(&mut self, answer: Answer) -> Verdict {
        let ticket = answer.ticket.0;
        let at = self.asked.iter().position(|asked| asked.ticket == ticket);
        let Some(at) = at else {
            return Err(format!(
                "R9: {ticket} was answered twice: {:?}",
                answer.outcome
            ));
        };
        // In order: whoever looks at those that are left goes by acceptance.
        let asked = self.asked.remove(at);
        self.tally.answers += 1;
        self.tally.checks += 1;
        if let Request::Replace { .. } = asked.request {
            self.tally.failed += u64::from(matches!(answer.outcome, Outcome::Failed { .. }));
            return self.replace_ended(ticket, answer.outcome);
        }
        if let Outcome::Failed { fault, done } = answer.outcome {
            return self.failed(asked, fault, done);
        }
        match asked.request {
            Request::Open { access, .. } => self.opened(asked, access, &answer),
            Request::Read {
                handle,
                offset,
                len,
            } => self.read(asked, handle, (offset, len), &answer),
            Request::Write { .. } | Request::Append { .. } | Request::SetLength { .. } => {
                self.changed(asked, answer.outcome)
            }
            Request::Flush { .. } => {
                self.check_told(&asked)?;
                self.flushed(asked)
            }
            Request::FlushAll => self.flushed(asked),
            Request::Sync { .. } => self.synced(asked),
            Request::SyncAll => self.synced_all(asked, answer.outcome),
            Request::Close { handle } => {
                self.check_told(&asked)?;
                self.rows.retain(|row| row.id != handle);
                Ok(())
            }
            Request::Stage { .. }
            | Request::Unstage { .. }
            | Request::Replace { .. }
            | Request::Lock { .. } => Ok(()),
        }
    }

    fn failed(&mut self, asked: Asked, fault: Fault, done: Done) -> Verdict {
        self.tally.failed += 1;
        self.may_be_told(&asked, fault)?;
        if let Request::Close { handle } = asked.request {
            self.rows.retain(|row| row.id != handle);
        }
        let (Some(inode), Some(effect)) = (asked.inode, asked.effect) else {
            return Ok(());
        };
        let change = match (effect, done) {
            (_, Done::Nothing) => None,
            (Effect::Write { offset, len }, Done::Bytes(bytes)) if bytes < len => {
                Some((Effect::Write { offset, len: bytes }, true))
            }
            (effect, Done::Bytes(_)) => {
                return Err(format!(
                    "R9: {effect:?} failed with {fault:?} after {done:?}"
                ));
            }
            (effect, Done::Unknown) => Some((effect, false)),
        };
        if let (Some((effect, sure)), Some(book)) = (change, self.book(inode)) {
            let ticket = asked.ticket;
            book.changed(Change {
                ticket,
                effect,
                sure,
            });
        }
        Ok(())
    }

    fn opened(&mut self, asked: Asked, access: Access, answer: &Answer) -> Verdict {
        let (Outcome::Opened { file, standing, .. }, Some(handle)) =
            (answer.outcome, answer.handle)
        else {
            return Err(format!("an open was answered {answer:?}"));
        };
        let Some(inode) = self.sim.inode(file) else {
            // The end came with the next word.
            if self.sim.is_closed() {
                return Ok(());
            }
            return Err(format!(
                "{file:?} is open, and nobody knows which file it is"
            ));
        };
        self.known
            .entry(inode)
            .or_insert_with(|| Known::Ours(Default::default()));
        self.tally.staged += u64::from(matches!(standing, Standing::Staged(_)));
        let unsure = self
            .book(inode)
            .is_some_and(|book| book.failed_since(asked.ticket));
        self.rows.push(Row {
            id: handle,
            inode,
            writes: access.may_write(),
            since: self.sim.next_ticket().0,
            broken: None,
            failed: 0,
            unsure,
            keeps: false,
            told: false,
            leaving: false,
            floor: asked.floor,
        });
        if access.may_write() {
            self.may_keep_dirty(handle);
            self.may_set_interval(handle);
        }
        Ok(())
    }

    fn read(
        &mut self,
        asked: Asked,
        handle: HandleId,
        (offset, len): (u64, u64),
        answer: &Answer,
    ) -> Verdict {
        let Some(inode) = asked.inode else {
            return Ok(());
        };
        let got = answer.bytes.len() as u64;
        if let Outcome::Read { bytes } = answer.outcome
            && bytes != got
        {
            return Err(format!("{bytes} bytes were read, and {got} are there"));
        }
        match self.known.get(&inode) {
            Some(Known::Ours(book)) => {
                let early = self.asked.iter().find(|other| {
                    let meets = |effect: Effect| effect.meets(offset, offset + len);
                    other.inode == Some(inode)
                        && other.ticket < asked.ticket
                        && len > 0
                        && other.effect.is_some_and(meets)
                });
                if let Some(early) = early {
                    return Err(format!("R6: {asked:?} did not wait for {early:?}"));
                }
                self.tally.bytes_read += got;
                book.seen
                    .check_count(offset, len, got)
                    .and_then(|()| book.seen.check(offset, &answer.bytes))
                    .map_err(|wrong| format!("R1: {asked:?} of {inode:?} gave {wrong:?}"))
            }
            Some(Known::Theirs(_)) => self.read_of_theirs(inode, handle, (offset, len), answer),
            None => Err(format!("{inode:?} is read, and nobody knows it")),
        }
    }

    /// A copy in memory is one version, whole, and none from before its open (G5).
    fn read_of_theirs(
        &mut self,
        inode: InodeId,
        handle: HandleId,
        (offset, len): (u64, u64),
        answer: &Answer,
    ) -> Verdict {
        let (Outcome::FromContents { file }, Some(Known::Theirs(versions))) =
            (answer.outcome, self.known.get(&inode))
        else {
            return Ok(());
        };
        let life = self.sim.machine().staging(file).map(|staging| staging.life);
        let loaded = matches!(life, Some(Life::Staged(staging_core::How::Loaded)));
        let row = self.rows.iter().find(|row| row.id == handle);
        let (Some(row), true) = (row, loaded) else {
            return Ok(());
        };
        let got = answer.bytes.len() as u64;
        let is_whole = |version: &Version| {
            let there = (version.len as u64).saturating_sub(offset).min(len);
            there == got && answer.bytes.iter().all(|found| *found == version.byte)
        };
        self.tally.copies_checked += 1;
        let mut since = versions
            .iter()
            .filter(|version| version.number >= row.floor);
        match since.any(is_whole) {
            true => Ok(()),
            false => Err(format!(
                "G5: {got} bytes at {offset} begin with {:?} and end with {:?}; versions since its \
                 open: {:?}",
                answer.bytes.first(),
                answer.bytes.last(),
                versions
                    .iter()
                    .filter(|version| version.number >= row.floor)
                    .collect::<Vec<_>>()
            )),
        }
    }

    fn changed(&mut self, asked: Asked, outcome: Outcome) -> Verdict {
        self.check_vouched(&asked, false)?;
        let (Some(inode), Some(effect)) = (asked.inode, asked.effect) else {
            return Ok(());
        };
        if let (Outcome::Written { offset, .. }, Effect::Write { offset: ours, .. }) =
            (outcome, effect)
        {
            let placed = asked
                .end
                .is_none_or(|(least, most)| (least..=most).contains(&offset));
            if offset != ours || !placed {
                return Err(format!("R1: {asked:?} was written at {offset}"));
            }
        }
        let early = self.asked.iter().find(|other| {
            let read = match other.request {
                Request::Read { offset, len, .. } => len > 0 && effect.meets(offset, offset + len),
                _ => false,
            };
            other.inode == Some(inode) && other.ticket < asked.ticket && read
        });
        if let Some(early) = early {
            return Err(format!("R1: {asked:?} did not wait for {early:?}"));
        }
        if let Some(book) = self.book(inode) {
            let ticket = asked.ticket;
            book.changed(Change {
                ticket,
                effect,
                sure: true,
            });
        }
        Ok(())
    }

    /// Everything accepted before is executed: answered, and no call still under way (R3).
    fn flushed(&mut self, barrier: Asked) -> Verdict {
        let covered = |inode| barrier.inode.is_none() || barrier.inode == inode;
        let waits = self.asked.iter().find(|asked| {
            asked.ticket < barrier.ticket && asked.effect.is_some() && covered(asked.inode)
        });
        if let Some(waits) = waits {
            return Err(format!("R3: {barrier:?} did not wait for {waits:?}"));
        }
        let flies = self.sim.under_way().find(|(ticket, kind)| {
            let inode = match kind {
                staging_core::IoKind::Write { file, .. }
                | staging_core::IoKind::SetLength { file, .. } => self.sim.inode(*file),
                _ => None,
            };
            changes(*kind)
                && ticket.is_some_and(|ticket| ticket.0 < barrier.ticket)
                && covered(inode)
        });
        match flies {
            Some((ticket, kind)) => Err(format!(
                "R3: {barrier:?} did not wait for {kind:?} of {ticket:?}, which is under way"
            )),
            None => Ok(()),
        }
    }

    fn synced(&mut self, asked: Asked) -> Verdict {
        self.flushed(asked)?;
        self.check_vouched(&asked, true)?;
        match asked.inode {
            Some(inode) => self.covered(inode, asked, 0),
            None => Ok(()),
        }
    }

    fn synced_all(&mut self, asked: Asked, outcome: Outcome) -> Verdict {
        self.flushed(asked)?;
        if matches!(outcome, Outcome::SyncFailed { .. }) {
            self.tally.sync_all_failed += 1;
            return Ok(());
        }
        // What was closed without a sync is not among what a sync of all covers, also if the file was
        // opened again.
        let mut covered: Vec<(InodeId, u64)> = Vec::new();
        for row in &self.rows {
            let there = row.writes && row.since <= asked.ticket && !row.leaving;
            if there && row.broken.is_some_and(|broken| broken <= asked.ticket) {
                return Err(format!("R8: {asked:?} succeeded, but not of {row:?}"));
            }
            if there && !covered.iter().any(|(inode, _)| *inode == row.inode) {
                covered.push((row.inode, row.since));
            }
        }
        covered
            .into_iter()
            .try_for_each(|(inode, since)| self.covered(inode, asked, since))
    }

    /// A sync succeeded: what was accepted since then and before it is on the disk (R3).
    fn covered(&mut self, inode: InodeId, asked: Asked, since: u64) -> Verdict {
        self.tally.syncs += 1;
        // Without a name, and closed since: the driver was lost in the same event.
        if !self.sim.disk().exists(inode) {
            return Ok(());
        }
        let liars = self.liars;
        let Some(book) = self.book(inode) else {
            return Ok(());
        };
        // A later sync may cover what is older; and what a liar says covers nothing.
        let for_now = book.has_older(since) || liars;
        let before = for_now.then(|| book.clone());
        book.covered(since..asked.ticket);
        let checked = self.check_durable(inode);
        if let (Some(before), Some(book)) = (before, self.book(inode)) {
            *book = before;
        }
        match checked {
            Ok(()) => Ok(()),
            Err(_) if liars => {
                self.tally.lies_seen += 1;
                Ok(())
            }
            Err(wrong) => Err(format!(
                "R3: {asked:?} of {inode:?} succeeded; on the disk is {wrong:?}"
            )),
        }
    }
}
