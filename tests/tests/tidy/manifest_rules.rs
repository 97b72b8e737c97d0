//! Rules about manifests and the menu of recipes.

use crate::source::has_word;
use crate::{Complaints, complain_if};
use std::collections::BTreeSet;

/// Each runtime, by the start of its crates' names, and the one room that may build on it.
const RUNTIMES: [(&str, &str); 6] = [
    ("tokio", "driver-tokio"),
    ("smol", "driver-smol"),
    ("async-std", "driver-smol"),
    ("async-io", "driver-smol"),
    ("async-executor", "driver-smol"),
    ("mio", "none of them"),
];

pub(crate) fn wrong_dependencies(path: &str, text: &str) -> Complaints {
    let Some(room) = path.strip_suffix("/Cargo.toml") else {
        return Vec::new();
    };
    let is_driver = |name: &str| name.starts_with("driver-") && name != "driver-kit";
    let mut complaints = Vec::new();
    for (kind, name) in dependencies(text) {
        let shipped = kind != "dev-dependencies";
        let wrong = match room {
            "staging-core" => shipped,
            "driver-kit" => is_driver(&name) || shipped && runtime_home(&name).is_some(),
            "staging-store" => shipped && (is_driver(&name) || runtime_home(&name).is_some()),
            _ if is_driver(room) => {
                is_driver(&name) || shipped && runtime_home(&name).is_some_and(|home| home != room)
            }
            _ => false,
        };
        complaints.extend(complain_if(wrong, || format!("{path}: {name} in {kind}")));
    }
    complaints
}

pub(crate) fn odd_package(path: &str, text: &str) -> Complaints {
    let name = text
        .lines()
        .skip_while(|line| *line != "[package]")
        .find_map(|line| line.strip_prefix("name = "));
    let (Some(folder), Some(name)) = (path.strip_suffix("/Cargo.toml"), name) else {
        let open = path == "Cargo.toml" && !text.contains("publish = false");
        return complain_if(open, || {
            format!("{path}: the workspace must say `publish = false`")
        });
    };
    let folder = folder.rsplit('/').next().unwrap_or(folder);
    let unlike = name.trim_matches('"') != folder;
    let public = !text.contains("publish.workspace = true") && !text.contains("publish = false");
    let mut complaints = complain_if(unlike, || format!("{path}: named {name}"));
    complaints.extend(complain_if(public, || {
        format!("{path}: could be published")
    }));
    complaints
}

pub(crate) fn long_recipes(path: &str, text: &str) -> Complaints {
    if path != "justfile" {
        return Vec::new();
    }
    let mut recipes: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
    {
        match (line.starts_with([' ', '\t']), recipes.last_mut()) {
            (true, Some((_, body))) => body.push(line.trim()),
            _ => recipes.push((line, Vec::new())),
        }
    }
    let one_cargo_line =
        |body: &[&str]| body.len() == 1 && has_word(body[0], "cargo") && !body[0].contains("&&");
    recipes.retain(|(_, body)| !one_cargo_line(body));
    recipes
        .iter()
        .map(|(name, body)| format!("{path}: {name} {body:?}"))
        .collect()
}

fn runtime_home(dependency: &str) -> Option<&'static str> {
    RUNTIMES
        .iter()
        .find(|(runtime, _)| dependency.starts_with(runtime))
        .map(|(_, home)| *home)
}

/// Every dependency of a manifest: the kind of its section and the package's real name.
fn dependencies(manifest: &str) -> Vec<(String, String)> {
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
    {
        let header = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'));
        section = header.unwrap_or(section);
        let (outer, last) = section.rsplit_once('.').unwrap_or(("", section));
        let renamed = line
            .split_once("package = \"")
            .and_then(|(_, tail)| tail.split('"').next());
        let key = line.split(['=', '.', ' ']).next().unwrap_or_default();
        match header {
            None if last.ends_with("dependencies") && !key.is_empty() => {
                found.push((last.into(), renamed.unwrap_or(key).into()));
            }
            None => found.extend(
                renamed
                    .filter(|_| outer.ends_with("dependencies"))
                    .map(|name| (outer.into(), name.into())),
            ),
            Some(_) if outer.ends_with("dependencies") => found.push((outer.into(), last.into())),
            Some(_) => {}
        }
    }
    found
}

const TWINS: [&str; 2] = ["driver-tokio/", "driver-smol/"];

pub(crate) fn lone_twin(path: &str, _text: &str, paths: &BTreeSet<String>) -> Complaints {
    let twin = match TWINS.map(|twin| path.strip_prefix(twin)) {
        [Some(file), _] => format!("{}{file}", TWINS[1]),
        [_, Some(file)] => format!("{}{file}", TWINS[0]),
        [None, None] => return Complaints::new(),
    };
    complain_if(!paths.contains(&twin), || {
        format!("{path}: there is no {twin}; what only one driver can have belongs in runtime.rs")
    })
}
