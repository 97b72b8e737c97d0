//! Breadth-first search: every state once, and of each only how it was reached first.

use super::around::State;
use super::identity::{Identity, Key};
use super::lies;
use super::liveness::{AT_REST, calm, longest_calm, repeats, shuts_down};
use super::reached::Reached;
use super::rules::{Broken, Rule};
use super::step::{Choice, Leaves, Turn, choices};
use super::transcript;
use super::world::{May, Pinned, World};
use staging_core::Machine;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;
use xxhash_rust::xxh3::Xxh3;

/// What was found in a world.
pub struct Explored {
    /// How many states there are.
    pub states: u64,
    /// How many transitions between them.
    pub transitions: u64,
    /// How many steps the farthest state is from the first.
    pub depth: u32,
    /// How many steps the longest way to rest has.
    pub longest_calm: u32,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What happened at least once.
    pub reached: Vec<&'static str>,
    /// The rule that is broken, and the shortest way there, as a script.
    pub broken: Option<(Rule, String)>,
    /// What is missing or too much, in words.
    pub complaints: Vec<String>,
}

impl Explored {
    /// Whether all of it is as it should be.
    pub fn is_well(&self) -> bool {
        self.broken.is_none() && self.complaints.is_empty()
    }
}

/// A state is its own hash.
#[derive(Default)]
struct Pass(u64);

impl Hasher for Pass {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

/// How a state was reached first.
#[derive(Clone, Copy)]
struct Origin {
    parent: u32,
    choice: Choice,
}

/// States as far from the first as each other, with their numbers.
type Layer = Vec<(u32, Key, Box<State>)>;

struct Search<'a> {
    world: &'a World,
    seen: HashMap<Key, u32, BuildHasherDefault<Pass>>,
    origins: Vec<Origin>,
    calm: Vec<u32>,
    reached: Reached,
    transitions: u64,
    /// What is being tried.
    now: (u32, Option<Choice>),
    identity: Identity,
    /// States that are done with, whose memory is used again.
    spare: Vec<Box<State>>,
    every: u64,
}

/// Goes through a world, as far as `most` states; all of it is held against what is pinned. Of one
/// state in `every`, it is tried out that a shutdown ends well.
pub fn explore(world: &World, most: u64, every: u64) -> Explored {
    let began = Instant::now();
    let mut search = Search {
        world,
        seen: HashMap::default(),
        origins: Vec::new(),
        calm: Vec::new(),
        reached: Reached::default(),
        transitions: 0,
        now: (0, None),
        identity: Identity::default(),
        spare: Vec::new(),
        every,
    };
    let ended = catch_unwind(AssertUnwindSafe(|| search.run(most)));
    let ended = match ended {
        Ok(ended) => ended,
        Err(panic) => Rule::NeverPanics.broken(said(&panic)),
    };
    let mut explored = Explored {
        states: search.origins.len() as u64,
        transitions: search.transitions,
        depth: 0,
        longest_calm: 0,
        seconds: 0.0,
        reached: search.reached.words(),
        broken: None,
        complaints: Vec::new(),
    };
    match ended {
        Err(broken) => explored.broken = Some((broken.rule, search.tell(&broken))),
        Ok(depth) => {
            explored.depth = depth;
            if explored.states < most {
                search.judge(&mut explored);
            }
        }
    }
    explored.seconds = began.elapsed().as_secs_f64();
    explored
}

fn said(panic: &Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked").to_owned()
}

/// Whether a machine and its copy are the same to everybody who can look at them.
fn looks_like_its_copy(machine: &Machine) -> bool {
    let copy = machine.clone();
    let hash = |machine: &Machine| {
        let mut hasher = Xxh3::new();
        machine.hash(&mut hasher);
        hasher.finish()
    };
    let words = |machine: &Machine| machine.canonical().words().to_vec();
    format!("{machine:?}") == format!("{copy:?}")
        && hash(machine) == hash(&copy)
        && words(machine) == words(&copy)
        && *machine == copy
}

impl Search<'_> {
    /// Says how many layers there are.
    fn run(&mut self, most: u64) -> Result<u32, Broken> {
        let first = Box::new(State::first(self.world));
        Rule::Repeatable.holds(looks_like_its_copy(&first.machine), || {
            "a machine and its copy are not the same".into()
        })?;
        let first_key = self.identity.of(&first);
        self.seen.insert(first_key, 0);
        self.remember(0, Choice::Tick);
        let mut layer = vec![(0, first_key, first)];
        let mut depth = 0;
        while !layer.is_empty() {
            let mut next = Vec::new();
            for (number, own, state) in layer {
                if (self.origins.len() as u64) < most {
                    self.expand(number, own, &state, &mut next)?;
                }
                self.spare.push(state);
            }
            layer = next;
            depth += u32::from(!layer.is_empty());
        }
        Ok(depth)
    }

    fn expand(
        &mut self,
        number: u32,
        own: Key,
        state: &State,
        next: &mut Layer,
    ) -> Result<(), Broken> {
        self.now = (number, None);
        if own.1.is_multiple_of(self.every) && !self.world.may(May::ShutDown) {
            self.now = (number, Some(Choice::ShutDown));
            shuts_down(self.world, state)?;
        }
        self.now = (number, None);
        let mut scratch = self.spare.pop().unwrap_or_else(|| Box::new(state.clone()));
        self.transitions += lies::tell(self.world, state, own, &mut scratch, &mut self.identity)?;
        let calmly = calm(self.world, state);
        let mut possible = Vec::new();
        choices(self.world, state, &mut possible);
        for choice in possible {
            self.now = (number, Some(choice));
            scratch.as_mut().clone_from(state);
            let mut turn = Turn {
                world: self.world,
                state: &mut scratch,
                reached: &mut self.reached,
                heard: None,
                shown: None,
                log: None,
            };
            let leaves = turn.take(choice)?;
            self.transitions += 1;
            let found = self.identity.of(&scratch);
            if let Leaves::TheState(rule) = leaves {
                rule.holds(found == own, || format!("{choice:?} changed the state"))?;
            }
            let fresh = self.origins.len() as u32;
            let to = match self.seen.entry(found) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(place) => {
                    place.insert(fresh);
                    let vacant = self.spare.pop().unwrap_or_else(|| Box::new(state.clone()));
                    next.push((fresh, found, std::mem::replace(&mut scratch, vacant)));
                    self.remember(number, choice);
                    if found.1.is_multiple_of(64) {
                        repeats(self.world, state, choice, found)?;
                    }
                    fresh
                }
            };
            if Some(choice) == calmly {
                self.calm[number as usize] = to;
            }
        }
        self.spare.push(scratch);
        Ok(())
    }

    fn remember(&mut self, parent: u32, choice: Choice) {
        self.origins.push(Origin { parent, choice });
        self.calm.push(AT_REST);
    }

    /// All states are known: whether each comes to rest, and whether they are what was expected.
    fn judge(&self, explored: &mut Explored) {
        match longest_calm(&self.calm) {
            Ok(steps) => explored.longest_calm = steps,
            Err(state) => {
                let script = transcript::write(self.world, &self.way_to(state), "");
                explored.broken = Some((Rule::ComesToRest, script));
                return;
            }
        }
        let missing = self.reached.missing(self.world.reaches);
        if !missing.is_empty() {
            explored
                .complaints
                .push(format!("never reached: {missing:?}"));
        }
        let (states, transitions) = (explored.states, explored.transitions);
        let found = Pinned {
            states,
            transitions,
        };
        if self.world.pinned != Pinned::NOT && found != self.world.pinned {
            explored.complaints.push(format!(
                "pinned is {:?}, found {found:?}",
                self.world.pinned
            ));
        }
    }

    fn way_to(&self, state: u32) -> Vec<Choice> {
        let mut way = Vec::new();
        let mut at = state;
        while at != 0 {
            let origin = self.origins[at as usize];
            way.push(origin.choice);
            at = origin.parent;
        }
        way.reverse();
        way
    }

    fn tell(&self, broken: &Broken) -> String {
        let (state, choice) = self.now;
        let mut way = self.way_to(state);
        way.extend(choice);
        transcript::write(
            self.world,
            &way,
            &format!("{:?}: {}", broken.rule, broken.what),
        )
    }
}
