//! What a decision costs: nanoseconds for each accepted operation with all its steps, in rounds
//! that take turns, as medians; with many files beside few; and what is allocated meanwhile.
#![expect(clippy::print_stdout, reason = "a measurement is there to be read")]

use staging_core::{
    Access, Action, Completion, HandleId, IoKind, Key, Limits, Machine, Missing, Mode, Plan, Reply,
    Request, Stamp, Tag, Tick,
};
use std::hint::black_box;
use std::time::Instant;
use tests::counting::{Counting, allocations};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ROUNDS: usize = 9;
const FEW: usize = 10;
const MANY: usize = 100_000;
/// An accepted operation, all its steps together.
const TARGET: f64 = 300.0;

/// A machine with files open, and the handles on them.
struct Bench {
    machine: Machine,
    handles: Vec<HandleId>,
    now: u64,
    chance: u64,
}

impl Bench {
    fn new(files: usize, mode: Mode) -> Bench {
        let limits = Limits {
            descriptors: 2 * MANY as u32,
            linger: 0,
            ..Limits::default()
        };
        let mut bench = Bench {
            machine: Machine::new(limits),
            handles: Vec::new(),
            now: 0,
            chance: 88_172_645_463_325_252,
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

    fn submit(&mut self, request: Request) -> Reply {
        self.now += 1;
        self.machine
            .submit(Tick(self.now), Tag(1), Tick::NEVER, request)
    }

    /// Carries out what is asked, at once, and hears what is told.
    fn obey(&mut self, inode: u64) {
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
            access: Access::Read,
            missing,
            plan,
        });
        self.obey(inode);
        match reply {
            Reply::Opening { handle, .. } => handle,
            other => unreachable!("{other:?}"),
        }
    }

    fn read(&mut self, at: usize) {
        let handle = self.handle(at);
        let (offset, len) = (0, 4096);
        let _ = black_box(self.submit(Request::Read {
            handle,
            offset,
            len,
        }));
        self.obey(at as u64);
    }

    /// A file that is in no other's way: opened, and closed again. Two operations.
    fn come_and_go(&mut self, mode: Mode) {
        let inode = 1 << 40 | self.random() as u64;
        let handle = self.open(inode, mode);
        let _ = black_box(self.submit(Request::Close { handle }));
        self.obey(inode);
    }

    fn random(&mut self) -> usize {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 20) as usize
    }
}

/// One row: what is done, how many operations that is, and what it took in each round.
struct Row {
    name: &'static str,
    operations: usize,
    work: fn(&mut Bench),
    bench: Bench,
    took: Vec<f64>,
    allocated: u64,
}

impl Row {
    fn new(
        name: &'static str,
        files: usize,
        mode: Mode,
        operations: usize,
        work: fn(&mut Bench),
    ) -> Row {
        let mut bench = Bench::new(files, mode);
        // The most there will be at once has been there; what follows is the steady state.
        for _ in 0..1_000 {
            work(&mut bench);
        }
        Row {
            name,
            operations,
            work,
            bench,
            took: Vec::new(),
            allocated: 0,
        }
    }

    fn round(&mut self) {
        let times = 50_000;
        let before = allocations();
        let began = Instant::now();
        for _ in 0..times {
            (self.work)(&mut self.bench);
        }
        let took = began.elapsed().as_nanos() as f64;
        self.allocated += allocations() - before;
        self.took.push(took / (times * self.operations) as f64);
    }

    fn median(&self) -> f64 {
        let mut sorted = self.took.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }
}

fn read_one(bench: &mut Bench) {
    bench.read(FEW / 2);
}

fn read_any(bench: &mut Bench) {
    let at = bench.random() % bench.handles.len();
    bench.read(at);
}

fn open_close(bench: &mut Bench) {
    bench.come_and_go(Mode::None);
}

fn fetch_release(bench: &mut Bench) {
    bench.come_and_go(Mode::Auto);
}

fn stage_unstage(bench: &mut Bench) {
    let handle = bench.handles[0];
    let plan = Plan::of(Mode::Map);
    let _ = black_box(bench.submit(Request::Stage { handle, plan }));
    bench.obey(0);
    let _ = black_box(bench.submit(Request::Unstage { handle }));
    bench.obey(0);
}

fn main() {
    let mut rows = [
        Row::new("read, from the file", FEW, Mode::None, 1, read_one),
        Row::new("read, from contents", FEW, Mode::Auto, 1, read_one),
        Row::new(
            "open with fetch, close with release",
            FEW,
            Mode::None,
            2,
            fetch_release,
        ),
        Row::new(
            "stage by mapping, unstage",
            FEW,
            Mode::None,
            2,
            stage_unstage,
        ),
    ];
    let mut pairs = [
        (pair("an event on one file", 1, read_one), 1.2),
        (pair("events on random files", 1, read_any), 3.0),
        (pair("open and release", 2, open_close), 2.0),
        (pair("open and release, fetched", 2, fetch_release), 2.0),
    ];
    for _ in 0..ROUNDS {
        rows.iter_mut().for_each(Row::round);
        for (pair, _) in &mut pairs {
            pair.iter_mut().for_each(Row::round);
        }
    }
    println!(
        "{:<38}{:>10}{:>10}{:>13}",
        "an accepted operation, all its steps", "ns", "of 300", "allocations"
    );
    for row in &rows {
        let share = row.median() / TARGET;
        println!(
            "{:<38}{:>10.1}{:>10.2}{:>13}",
            row.name,
            row.median(),
            share,
            row.allocated
        );
    }
    println!(
        "\n{:<38}{:>10}{:>10}{:>13}{:>10}",
        "files open", FEW, MANY, "ratio", "target"
    );
    for ([few, many], target) in &pairs {
        let ratio = many.median() / few.median();
        let (few, many, name) = (few.median(), many.median(), few.name);
        println!("{name:<38}{few:>10.1}{many:>10.1}{ratio:>13.2}{target:>10.1}");
    }
    let allocated: u64 = pairs
        .iter()
        .flat_map(|(pair, _)| pair)
        .map(|row| row.allocated)
        .sum();
    println!("\nallocations with many files: {allocated}");
}

fn pair(name: &'static str, operations: usize, work: fn(&mut Bench)) -> [Row; 2] {
    [FEW, MANY].map(|files| Row::new(name, files, Mode::None, operations, work))
}
