//! A bad and a good example for each rule: a rule that was never seen to fail proves nothing.

use std::collections::BTreeSet;

use crate::Complaints;
use crate::code_rules::*;
use crate::document_rules::*;
use crate::manifest_rules::*;
use crate::text_rules::*;

type Judge<'a> = &'a dyn Fn(&str, &str) -> Complaints;

#[test]
fn every_rule_can_fail() {
    let long = "// line\n".repeat(MOST_LINES + 1);
    let crowded = "fn f() {}\n".repeat(MOST_LINES_IN_LIB + 1);
    let path_of = |mark: &str| format!("`{mark}name/file`");
    let (work, home) = (path_of(MACHINE_PATHS[0]), path_of(MACHINE_PATHS[2]));
    let named = |name| format!("[package]\nname = \"{name}\"\npublish.workspace = true\n");
    let (kit, other) = (named("driver-kit"), named("kit"));
    let dead = |path: &str, text: &str| dead_links(path, text, &BTreeSet::from(["b/C.md".into()]));
    let shown = |path: &str, text: &str| unshown_features(path, text, &|name| name == "a_case");
    let cases: [(Judge, &str, &str, &str); 22] = [
        (&too_long, "a/src/b.rs", &long, "// line\n"),
        (&crowded_lib, "a/src/lib.rs", &crowded, &long),
        (&unfinished, "README.md", UNFINISHED[0], "To do: nothing."),
        (&unfinished, "a/src/b.rs", UNFINISHED[5], "#[test]"),
        (
            &drawer_names,
            "a/src/b.rs",
            "pub struct HubInner<T>;",
            "struct Innermost; // struct HubInner",
        ),
        (
            &wrong_dependencies,
            "staging-core/Cargo.toml",
            "[build-dependencies]\ncc = \"1\"",
            "[dev-dependencies]\nmio = \"1\"",
        ),
        (
            &wrong_dependencies,
            "staging-core/Cargo.toml",
            "[dependencies.log]\nversion = \"0\"",
            "[dependencies]\n",
        ),
        (
            &wrong_dependencies,
            "driver-kit/Cargo.toml",
            "[target.'cfg(x)'.dependencies]\ntokio = \"1\"",
            "[dependencies]\nbytes = \"1\"",
        ),
        (
            &wrong_dependencies,
            "driver-kit/Cargo.toml",
            "[dependencies]\ntime = { package = \"tokio\" }",
            "[package]\nname = \"tokio\"",
        ),
        (
            &wrong_dependencies,
            "driver-smol/Cargo.toml",
            "[dev-dependencies]\ndriver-tokio.workspace = true",
            "[dependencies]\nsmol = \"2\"",
        ),
        (
            &wrong_dependencies,
            "staging-store/Cargo.toml",
            "[dependencies]\ndriver-sim = {}",
            "[dev-dependencies]\ndriver-sim = {}",
        ),
        (
            &stray_unsafe,
            "driver-kit/src/hub.rs",
            "let x = unsafe { y };",
            "#![forbid(unsafe_code)] /* unsafe */",
        ),
        (
            &sleeping_tests,
            "a/tests/b.rs",
            "std::thread::sleep(x);",
            "Command::new(\"sleep\")",
        ),
        (
            &machine_paths,
            ".ci/run",
            &work,
            "frame/work/ `/home/user/file`",
        ),
        (&machine_paths, "README.md", &home, "/homework"),
        (&registry_words, "README.md", REGISTRY_WORDS[0], "a crate"),
        (
            &worldly_core,
            "staging-core/src/b.rs",
            "use std::fs;",
            "//! std::fs\nuse core::fmt;",
        ),
        (&odd_package, "driver-kit/Cargo.toml", &other, &kit),
        (
            &odd_package,
            "driver-kit/Cargo.toml",
            "[package]\nname = \"driver-kit\"\n",
            &kit,
        ),
        (
            &long_recipes,
            "justfile",
            "a:\n    cargo build\n    cargo test\n",
            "a:\n    cargo build\nb:\n    X=1 cargo test\n",
        ),
        (
            &dead,
            "b/A.md",
            "see [c](D.md)",
            "[c](./C.md#x) [b](../b) [u](https://u) `[c](D.md)`",
        ),
        (
            &shown,
            "FEATURES.md",
            "| a | G1 | d | works | |",
            "| a | G1 | d | works | `a_case` |\n| a | – | d | planned: mount | |",
        ),
    ];
    for (rule, path, bad, good) in cases {
        assert!(
            !rule(path, bad).is_empty(),
            "{path}: the rule was blind to\n{bad}"
        );
        let complaints = rule(path, good);
        assert!(
            complaints.is_empty(),
            "{path}: the rule forbade\n{good}\n{complaints:?}"
        );
    }
    let smol = BTreeSet::from(["driver-smol/src/a.rs".into()]);
    assert_eq!(lone_twin("driver-tokio/src/b.rs", "", &smol).len(), 1);
    assert!(lone_twin("driver-tokio/src/a.rs", "", &smol).is_empty());
    for mark in UNFINISHED {
        assert_eq!(unfinished("a.rs", mark).len(), 1, "{mark} was not seen");
    }
    assert_eq!(drawer_names("a/src/util.rs", "").len(), 1);
    assert_eq!(
        shown("FEATURES.md", "| a | G1 | d | works | `no_case` |").len(),
        1
    );
    assert_eq!(
        shown("FEATURES.md", "| a | G1 | d | planned: soon | |").len(),
        1
    );
    assert_eq!(shown("FEATURES.md", "| a | G1 | works | |").len(), 1);
    assert_eq!(shown("FEATURES.md", "# Another page").len(), 1);
}
