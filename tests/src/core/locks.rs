//! Every lock from its acceptance until it is given back, held against what was promised (K1): no two that
//! meet are held, one of them exclusive; nobody overtakes who came before and meets him; the system is
//! asked by whoever is first, gives back what nobody has any more, and nothing that somebody has.

use super::replaces::Verdict;
use super::world::World;
use staging_core::{
    Completion, Event, Key, LockId, LockStep, Machine, OpId, Outcome, Patience, PhaseName, Reply,
    Request, Scope, Sharing, Span,
};

/// All that are not over.
#[derive(Clone, Default, Debug)]
pub(crate) struct Locks {
    /// In the order in which they were accepted.
    all: Vec<Lock>,
}

#[derive(Clone, Copy, Debug)]
struct Lock {
    op: OpId,
    lock: LockId,
    target: Key,
    span: Span,
    sharing: Sharing,
    scope: Scope,
    system: System,
    caller: Caller,
}

/// What the system was asked and said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum System {
    Nothing,
    Asked,
    Granted,
    GivingBack,
}

/// What the caller knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Caller {
    Waits,
    Has,
    /// He was answered otherwise, or is done with it.
    Left,
}

impl Lock {
    fn meets(&self, other: &Lock) -> bool {
        let apart = self.span.end <= other.span.start || other.span.end <= self.span.start;
        let shared = self.sharing == Sharing::Shared && other.sharing == Sharing::Shared;
        self.target == other.target && !apart && !shared
    }

    /// Whether others have to wait for it. One that only waits may have been given up, and nobody told yet.
    fn counts(&self, machine: &Machine) -> bool {
        self.system != System::Nothing
            || self.caller == Caller::Has
            || machine.knows_lock(self.lock)
    }
}

fn hold(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}

/// Whether it asks for a lock, and does not wait for it.
pub(crate) const fn asks_once(request: Request) -> bool {
    matches!(
        request,
        Request::Lock {
            patience: Patience::AsksOnce,
            ..
        }
    )
}

impl Locks {
    pub(crate) fn accepted(&mut self, reply: Reply, request: Request) {
        if let (
            Reply::Locking { op, lock },
            Request::Lock {
                target,
                span,
                sharing,
                scope,
                ..
            },
        ) = (reply, request)
        {
            self.all.push(Lock {
                op,
                lock,
                target,
                span,
                sharing,
                scope,
                system: System::Nothing,
                caller: Caller::Waits,
            });
        }
    }

    fn place(&self, lock: LockId) -> Option<usize> {
        self.all.iter().rposition(|known| known.lock == lock)
    }

    /// Who came before and must not be overtaken.
    fn in_the_way(&self, at: usize, machine: &Machine) -> Option<&Lock> {
        let mut before = self.all[..at].iter();
        before.find(|other| other.meets(&self.all[at]) && other.counts(machine))
    }

    /// # Errors
    /// This step is not its turn.
    pub(crate) fn handed_out(
        &mut self,
        lock: LockId,
        step: LockStep,
        machine: &Machine,
    ) -> Verdict {
        let Some(at) = self.place(lock) else {
            return Err(format!("{step:?} of {lock:?}, which is over"));
        };
        let before = self.in_the_way(at, machine).copied();
        let known = &mut self.all[at];
        let wrong = format!("{step:?} of {known:?}");
        match step {
            LockStep::Try {
                span,
                sharing,
                scope,
            } => {
                let right = (span, sharing, scope) == (known.span, known.sharing, known.scope);
                let waits = known.caller == Caller::Waits && known.system == System::Nothing;
                hold(right && waits && scope != Scope::Machine, || wrong.clone())?;
                hold(before.is_none(), || format!("{wrong} overtakes {before:?}"))?;
                known.system = System::Asked;
            }
            LockStep::Release => {
                let closing = machine.phase() >= PhaseName::Closing;
                // Who was answered otherwise may not have been told yet.
                let left = known.caller != Caller::Has || closing;
                hold(known.system == System::Granted && left, || wrong)?;
                known.system = System::GivingBack;
            }
        }
        Ok(())
    }

    pub(crate) fn ended(&mut self, lock: LockId, step: LockStep, completion: Completion) {
        let Some(at) = self.place(lock) else { return };
        self.all[at].system = match (step, completion) {
            (LockStep::Try { .. }, Completion::Locked) => System::Granted,
            _ => System::Nothing,
        };
        if step == LockStep::Release {
            self.all[at].caller = Caller::Left;
        }
        self.forget();
    }

    /// # Errors
    /// He has not got it, or somebody else has.
    pub(crate) fn answered(&mut self, op: OpId, outcome: Outcome, machine: &Machine) -> Verdict {
        let Some(at) = self.all.iter().rposition(|known| known.op == op) else {
            return Ok(());
        };
        let known = self.all[at];
        match outcome {
            Outcome::Locked { lock } => {
                let before = self.in_the_way(at, machine);
                let right = lock == known.lock && known.caller == Caller::Waits;
                hold(right && before.is_none(), || {
                    format!("{outcome:?} to {known:?}, and {before:?}")
                })?;
                // A shutdown may have taken it back since.
                let granted = known.scope == Scope::Machine
                    || known.system == System::Granted
                    || machine.phase() >= PhaseName::Closing;
                hold(granted, || format!("{outcome:?} to {known:?}"))?;
                self.all[at].caller = Caller::Has;
                if !machine.knows_lock(lock) {
                    self.all[at].caller = Caller::Left;
                }
            }
            Outcome::Failed { .. } => self.all[at].caller = Caller::Left,
            _ => return Err(format!("{outcome:?} to {known:?}")),
        }
        self.forget();
        Ok(())
    }

    /// The locks that callers have.
    pub(crate) fn held(&self) -> impl Iterator<Item = LockId> + '_ {
        let held = self.all.iter().filter(|known| known.caller == Caller::Has);
        held.map(|known| known.lock)
    }

    /// A caller is done with one.
    pub(crate) fn unlocked(&mut self, lock: LockId) {
        if let Some(at) = self.place(lock) {
            self.all[at].caller = Caller::Left;
        }
        self.forget();
    }

    /// The machine closed: the system has them back, or will have.
    pub(crate) fn end(&mut self) {
        self.all.clear();
    }

    fn forget(&mut self) {
        self.all
            .retain(|known| known.caller != Caller::Left || known.system != System::Nothing);
    }

    /// # Errors
    /// The system has granted what nobody has, and nobody gives it back.
    pub(crate) fn nothing_is_left(&self) -> Verdict {
        let left = self.all.iter().find(|known| known.caller == Caller::Left);
        hold(left.is_none(), || format!("left: {left:?}"))
    }

    /// Whether an operation waits for what somebody has, or for another process.
    pub(crate) fn waits(&self, op: OpId) -> bool {
        let mut all = self.all.iter();
        all.any(|known| known.op == op && known.caller == Caller::Waits)
    }

    /// Whether somebody waits for a lock that another process may have.
    pub(crate) fn waits_for_another(&self) -> bool {
        let mut all = self.all.iter();
        let had = self.held().next().is_some();
        !had && all.any(|known| known.caller == Caller::Waits)
    }

    /// What tells two of these apart, in the order of acceptance.
    pub(crate) fn words(&self, words: &mut Vec<u64>) {
        for known in &self.all {
            let earlier = self
                .all
                .iter()
                .filter(|other| other.op.index() < known.op.index());
            let places = self
                .all
                .iter()
                .filter(|other| other.lock.index() < known.lock.index());
            let op = match known.caller {
                Caller::Waits => 1 + earlier.count() as u64,
                Caller::Has | Caller::Left => 0,
            };
            words.extend([known.target.0[1], known.span.start, known.span.end, op]);
            let flags = [
                places.count() as u64,
                known.sharing as u64,
                known.scope as u64,
                known.system as u64,
                known.caller as u64,
            ];
            words.push(flags.iter().fold(0, |word, flag| word << 8 | flag));
        }
        words.push(u64::MAX);
    }
}

impl World {
    pub(crate) fn check_lock_step(&mut self, lock: LockId, step: LockStep) {
        let held = self.locks.handed_out(lock, step, &self.machine);
        assert_eq!(held, Ok(()));
    }

    pub(crate) fn check_locked(&mut self, op: OpId, request: Request, outcome: Outcome) {
        if matches!(request, Request::Lock { .. }) {
            let held = self.locks.answered(op, outcome, &self.machine);
            assert_eq!(held, Ok(()));
        }
    }

    /// Nothing is under way: who waits for a lock waits for somebody who has it.
    pub(crate) fn check_lock_waits(&self) {
        assert_eq!(self.locks.nothing_is_left(), Ok(()));
        let waits = self.asked.keys().any(|op| self.locks.waits(*op));
        assert!(
            !waits || self.locks.held().next().is_some(),
            "nobody has a lock, and they wait"
        );
    }

    /// A caller gives a lock back.
    pub(crate) fn unlock(&mut self, lock: LockId) {
        let reply = self.say(Event::Unlocked { lock });
        let closing = self.machine.phase() >= PhaseName::Closing;
        assert!(reply == Reply::Done || closing, "{lock:?}: {reply:?}");
        self.locks.unlocked(lock);
        self.check();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use staging_core::Id;

    const TARGET: Key = Key([8, 1]);

    fn id<K>(number: u64) -> Id<K> {
        Id::from_u64(1 << 32 | number).unwrap_or_else(|| unreachable!("it is above 0"))
    }

    fn asked(locks: &mut Locks, number: u64, span: Span, sharing: Sharing) -> Request {
        let request = Request::Lock {
            target: TARGET,
            span,
            sharing,
            scope: Scope::Machine,
            patience: Patience::Waits,
        };
        let (op, lock) = (id(number), id(number));
        locks.accepted(Reply::Locking { op, lock }, request);
        request
    }

    fn granted(locks: &mut Locks, number: u64, machine: &Machine) -> bool {
        let outcome = Outcome::Locked { lock: id(number) };
        locks.answered(id(number), outcome, machine).is_ok()
    }

    /// K1: what meets is not granted to two, whatever a machine says.
    #[test]
    fn k1_two_that_meet_are_not_both_granted() {
        let machine = Machine::new(staging_core::Limits::default());
        let part = Span { start: 10, end: 20 };
        let behind = Span { start: 20, end: 30 };
        let (one, many) = (Sharing::Exclusive, Sharing::Shared);
        for (first, second, both) in [
            ((part, one), (part, one), false),
            ((part, many), (part, one), false),
            ((part, one), (Span::ALL, many), false),
            ((part, many), (part, many), true),
            ((part, one), (behind, one), true),
        ] {
            let mut locks = Locks::default();
            asked(&mut locks, 1, first.0, first.1);
            asked(&mut locks, 2, second.0, second.1);
            locks.all[0].caller = Caller::Has;
            assert_eq!(
                granted(&mut locks, 2, &machine),
                both,
                "{first:?} {second:?}"
            );
        }
    }

    /// K1: a lock that somebody has is not given back for him.
    #[test]
    fn k1_what_is_held_is_not_given_back() {
        let machine = Machine::new(staging_core::Limits::default());
        let mut locks = Locks::default();
        asked(&mut locks, 1, Span::ALL, Sharing::Exclusive);
        locks.all[0].system = System::Granted;
        locks.all[0].caller = Caller::Has;
        assert!(
            locks
                .handed_out(id(1), LockStep::Release, &machine)
                .is_err()
        );
        assert_eq!(locks.held().count(), 1);
        locks.unlocked(id(1));
        assert!(locks.nothing_is_left().is_err());
        assert_eq!(locks.handed_out(id(1), LockStep::Release, &machine), Ok(()));
        locks.ended(id(1), LockStep::Release, Completion::Unlocked);
        assert_eq!(locks.nothing_is_left(), Ok(()));
    }
}
