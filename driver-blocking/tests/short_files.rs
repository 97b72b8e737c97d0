//! G5: a file that gives fewer bytes than it claims to have is not filled up with others'.

use driver_blocking::{Limits, Mode, Stager};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Claims to have a page, and gives the digits of a number.
const CLAIMS_A_PAGE: &str = "/sys/kernel/uevent_seqnum";

#[test]
fn a_file_that_gives_less_than_it_claims_is_not_staged() -> io::Result<()> {
    if !Path::new(CLAIMS_A_PAGE).exists() {
        return Ok(());
    }
    let in_one_action = Limits::default();
    let in_chunks = Limits {
        fetch: 0,
        ..in_one_action
    };
    for limits in [in_one_action, in_chunks] {
        let stager = Stager::builder().limits(limits).build();
        // What a closed file leaves behind in the arena must not come back as another's bytes.
        let mut other = tempfile::NamedTempFile::new()?;
        io::Write::write_all(&mut other, &[7; 4096])?;
        drop(stager.open(other.path())?);
        let opened = stager.open(CLAIMS_A_PAGE);
        let kind = opened.map(|file| file.len()).map_err(|error| error.kind());
        assert_eq!(kind, Err(ErrorKind::Unsupported));

        let unstaged = stager.options().mode(Mode::None).open(CLAIMS_A_PAGE)?;
        let mut bytes = [0; 100];
        let read = unstaged.read_at(&mut bytes, 0)?;
        assert!(bytes[..read].ends_with(b"\n"), "{:?}", &bytes[..read]);
    }
    Ok(())
}
