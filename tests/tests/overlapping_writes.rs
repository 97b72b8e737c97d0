//! R1, R3, R4, R7, R8: 150 writes of mixed class to a file of 64 KiB, most of which overlap others, with
//! syncs between them. When a sync is answered, each byte on the disk is what the last write accepted
//! before it made of it, or one accepted since; and at the end the file equals the model.
//!
//! A seed that fails is printed; `SEED=7` repeats one, `SEEDS=100000` makes a long run.

use driver_sim::{Disk, Faults, Payload, Setup, Simulation, TicketNumber};
use staging_core::{
    Access, Class, HandleId, Limits, Missing, Mode, Outcome, Plan, Request, Tick, Turns,
};
use std::ops::Range;
use tests::core::dice::Dice;

const SEEDS: u64 = 1_000;
const LEN: usize = 64 << 10;
const WRITES: usize = 150;
const PATH: &str = "/file";

/// A sync that was asked for: what the file was to hold by then, and where it was written since.
struct Barrier {
    ticket: TicketNumber,
    model: Vec<u8>,
    since: Vec<Range<usize>>,
}

struct Scene {
    seed: u64,
    simulation: Simulation,
    /// What the file holds when everything accepted is executed.
    model: Vec<u8>,
    handles: [HandleId; 3],
    barriers: Vec<Barrier>,
    /// Syncs that were held to it.
    held: usize,
}

fn seeds() -> Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|word| word.parse().ok());
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(SEEDS),
    }
}

impl Scene {
    fn new(seed: u64, dice: &mut Dice) -> Scene {
        let mut disk = Disk::faulty(Faults::none().latency(1_000, 300_000), seed);
        disk.put(PATH, vec![0; LEN]);
        let limits = Limits {
            merge: dice.one_of(&[1, 3, 1024]),
            merge_bytes: dice.one_of(&[4 << 10, 1 << 20]),
            turns: dice.one_of(&[Turns::default(), Turns::default(), Turns::ByArrival]),
            ..Limits::default()
        };
        let setup = Setup {
            limits,
            record: false,
            lazy: dice.one_of(&[0, 300, 700]),
            ..Setup::of(seed)
        };
        let mut simulation = Simulation::new(disk, setup);
        let ways = [Access::Write, Access::WriteThrough, Access::WriteBehind];
        let handles = ways.map(|access| open(&mut simulation, access));
        Scene {
            seed,
            simulation,
            model: vec![0; LEN],
            handles,
            barriers: Vec::new(),
            held: 0,
        }
    }

    fn write(&mut self, number: usize, dice: &mut Dice) {
        // Around a few places, so that they meet; some beside each other, so that they merge.
        let near = dice.one_of(&[0, 4_096, 8_192, 30_000, 60_000]);
        let offset = near + dice.one_of(&[0, 512, 1_000, 2_048]);
        let len = dice
            .one_of(&[1, 512, 1_024, 3_000, 5_000])
            .min(LEN - offset);
        let byte = 1 + (number % 250) as u8;
        let request = Request::Write {
            handle: dice.one_of(&self.handles),
            offset: offset as u64,
            len: len as u64,
            class: dice.one_of(&Class::ALL),
        };
        let payload = Payload::Bytes(vec![byte; len]);
        let asked = self.simulation.submit(request, payload, Tick::NEVER);
        assert!(asked.is_ok(), "seed {}: {asked:?}", self.seed);
        let range = offset..offset + len;
        self.model[range.clone()].fill(byte);
        for barrier in &mut self.barriers {
            barrier.since.push(range.clone());
        }
    }

    fn sync(&mut self, dice: &mut Dice) {
        let handle = dice.one_of(&self.handles);
        let request = dice.one_of(&[Request::Sync { handle }, Request::SyncAll]);
        let asked = self
            .simulation
            .submit(request, Payload::Nothing, Tick::NEVER);
        let Ok(ticket) = asked else {
            unreachable!("seed {}: {asked:?}", self.seed);
        };
        self.barriers.push(Barrier {
            ticket,
            model: self.model.clone(),
            since: Vec::new(),
        });
    }

    fn hear(&mut self) {
        while let Some(answer) = self.simulation.next_answer() {
            let well = matches!(
                answer.outcome,
                Outcome::Written { .. } | Outcome::Accepted { .. } | Outcome::Synced
            );
            assert!(well, "seed {}: {:?}", self.seed, answer.outcome);
            let ended = self
                .barriers
                .iter()
                .position(|it| it.ticket == answer.ticket);
            if let Some(at) = ended {
                let barrier = self.barriers.remove(at);
                self.check(&barrier);
            }
        }
    }

    /// What the sync covered is on the disk, but for what was written there since.
    fn check(&mut self, barrier: &Barrier) {
        let durable = self.simulation.disk().durable(PATH).unwrap_or_default();
        let seed = self.seed;
        assert_eq!(durable.len(), LEN, "seed {seed}");
        self.held += 1;
        if durable == barrier.model {
            return;
        }
        let mut over = vec![false; LEN];
        for range in &barrier.since {
            over[range.clone()].fill(true);
        }
        let bytes = durable.iter().zip(&barrier.model).zip(over);
        let wrong = bytes.filter(|((is, was), over)| is != was && !over).count();
        assert_eq!(
            wrong, 0,
            "seed {seed}: so many wrong bytes after a sync that succeeded"
        );
    }
}

fn open(simulation: &mut Simulation, access: Access) -> HandleId {
    let request = Request::Open {
        access,
        missing: Missing::Fail,
        plan: Plan::of(Mode::None),
    };
    let asked = simulation.submit(request, Payload::Path(PATH), Tick::NEVER);
    simulation.run();
    let answer = asked.ok().and_then(|ticket| simulation.answer(ticket));
    match answer.and_then(|answer| answer.handle) {
        Some(handle) => handle,
        None => unreachable!("it is there"),
    }
}

#[test]
fn r3_after_each_sync_the_disk_equals_the_model() {
    let (mut syncs, mut merged) = (0, 0);
    for seed in seeds() {
        let mut dice = Dice::of(seed);
        let mut scene = Scene::new(seed, &mut dice);
        for number in 0..WRITES {
            scene.write(number, &mut dice);
            if dice.chance(8) {
                scene.sync(&mut dice);
            }
            for _ in 0..dice.one_of(&[0, 0, 1, 5]) {
                scene.simulation.step();
            }
            scene.hear();
        }
        scene.sync(&mut dice);
        scene.simulation.run();
        scene.hear();
        assert!(
            scene.barriers.is_empty(),
            "seed {seed}: a sync has no answer"
        );
        let found = scene.simulation.disk().durable(PATH);
        assert!(
            found == Some(scene.model),
            "seed {seed}: the file is another"
        );
        syncs += scene.held;
        merged += scene.simulation.machine().stats().merged;
    }
    let enough = seeds().count() < 100 || merged > 0;
    assert!(syncs > 0 && enough, "{syncs} syncs, {merged} merged");
}
