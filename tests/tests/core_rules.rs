//! Rules of the machine that a transcript cannot show: sizes, equality, and what is not allocated.

use staging_core::{
    Access, Action, Class, Completion, Event, Fault, HandleId, IoId, IoKind, Key, Limits, Machine,
    Missing, Mode, OpId, Outcome, PAGE, Plan, Reply, Request, Stamp, Tag, Tell, Tick, Turns,
    charge_loaded, charge_mapped,
};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use tests::counting::{Counting, allocations};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const NOW: Tick = Tick(1);

fn open(machine: &mut Machine, now: Tick, mode: Mode) -> HandleId {
    let missing = Missing::Fail;
    let plan = Plan::of(mode);
    let request = Request::Open {
        access: Access::Read,
        missing,
        plan,
    };
    match machine.submit(now, Tag(0), Tick::NEVER, request) {
        Reply::Opening { handle, .. } => handle,
        other => unreachable!("{other:?}"),
    }
}

/// Carries out everything there is to do, for files of ten bytes, as many as there are handles.
fn obey(machine: &mut Machine, now: Tick) {
    while let Some(action) = machine.poll_action() {
        let Action::Perform { io, kind } = action else {
            continue;
        };
        let stamp = Stamp {
            len: 10,
            version: 1,
        };
        let completion = match kind {
            IoKind::Open { handle, .. } => Completion::Opened {
                key: Key([1, handle.index() as u64]),
                stamp,
            },
            IoKind::Fetch { handle, .. } => Completion::Fetched {
                key: Key([1, handle.index() as u64]),
                stamp,
            },
            IoKind::Look { .. } => Completion::Looked { stamp },
            IoKind::Map { .. } => Completion::Mapped,
            IoKind::Load { .. } => Completion::Loaded { stamp },
            IoKind::Read { len, .. } => Completion::Read { bytes: len.min(10) },
            IoKind::Write { .. } => Completion::Written,
            IoKind::SetLength { .. } => Completion::LengthSet,
            IoKind::Sync { .. } => Completion::Synced,
            IoKind::Replace { step, .. } => step.done(Key([0, 0])),
            IoKind::Lock { step, .. } => step.done(),
            IoKind::Release { .. } => Completion::Released { lent: 0 },
            IoKind::Close { .. } => Completion::Closed,
        };
        let reply = machine.complete(now, io, completion);
        assert!(!matches!(reply, Reply::Ignored(_)), "{kind:?}: {reply:?}");
    }
}

fn read(machine: &mut Machine, now: Tick, handle: HandleId) {
    let request = Request::Read {
        handle,
        offset: 0,
        len: 10,
    };
    let reply = machine.submit(now, Tag(0), Tick::NEVER, request);
    assert!(matches!(reply, Reply::Accepted { .. }), "{reply:?}");
}

fn close(machine: &mut Machine, now: Tick, handle: HandleId) {
    let reply = machine.submit(now, Tag(0), Tick::NEVER, Request::Close { handle });
    assert!(matches!(reply, Reply::Accepted { .. }), "{reply:?}");
}

fn hash(machine: &Machine) -> u64 {
    let mut hasher = DefaultHasher::new();
    machine.hash(&mut hasher);
    hasher.finish()
}

/// Events, replies and actions are at most a cache line; an id is one word, absent or not.
#[test]
fn the_alphabet_fits_a_cache_line() {
    assert!(size_of::<Event>() <= 64);
    assert!(size_of::<Reply>() <= 64);
    assert!(size_of::<Action>() <= 64);
    assert!(size_of::<Outcome>() <= 64);
    assert_eq!(size_of::<Option<IoId>>(), 8);
}

/// An id travels through a completion ring as a number, and back.
#[test]
fn an_id_is_a_number_and_back() {
    let mut machine = Machine::new(Limits::default());
    let handle = open(&mut machine, NOW, Mode::Auto);
    assert_eq!(HandleId::from_u64(handle.to_u64()), Some(handle));
    assert_eq!(OpId::from_u64(0), None);
}

/// Whatever ids were used up, and whatever was counted: alike is equal.
#[test]
fn machines_that_will_behave_alike_are_equal() {
    let mut fresh = Machine::new(Limits::default());
    let mut used = Machine::new(Limits::default());
    for _ in 0..3 {
        let handle = open(&mut used, NOW, Mode::Auto);
        obey(&mut used, NOW);
        read(&mut used, NOW, handle);
        close(&mut used, NOW, handle);
        obey(&mut used, NOW);
    }
    assert!(fresh == used);
    assert_eq!(hash(&fresh), hash(&used));
    assert_ne!(fresh.stats(), used.stats());
    // Later, but as far from everything that is due.
    let later = Tick(1_000);
    let _ = open(&mut fresh, NOW, Mode::Load);
    let _ = open(&mut used, later, Mode::Load);
    assert!(fresh == used);
    obey(&mut fresh, NOW);
    assert!(fresh != used);
    obey(&mut used, later);
    assert!(fresh == used);
}

/// What fires at the same time fires in the order of acceptance: which places were used before
/// decides nothing.
#[test]
fn equal_machines_fire_in_the_same_order() {
    let due = Tick(10);
    let flush = |machine: &mut Machine, tag: u64| match machine.submit(
        NOW,
        Tag(tag),
        due,
        Request::FlushAll,
    ) {
        Reply::Accepted { op } => op,
        other => unreachable!("{other:?}"),
    };
    let expired = |machine: &mut Machine| {
        let _ = machine.tick(due);
        let told = std::iter::from_fn(|| machine.poll_told());
        told.filter_map(|tell| match tell {
            Tell::Resolve { tag, .. } => Some(tag.0),
            _ => None,
        })
        .collect::<Vec<u64>>()
    };
    // A write that nobody carries out, so that what comes after it waits.
    let busy = || {
        let mut machine = Machine::new(Limits::default());
        let plan = Plan::of(Mode::None);
        let request = Request::Open {
            access: Access::Write,
            missing: Missing::Fail,
            plan,
        };
        let Reply::Opening { handle, .. } = machine.submit(NOW, Tag(0), Tick::NEVER, request)
        else {
            unreachable!("there is room");
        };
        obey(&mut machine, NOW);
        let (offset, len) = (0, 10);
        let write = Request::Write {
            handle,
            offset,
            len,
            class: Class::Normal,
        };
        let _ = machine.submit(NOW, Tag(0), Tick::NEVER, write);
        machine
    };
    let (mut fresh, mut used) = (busy(), busy());
    flush(&mut fresh, 1);
    let given_up = flush(&mut used, 9);
    flush(&mut used, 1);
    let _ = used.cancel(NOW, given_up);
    let _ = used.poll_told();
    assert!(fresh == used);
    flush(&mut fresh, 2);
    flush(&mut used, 2);
    assert_eq!(expired(&mut fresh), [1, 2]);
    assert_eq!(expired(&mut used), [1, 2]);
}

/// A clone shares nothing: it is equal until one of the two lives on.
#[test]
fn a_clone_lives_its_own_life() {
    let mut machine = Machine::new(Limits::default());
    let handle = open(&mut machine, NOW, Mode::None);
    obey(&mut machine, NOW);
    let twin = machine.clone();
    assert!(machine == twin);
    read(&mut machine, NOW, handle);
    assert!(machine != twin);
    assert!(twin.poll_timeout().is_none());
}

/// A copy into a machine that was used, and a state taken into used memory, are what they copy.
#[test]
fn a_copy_into_used_memory_is_a_copy() {
    let mut machine = Machine::new(Limits::default());
    let handle = open(&mut machine, NOW, Mode::None);
    obey(&mut machine, NOW);
    read(&mut machine, NOW, handle);
    let mut used = Machine::new(Limits::default());
    for _ in 0..5 {
        let _ = open(&mut used, NOW, Mode::Load);
    }
    let mut canonical = used.canonical();
    used.clone_from(&machine);
    assert!(used == machine);
    assert_eq!(used.poll_action(), machine.poll_action());
    canonical.take(&used);
    assert_eq!(canonical, machine.canonical());
    assert_eq!(canonical.words().len(), machine.canonical().words().len());
}

/// What differs in any way that decides about the future is not equal.
#[test]
fn machines_that_will_behave_otherwise_differ() {
    let request = |deadline: u64, mode: Mode, tag: u64, missing: Missing| {
        let mut machine = Machine::new(Limits::default());
        let plan = Plan::of(mode);
        let access = Access::Read;
        let request = Request::Open {
            access,
            missing,
            plan,
        };
        let _ = machine.submit(NOW, Tag(tag), Tick(deadline), request);
        machine
    };
    let first = request(10, Mode::Auto, 1, Missing::Fail);
    assert!(first == request(10, Mode::Auto, 1, Missing::Fail));
    assert!(first != request(11, Mode::Auto, 1, Missing::Fail));
    assert!(first != request(10, Mode::Map, 1, Missing::Fail));
    assert!(first != request(10, Mode::Auto, 2, Missing::Fail));
    assert!(first != request(10, Mode::Auto, 1, Missing::Create));
}

/// What waits is told apart by what it asks for, to the byte.
#[test]
fn machines_differ_by_what_waits_in_them() {
    let waiting = |request: fn(HandleId) -> Request| {
        let mut machine = Machine::new(Limits::default());
        let handle = open(&mut machine, NOW, Mode::None);
        obey(&mut machine, NOW);
        let plan = Plan::of(Mode::Load);
        for request in [Request::Stage { handle, plan }, request(handle)] {
            let _ = machine.submit(NOW, Tag(1), Tick::NEVER, request);
        }
        machine
    };
    const fn read(handle: HandleId, offset: u64, len: u64) -> Request {
        Request::Read {
            handle,
            offset,
            len,
        }
    }
    const fn stage(handle: HandleId, mode: Mode) -> Request {
        let plan = Plan::of(mode);
        Request::Stage { handle, plan }
    }
    let requests: [fn(HandleId) -> Request; 7] = [
        |handle| read(handle, 1, 2),
        |handle| read(handle, 2, 2),
        |handle| read(handle, 1, 3),
        |handle| stage(handle, Mode::Auto),
        |handle| stage(handle, Mode::Map),
        |handle| Request::Unstage { handle },
        |handle| Request::Close { handle },
    ];
    for (at, one) in requests.iter().enumerate() {
        for (other_at, other) in requests.iter().enumerate() {
            assert_eq!(waiting(*one) == waiting(*other), at == other_at);
        }
    }
}

/// Which of two files lingered first decides which goes first.
#[test]
fn machines_differ_by_who_lingered_first() {
    let closed = |order: [usize; 2]| {
        let limits = Limits {
            linger: 2 * PAGE,
            fetch: 0,
            ..Limits::default()
        };
        let mut machine = Machine::new(limits);
        let handles = [0, 1].map(|_| {
            let handle = open(&mut machine, NOW, Mode::Load);
            obey(&mut machine, NOW);
            handle
        });
        for at in order {
            let _ = machine.handle(
                NOW,
                Event::Dropped {
                    handle: handles[at],
                },
            );
        }
        machine
    };
    assert!(closed([0, 1]) == closed([0, 1]));
    assert!(closed([0, 1]) != closed([1, 0]));
}

/// Which of two handles may not write any more is part of what a machine is (R8).
#[test]
fn machines_differ_by_which_handle_is_broken() {
    const ONE: Key = Key([1, 1]);
    let act = |machine: &mut Machine, request: Option<Request>| {
        let reply = request.map(|request| machine.submit(NOW, Tag(0), Tick::NEVER, request));
        while let Some(action) = machine.poll_action() {
            let Action::Perform { io, kind } = action else {
                continue;
            };
            let (len, version) = (10, 1);
            let stamp = Stamp { len, version };
            let completion = match kind {
                IoKind::Open { .. } => Completion::Opened { key: ONE, stamp },
                IoKind::Write { .. } => Completion::Written,
                IoKind::Sync { .. } => Completion::Failed {
                    fault: Fault::Os(5),
                },
                other => unreachable!("{other:?}"),
            };
            let _ = machine.complete(NOW, io, completion);
        }
        match reply {
            Some(Reply::Opening { handle, .. }) => Some(handle),
            _ => None,
        }
    };
    let to_write = Request::Open {
        access: Access::Write,
        missing: Missing::Fail,
        plan: Plan::of(Mode::None),
    };
    let fails = |machine: &mut Machine, handle: HandleId| {
        let (offset, len) = (0, 1);
        let write = Request::Write {
            handle,
            offset,
            len,
            class: Class::Normal,
        };
        let _ = act(machine, Some(write));
        let _ = act(machine, Some(Request::Sync { handle }));
    };
    let fresh = || {
        Machine::new(Limits {
            fetch: 0,
            ..Limits::default()
        })
    };
    let (mut first, mut second) = (fresh(), fresh());
    let handle = act(&mut first, Some(to_write));
    handle.map_or_else(|| unreachable!(), |handle| fails(&mut first, handle));
    let _ = act(&mut first, Some(to_write));
    let (goes, stays) = (
        act(&mut second, Some(to_write)),
        act(&mut second, Some(to_write)),
    );
    stays.map_or_else(|| unreachable!(), |handle| fails(&mut second, handle));
    let gone = goes.map(|handle| second.handle(NOW, Event::Dropped { handle }));
    assert_eq!(gone, Some(Reply::Done));
    let _ = act(&mut second, Some(to_write));
    assert!(first != second);
}

/// A limit of nothing would be a machine that can do nothing: it counts as one.
#[test]
fn a_limit_of_nothing_counts_as_one() {
    let mut machine = Machine::new(Limits {
        operations: 0,
        operations_per_file: 0,
        bytes: 0,
        bytes_per_file: 0,
        handles: 0,
        locks: 0,
        descriptors: 0,
        chunk: 0,
        fetch: 0,
        budget: PAGE,
        linger: 0,
        restarts: 0,
        merge: 0,
        merge_bytes: 0,
        turns: Turns::default(),
    });
    let handle = open(&mut machine, NOW, Mode::Auto);
    obey(&mut machine, NOW);
    read(&mut machine, NOW, handle);
    obey(&mut machine, NOW);
    close(&mut machine, NOW, handle);
    obey(&mut machine, NOW);
    assert_eq!(machine.files(), 0);
}

/// Contents are charged in whole pages; a mapping with the page that guards it.
#[test]
fn contents_are_charged_in_whole_pages() {
    assert_eq!(charge_loaded(0), 0);
    assert_eq!(charge_loaded(1), PAGE);
    assert_eq!(charge_loaded(PAGE + 1), 2 * PAGE);
    assert_eq!(charge_mapped(PAGE), 2 * PAGE);
    assert!(charge_mapped(u64::MAX) >= charge_loaded(u64::MAX));
}

/// Told before done: whoever polls actions one by one hears the answers first.
#[test]
fn answers_come_before_work() {
    let mut machine = Machine::new(Limits::default());
    let handle = open(&mut machine, NOW, Mode::None);
    obey(&mut machine, NOW);
    let _ = open(&mut machine, NOW, Mode::None);
    let _ = machine.submit(
        NOW,
        Tag(0),
        Tick::NEVER,
        Request::Read {
            handle,
            offset: 0,
            len: 0,
        },
    );
    let first = machine.poll_action();
    assert!(matches!(first, Some(Action::Tell(Tell::Resolve { .. }))));
    let second = machine.poll_action();
    assert!(matches!(second, Some(Action::Perform { .. })));
}

/// Once it has lived through the most it will hold at once, the machine allocates nothing.
#[test]
fn the_steady_state_allocates_nothing() {
    let mut machine = Machine::new(Limits::default());
    let mut handles = [open(&mut machine, NOW, Mode::None); 64];
    let mut round = |machine: &mut Machine| {
        for mode in [Mode::Auto, Mode::Map, Mode::None, Mode::Load] {
            for handle in &mut handles {
                *handle = open(machine, NOW, mode);
            }
            obey(machine, NOW);
            for handle in handles {
                read(machine, NOW, handle);
                let later = Tick(1_000_000);
                let request = Request::Unstage { handle };
                let _ = machine.submit(NOW, Tag(0), later, request);
            }
            obey(machine, NOW);
            for handle in handles {
                close(machine, NOW, handle);
            }
            obey(machine, NOW);
        }
    };
    round(&mut machine);
    let before = allocations();
    for _ in 0..10 {
        round(&mut machine);
    }
    assert_eq!(allocations() - before, 0);
}

/// What machines hash to says what they will do, and so does their canonical state.
#[test]
fn machines_that_differ_hash_otherwise() {
    let words = |machine: &Machine| {
        let mut words = DefaultHasher::new();
        machine.canonical().hash(&mut words);
        words.finish()
    };
    let empty = Machine::new(Limits::default());
    let mut machine = empty.clone();
    open(&mut machine, NOW, Mode::Load);
    assert_ne!(hash(&machine), hash(&empty));
    assert_ne!(words(&machine), words(&empty));
    assert!(!machine.canonical().words().is_empty());
}

/// A machine in a message says how much it has to do.
#[test]
fn a_machine_is_shown_by_what_it_has() {
    let mut machine = Machine::new(Limits::default());
    open(&mut machine, NOW, Mode::Load);
    let shown = format!("{machine:?}");
    let words = "Machine { now: 1ns, phase: Running, files: 0, handles: 1, pending: 1, charged: ";
    assert!(shown.starts_with(words), "{shown}");
}
