//! The program: options in, tables, JSON and pictures out.

use crate::machine::Machine;
use crate::options::Options;
use crate::picture::picture;
use crate::report::{Report, RowReport};
use crate::rounds::measure;
use crate::rows::{self, Scene};
use crate::table::{holds, table};
use clap::Parser;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Measures what the command line asks for. `scratch` is a folder that cargo made for us, below the
/// target folder.
pub fn main(scratch: &Path) -> ExitCode {
    let options = Options::parse();
    match run(&options, scratch) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options, scratch: &Path) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if options.list {
        for row in rows::all() {
            writeln!(out, "{:<5} {}", row.id, row.about)?;
        }
        return Ok(());
    }
    let results = scratch.parent().unwrap_or(scratch).join("bench");
    let json = options.json.clone().unwrap_or(results.join("staging.json"));
    let pictures = options.pictures.clone().unwrap_or(results);
    // What cannot be written is better known before an hour of measuring.
    fs::create_dir_all(&pictures)?;
    if let Some(folder) = json.parent() {
        fs::create_dir_all(folder)?;
    }
    let folder: PathBuf = options.files.clone().unwrap_or(scratch.to_owned());
    fs::create_dir_all(&folder)?;
    let mut report = Report {
        quick: options.quick,
        machine: Machine::of(&folder),
        rows: Vec::new(),
    };
    writeln!(out, "{}", report.machine.line())?;
    if options.quick {
        writeln!(
            out,
            "in a hurry: less is read, and the figures are worth less"
        )?;
    }
    for entry in rows::all().iter().filter(|row| options.wants(row.id)) {
        say(&format!("{}: making files", entry.id));
        let folder = tempfile::Builder::new()
            .prefix("bench-")
            .tempdir_in(&folder)?;
        let scene = Scene::new(folder.path(), options.quick);
        let row = (entry.make)(&scene)?;
        let measured = measure(row, options.rounds(), &mut |round, rounds| {
            say(&match round {
                0 => format!("{}: first round, not counted", entry.id),
                _ => format!("{}: round {round} of {rounds}", entry.id),
            });
        })?;
        writeln!(out, "\n{}", table(&measured).trim_end())?;
        out.flush()?;
        let drawn = pictures.join(format!("{}.svg", entry.id.to_lowercase()));
        fs::write(drawn, picture(&measured, options.quick))?;
        report.rows.push(RowReport::of(&measured, options.quick));
        // After each row, so that an interrupted run leaves what it has.
        fs::write(&json, serde_json::to_string_pretty(&report)? + "\n")?;
        say(&format!("{}: target {}", entry.id, holds(measured.holds())));
    }
    say(&format!("JSON in {}", json.display()));
    say(&format!("pictures in {}", pictures.display()));
    Ok(())
}

/// How far it is, for people; nobody is hurt if it is not heard.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
