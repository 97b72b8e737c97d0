//! R8: write-behind is asked for by file or by stager: what a builder says counts for each open that does not
//! say otherwise, on every driver.

use driver_kit::core::Fault;
use driver_kit::handlers::ActionKind;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tests::conformance::{Gate, is_errno};

type Proof = Result<(), Box<dyn Error>>;

const FAULT: Fault = Fault::Os(5);

fn file() -> std::io::Result<(TempDir, PathBuf)> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().canonicalize()?.join("file");
    fs::write(&path, [0; 100])?;
    Ok((dir, path))
}

fn is_told(said: std::io::Result<()>) -> Proof {
    let error = said.err().ok_or("it is answered before it failed")?;
    assert!(is_errno(&error, rustix::io::Errno::IO), "{error}");
    Ok(())
}

/// The same for both drivers of futures.
macro_rules! by_a_stager_of_futures {
    ($stager:expr, $path:expr) => {{
        let (stager, path): (_, &Path) = ($stager, $path);
        let held = Gate::closed(stager.hub(), ActionKind::Write);
        let behind = stager.options().write(true).open(path).await?;
        behind.write_at(0, &b"behind"[..]).await?;
        assert_eq!(stager.stats().written, 0, "answered, and not executed");
        held.open();
        behind.flush(driver_kit::Deadline::Never).await?;
        assert_eq!(&fs::read(path)?[..6], b"behind");
        drop(held);
        let asked = stager.options().write(true).write_behind(false);
        let asked = asked.open(path).await?;
        let failing = Gate::failing(stager.hub(), ActionKind::Write, 0, FAULT);
        is_told(asked.write_at(0, &b"lost"[..]).await)?;
        drop(failing);
        let through = stager.options().write(true).write_through(true);
        let through = through.open(path).await?;
        let failing = Gate::failing(stager.hub(), ActionKind::Sync, 0, FAULT);
        is_told(through.write_at(0, &b"lost"[..]).await)?;
        drop(failing);
        let read = stager.open(path).await?;
        assert_eq!(read.len(), 100);
    }};
}

#[test]
fn r8_a_stager_on_tokio_writes_behind() -> Proof {
    let (_dir, path) = file()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let builder = driver_tokio::Stager::builder().write_behind(true);
        by_a_stager_of_futures!(builder.build()?, &path);
        Ok(())
    })
}

#[test]
fn r8_a_stager_on_smol_writes_behind() -> Proof {
    let (_dir, path) = file()?;
    smol::block_on(async {
        let builder = driver_smol::Stager::builder().write_behind(true);
        by_a_stager_of_futures!(builder.build(), &path);
        Ok(())
    })
}

#[test]
fn r8_a_blocking_stager_writes_behind() -> Proof {
    let (_dir, path) = file()?;
    let builder = driver_blocking::Stager::builder().write_behind(true);
    let stager = builder.pool(1).build();
    let held = Gate::closed(stager.hub(), ActionKind::Write);
    let behind = stager.options().write(true).open(&path)?;
    behind.write_at(b"behind", 0)?;
    assert_eq!(stager.stats().written, 0, "answered, and not executed");
    held.open();
    behind.flush(driver_kit::Deadline::Never)?;
    assert_eq!(&fs::read(&path)?[..6], b"behind");
    drop(held);
    let asked = stager.options().write(true).write_behind(false);
    let asked = asked.open(&path)?;
    let failing = Gate::failing(stager.hub(), ActionKind::Write, 0, FAULT);
    is_told(asked.write_at(b"lost", 0))?;
    drop(failing);
    let through = stager.options().write(true).write_through(true);
    let through = through.open(&path)?;
    let failing = Gate::failing(stager.hub(), ActionKind::Sync, 0, FAULT);
    is_told(through.write_at(b"lost", 0))?;
    drop(failing);
    assert_eq!(stager.open(&path)?.len(), 100);
    Ok(())
}

#[test]
fn r8_a_simulated_stager_writes_behind() -> Proof {
    let builder = driver_sim::Stager::builder().seed(3);
    for by_stager in [true, false] {
        let stager = builder.clone().write_behind(by_stager).build();
        let options = stager.options().write(true).create(true);
        let file = options.open("/file")?;
        file.write_at(b"behind", 0)?;
        let executed = stager.stats().written == 1;
        assert_eq!(executed, !by_stager);
        file.flush(driver_sim::Deadline::Never)?;
        let asked = options.write_behind(!by_stager).open("/file")?;
        let before = stager.stats().written;
        asked.write_at(b"asked", 0)?;
        let executed = stager.stats().written > before;
        assert_eq!(executed, by_stager, "an open says otherwise");
        asked.flush(driver_sim::Deadline::Never)?;
        assert_eq!(stager.cached("/file").as_deref(), Some(&b"askedd"[..]));
    }
    Ok(())
}
