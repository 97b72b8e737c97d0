//! A1, A4, A6, L1, L2, L3, R13: the power is lost on real file systems.
//!
//! Each case lives once and loses power 36 times; `RIG_ROUNDS=100` makes a hundred lives of each. A seed
//! that fails is printed; `RIG_SEED=7` repeats the life that it belongs to.

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use std::sync::Arc;
use tests::rig::protocols::{Crowd, Logging, Protocol, Replacing, Rewriting, Writing};
use tests::rig::{Entered, House, Kind, Lie, kinds_to_be_had, lose_power, say};

/// So many images a life.
const IMAGES: u64 = 36;

/// The first seeds of the lives.
fn lives() -> impl Iterator<Item = u64> {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let lives = match (number("RIG_SEED"), number("RIG_ROUNDS")) {
        (Some(seed), _) => seed / IMAGES..seed / IMAGES + 1,
        (None, rounds) => 0..rounds.unwrap_or(1),
    };
    lives.map(|life| life * IMAGES)
}

/// Nothing is torn and nothing is lost that was promised.
fn nothing_is_lost<P: Protocol>(house: &House, kind: Kind) -> Result<(), Failed> {
    for first in lives() {
        let seeds = first..first + IMAGES;
        let tally = lose_power::<P>(house, kind, Lie::None, seeds.clone())?;
        say(&format!(
            "rig: {} {} seeds={seeds:?} {tally}",
            kind.name(),
            P::NAME
        ));
        if let Some((seed, why)) = tally.wrong.first() {
            let (kind, protocol) = (kind.name(), P::NAME);
            return Err(format!(
                "{kind}, seed {seed}: {why}\nagain: RIG_SEED={seed} cargo test -p tests --test \
                 rig_power -- {kind}::{protocol}"
            )
            .into());
        }
        if tally.found.old == 0 || tally.found.new == 0 {
            return Err(format!("nothing was under way: {tally}").into());
        }
    }
    Ok(())
}

/// A driver that leaves a sync out, and says it was done, is found out: no file system does by itself what was
/// left out, mounted as these are.
fn a_lie_is_found_out<P: Protocol>(house: &House, kind: Kind, lie: Lie) -> Result<(), Failed> {
    let tally = lose_power::<P>(house, kind, lie, 0..IMAGES)?;
    let (name, protocol, lie) = (kind.name(), P::NAME, lie.name());
    let Some((_, first)) = tally.wrong.first() else {
        return Err(format!("{name}, {protocol}: {lie}, and nobody saw it: {tally}").into());
    };
    say(&format!("rig: {name} {protocol}, {lie}: {tally}; {first}"));
    Ok(())
}

fn lie_trial<P: Protocol + 'static>(house: &Arc<House>, kind: Kind, lie: Lie) -> Trial {
    let house = Arc::clone(house);
    let word = lie.name().replace(' ', "_");
    let name = format!("{}::{}_with_{word}", kind.name(), P::NAME);
    Trial::test(name, move || a_lie_is_found_out::<P>(&house, kind, lie))
}

fn trial<P: Protocol + 'static>(house: &Arc<House>, kind: Kind) -> Trial {
    let house = Arc::clone(house);
    let name = format!("{}::{}", kind.name(), P::NAME);
    Trial::test(name, move || nothing_is_lost::<P>(&house, kind))
}

fn main() -> ExitCode {
    let house = match House::enter(env!("CARGO_BIN_EXE_rig_disk")) {
        Entered::House(house) => Arc::new(house),
        Entered::Ended(code) => return code,
    };
    let mut trials = Vec::new();
    for kind in kinds_to_be_had(&house) {
        trials.push(trial::<Replacing>(&house, kind));
        trials.push(trial::<Rewriting>(&house, kind));
        trials.push(trial::<Crowd>(&house, kind));
        trials.push(trial::<Writing>(&house, kind));
        trials.push(trial::<Logging>(&house, kind));
        for lie in [Lie::FileSync, Lie::DirectorySync] {
            trials.push(lie_trial::<Replacing>(&house, kind, lie));
            trials.push(lie_trial::<Rewriting>(&house, kind, lie));
            trials.push(lie_trial::<Crowd>(&house, kind, lie));
        }
        trials.push(lie_trial::<Writing>(&house, kind, Lie::Sync));
        for lie in [Lie::Sync, Lie::FileSync, Lie::DirectorySync] {
            trials.push(lie_trial::<Logging>(&house, kind, lie));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
