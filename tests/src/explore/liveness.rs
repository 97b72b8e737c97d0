//! Liveness: what happens when everybody does his work and nobody asks for more.

use super::around::State;
use super::driver::How;
use super::identity::{Identity, Key};
use super::reached::Reached;
use super::rules::{Broken, Rule};
use super::step::{Choice, Turn};
use super::world::World;
use staging_core::{PhaseName, WakeReason};

/// More steps than any small world can need.
const MANY: usize = 200;

/// What happens next if every action ends well, the oldest first. Nothing: the world is at rest.
pub(crate) fn calm(world: &World, state: &State) -> Option<Choice> {
    if state.around.told == PhaseName::Closed {
        return None;
    }
    if world.dawdles() {
        match state.machine.poll_timeout().map(|wake| wake.reason) {
            Some(WakeReason::Told) => return Some(Choice::Told),
            Some(WakeReason::Io) => return Some(Choice::Io),
            _ => {}
        }
    }
    if !state.around.jobs.is_empty() {
        return Some(Choice::End(0, How::Well));
    }
    if state.around.locks.held().next().is_some() {
        return Some(Choice::Unlock(0));
    }
    let wake = state.machine.next_deadline().map(|wake| wake.reason);
    let by_time = matches!(wake, Some(WakeReason::Retry(_) | WakeReason::Sync(_)));
    (by_time || state.machine.phase() > PhaseName::Running).then_some(Choice::Tick)
}

/// Asks for a shutdown here, and sees that it comes to its end.
pub(crate) fn shuts_down(world: &World, state: &State) -> Result<(), Broken> {
    let mut state = state.clone();
    let mut reached = Reached::default();
    let mut next = match state.machine.phase() {
        PhaseName::Closed => None,
        _ => Some(Choice::ShutDown),
    };
    let mut steps = 0;
    while let Some(choice) = next {
        let mut turn = Turn {
            world,
            state: &mut state,
            reached: &mut reached,
            heard: None,
            shown: None,
            log: None,
        };
        turn.take(choice)?;
        steps += 1;
        Rule::ShutsDown.holds(steps < MANY, || format!("{:?}", state.machine))?;
        next = calm(world, &state);
    }
    let closed = state.machine.phase() == PhaseName::Closed;
    Rule::ShutsDown.holds(closed, || format!("at rest in {:?}", state.machine))
}

/// Does the same once more, and sees that it comes out the same.
pub(crate) fn repeats(
    world: &World,
    before: &State,
    choice: Choice,
    after: Key,
) -> Result<(), Broken> {
    let mut again = before.clone();
    let mut reached = Reached::default();
    let mut turn = Turn {
        world,
        state: &mut again,
        reached: &mut reached,
        heard: None,
        shown: None,
        log: None,
    };
    turn.take(choice)?;
    let same = Identity::default().of(&again) == after;
    Rule::Repeatable.holds(same, || format!("{choice:?} does something else"))
}

/// Of each state, where calm leads; and how long it takes until the world is at rest.
///
/// # Errors
///
/// A state from which it never is.
pub(crate) fn longest_calm(next: &[u32]) -> Result<u32, u32> {
    const UNKNOWN: u32 = u32::MAX;
    const ON_THE_WAY: u32 = u32::MAX - 1;
    let mut steps = vec![UNKNOWN; next.len()];
    let mut way = Vec::new();
    let mut longest = 0;
    for from in 0..next.len() {
        let mut at = from;
        let mut known = loop {
            match steps[at] {
                ON_THE_WAY => return Err(at as u32),
                UNKNOWN => {}
                known => break known,
            }
            let to = next[at];
            if to == AT_REST {
                steps[at] = 0;
                break 0;
            }
            steps[at] = ON_THE_WAY;
            way.push(at);
            at = to as usize;
        };
        while let Some(at) = way.pop() {
            known += 1;
            steps[at] = known;
        }
        longest = longest.max(known);
    }
    Ok(longest)
}

/// In place of a next state: there is none.
pub(crate) const AT_REST: u32 = u32::MAX;
