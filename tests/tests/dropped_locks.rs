//! K1, R10: a future of a lock that is dropped gives up its place, and what it was granted.

use driver_smol::{Lock, Scope, Stager};
use futures::executor::block_on;
use std::future::{Future, IntoFuture};
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Waker};
use tests::conformance::wait_for;

type Proof = Result<(), Box<dyn std::error::Error>>;
type Waiting = Pin<Box<dyn Future<Output = io::Result<Lock>> + Send>>;

/// A stager, and a lock file that it has not locked yet.
fn scene() -> io::Result<(Stager, tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("lock");
    Ok((Stager::new(), folder, path))
}

/// In line, and not granted.
fn waiting(stager: &Stager, path: &PathBuf, scope: Scope) -> Waiting {
    let mut lock = stager.lock(path).scope(scope).into_future();
    let mut context = Context::from_waker(Waker::noop());
    assert!(lock.as_mut().poll(&mut context).is_pending());
    lock
}

/// K1, R10: whoever came after it is next.
#[test]
fn a_dropped_future_of_a_lock_leaves_no_gap() -> Proof {
    for scope in [Scope::Machine, Scope::System] {
        let (stager, _folder, path) = scene()?;
        let first = block_on(stager.lock(&path).scope(scope).into_future())?;
        let second = waiting(&stager, &path, scope);
        let third = waiting(&stager, &path, scope);
        drop(second);
        assert_eq!(stager.hub().locks(), 2);
        drop(first);
        drop(block_on(third)?);
        wait_for("all of them to go back", || stager.hub().locks() == 0)?;
        assert_eq!(stager.hub().kept(), 0);
    }
    Ok(())
}

/// K1, R10: nobody has looked at the answer yet.
#[test]
fn a_lock_that_was_granted_to_a_dropped_future_goes_back() -> Proof {
    for scope in [Scope::Machine, Scope::System] {
        let (stager, _folder, path) = scene()?;
        let first = block_on(stager.lock(&path).scope(scope).into_future())?;
        let second = waiting(&stager, &path, scope);
        drop(first);
        wait_for("it to be granted", || stager.stats().locked == 2)?;
        drop(second);
        drop(block_on(stager.lock(&path).scope(scope).into_future())?);
        wait_for("all of them to go back", || stager.hub().locks() == 0)?;
        assert_eq!(stager.hub().kept(), 0);
    }
    Ok(())
}
