//! Rules about every text: what is written must be finished, and true anywhere.

use crate::source::in_name;
use crate::{Complaints, each_line};

pub(crate) const UNFINISHED: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("todo", "!("),
    concat!("unimpl", "emented!("),
    concat!("#[ig", "nore"),
];
pub(crate) const MACHINE_PATHS: [&str; 3] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), "/home/"];
pub(crate) const REGISTRY_WORDS: [&str; 5] = [
    concat!("crates", ".io"),
    concat!("arti", "factory"),
    concat!("jf", "rog"),
    concat!("nexus", "."),
    concat!("replace", "-with"),
];

pub(crate) fn unfinished(path: &str, text: &str) -> Complaints {
    if !path.ends_with(".rs") && !path.ends_with(".md") {
        return Vec::new();
    }
    each_line(path, text, |line| {
        UNFINISHED
            .into_iter()
            .find(|mark| line.contains(mark))
            .map(String::from)
    })
}

pub(crate) fn machine_paths(path: &str, text: &str) -> Complaints {
    each_line(path, text, |line| {
        let mut found = MACHINE_PATHS
            .iter()
            .flat_map(|mark| line.match_indices(mark));
        let bad = found.find(|(at, mark)| {
            let joined = line[..*at]
                .chars()
                .next_back()
                .is_some_and(|c| in_name(c) || "})~.".contains(c));
            let name = line[at + mark.len()..]
                .split(|c| !in_name(c))
                .next()
                .unwrap_or_default();
            let example = *mark == "/home/" && ["", "user"].contains(&name);
            !joined && !example
        });
        bad.map(|(at, _)| line[at..].chars().take(30).collect())
    })
}

pub(crate) fn registry_words(path: &str, text: &str) -> Complaints {
    each_line(path, text, |line| {
        REGISTRY_WORDS
            .into_iter()
            .find(|word| line.contains(word))
            .map(String::from)
    })
}
