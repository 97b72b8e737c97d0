//! A check that rejects nothing proves nothing: for each check of the histories, of the journals and
//! of the model there is something broken, made by hand, that it must reject.

use staging_core::{
    Access, Action, Completion, Entry, Event, Fault, Limits, Machine, Missing, Mode, Plan, Reply,
    Request, Tag, Tick,
};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tests::conformance::keeps_the_contract;
use tests::core::broken;
use tests::model::{self, Change, Content, Happened};

/// The modules whose checks are functions, and their text.
const CHECKED: [(&str, &str); 6] = [
    ("bounds", include_str!("../src/core/bounds.rs")),
    ("columns", include_str!("../src/core/columns.rs")),
    ("rules", include_str!("../src/core/rules.rs")),
    ("driver", include_str!("../src/core/driver.rs")),
    ("order", include_str!("../src/core/order.rs")),
    ("world", include_str!("../src/core/world.rs")),
];
/// Checks that are not called so.
const OTHERS: [&str; 7] = [
    "rules::quiet",
    "world::say",
    "world::answered",
    "world::take",
    "order::accepted",
    "order::handed_out",
    "order::answered",
];
/// Checks that only call others.
const PASSED_ON: [&str; 1] = ["world::check_not_held_up"];

#[test]
fn every_broken_world_is_rejected() {
    let mut accepted = Vec::new();
    for broken in broken::fixtures() {
        let ended = catch_unwind(AssertUnwindSafe(broken.run));
        let said = ended.err().map(|panic| words(panic.as_ref()));
        if !said.as_ref().is_some_and(|said| said.contains(broken.says)) {
            accepted.push(format!("{}: {}: {said:?}", broken.check, broken.what));
        }
    }
    assert!(accepted.is_empty(), "not seen:\n{}", accepted.join("\n"));
}

#[test]
fn every_check_of_the_worlds_has_something_to_reject() {
    let fixtures = broken::fixtures();
    let mut missing: BTreeSet<String> = OTHERS.into_iter().map(String::from).collect();
    for (module, text) in CHECKED {
        let names = text.split("fn ").skip(1).filter_map(|rest| {
            let name: String = rest
                .chars()
                .take_while(|c| *c == '_' || c.is_alphanumeric())
                .collect();
            let is_check = name == "check" || name.starts_with("check_");
            is_check.then(|| format!("{module}::{name}"))
        });
        missing.extend(names);
    }
    missing.retain(|name| !fixtures.iter().any(|broken| broken.check == *name));
    missing.retain(|name| !PASSED_ON.contains(&name.as_str()));
    assert!(
        missing.is_empty(),
        "nothing shows that these see anything: {missing:?}"
    );
}

#[test]
fn every_broken_driver_is_rejected_by_the_model() {
    let mut accepted = Vec::new();
    for broken in model::broken::fixtures() {
        let honest = broken.play_honestly();
        let said = broken.play().err().unwrap_or_default();
        if honest.is_err() || !said.contains(broken.says) {
            accepted.push(format!("{}: {said:?}, honest {honest:?}", broken.what()));
        }
    }
    assert!(accepted.is_empty(), "not seen:\n{}", accepted.join("\n"));
}

/// What a driver must not do, in journals that end with it.
#[test]
fn every_broken_journal_is_rejected() {
    let honest = journal();
    assert!(keeps_the_contract(&honest).is_ok());
    let rejected = |what: &str, change: &dyn Fn(&mut Vec<Entry>)| {
        let mut broken = honest.clone();
        change(&mut broken);
        let said = keeps_the_contract(&broken)
            .err()
            .map(|error| error.to_string());
        assert!(
            said.as_ref().is_some_and(|said| said.contains(what)),
            "{what}: {said:?}"
        );
    };
    let end = |entry: &Entry| {
        matches!(
            entry,
            Entry::Said {
                event: Event::Completed { .. },
                ..
            }
        )
    };
    rejected("is before", &|journal| {
        let (now, event, reply) = (Tick::ZERO, Event::Ticked, Reply::Done);
        journal.push(Entry::Said { now, event, reply });
    });
    rejected("never completed", &|journal| {
        journal.retain(|entry| !end(entry))
    });
    rejected("not under way", &|journal| {
        let again = journal.iter().copied().find(end);
        journal.extend(again.map(later));
    });
    rejected("not under way", &|journal| {
        let unasked = |entry: &Entry| !matches!(entry, Entry::Polled(Action::Perform { .. }));
        journal.retain(unasked);
    });
}

/// The same, at a time after all others.
fn later(entry: Entry) -> Entry {
    match entry {
        Entry::Said { event, reply, .. } => {
            let now = Tick(u64::MAX - 1);
            Entry::Said { now, event, reply }
        }
        polled @ Entry::Polled(_) => polled,
    }
}

/// A machine that is asked for one open, and told that there is no such file.
fn journal() -> Vec<Entry> {
    let (mut machine, mut journal) = (Machine::new(Limits::default()), Vec::new());
    let mut say = |machine: &mut Machine, event| {
        let now = Tick(1 + journal.len() as u64);
        let reply = machine.handle(now, event);
        journal.push(Entry::Said { now, event, reply });
        let mut last = None;
        while let Some(action) = machine.poll_action() {
            journal.push(Entry::Polled(action));
            if let Action::Perform { io, .. } = action {
                last = Some(io);
            }
        }
        last
    };
    let (access, missing, plan) = (Access::Read, Missing::Fail, Plan::of(Mode::None));
    let request = Request::Open {
        access,
        missing,
        plan,
    };
    let (tag, deadline) = (Tag(0), Tick::NEVER);
    let asked = Event::Submitted {
        tag,
        deadline,
        request,
    };
    let (fault, opening) = (Fault::Os(2), say(&mut machine, asked));
    let completion = Completion::Failed { fault };
    if let Some(io) = opening {
        say(&mut machine, Event::Completed { io, completion });
    }
    journal
}

/// What the model holds files to, without a driver.
#[test]
fn bytes_that_may_not_be_are_rejected() {
    let mut content = Content::of(b"old old old".to_vec());
    assert!(content.allows(4, 3, b"old").is_ok());
    assert!(content.allows(4, 3, b"new").is_err(), "another byte");
    assert!(content.allows(4, 3, b"ol").is_err(), "too few");
    assert!(content.allows(8, 9, b"old!").is_err(), "too many");
    content.apply(Change::Write(4, b"new"), Happened::Unknown);
    for seen in [b"old", b"new", b"nld"] {
        assert!(
            content.allows(4, 3, seen).is_ok(),
            "a part of it may be written"
        );
    }
    assert!(content.allows(4, 3, b"zzz").is_err(), "neither old nor new");
    assert!(content.allows(0, 3, b"new").is_err(), "elsewhere");
    content.apply(Change::Write(0, b"all is new!"), Happened::All);
    assert!(content.allows(0, 11, b"all is new!").is_ok());
    assert!(
        content.allows(0, 11, b"all is old!").is_err(),
        "a later write covers it"
    );
    content.apply(Change::SetLen(20), Happened::Unknown);
    assert!(content.allows(8, 20, b"ew!").is_ok());
    assert!(content.allows(8, 20, b"ew!\0\0\0\0\0\0\0\0\0").is_ok());
    assert!(content.allows(10, 3, b"!xx").is_err(), "a hole is of zeros");
    assert!(content.takes_append_at(11) && content.takes_append_at(20));
    assert!(!content.takes_append_at(15), "an append is at an end");
    content.apply(Change::Write(0, b"nothing"), Happened::Nothing);
    assert!(content.allows(0, 3, b"all").is_ok());
    assert!(
        content.settle(b"all is new".to_vec()).is_err(),
        "it is longer"
    );
    assert!(content.settle(b"all is new!".to_vec()).is_ok());
    assert!(content.exact().is_some());
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let word = panic.downcast_ref::<&str>().map(|word| word.to_string());
    text.or(word).unwrap_or_default()
}
