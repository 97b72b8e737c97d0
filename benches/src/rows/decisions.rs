//! G-9: what a decision of the core costs, with many files beside few, and whether it allocates.

mod bench;

use super::Scene;
use crate::row::{Aspect, Bound, Kind, Row, Run};
use ::tests::counting::allocations;
use bench::Bench;
use staging_core::{Class, Mode, Plan, Request};
use std::cell::Cell;
use std::hint::black_box;
use std::io;
use std::rc::Rc;
use std::time::Instant;

const FEW: usize = 10;
const MANY: usize = 100_000;
/// An accepted operation, all its steps together.
const MOST: f64 = 300.0;

/// What is done again and again.
struct Work {
    name: &'static str,
    /// How the files are open.
    mode: Mode,
    /// How many operations it is.
    operations: usize,
    once: fn(&mut Bench),
}

const fn work(name: &'static str, mode: Mode, operations: usize, once: fn(&mut Bench)) -> Work {
    Work {
        name,
        mode,
        operations,
        once,
    }
}

/// What each operation costs.
const STEPS: [Work; 4] = [
    work("read, from the file", Mode::None, 1, read_one),
    work("read, from contents", Mode::Auto, 1, read_one),
    work(
        "open with fetch, close with release",
        Mode::None,
        2,
        fetch_release,
    ),
    work("stage by mapping, unstage", Mode::None, 2, stage_unstage),
];

/// How much more it may cost with many files.
const GROWING: [(Work, f64); 4] = [
    (work("an event on one file", Mode::None, 1, read_one), 1.2),
    (work("events on random files", Mode::None, 1, read_any), 3.0),
    (work("open and release", Mode::None, 2, open_close), 2.0),
    (
        work("open and release, fetched", Mode::None, 2, fetch_release),
        2.0,
    ),
];

/// What a write costs.
const WRITES: [Work; 4] = [
    work("a write alone", Mode::None, 1, write_one),
    work("a write and its sync", Mode::None, 2, write_and_sync),
    work(
        "100 writes of all classes that wait, of which many meet",
        Mode::None,
        100,
        write_crowd,
    ),
    work("64 writes that go together", Mode::None, 64, write_run),
];

pub(crate) fn w6(scene: &Scene) -> io::Result<Row> {
    let title = "the write queue alone: accepted, handed out, completed, answered".to_owned();
    let mut row = Row::new("W-6", title, "one operation, all its steps", WRITES[0].name);
    let times = scene.pick(50_000, 5_000);
    let allocated = Rc::new(Cell::new(0));
    for work in &WRITES {
        let times = times / work.operations;
        let run = repeated(Bench::of_writers(FEW), work, times, &allocated);
        row.way_against(work.name, Kind::Ours, work.name, Ok(run));
        row.claim(work.name, Bound::Nanoseconds(MOST));
    }
    count_allocations(&mut row, &allocated);
    Ok(row)
}

pub(crate) fn g9(scene: &Scene) -> io::Result<Row> {
    let title = format!("the core alone: an accepted operation, with {MANY} files beside {FEW}");
    let mut row = Row::new("G-9", title, "one operation, all its steps", STEPS[0].name);
    let times = scene.pick(50_000, 10_000);
    let allocated = Rc::new(Cell::new(0));
    for work in &STEPS {
        let run = run(work, FEW, times, &allocated);
        row.way_against(work.name, Kind::Ours, work.name, Ok(run));
        row.claim(work.name, Bound::Nanoseconds(MOST));
    }
    for (work, most) in &GROWING {
        let [few, many] = [FEW, MANY].map(|files| format!("{}, {files} files", work.name));
        row.way_against(
            &few,
            Kind::Ours,
            &few,
            Ok(run(work, FEW, times, &allocated)),
        );
        row.way_against(
            &few,
            Kind::Ours,
            &many,
            Ok(run(work, MANY, times, &allocated)),
        );
        row.claim(many, Bound::Times(*most, vec![few]));
    }
    count_allocations(&mut row, &allocated);
    Ok(row)
}

fn count_allocations(row: &mut Row, allocated: &Rc<Cell<u64>>) {
    let counted = Rc::clone(allocated);
    row.after = Box::new(move || {
        vec![format!(
            "{} allocations while it was measured",
            counted.get()
        )]
    });
}

fn run(work: &Work, files: usize, times: usize, allocated: &Rc<Cell<u64>>) -> Run {
    let bench = Bench::new(files, work.mode, 2 * MANY as u32);
    repeated(bench, work, times, allocated)
}

fn repeated(mut bench: Bench, work: &Work, times: usize, allocated: &Rc<Cell<u64>>) -> Run {
    let (once, operations) = (work.once, work.operations);
    // The most there will be at once has been there; what follows is the steady state.
    for _ in 0..1_000 {
        once(&mut bench);
    }
    let allocated = Rc::clone(allocated);
    Box::new(move || {
        let before = allocations();
        let began = Instant::now();
        for _ in 0..times {
            once(&mut bench);
        }
        let took = began.elapsed().as_nanos() as f64;
        allocated.set(allocated.get() + allocations() - before);
        Ok(vec![(Aspect::Work, took / (times * operations) as f64)])
    })
}

fn read_one(bench: &mut Bench) {
    bench.read(FEW / 2);
}

fn read_any(bench: &mut Bench) {
    let at = bench.random() % bench.files();
    bench.read(at);
}

fn open_close(bench: &mut Bench) {
    bench.come_and_go(Mode::None);
}

fn fetch_release(bench: &mut Bench) {
    bench.come_and_go(Mode::Auto);
}

fn stage_unstage(bench: &mut Bench) {
    let handle = bench.first();
    let plan = Plan::of(Mode::Map);
    let _ = black_box(bench.submit(Request::Stage { handle, plan }));
    bench.obey(0);
    let _ = black_box(bench.submit(Request::Unstage { handle }));
    bench.obey(0);
}

fn write_one(bench: &mut Bench) {
    bench.write(1, Class::Normal);
    bench.obey(0);
}

fn write_and_sync(bench: &mut Bench) {
    let handle = bench.first();
    bench.write(1, Class::Normal);
    let _ = black_box(bench.submit(Request::Sync { handle }));
    bench.obey(0);
}

fn write_crowd(bench: &mut Bench) {
    for _ in 0..100 {
        let chance = bench.random();
        bench.write(chance % 64, Class::ALL[chance / 64 % 4]);
    }
    bench.obey(0);
}

fn write_run(bench: &mut Bench) {
    for block in 0..64 {
        bench.write(block, Class::Normal);
    }
    bench.obey(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_is_accepted_work() {
        for work in STEPS.iter().chain(GROWING.iter().map(|(work, _)| work)) {
            let mut bench = Bench::new(FEW, work.mode, 100);
            let before = bench.accepted();
            (work.once)(&mut bench);
            assert_eq!(bench.accepted() - before, work.operations, "{}", work.name);
        }
        for work in &WRITES {
            let mut bench = Bench::of_writers(FEW);
            let before = bench.accepted();
            (work.once)(&mut bench);
            assert_eq!(bench.accepted() - before, work.operations, "{}", work.name);
        }
    }
}
