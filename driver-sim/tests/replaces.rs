//! A1, A6: a replace on the simulated disk, at each step of which the power goes, and where replies are lost.

use driver_sim::{Dice, Disk, Durability, Faults, Stager, Trouble, failure};
use std::io;
use std::time::Duration;

const OLD: &[u8] = b"what was there, and a little more";
const NEW: &[u8] = b"what is to be there, whole or not at all";

fn stager(seed: u64, faults: Faults) -> io::Result<Stager> {
    let stager = Stager::builder()
        .seed(seed)
        .disk(Disk::faulty(faults, seed))
        .build();
    stager.replace("/file", OLD).commit()?;
    Ok(stager)
}

fn names(stager: &Stager) -> Vec<String> {
    stager.with(|simulation| {
        let files = simulation.disk().files();
        files.map(|(path, _)| path.to_string()).collect()
    })
}

/// A1: the old content or the new one; once it is answered, the new one.
#[test]
fn the_power_goes_at_any_moment() -> io::Result<()> {
    let (mut old, mut new) = (0, 0);
    for seed in 0..600 {
        let stager = stager(seed, Faults::none().strict_names())?;
        let mut dice = Dice::of(seed);
        let ticket = stager.replace("/file", NEW).begin()?;
        stager.run_for(Duration::from_nanos(dice.below(500_000)));
        let answered = ticket.is_answered();
        let after = stager.power_loss();
        match after.cached("/file").as_deref() {
            Some(OLD) if !answered => old += 1,
            Some(NEW) => new += 1,
            left => {
                let what = format!("seed {seed}, answered: {answered}, left: {left:?}");
                return Err(io::Error::other(what));
            }
        }
    }
    assert!(old > 50 && new > 50, "{old} old, {new} new");
    Ok(())
}

/// A1: what may have happened is not called undone, nor done, and leaves nothing beside it.
#[test]
fn a_lost_reply_is_indeterminate_and_so_is_a_lost_request() -> io::Result<()> {
    for (trouble, left) in [(Trouble::ReplyLost, NEW), (Trouble::RequestLost, OLD)] {
        let stager = stager(1, Faults::none().at(trouble, 2))?;
        let Err(error) = stager.replace("/file", NEW).commit() else {
            return Err(io::Error::other("it is called replaced"));
        };
        let unknown = failure(&error).is_some_and(|failure| failure.is_indeterminate());
        assert!(unknown, "{trouble:?}: {error}");
        assert_eq!(stager.cached("/file").as_deref(), Some(left));
        assert_eq!(names(&stager), ["/file"]);
        stager.replace("/file", OLD).commit()?;
    }
    Ok(())
}

/// A1, A6.
#[test]
fn what_fails_is_not_committed() -> io::Result<()> {
    let stager = stager(1, Faults::none())?;
    let new = stager.replace("/file", NEW).create_new(true);
    let Err(error) = new.commit() else {
        return Err(io::Error::other("there was something"));
    };
    assert_eq!(driver_sim::errno(&error), Some(17), "{error}");
    assert_eq!(stager.cached("/file").as_deref(), Some(OLD));
    let lazy = stager.replace("/file", NEW).durability(Durability::None);
    lazy.commit()?;
    assert_eq!(stager.cached("/file").as_deref(), Some(NEW));
    assert_eq!(names(&stager), ["/file"]);
    Ok(())
}
