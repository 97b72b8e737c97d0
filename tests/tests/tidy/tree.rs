//! The project's files, as git sees them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::Complaints;

/// Every path of the project, and the text of those files that are text.
pub(crate) struct Tree {
    pub(crate) paths: BTreeSet<String>,
    texts: Vec<(String, String)>,
}

impl Tree {
    /// The files that git tracks or would track; without git, all outside build folders.
    pub(crate) fn of_this_project() -> Tree {
        let here = env::var_os("CARGO_MANIFEST_DIR")
            .map(PathBuf::from)
            .unwrap_or_default();
        let root = here.parent().unwrap_or(Path::new("."));
        let listed = listed_by_git(root).unwrap_or_else(|| found_by_walking(root, ""));
        let paths: BTreeSet<String> = listed
            .into_iter()
            .filter(|path| root.join(path).exists())
            .collect();
        assert!(
            paths.contains("Cargo.toml"),
            "{} is not the project",
            root.display()
        );
        let text = |path: &String| Some((path.clone(), fs::read_to_string(root.join(path)).ok()?));
        let texts = paths
            .iter()
            .filter(|path| !path.ends_with("Cargo.lock"))
            .filter_map(text)
            .collect();
        Tree { paths, texts }
    }

    /// What a rule says of all texts together.
    pub(crate) fn complaints(&self, rule: impl Fn(&str, &str) -> Complaints) -> Complaints {
        self.texts
            .iter()
            .flat_map(|(path, text)| rule(path, text))
            .collect()
    }

    /// Whether a name stands in a path or in some Rust source.
    pub(crate) fn knows(&self, name: &str) -> bool {
        let in_source =
            |(path, text): &(String, String)| path.ends_with(".rs") && text.contains(name);
        self.paths.iter().any(|path| path.contains(name)) || self.texts.iter().any(in_source)
    }
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ])
    .current_dir(root);
    let listing = String::from_utf8(git.output().ok()?.stdout).ok()?;
    let paths: Vec<String> = listing
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(String::from)
        .collect();
    (!paths.is_empty()).then_some(paths)
}

fn found_by_walking(root: &Path, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(folder))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() {
            name.clone()
        } else {
            format!("{folder}/{name}")
        };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && name != ".git" && !name.starts_with("target") => {
                found.extend(found_by_walking(root, &path));
            }
            Ok(kind) if !kind.is_dir() => found.push(path),
            _ => {}
        }
    }
    found
}

/// A checkout without git is held to the same rules.
#[test]
fn walking_finds_what_git_lists() {
    let tree = Tree::of_this_project();
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    let walked = found_by_walking(here.parent().unwrap_or(Path::new(".")), "");
    let missed: Vec<_> = tree
        .paths
        .iter()
        .filter(|path| !walked.contains(path))
        .collect();
    assert!(missed.is_empty(), "{missed:?}");
}
