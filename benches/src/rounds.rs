//! Every way once a round, in an order that turns, so that none is always first after another.

use crate::figures::{Figure, Measured, compared};
use crate::row::{Aspect, Row, Sample, Skipped, Way};
use std::io;

/// What the ways of a row took, round by round.
struct Series {
    way: Way,
    samples: Vec<Sample>,
}

/// Measures a row. Says to `progress` which round it is, of how many.
///
/// # Errors
/// What comes before each way failed: then nothing of this row can be trusted. A way that fails is
/// no error; it is skipped, with what it said.
pub(crate) fn measure(
    row: Row,
    rounds: u32,
    progress: &mut dyn FnMut(u32, u32),
) -> io::Result<Measured> {
    let Row {
        id,
        title,
        unit,
        base,
        ways,
        mut skipped,
        claims,
        mut notes,
        mut before,
        after,
    } = row;
    let mut series: Vec<Series> = ways
        .into_iter()
        .map(|way| Series {
            way,
            samples: Vec::new(),
        })
        .collect();
    for round in 0..=rounds {
        progress(round, rounds);
        let mut failed = Vec::new();
        for at in order(series.len(), round) {
            before()?;
            match (series[at].way.run)() {
                // Memory, caches and threads are not yet what they will be.
                Ok(_) if round == 0 => {}
                Ok(sample) => series[at].samples.push(sample),
                Err(error) => failed.push((at, error)),
            }
        }
        failed.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        for (at, error) in failed {
            let Way { name, kind, .. } = series.remove(at).way;
            let reason = format!("failed in round {round}: {error}");
            skipped.push(Skipped { name, kind, reason });
        }
    }
    let figures = series
        .iter()
        .flat_map(|series| figures(series, &base))
        .collect();
    // Threads, rings and mappings of this row must not be in the way of the next.
    drop(series);
    notes.extend(after());
    Ok(compared(Measured {
        id,
        title,
        unit,
        base,
        rounds,
        figures,
        skipped,
        claims,
        notes,
    }))
}

/// Who comes when: everybody once, and each round begins one further and in the other direction.
fn order(ways: usize, round: u32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..ways).collect();
    if ways > 0 {
        order.rotate_left(round as usize % ways);
    }
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

fn figures(series: &Series, base: &str) -> Vec<Figure> {
    let Way {
        name,
        kind,
        against,
        ..
    } = &series.way;
    let aspects = series.samples.first().into_iter().flatten();
    aspects
        .map(|(aspect, _)| {
            let times = series.samples.iter().flatten();
            let times = times.filter(|(other, _)| other == aspect);
            let base = against.as_deref().unwrap_or(base);
            let base = match aspect {
                Aspect::Work | Aspect::GivenBack => base.to_owned(),
                Aspect::OneInAThousand | Aspect::Longest => format!("{base}{}", aspect.suffix()),
            };
            let name = format!("{name}{}", aspect.suffix());
            Figure::of(name, *kind, base, times.map(|(_, time)| *time).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Kind;
    use std::cell::RefCell;
    use std::rc::Rc;

    #[test]
    fn everybody_comes_once_a_round_and_nobody_is_always_first() {
        let mut firsts = std::collections::BTreeSet::new();
        for round in 0..10 {
            let mut order = order(5, round);
            firsts.insert(order[0]);
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3, 4]);
        }
        assert_eq!(firsts.len(), 5);
        assert!(order(0, 3).is_empty());
    }

    #[test]
    fn the_first_round_does_not_count_and_who_fails_is_skipped() -> io::Result<()> {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let mut row = Row::new("G-0", "test".into(), "one", "a");
        let heard = Rc::clone(&seen);
        let mut next = [100.0, 1.0, 2.0, 3.0].into_iter();
        let a = move || {
            heard.borrow_mut().push("a");
            Ok(vec![(Aspect::Work, next.next().unwrap_or(0.0))])
        };
        row.way(Kind::Limit, "a", Ok(Box::new(a)));
        let mut runs = 0;
        let b = move || {
            runs += 1;
            match runs {
                1 => Ok(vec![(Aspect::Work, 4.0)]),
                _ => Err(io::Error::other("no more")),
            }
        };
        row.way(Kind::Peer, "b", Ok(Box::new(b)));
        row.way(Kind::Peer, "c", Err(io::Error::other("not here")));
        let heard = Rc::clone(&seen);
        row.before = Box::new(move || {
            heard.borrow_mut().push("before");
            Ok(())
        });
        let measured = measure(row, 3, &mut |_, _| {})?;
        assert_eq!(measured.figures.len(), 1);
        assert_eq!(measured.figures[0].median, 2.0);
        assert_eq!(seen.borrow().iter().filter(|word| **word == "a").count(), 4);
        let reasons: Vec<&str> = measured.skipped.iter().map(|s| s.reason.as_str()).collect();
        assert_eq!(reasons, ["not here", "failed in round 1: no more"]);
        Ok(())
    }
}
