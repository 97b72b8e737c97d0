//! A driver that lies and callers that mistake: what cannot be true is not believed, and changes
//! nothing. Tried in every state of every world.

use super::around::{Job, SeatState, State};
use super::identity::{Identity, Key};
use super::rules::{Broken, Rule};
use super::world::{FORCED, GRACE, May, World};
use staging_core::{
    Action, Completion, Event, Fault, HandleId, IoId, IoKind, LockId, OpId, PAGE, PhaseName,
    Reject, Reply, Request, Stamp, Tag, Tick,
};

/// Ids that are given to nothing in a small world.
const NOBODY: u64 = 9 << 32 | 77;

/// Says everything that is untrue in a state, and how much that was.
pub(crate) fn tell(
    world: &World,
    state: &State,
    own: Key,
    after: &mut State,
    identity: &mut Identity,
) -> Result<u64, Broken> {
    after.clone_from(state);
    let now = state.around.now;
    let mut told = 0;
    let mut lie = |event: Event| {
        told += 1;
        let reply = after.machine.handle(now, event);
        Rule::LiesAreIgnored.holds(matches!(reply, Reply::Ignored(_)), || {
            format!("{event:?}: {reply:?}")
        })
    };
    let stale = &state.around.stale;
    let completion = Completion::Synced;
    for io in [IoId::from_u64(NOBODY), stale.io].into_iter().flatten() {
        lie(Event::Completed { io, completion })?;
    }
    for op in [OpId::from_u64(NOBODY), stale.op].into_iter().flatten() {
        lie(Event::Cancelled { op })?;
    }
    for handle in [HandleId::from_u64(NOBODY), stale.handle]
        .into_iter()
        .flatten()
    {
        lie(Event::Dropped { handle })?;
        lie(Event::IntervalSet { handle, every: 1 })?;
    }
    if let Some(lock) = LockId::from_u64(NOBODY) {
        lie(Event::Unlocked { lock })?;
    }
    for job in &state.around.jobs {
        let io = job.io;
        lie(Event::Completed {
            io,
            completion: unlike(job.kind),
        })?;
        if let Some(completion) = impossible(job) {
            lie(Event::Completed { io, completion })?;
        }
    }
    let lent: u64 = state.around.jobs.iter().map(|job| job.lent).sum();
    if lent == 0 && !world.may(May::Keep) && !world.dawdles() {
        let releasing = |job: &&Job| matches!(job.kind, IoKind::Release { .. });
        if state.around.jobs.iter().find(releasing).is_none() {
            lie(Event::Returned { bytes: PAGE })?;
        }
    }
    for seat in &state.around.seats {
        if let (SeatState::Leaving, Some(handle)) = (seat.state, seat.handle) {
            lie(Event::Dropped { handle })?;
        }
    }
    if let Some(Action::Perform { io, .. }) = state.machine.clone().poll_io() {
        lie(Event::Completed { io, completion })?;
    }
    if state.machine.phase() == PhaseName::Closed {
        for event in [
            Event::ShutdownAsked { grace: GRACE },
            Event::Forced { closing: FORCED },
            Event::DriverLost,
        ] {
            lie(event)?;
        }
    }
    told += mistake(state, after)?;
    let same = identity.of(after) == own;
    Rule::IgnoredChangesNothing.holds(same, || "a lie changed the state".into())?;
    Ok(told)
}

/// Says what is late or too late: a time that has passed, and what is asked of a handle that is closing.
fn mistake(state: &State, after: &mut State) -> Result<u64, Broken> {
    let around = &state.around;
    let mut told = 1;
    let earlier = Tick(around.now.0.saturating_sub(1));
    let reply = after.machine.handle(earlier, Event::Ticked);
    Rule::LiesAreIgnored.holds(reply == Reply::Done, || format!("{earlier:?}: {reply:?}"))?;
    for seat in &around.seats {
        let (SeatState::Leaving, Some(handle)) = (seat.state, seat.handle) else {
            continue;
        };
        told += 1;
        let event = Event::Submitted {
            tag: Tag(0),
            deadline: Tick::NEVER,
            request: Request::Unstage { handle },
        };
        let reply = after.machine.handle(around.now, event);
        let refused = matches!(
            reply,
            Reply::Rejected(Reject::UnknownHandle | Reject::ShuttingDown)
        );
        Rule::RefusedForCause.holds(refused, || format!("{event:?}: {reply:?}"))?;
    }
    Ok(told)
}

/// A success of another kind of action.
fn unlike(kind: IoKind) -> Completion {
    match kind {
        IoKind::Release { .. } => Completion::Closed,
        _ => Completion::Released { lent: 0 },
    }
}

/// A success of more than there was.
fn impossible(job: &Job) -> Option<Completion> {
    match job.kind {
        IoKind::Read { len, .. } => Some(Completion::Read { bytes: len + 1 }),
        IoKind::Write { len, .. } => {
            let (bytes, fault) = (len, Fault::Short);
            Some(Completion::CutShort { bytes, fault })
        }
        IoKind::Fetch { up_to, .. } => {
            let key = staging_core::Key([0, job.file as u64 + 1]);
            let (len, version) = (up_to + 1, 1);
            let stamp = Stamp { len, version };
            Some(Completion::Fetched { key, stamp })
        }
        IoKind::Open { .. }
        | IoKind::Look { .. }
        | IoKind::Map { .. }
        | IoKind::Load { .. }
        | IoKind::SetLength { .. }
        | IoKind::Sync { .. }
        | IoKind::Replace { .. }
        | IoKind::Lock { .. }
        | IoKind::Release { .. }
        | IoKind::Close { .. } => None,
    }
}
