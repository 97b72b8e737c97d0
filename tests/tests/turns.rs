//! R11: nobody starves. Actions become ready and are handed out in all proportions; at every hand-out,
//! the bounds that follow from the configuration hold.

use staging_core::{
    Access, Action, Class, Completion, Event, HandleId, IoKind, Key, Limits, Machine, Missing,
    Mode, OpId, Plan, Reply, Request, Stamp, Tag, Tick, Turns, Weights,
};
use std::collections::{BTreeMap, VecDeque};
use tests::core::dice::Dice;

const NOW: Tick = Tick(1);
/// So far reaches no write.
const LONG: u64 = 1 << 40;

/// A machine with files, of which everything that is asked is ready at once.
struct Scene {
    machine: Machine,
    turns: Turns,
    files: Vec<HandleId>,
    /// Where the next range begins.
    end: u64,
    /// What is ready, the longest waiting first: how many it found, and how many went before it since.
    ready: VecDeque<Waiting>,
    /// By class: how many others were handed out while it waited.
    passed: BTreeMap<Class, u32>,
    most_passed: BTreeMap<Class, u32>,
}

struct Waiting {
    op: OpId,
    class: Class,
    found: u32,
    waited: u32,
}

impl Scene {
    fn new(turns: Turns, files: u64) -> Scene {
        let mut machine = Machine::new(Limits {
            operations: 1 << 12,
            operations_per_file: 1 << 12,
            bytes: u64::MAX,
            bytes_per_file: u64::MAX,
            merge: 1,
            turns,
            ..Limits::default()
        });
        let files = (0..files).map(|file| open(&mut machine, file)).collect();
        Scene {
            machine,
            turns,
            files,
            end: 0,
            ready: VecDeque::new(),
            passed: BTreeMap::new(),
            most_passed: BTreeMap::new(),
        }
    }

    fn ask(&mut self, dice: &mut Dice, shares: &[u32]) {
        let classes = Class::ALL.iter().zip(shares);
        let tickets: Vec<Class> = classes
            .flat_map(|(class, share)| std::iter::repeat_n(*class, *share as usize))
            .collect();
        let class = dice.one_of(&tickets);
        let handle = dice.one_of(&self.files);
        let len = dice.one_of(&[1, 4096, 1 << 16, 1 << 18, 1 << 30]);
        let offset = self.end;
        self.end += len;
        let request = match class == Class::Normal && dice.chance(50) {
            true => Request::Read {
                handle,
                offset,
                len,
            },
            false => Request::Write {
                handle,
                offset,
                len,
                class,
            },
        };
        let reply = self.machine.submit(NOW, Tag(0), Tick::NEVER, request);
        let Reply::Accepted { op } = reply else {
            unreachable!("{reply:?}");
        };
        self.ready.push_back(Waiting {
            op,
            class,
            found: self.ready.len() as u32,
            waited: 0,
        });
    }

    /// One is handed out, and done at once.
    fn hand_out(&mut self) {
        let Some(Action::Perform { io, kind }) = self.machine.poll_io() else {
            unreachable!("{} are ready", self.ready.len());
        };
        let (op, completion) = match kind {
            IoKind::Read { op, len, .. } => (op, Completion::Read { bytes: len }),
            IoKind::Write { op, .. } => (op, Completion::Written),
            other => unreachable!("{other:?}"),
        };
        let at = self.ready.iter().position(|waiting| waiting.op == op);
        let Some(chosen) = at.and_then(|at| self.ready.remove(at)) else {
            unreachable!("{op:?} was not ready");
        };
        for waiting in &mut self.ready {
            waiting.waited += 1;
            let most = self.turns.most_before(waiting.found);
            assert!(
                waiting.waited <= most,
                "{} of {most} before it",
                waiting.waited
            );
        }
        for class in Class::ALL {
            let waits = self.ready.iter().any(|waiting| waiting.class == class);
            let passed = self.passed.entry(class).or_default();
            *passed = match waits && class != chosen.class {
                true => *passed + 1,
                false => 0,
            };
            let most = self.turns.most_between(class);
            assert!(
                *passed <= most,
                "{class:?} was passed by {passed} of {most}"
            );
            let seen = self.most_passed.entry(class).or_default();
            *seen = (*seen).max(*passed);
        }
        let _ = self.machine.complete(NOW, io, completion);
        while self.machine.poll_told().is_some() {}
    }
}

fn open(machine: &mut Machine, file: u64) -> HandleId {
    let request = Request::Open {
        access: Access::Write,
        missing: Missing::Fail,
        plan: Plan::of(Mode::None),
    };
    let reply = machine.submit(NOW, Tag(0), Tick::NEVER, request);
    let (Reply::Opening { handle, .. }, Some(Action::Perform { io, .. })) =
        (reply, machine.poll_io())
    else {
        unreachable!("{reply:?}");
    };
    let completion = Completion::Opened {
        key: Key([1, file]),
        stamp: Stamp {
            len: LONG,
            version: 1,
        },
    };
    let _ = machine.handle(NOW, Event::Completed { io, completion });
    while machine.poll_told().is_some() {}
    handle
}

const CONFIGURATIONS: [Turns; 4] = [
    Turns::ByClass {
        weights: Weights {
            urgent: 8,
            high: 4,
            normal: 2,
            low: 1,
        },
        patience: 16,
    },
    Turns::ByClass {
        weights: Weights {
            urgent: 1,
            high: 1,
            normal: 1,
            low: 1,
        },
        patience: 255,
    },
    Turns::ByClass {
        weights: Weights {
            urgent: 255,
            high: 1,
            normal: 0,
            low: 3,
        },
        patience: 255,
    },
    Turns::ByClass {
        weights: Weights {
            urgent: 8,
            high: 4,
            normal: 2,
            low: 1,
        },
        patience: 0,
    },
];

/// Whoever is ready is handed out after a computed number of others, and each class gets its turn.
#[test]
fn r11_nobody_starves() {
    for turns in CONFIGURATIONS {
        for seed in 0..40 {
            let mut dice = Dice::of(seed);
            let mut scene = Scene::new(turns, 1 + dice.below(5) as u64);
            let shares: Vec<u32> = (0..4).map(|_| dice.below(20) as u32 + 1).collect();
            let crowd = dice.one_of(&[1, 10, 100, 400]);
            for _ in 0..3_000 {
                match scene.ready.len() < crowd || (dice.chance(30) && scene.ready.len() < 1_000) {
                    true => scene.ask(&mut dice, &shares),
                    false => scene.hand_out(),
                }
            }
            while !scene.ready.is_empty() {
                scene.hand_out();
            }
        }
    }
}

/// The bounds are no idle ones: a class waits for about as many others as are allowed to go before it.
#[test]
fn r11_classes_share_by_their_weights() {
    let turns = Turns::ByClass {
        weights: Weights {
            urgent: 8,
            high: 4,
            normal: 2,
            low: 1,
        },
        patience: 255,
    };
    let mut dice = Dice::of(1);
    let mut scene = Scene::new(turns, 3);
    let mut handed_out: BTreeMap<Class, u32> = BTreeMap::new();
    for class in Class::ALL {
        for _ in 0..900 {
            let offset = scene.end;
            scene.end += 10;
            let handle = dice.one_of(&scene.files);
            let request = Request::Write {
                handle,
                offset,
                len: 10,
                class,
            };
            let _ = scene.machine.submit(NOW, Tag(0), Tick::NEVER, request);
        }
    }
    for _ in 0..1_500 {
        let Some(Action::Perform {
            io,
            kind: IoKind::Write { offset, .. },
        }) = scene.machine.poll_io()
        else {
            unreachable!("there are more");
        };
        let class = Class::ALL[(offset / 9_000) as usize];
        *handed_out.entry(class).or_default() += 1;
        let _ = scene.machine.complete(NOW, io, Completion::Written);
    }
    let shares: Vec<u32> = handed_out.values().copied().collect();
    let [low, normal, high, urgent] = shares[..] else {
        unreachable!("{handed_out:?}");
    };
    assert!(urgent.abs_diff(8 * low) < low, "{handed_out:?}");
    assert!(high.abs_diff(4 * low) < low, "{handed_out:?}");
    assert!(normal.abs_diff(2 * low) < low, "{handed_out:?}");
}
