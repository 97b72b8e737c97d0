//! The machine under load: every action carried out at once, in no time.

use staging_core::{
    Access, Action, Class, Completion, HandleId, IoKind, Key, Limits, Machine, Missing, Mode, Plan,
    Reply, Request, Stamp, Tag, Tick,
};
use std::hint::black_box;

/// A machine with files open, and the handles on them.
pub(super) struct Bench {
    machine: Machine,
    handles: Vec<HandleId>,
    now: u64,
    chance: u64,
    /// How files are opened.
    access: Access,
    /// How many requests were accepted.
    accepted: usize,
}

impl Bench {
    /// A machine with files open for writing.
    pub(super) fn of_writers(files: usize) -> Bench {
        Bench::of(files, Mode::None, files as u32, Access::Write)
    }

    pub(super) fn new(files: usize, mode: Mode, descriptors: u32) -> Bench {
        Bench::of(files, mode, descriptors, Access::Read)
    }

    fn of(files: usize, mode: Mode, descriptors: u32, access: Access) -> Bench {
        let limits = Limits {
            descriptors,
            linger: 0,
            ..Limits::default()
        };
        let mut bench = Bench {
            machine: Machine::new(limits),
            handles: Vec::new(),
            now: 0,
            chance: 88_172_645_463_325_252,
            access,
            accepted: 0,
        };
        for inode in 0..files {
            let handle = bench.open(inode as u64, mode);
            bench.handles.push(handle);
        }
        bench
    }

    /// The handle on a file, by its number: a table would add misses that are not the machine's.
    fn handle(&self, at: usize) -> HandleId {
        HandleId::from_u64(1 << 32 | at as u64).unwrap_or(self.handles[0])
    }

    pub(super) fn submit(&mut self, request: Request) -> Reply {
        self.now += 1;
        let reply = self
            .machine
            .submit(Tick(self.now), Tag(1), Tick::NEVER, request);
        self.accepted += usize::from(!matches!(reply, Reply::Rejected(_)));
        reply
    }

    #[cfg(test)]
    pub(super) fn accepted(&self) -> usize {
        self.accepted
    }

    pub(super) fn files(&self) -> usize {
        self.handles.len()
    }

    pub(super) fn first(&self) -> HandleId {
        self.handles[0]
    }

    /// Carries out what is asked, at once, and hears what is told.
    pub(super) fn obey(&mut self, inode: u64) {
        while let Some(action) = self.machine.poll_action() {
            let Action::Perform { io, kind } = action else {
                black_box(action);
                continue;
            };
            let key = Key([1, inode]);
            let stamp = Stamp {
                len: 4096,
                version: 1,
            };
            let completion = match kind {
                IoKind::Open { .. } => Completion::Opened { key, stamp },
                IoKind::Fetch { .. } => Completion::Fetched { key, stamp },
                IoKind::Look { .. } => Completion::Looked { stamp },
                IoKind::Map { .. } => Completion::Mapped,
                IoKind::Load { .. } => Completion::Loaded { stamp },
                IoKind::Read { len, .. } => Completion::Read { bytes: len },
                IoKind::Write { .. } => Completion::Written,
                IoKind::SetLength { .. } => Completion::LengthSet,
                IoKind::Sync { .. } => Completion::Synced,
                IoKind::Replace { step, .. } => step.done(Key([0, 0])),
                IoKind::Lock { step, .. } => step.done(),
                IoKind::Release { .. } => Completion::Released { lent: 0 },
                IoKind::Close { .. } => Completion::Closed,
            };
            self.now += 1;
            let _ = black_box(self.machine.complete(Tick(self.now), io, completion));
        }
    }

    fn open(&mut self, inode: u64, mode: Mode) -> HandleId {
        let (missing, plan) = (Missing::Fail, Plan::of(mode));
        let reply = self.submit(Request::Open {
            access: self.access,
            missing,
            plan,
        });
        self.obey(inode);
        match reply {
            Reply::Opening { handle, .. } => handle,
            other => unreachable!("{other:?}"),
        }
    }

    pub(super) fn read(&mut self, at: usize) {
        let handle = self.handle(at);
        let (offset, len) = (0, 4096);
        let _ = black_box(self.submit(Request::Read {
            handle,
            offset,
            len,
        }));
        self.obey(at as u64);
    }

    /// Asks for a write of 4 KiB at a block of the first file.
    pub(super) fn write(&mut self, block: usize, class: Class) {
        let request = Request::Write {
            handle: self.handles[0],
            offset: block as u64 * 4096,
            len: 4096,
            class,
        };
        let _ = black_box(self.submit(request));
    }

    /// A file that is in no other's way: opened, and closed again. Two operations.
    pub(super) fn come_and_go(&mut self, mode: Mode) {
        let inode = 1 << 40 | self.random() as u64;
        let handle = self.open(inode, mode);
        let _ = black_box(self.submit(Request::Close { handle }));
        self.obey(inode);
    }

    pub(super) fn random(&mut self) -> usize {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 20) as usize
    }
}
