//! Transcripts of the machine: what goes in, what comes out, as text. Each file in `scripts` shows
//! one promise; a line that differs fails, `UPDATE=1` writes them anew for a reader to judge.

use std::path::PathBuf;
use std::{env, fs};
use tests::core::script;

#[test]
fn the_machine_says_what_the_transcripts_say() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let update = env::var_os("UPDATE").is_some();
    let mut complaints = Vec::new();
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no scripts in {}", folder.display());
    for file in files {
        let expected = fs::read_to_string(&file).unwrap_or_default();
        match script::play(&expected) {
            Err(line) => complaints.push(format!("{}: {line}", file.display())),
            Ok(actual) if actual == expected => {}
            Ok(actual) if update => {
                if let Err(error) = fs::write(&file, actual) {
                    complaints.push(format!("{}: {error}", file.display()));
                }
            }
            Ok(actual) => complaints.push(difference(&file, &expected, &actual)),
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The actual transcript, with a mark where it leaves the expected one.
fn difference(file: &std::path::Path, expected: &str, actual: &str) -> String {
    let same = |(a, b): &(&str, &str)| a == b;
    let until = expected
        .lines()
        .zip(actual.lines())
        .take_while(same)
        .count();
    let missing = expected.lines().nth(until).unwrap_or("(the end)");
    let mut said = format!("{}: expected here: {missing}\n", file.display());
    for (at, line) in actual.lines().enumerate() {
        let mark = if at == until { "!!" } else { "  " };
        said.push_str(&format!("{mark} {line}\n"));
    }
    said
}
