//! G4, G10, R12: crowds of files, in a process with few descriptors; and files of every size.

use super::many::{begin, holds_its_number, order, small_files};
use crate::conformance::child::{Child, Surroundings};
use crate::conformance::driver::Opening;
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::{Scene, pattern};
use driver_kit::core::{Limits, Mode, Standing};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{fs, io};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "G10, R12",
            ten_thousand_files_stay_staged_within_1024_descriptors,
        ),
        case(
            "G10, R12",
            ten_thousand_files_stay_mapped_within_1024_descriptors,
        ),
        case(
            "R12",
            three_thousand_unstaged_files_are_readable_within_1024_descriptors,
        )
        .of_the_core(),
        case("G4", files_of_all_sizes_are_equal_in_every_mode),
    ]
}

pub(super) const CHILDREN: [Child; 3] = [
    Child {
        name: "ten_thousand_auto",
        run: |scene| ten_thousand(scene, Mode::Auto),
    },
    Child {
        name: "ten_thousand_mapped",
        run: |scene| ten_thousand(scene, Mode::Map),
    },
    Child {
        name: "three_thousand_unstaged",
        run: three_thousand_unstaged,
    },
];

fn ten_thousand_files_stay_staged_within_1024_descriptors(scene: &Scene) -> Proof {
    CHILDREN[0].prove(scene, &Surroundings::default())
}

fn ten_thousand_files_stay_mapped_within_1024_descriptors(scene: &Scene) -> Proof {
    CHILDREN[1].prove(scene, &Surroundings::default())
}

fn three_thousand_unstaged_files_are_readable_within_1024_descriptors(scene: &Scene) -> Proof {
    CHILDREN[2].prove(scene, &Surroundings::default())
}

fn few_descriptors() -> io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let limit = Rlimit {
        current: Some(1_024),
        maximum,
    };
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// A staged file needs no descriptor.
fn ten_thousand(scene: &Scene, mode: Mode) -> Proof {
    few_descriptors()?;
    let driver = scene.driver();
    let paths = small_files(scene, 10_000)?;
    let items = begin(driver.as_ref(), paths, order(mode, 256))?.wait();
    assert_eq!(items.len(), 10_000);
    assert!(scene.descriptors()? <= 512);
    for item in &items {
        holds_its_number(item, 10_000)?;
    }
    Ok(())
}

/// An idle file gives its descriptor back when others need it.
fn three_thousand_unstaged(scene: &Scene) -> Proof {
    few_descriptors()?;
    let driver = scene.driver();
    let paths = small_files(scene, 3_000)?;
    let mut files = Vec::new();
    for path in &paths {
        files.push(driver.open(path, Opening::by(Mode::None))?);
    }
    assert!(scene.descriptors()? <= 512);
    for round in 0..2 {
        for (n, file) in files.iter().enumerate() {
            let expected = format!("this is file number {n}");
            assert_eq!(file.read(0, 64)?, expected.as_bytes(), "round {round}");
        }
    }
    assert!(driver.stats().descriptors_recycled > 2_000);
    Ok(())
}

/// G4: 200 files, from nothing to 64 MiB, are byte-equal in every mode.
fn files_of_all_sizes_are_equal_in_every_mode(scene: &Scene) -> Proof {
    let driver = scene.driver_with(Limits::default());
    let mut sizes: Vec<usize> = (0..150).map(|n| n * n * 7).collect();
    sizes.extend([1, 4_095, 4_096, 4_097, 131_071, 131_072, 131_073]);
    sizes.extend([
        (1 << 20) - 1,
        1 << 20,
        (1 << 20) + 1,
        (8 << 20) - 1,
        (8 << 20) + 1,
    ]);
    sizes.extend((0..200 - sizes.len() - 1).map(|n| 300_000 + n * 9_001));
    sizes.push(64 << 20);
    let mut paths = Vec::new();
    for (n, len) in sizes.iter().enumerate() {
        let path = scene.path(&n.to_string());
        fs::write(&path, pattern(*len, n as u8))?;
        paths.push(path);
    }
    assert_eq!(paths.len(), 200);
    for mode in [
        Mode::Auto,
        Mode::Load,
        Mode::Map,
        Mode::MapShared,
        Mode::None,
    ] {
        let items = begin(driver.as_ref(), paths.clone(), order(mode, 32))?.wait();
        assert_eq!(items.len(), 200);
        for item in items {
            let staged = item.result.map_err(|failure| failure.into_io())?;
            assert_eq!(
                matches!(staged.standing, Standing::Staged(_)),
                mode != Mode::None
            );
            let original = fs::read(&item.path)?;
            let mut read = vec![0; original.len() + 1];
            let len = match staged.handle.read_staged(0, &mut read) {
                Some(read) => read?,
                None => driver
                    .open(&item.path, Opening::by(Mode::None))?
                    .read_at(&mut read, 0)?,
            };
            assert!(
                read[..len] == original,
                "{} in {mode:?}",
                item.path.display()
            );
        }
    }
    Ok(())
}
