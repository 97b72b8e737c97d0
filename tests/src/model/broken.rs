//! Drivers that break one promise each: what the model must reject.

use super::play::play_over;
use super::step::{Deed, Late, Manner, Step, Text};
use crate::conformance::{Begun, Driver, Group, Open, OpenFile, Opening, Replacing, Scene};
use bytes::Bytes;
use driver_kit::batch::Order;
use driver_kit::core::{Grace, How, Limits, Mode, Plan, Standing};
use driver_kit::hub::Hub;
use driver_kit::{Deadline, Handle, ShutdownReport};
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What a driver says or does that it must not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lie {
    /// A read brings a byte that is not there.
    ReadsAnotherByte,
    /// A read ends too early.
    ReadsTooFew,
    /// A write is said to be executed, and was not.
    ForgetsWrites,
    /// An append is said to be one byte further.
    AppendsElsewhere,
    /// A change of the length is said to be executed, and was not.
    ForgetsLengths,
    /// What may not be written is written.
    IgnoresRefusals,
    /// An open takes what must not be there.
    OpensWhatIsThere,
    /// A deadline that has passed is none.
    IgnoresDeadlines,
    /// A seek comes to stand one byte further.
    SeeksTooFar,
    /// A line is missing.
    ForgetsALine,
    /// A staging is said to be, and is not.
    StagesNothing,
    /// An unstaging is said to be, and is not.
    UnstagesNothing,
}

/// A driver that lies, and the history in which it is seen.
#[derive(Clone, Debug)]
pub struct Broken {
    lie: Lie,
    /// A word of what the model says of it.
    pub says: &'static str,
    history: Vec<Step>,
}

impl Broken {
    /// What the driver does.
    pub fn what(&self) -> String {
        format!("{:?}", self.lie)
    }

    /// Plays the history with a driver that lies.
    ///
    /// # Errors
    /// It was seen.
    pub fn play(&self) -> Result<(), String> {
        let (limits, lie) = (Limits::default(), self.lie);
        let lying = |scene: &Scene| -> Arc<dyn Driver> {
            let honest = scene.driver_with(limits);
            Arc::new(Lying { honest, lie })
        };
        play_over(lying, limits, &self.history)
    }

    /// The same with a driver that does not.
    ///
    /// # Errors
    /// The model is wrong.
    pub fn play_honestly(&self) -> Result<(), String> {
        let limits = Limits::default();
        play_over(|scene| scene.driver_with(limits), limits, &self.history)
    }
}

/// One of each.
pub fn fixtures() -> Vec<Broken> {
    let text = Text {
        len: 50,
        colour: 99,
    };
    let open = Step::Open(1, Manner::TO_READ);
    let to_write = Step::Open(
        1,
        Manner {
            mode: Mode::None,
            write: true,
            ..Manner::TO_READ
        },
    );
    let new = Step::Open(
        1,
        Manner {
            create_new: true,
            ..Manner::TO_READ
        },
    );
    let with = |deed| Step::With(0, deed);
    let read = || with(Deed::Read(0, 64, Late::No));
    let broken = |lie, says, history: &[Step]| Broken {
        lie,
        says,
        history: history.to_vec(),
    };
    let seek = with(Deed::Travel(vec![(SeekFrom::Start(5), 3)]));
    let load = || {
        with(Deed::Stage(
            Mode::Load,
            driver_kit::core::OverBudget::Refuse,
            Late::No,
        ))
    };
    let append = with(Deed::Append(text));
    let cut = with(Deed::SetLen(3));
    let write = || with(Deed::Write(0, text));
    vec![
        broken(
            Lie::ReadsAnotherByte,
            "byte 7 is",
            &[to_write.clone(), read()],
        ),
        broken(
            Lie::ReadsTooFew,
            "bytes were read",
            &[to_write.clone(), read()],
        ),
        broken(
            Lie::ForgetsWrites,
            "byte 0 is",
            &[to_write.clone(), write(), read()],
        ),
        broken(
            Lie::AppendsElsewhere,
            "the place",
            &[to_write.clone(), append],
        ),
        broken(Lie::ForgetsLengths, "its size", &[to_write.clone(), cut]),
        broken(
            Lie::IgnoresRefusals,
            "PermissionDenied",
            &[open.clone(), write()],
        ),
        broken(Lie::OpensWhatIsThere, "the open", &[new]),
        broken(Lie::IgnoresDeadlines, "the open", &[late_open()]),
        broken(Lie::SeeksTooFar, "where a leg began", &[open.clone(), seek]),
        broken(
            Lie::ForgetsALine,
            "its lines",
            &[open.clone(), with(Deed::Lines)],
        ),
        broken(Lie::StagesNothing, "its life", &[to_write, load()]),
        broken(
            Lie::UnstagesNothing,
            "its life",
            &[open, with(Deed::Unstage)],
        ),
    ]
}

/// An open that is asked too late.
fn late_open() -> Step {
    let late = Late::Yes;
    Step::Open(
        1,
        Manner {
            late,
            ..Manner::TO_READ
        },
    )
}

struct Lying {
    honest: Arc<dyn Driver>,
    lie: Lie,
}

impl Driver for Lying {
    fn kit(&self) -> Option<&Arc<Hub>> {
        self.honest.kit()
    }

    fn open(&self, path: &Path, mut how: Opening) -> io::Result<Open> {
        match self.lie {
            Lie::OpensWhatIsThere => how.create_new = false,
            Lie::IgnoresDeadlines => how.deadline = Deadline::Never,
            _ => {}
        }
        let (honest, lie) = (self.honest.open(path, how)?, self.lie);
        Ok(Arc::new(Opened { honest, lie }))
    }

    fn batch(
        &self,
        paths: Box<dyn Iterator<Item = PathBuf> + Send>,
        order: Order,
    ) -> io::Result<Arc<dyn Group>> {
        self.honest.batch(paths, order)
    }

    fn replace(&self, path: &Path, content: &[u8], how: Replacing) -> io::Result<()> {
        self.honest.replace(path, content, how)
    }

    fn flush_all(&self, deadline: Deadline) -> io::Result<()> {
        self.honest.flush_all(deadline)
    }

    fn sync_all(&self, deadline: Deadline) -> io::Result<()> {
        self.honest.sync_all(deadline)
    }

    fn shutdown(&self, grace: Grace) -> ShutdownReport {
        self.honest.shutdown(grace)
    }

    fn force(&self, closing: Duration) -> ShutdownReport {
        self.honest.force(closing)
    }

    fn closed(&self) -> ShutdownReport {
        self.honest.closed()
    }

    fn shutdown_on_signals(&self, grace: Grace) -> io::Result<()> {
        self.honest.shutdown_on_signals(grace)
    }

    fn attend(&self) {
        self.honest.attend();
    }
}

struct Opened {
    honest: Open,
    lie: Lie,
}

impl OpenFile for Opened {
    fn handle(&self) -> &Handle {
        self.honest.handle()
    }

    fn read_at_by(&self, buffer: &mut [u8], offset: u64, deadline: Deadline) -> io::Result<usize> {
        let read = self.honest.read_at_by(buffer, offset, deadline)?;
        match self.lie {
            Lie::ReadsAnotherByte => buffer[7] ^= 1,
            Lie::ReadsTooFew => return Ok(read - 1),
            _ => {}
        }
        Ok(read)
    }

    fn bytes_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.honest.bytes_at(offset, len)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.lie {
            Lie::ForgetsWrites | Lie::IgnoresRefusals => Ok(()),
            _ => self.honest.write_at(bytes, offset),
        }
    }

    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let place = self.honest.append(bytes)?;
        Ok(place + u64::from(self.lie == Lie::AppendsElsewhere))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        match self.lie {
            Lie::ForgetsLengths => Ok(()),
            _ => self.honest.set_len(len),
        }
    }

    fn flush(&self, deadline: Deadline) -> io::Result<()> {
        self.honest.flush(deadline)
    }

    fn sync(&self, deadline: Deadline) -> io::Result<()> {
        self.honest.sync(deadline)
    }

    fn write_through(&self, from: u64, parts: &[&[u8]]) -> io::Result<u64> {
        self.honest.write_through(from, parts)
    }

    fn stage_by(&self, plan: Plan, deadline: Deadline) -> io::Result<Standing> {
        match self.lie {
            Lie::StagesNothing => Ok(Standing::Staged(How::Loaded)),
            _ => self.honest.stage_by(plan, deadline),
        }
    }

    fn begin_staging(&self, plan: Plan) -> io::Result<Box<dyn Begun + '_>> {
        self.honest.begin_staging(plan)
    }

    fn unstage(&self) -> io::Result<()> {
        match self.lie {
            Lie::UnstagesNothing => Ok(()),
            _ => self.honest.unstage(),
        }
    }

    fn seek_from_end(&self, by: i64) -> io::Result<u64> {
        self.honest.seek_from_end(by)
    }

    fn seek_from_start(&self, to: u64) -> io::Result<u64> {
        self.honest.seek_from_start(to)
    }

    fn travel(&self, legs: &[(SeekFrom, usize)]) -> io::Result<Vec<(u64, Vec<u8>)>> {
        let mut came = self.honest.travel(legs)?;
        for (began, _) in &mut came {
            *began += u64::from(self.lie == Lie::SeeksTooFar);
        }
        Ok(came)
    }

    fn read_through(&self) -> io::Result<Vec<u8>> {
        self.honest.read_through()
    }

    fn lines(&self) -> io::Result<Vec<String>> {
        let mut lines = self.honest.lines()?;
        if self.lie == Lie::ForgetsALine {
            lines.pop();
        }
        Ok(lines)
    }

    fn close(self: Arc<Self>) -> io::Result<()> {
        Ok(())
    }
}
