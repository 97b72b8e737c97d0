//! Taste, held by tests. Each rule is a pure function from a file to its complaints, and
//! `every_rule_can_fail` shows each of them a bad example; words that a rule forbids are
//! written in two halves, so that this file can be read by its own rules.

mod code_rules;
mod document_rules;
mod examples;
mod manifest_rules;
mod source;
mod text_rules;
mod tree;

use crate::tree::Tree;

/// What a rule has against one file: nothing, or one line for each place.
type Complaints = Vec<String>;

/// A file that does not fit in a head hides its concept; 300 is the habit, 500 the end.
#[test]
fn rust_files_stay_short() {
    holds(code_rules::too_long);
}

/// `lib.rs` is read first: prose, modules in reading order and re-exports, no machinery.
#[test]
fn lib_files_hold_prose_and_names() {
    holds(code_rules::crowded_lib);
}

/// A mark for later is work that nobody sees; it is done, or it is an issue.
#[test]
fn nothing_is_left_unfinished() {
    holds(text_rules::unfinished);
}

/// A name that fits everything says nothing about what is inside.
#[test]
fn names_say_what_is_inside() {
    holds(code_rules::drawer_names);
}

/// Arrows go one way: the core needs nobody, the kit and the store know no runtime, and
/// drivers do not know each other. Otherwise a user of one world pays for another.
#[test]
fn dependencies_point_inwards() {
    holds(manifest_rules::wrong_dependencies);
}

/// Unsafe code is proven block by block, so it stands where its readers look for it.
#[test]
fn unsafe_stays_in_its_rooms() {
    holds(code_rules::stray_unsafe);
}

/// A sleep is a guess about the machine: tests gate the storage and wait for events.
#[test]
fn tests_do_not_sleep() {
    holds(code_rules::sleeping_tests);
}

/// The project must read and build the same in everybody's checkout.
#[test]
fn no_machine_is_named() {
    holds(text_rules::machine_paths);
    holds(text_rules::registry_words);
}

/// The machine decides and does nothing: what it cannot name it cannot do.
#[test]
fn the_core_names_no_world() {
    holds(code_rules::worldly_core);
}

/// One name for folder and package; nothing is published by accident.
#[test]
fn packages_are_named_like_their_folders() {
    holds(manifest_rules::odd_package);
}

/// A diff of the two drivers of futures shows their runtimes, so each file has its twin.
#[test]
fn drivers_of_futures_have_the_same_files() {
    let tree = Tree::of_this_project();
    none(tree.complaints(|path, text| manifest_rules::lone_twin(path, text, &tree.paths)));
}

/// The justfile is a menu of things that also work without it.
#[test]
fn recipes_are_one_cargo_line() {
    holds(manifest_rules::long_recipes);
}

/// A link to nowhere breaks a reader's trust in all others.
#[test]
fn links_lead_somewhere() {
    let tree = Tree::of_this_project();
    none(tree.complaints(|path, text| document_rules::dead_links(path, text, &tree.paths)));
}

/// A feature that works is shown by something a reader can open.
#[test]
fn features_are_shown() {
    let tree = Tree::of_this_project();
    none(tree.complaints(|path, text| {
        document_rules::unshown_features(path, text, &|name| tree.knows(name))
    }));
}

fn holds(rule: fn(path: &str, text: &str) -> Complaints) {
    none(Tree::of_this_project().complaints(rule));
}

fn none(complaints: Complaints) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn complain_if(bad: bool, complaint: impl FnOnce() -> String) -> Complaints {
    bad.then(complaint).into_iter().collect()
}

fn each_line(path: &str, text: &str, mut found: impl FnMut(&str) -> Option<String>) -> Complaints {
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(at, line)| found(line).map(|what| format!("{path}:{}: {what}", at + 1)))
        .collect()
}
