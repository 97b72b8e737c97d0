//! What is done with an open file, one thing after the other.

use super::content::{Change, Happened};
use super::directory::Stand;
use super::play::{Player, Verdict, deadline, said};
use super::step::{Barrier, Deed, Late};
use driver_kit::core::{Plan, Standing};
use std::io::{self, ErrorKind};
use std::sync::Arc;

impl Player {
    pub(super) fn with(&mut self, at: usize, deed: &Deed) -> Verdict {
        let open = Arc::clone(&self.handles[at].open);
        let file = self.handles[at].file;
        match deed {
            Deed::Read(offset, len, late) => {
                let mut buffer = vec![0xee; *len];
                let read = open.read_at_by(&mut buffer, *offset, deadline(*late));
                match read {
                    Ok(read) => self.reads(file, *offset, *len, &buffer[..read]),
                    Err(error) => self.may_fail_to_read(file, *offset, *len, *late, &error),
                }
            }
            Deed::Slice(offset, len) => {
                let bytes = match open.bytes_at(*offset, *len) {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        return self.may_fail_to_read(file, *offset, *len, Late::No, &error);
                    }
                };
                self.reads(file, *offset, *len, &bytes)?;
                let copy = bytes.to_vec();
                self.kept.push((bytes, copy));
                Ok(())
            }
            Deed::Hold => {
                let all = open.contents().and_then(|held| held.bytes(0, usize::MAX));
                if let Some(bytes) = all {
                    self.reads(file, 0, usize::MAX, &bytes)?;
                    let copy = bytes.to_vec();
                    self.kept.push((bytes, copy));
                }
                Ok(())
            }
            Deed::Travel(legs) => self.travel(file, legs, open.travel(legs)),
            Deed::ReadThrough => {
                let all = open.read_through().map_err(said)?;
                self.reads(file, 0, usize::MAX, &all)
            }
            Deed::Lines => {
                let lines = open.lines().map_err(said)?;
                let content = self.directory.files[file].content.exact();
                let text = String::from_utf8_lossy(content.unwrap_or_default());
                let expected: Vec<String> = text.split_terminator('\n').map(String::from).collect();
                self.same("its lines", &lines, &expected)
            }
            Deed::Write(offset, text) => {
                let bytes = text.bytes();
                let written = open.write_at(&bytes, *offset);
                self.changes(at, Change::Write(*offset, &bytes), written)
            }
            Deed::WriteThrough(from, parts) => {
                let parts: Vec<_> = parts.iter().map(|text| text.bytes()).collect();
                let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                let position = open.write_through(*from, &slices);
                self.written_through(at, *from, &parts, position)
            }
            Deed::Append(text) => {
                let bytes = text.bytes();
                let place = open.append(&bytes);
                let at_end = self.directory.files[file].content.size();
                if let Ok(place) = &place {
                    self.same("the place of the append", *place, at_end)?;
                }
                let append = Change::Append(Some(at_end), &bytes);
                self.changes(at, append, place.map(drop))
            }
            Deed::SetLen(len) => {
                let set = open.set_len(*len);
                self.changes(at, Change::SetLen(*len), set)
            }
            Deed::Barrier(barrier, late) => {
                let done = match barrier {
                    Barrier::Flush => open.flush(deadline(*late)),
                    Barrier::Sync => open.sync(deadline(*late)),
                };
                if !self.handles[at].writes {
                    return self.refused(done, ErrorKind::PermissionDenied);
                }
                self.done_by(done, *late)
            }
            Deed::Stage(mode, over_budget, late) => {
                let plan = Plan {
                    over_budget: *over_budget,
                    ..Plan::of(*mode)
                };
                // Who waits for room that he holds himself waits for ever.
                let plan = match self.is_poor() {
                    true => Plan::of(*mode),
                    false => plan,
                };
                let staged = open.stage_by(plan, deadline(*late));
                if *late == Late::Yes {
                    let known = &mut self.directory.files[file];
                    let staged = staged.map(drop);
                    if !matches!(known.life, Stand::Staged(_)) {
                        known.life = Stand::Unknown;
                        return self.is_done(staged, *late);
                    }
                    return self.done_or_late(staged);
                }
                let standing = self.staged(file, *mode, plan.map_threshold, staged)?;
                match (standing, self.directory.files[file].life) {
                    (Some(standing), Stand::Staged(how)) => {
                        self.same("the standing", standing, Standing::Staged(how))
                    }
                    _ => Ok(()),
                }
            }
            Deed::Unstage => {
                open.unstage().map_err(said)?;
                self.directory.files[file].life = Stand::NotStaged;
                Ok(())
            }
        }
    }

    pub(super) fn travel(
        &mut self,
        file: usize,
        legs: &[(io::SeekFrom, usize)],
        came: io::Result<Vec<(u64, Vec<u8>)>>,
    ) -> Verdict {
        let end = self.directory.files[file].content.size();
        let (mut position, mut route) = (0_u64, Vec::new());
        for (to, len) in legs {
            let target = match to {
                io::SeekFrom::Start(to) => Some(*to),
                io::SeekFrom::Current(by) => position.checked_add_signed(*by),
                io::SeekFrom::End(by) => end.checked_add_signed(*by),
            };
            let Some(target) = target else {
                return self.refused(came.map(drop), ErrorKind::InvalidInput);
            };
            route.push((target, *len));
            position = target + end.saturating_sub(target).min(*len as u64);
        }
        let came = came.map_err(said)?;
        self.same("its legs", came.len(), route.len())?;
        for ((target, len), (began, bytes)) in route.into_iter().zip(came) {
            self.same("where a leg began", began, target)?;
            self.reads(file, target, len, &bytes)?;
        }
        Ok(())
    }

    pub(super) fn written_through(
        &mut self,
        at: usize,
        from: u64,
        parts: &[Vec<u8>],
        position: io::Result<u64>,
    ) -> Verdict {
        let (file, appends) = (self.handles[at].file, self.handles[at].appends);
        let content = &mut self.directory.files[file].content;
        let mut place = match appends {
            true => content.size(),
            false => from,
        };
        let all: u64 = parts.iter().map(|part| part.len() as u64).sum();
        if !self.handles[at].writes {
            // Nothing is asked where there is nothing to write.
            return match position {
                Ok(_) if all == 0 => Ok(()),
                position => self.refused(position.map(drop), ErrorKind::PermissionDenied),
            };
        }
        for part in parts {
            content.apply(Change::Write(place, part), Happened::All);
            place += part.len() as u64;
        }
        if all > 0 {
            self.directory.files[file].life = Stand::NotStaged;
        }
        let position = position.map_err(said)?;
        self.same("the position of the writer", position, place)
    }

    /// A change was asked through a handle, and answered.
    pub(super) fn changes(
        &mut self,
        at: usize,
        change: Change<'_>,
        answer: io::Result<()>,
    ) -> Verdict {
        if !self.handles[at].writes {
            return self.refused(answer, ErrorKind::PermissionDenied);
        }
        let file = self.handles[at].file;
        let (end, nothing) = match change {
            Change::Write(offset, bytes) => {
                (offset.checked_add(bytes.len() as u64), bytes.is_empty())
            }
            Change::Append(_, bytes) => (Some(0), bytes.is_empty()),
            Change::SetLen(len) => (Some(len), false),
        };
        if end.is_none_or(|end| end > i64::MAX as u64) {
            return self.refused(answer, ErrorKind::InvalidInput);
        }
        answer.map_err(said)?;
        let known = &mut self.directory.files[file];
        known.content.apply(change, Happened::All);
        if !nothing {
            known.life = Stand::NotStaged;
        }
        Ok(())
    }

    pub(super) fn may_fail_to_read(
        &mut self,
        file: usize,
        offset: u64,
        len: usize,
        late: Late,
        error: &io::Error,
    ) -> Verdict {
        let staged = matches!(self.directory.files[file].life, Stand::Staged(_));
        let right = match error.kind() {
            ErrorKind::TimedOut => late == Late::Yes && !staged,
            ErrorKind::InvalidInput => offset.checked_add(len as u64).is_none(),
            _ => false,
        };
        match right {
            true => Ok(()),
            false => Err(format!("the read failed: {error}")),
        }
    }
}
