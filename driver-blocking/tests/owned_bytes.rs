//! Bytes that can be kept are written as they are: no copy of them is made, also where they wait.

use bytes::Bytes;
use driver_blocking::{Deadline, Stager};
use std::io;
use std::sync::Arc;

/// Bytes, of which somebody else can see whether they are still there.
struct Watched {
    bytes: &'static [u8],
    _there: Arc<()>,
}

impl AsRef<[u8]> for Watched {
    fn as_ref(&self) -> &[u8] {
        self.bytes
    }
}

fn watched(there: &Arc<()>, bytes: &'static [u8]) -> Bytes {
    let _there = Arc::clone(there);
    Bytes::from_owner(Watched { bytes, _there })
}

#[test]
fn bytes_that_can_be_kept_are_kept_until_they_are_written() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    // Nobody but this thread writes, and it does not before it is asked to.
    let stager = Stager::new();
    let options = stager.options().write(true).create(true);
    let file = options.write_behind(true).open(&path)?;
    let there = Arc::new(());
    file.write_bytes_at(watched(&there, b"owned "), 0)?;
    assert_eq!(file.append_bytes(watched(&there, b"bytes"))?, 6);
    assert_eq!(Arc::strong_count(&there), 3, "both wait");
    file.flush(Deadline::Never)?;
    assert_eq!(Arc::strong_count(&there), 1, "nobody needs them any more");
    assert_eq!(std::fs::read(&path)?, b"owned bytes");

    // Answered when they are executed, they are this call's alone.
    let file = stager.options().write(true).open(&path)?;
    file.write_bytes_at(watched(&there, b"OWNED"), 0)?;
    assert_eq!(file.append_bytes(watched(&there, b"!"))?, 11);
    assert_eq!(Arc::strong_count(&there), 1);
    assert_eq!(std::fs::read(&path)?, b"OWNED bytes!");
    Ok(())
}
