//! Rules about documents: links lead somewhere, and features are shown.

use std::collections::BTreeSet;

use crate::{Complaints, each_line};

/// The stops of the road, in the order in which they are reached.
const STOPS: [&str; 8] = [
    "foundation",
    "drivers",
    "proof",
    "staging",
    "writing",
    "store",
    "mount",
    "scale-out",
];

pub(crate) fn dead_links(path: &str, text: &str, paths: &BTreeSet<String>) -> Complaints {
    if !path.ends_with(".md") {
        return Vec::new();
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut fenced = false;
    each_line(path, text, |line| {
        fenced ^= line.trim_start().starts_with("```");
        let prose: String = line.split('`').step_by(2).collect();
        let inline = prose
            .split("](")
            .skip(1)
            .filter_map(|tail| tail.split([')', ' ']).next());
        let named = prose
            .strip_prefix('[')
            .and_then(|tail| tail.split_once("]: "))
            .map(|(_, target)| target);
        let mut targets = inline
            .chain(named)
            .map(|target| target.split('#').next().unwrap_or_default());
        let local = |target: &str| {
            !fenced
                && !target.is_empty()
                && !target.contains("://")
                && !target.starts_with("mailto:")
        };
        targets
            .find(|target| local(target) && !leads_somewhere(folder, target, paths))
            .map(String::from)
    })
}

pub(crate) fn unshown_features(path: &str, text: &str, known: &dyn Fn(&str) -> bool) -> Complaints {
    if path != "FEATURES.md" {
        return Vec::new();
    }
    let mut rows: Vec<(usize, Vec<&str>)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some(row) = line
            .strip_prefix('|')
            .and_then(|row| row.trim_end().strip_suffix('|'))
        else {
            continue;
        };
        rows.push((at + 1, row.split('|').map(str::trim).collect()));
    }
    rows.retain(|(_, cells)| {
        cells.first() != Some(&"feature") && !cells.iter().all(|cell| cell.starts_with("--"))
    });
    if rows.is_empty() {
        return vec![format!("{path}: it lists no feature")];
    }
    let judged = rows.iter().filter_map(|(at, cells)| {
        let [_, _, _, state, shown] = cells[..] else {
            return Some(format!("{path}:{at}: {} cells instead of 5", cells.len()));
        };
        let names = shown
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| !name.contains(' '));
        let unknown: Vec<&str> = names.filter(|name| !known(name)).collect();
        match state {
            _ if !unknown.is_empty() => Some(format!("{path}:{at}: nobody knows {unknown:?}")),
            "works" | "partly" if shown.is_empty() => {
                Some(format!("{path}:{at}: {state}, but shown by nothing"))
            }
            "works" | "partly" => None,
            _ if STOPS
                .iter()
                .any(|stop| state.strip_prefix("planned: ") == Some(stop)) =>
            {
                None
            }
            _ => Some(format!("{path}:{at}: the state `{state}` is none of ours")),
        }
    });
    judged.collect()
}

fn leads_somewhere(folder: &str, target: &str, paths: &BTreeSet<String>) -> bool {
    let mut at: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if at.pop().is_none() => return false,
            ".." => {}
            name => at.push(name),
        }
    }
    let wanted = at.join("/");
    let inside = format!("{wanted}/");
    wanted.is_empty()
        || paths.contains(&wanted)
        || paths.iter().any(|path| path.starts_with(&inside))
}
