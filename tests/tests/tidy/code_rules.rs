//! Rules about Rust source.

use std::path::Path;

use crate::source::{code, has_word, in_name};
use crate::{Complaints, complain_if, each_line};

pub(crate) const MOST_LINES: usize = 500;
pub(crate) const MOST_LINES_IN_LIB: usize = 150;
const DRAWER_TYPES: [&str; 5] = ["Manager", "Inner", "Util", "Helper", "Common"];
const DRAWER_FILES: [&str; 6] = ["util", "utils", "common", "helper", "helpers", "misc"];
/// Where unsafe blocks may stand, and why.
const UNSAFE_ROOMS: [(&str, &str); 8] = [
    (
        "driver-kit/tests/loom/cell.rs",
        "loom's cell, which sees who touches it, is raw memory",
    ),
    (
        "driver-kit/tests/contents_",
        "what is raw memory is tested as raw memory: faults, signals, cells",
    ),
    (
        "benches/src/limits/",
        "a ring takes raw pointers to buffers",
    ),
    (
        "benches/src/peers/mapped.rs",
        "memmap2 has no safe way to map a file",
    ),
    (
        "benches/src/cold.rs",
        "what is resident is asked with a raw pointer",
    ),
    (
        "tests/src/counting.rs",
        "a global allocator is an unsafe trait",
    ),
    (
        "driver-kit/src/contents/",
        "mappings, arenas and the truncation guard are raw memory",
    ),
    (
        "staging-core/examples/uring",
        "a ring takes raw pointers to buffers",
    ),
];
/// Tests that may sleep, and why nothing else would do.
const SLEEPERS: [(&str, &str); 0] = [];

pub(crate) fn too_long(path: &str, text: &str) -> Complaints {
    let lines = text.lines().count();
    let long = path.ends_with(".rs") && lines > MOST_LINES;
    complain_if(long, || {
        format!("{path}: {lines} lines, {MOST_LINES} at most")
    })
}

pub(crate) fn crowded_lib(path: &str, text: &str) -> Complaints {
    let lines = code(text)
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count();
    let crowded = path.ends_with("src/lib.rs") && lines > MOST_LINES_IN_LIB;
    complain_if(crowded, || {
        format!("{path}: {lines} lines of code, {MOST_LINES_IN_LIB} at most")
    })
}

pub(crate) fn drawer_names(path: &str, text: &str) -> Complaints {
    if !path.ends_with(".rs") {
        return Vec::new();
    }
    let stem = Path::new(path)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let drawer = DRAWER_FILES.contains(&stem);
    let mut complaints = complain_if(drawer, || {
        format!("{path}: name the file after its concept")
    });
    complaints.extend(each_line(path, &code(text), |line| {
        let words: Vec<&str> = line
            .split(|c| !in_name(c))
            .filter(|word| !word.is_empty())
            .collect();
        let declared =
            |pair: &[&str]| ["struct", "enum", "trait", "type", "union"].contains(&pair[0]);
        let mut names = words
            .windows(2)
            .filter(|pair| declared(pair))
            .map(|pair| pair[1]);
        names
            .find(|name| DRAWER_TYPES.iter().any(|end| name.ends_with(end)))
            .map(String::from)
    }));
    complaints
}

pub(crate) fn stray_unsafe(path: &str, text: &str) -> Complaints {
    if !path.ends_with(".rs") || UNSAFE_ROOMS.iter().any(|(room, _)| path.starts_with(room)) {
        return Vec::new();
    }
    each_line(path, &code(text), |line| {
        has_word(line, "unsafe").then(|| "unsafe".into())
    })
}

pub(crate) fn sleeping_tests(path: &str, text: &str) -> Complaints {
    let in_tests = path.starts_with("tests/") || path.contains("/tests/");
    let may_sleep = SLEEPERS.iter().any(|(sleeper, _)| path == *sleeper);
    if !path.ends_with(".rs") || !in_tests || may_sleep {
        return Vec::new();
    }
    each_line(path, &code(text), |line| {
        has_word(line, "sleep").then(|| "a sleep".into())
    })
}

pub(crate) fn worldly_core(path: &str, text: &str) -> Complaints {
    if !path.starts_with("staging-core/src/") {
        return Vec::new();
    }
    let world = ["std", "println", "eprintln", "dbg"];
    each_line(path, &code(text), |line| {
        world
            .into_iter()
            .find(|word| has_word(line, word))
            .map(String::from)
    })
}
