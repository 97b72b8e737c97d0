//! An open that is asked for and not waited for is told what its options say, like one that is waited for.

use driver_sim::{Class, Deadline, Disk, Faults, OpenOptions, OpenTicket, Stager, Trouble};
use staging_core::FileLimits;
use std::io;
use std::io::ErrorKind::NotFound;
use std::path::Path;
use std::time::Duration;

const OWN: FileLimits = FileLimits {
    operations: Some(1),
    bytes: Some(100),
};

fn options(stager: &Stager) -> OpenOptions {
    stager.options().write(true).create(true)
}

fn missing() -> io::Error {
    io::Error::other("it was not open")
}

/// R8, R12, L3: the limits, how it bears a failed sync, and its interval.
#[test]
fn what_the_options_say_is_said_whether_or_not_it_is_waited_for() -> io::Result<()> {
    for polled in [false, true] {
        let faults = Faults::none().at(Trouble::SyncFails, 1);
        let stager = Stager::builder().seed(3).faults(faults).build();
        let options = options(&stager)
            .limits(OWN)
            .keep_dirty(true)
            .class(Class::Low)
            .timed(true)
            .sync_every(Duration::from_secs(1));
        let mut asked = options.begin_open("/file")?;
        let file = match polled {
            true => {
                assert!(asked.poll().is_none(), "nothing happened yet");
                stager.run();
                assert!(asked.is_answered() && asked.number().is_some());
                let file = asked.poll().ok_or_else(missing)??;
                assert!(asked.poll().is_none() && asked.number().is_none());
                file
            }
            false => asked.wait()?,
        };
        assert_eq!(file.limits(), OWN);
        let first = file.begin_write_at(b"one", 0, Deadline::Never)?;
        assert!(
            file.begin_write_at(b"two", 9, Deadline::Never).is_err(),
            "R12"
        );
        first.wait()?;
        assert_eq!(stager.writes_of(Class::Low).completed, 1);
        assert_eq!(file.timings().map(|it| it.of_all().count()), Some(1));
        stager.run_for(Duration::from_secs(2));
        assert_eq!(stager.stats().syncs_failed, 1, "L3: the time is kept");
        assert!(file.write_at(b"told", 0).is_err());
        file.write_at(b"on", 0)?; // R8: it keeps dirty
        file.sync(Deadline::Never)?;
    }
    Ok(())
}

#[test]
fn it_is_cut_before_anything_else_that_is_asked_of_it() -> io::Result<()> {
    for polled in [false, true] {
        let stager = Stager::new(4);
        options(&stager).open("/file")?.write_at(b"before", 0)?;
        let mut asked = options(&stager).truncate(true).begin_open("/file")?;
        let file = match polled {
            true => {
                stager.run();
                asked.poll().ok_or_else(missing)??
            }
            false => asked.wait()?,
        };
        file.append(b"after")?;
        assert_eq!(stager.cached("/file").as_deref(), Some(&b"after"[..]));
    }
    Ok(())
}

/// R10: nobody has it, and nobody will.
#[test]
fn an_open_that_is_dropped_leaves_nothing() -> io::Result<()> {
    for answered in [false, true] {
        let stager = Stager::new(5);
        let asked: OpenTicket = options(&stager).begin_open("/file")?;
        if answered {
            stager.run();
            assert!(asked.is_answered());
        }
        drop(asked);
        stager.run();
        let (files, descriptors) = stager.with(|simulation| {
            let disk = simulation.disk();
            (simulation.machine().files(), disk.open_descriptors())
        });
        assert_eq!((files, descriptors), (0, 0), "answered: {answered}");
    }
    Ok(())
}

#[test]
fn one_that_fails_says_so_once() -> io::Result<()> {
    let stager = Stager::new(6);
    let mut asked = stager.options().begin_open("/nothing")?;
    stager.run();
    let told = asked.poll().ok_or_else(missing)?;
    assert_eq!(
        told.map_err(|error| error.kind()).err(),
        Some(io::ErrorKind::NotFound)
    );
    assert!(asked.poll().is_none());
    assert!(asked.wait().is_err());
    Ok(())
}

/// G11: as on a real disk, only a link that is the last of a path can dangle.
#[test]
fn a_new_file_behind_a_linked_directory_is_made_where_that_leads() -> io::Result<()> {
    let mut disk = Disk::new();
    disk.directory("/folder");
    disk.link("/way", "folder");
    disk.link("/folder/nowhere", "nothing");
    let stager = Stager::builder().disk(disk).build();
    let file = options(&stager).open("/way/new")?;
    file.write_at(b"new", 0)?;
    assert_eq!(stager.cached("/folder/new").as_deref(), Some(&b"new"[..]));
    assert_eq!(file.path(), Path::new("/folder/new"));
    let read = stager.options();
    let missing = read.open("/way/none").map(drop);
    assert_eq!(missing.map_err(|error| error.kind()), Err(NotFound));
    for path in ["/way/nowhere", "/folder/nowhere"] {
        assert!(options(&stager).open(path).is_err(), "{path} dangles");
    }
    Ok(())
}
