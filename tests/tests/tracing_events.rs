//! What a driver does can be followed: each action with its path, each notice.

use driver_blocking::{Mode, Stager};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

type Proof = Result<(), Box<dyn std::error::Error>>;

/// Keeps each event as a line: its message, then its fields.
#[derive(Clone, Default)]
struct Listener {
    lines: Arc<Mutex<Vec<String>>>,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.0.insert_str(0, &format!("{value:?}")),
            name => self.0.push_str(&format!(" {name}={value:?}")),
        }
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line.0);
    }
}

/// Without a pool everything is done, and so told, on this thread.
#[test]
fn every_action_and_every_notice_is_an_event() -> Proof {
    let dir = tempfile::tempdir()?;
    let path = dir.path().canonicalize()?.join("file");
    std::fs::write(&path, [7; 100])?;
    let listener = Listener::default();
    tracing::subscriber::with_default(listener.clone(), || -> std::io::Result<()> {
        let stager = Stager::new();
        let file = stager.options().mode(Mode::None).open(&path)?;
        file.stage(Mode::Load)?;
        file.unstage()?;
        file.read_at(&mut [0; 10], 0)?;
        drop(file);
        let _report = stager.shutdown(driver_blocking::Grace::default());
        Ok(())
    })?;
    let lines = listener
        .lines
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let place = format!("path={}", path.display());
    for kind in ["Open", "Load", "Release", "Read", "Close"] {
        let told = |line: &&String| line.starts_with("perform") && line.contains(kind);
        let line = lines.iter().find(told).ok_or(kind)?;
        assert!(line.contains(&place), "{line}");
    }
    for phase in ["Draining", "Closing", "Closed"] {
        let told = |line: &String| line.starts_with("notice") && line.contains(phase);
        assert!(lines.iter().any(told), "{phase} in {lines:#?}");
    }
    Ok(())
}
