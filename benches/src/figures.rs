//! Medians, spreads and ratios, and whether what is claimed holds.

use crate::row::{Bound, Claim, Kind, Skipped};

/// What one way took, over all the rounds: nanoseconds for one unit.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The name of the figure that it is compared with.
    pub(crate) base: String,
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    /// How many times the base it is; `None` where the base was not measured.
    pub(crate) ratio: Option<f64>,
}

impl Figure {
    pub(crate) fn of(name: String, kind: Kind, base: String, times: Vec<f64>) -> Figure {
        let (least, median, most) = spread(times);
        Figure {
            name,
            kind,
            base,
            median,
            least,
            most,
            ratio: None,
        }
    }
}

/// A row that was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) unit: String,
    pub(crate) base: String,
    pub(crate) rounds: u32,
    pub(crate) figures: Vec<Figure>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) notes: Vec<String>,
}

/// A claim, and what was seen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) text: String,
    /// `None`: something that it speaks of was not measured.
    pub(crate) holds: Option<bool>,
}

impl Measured {
    pub(crate) fn median(&self, name: &str) -> Option<f64> {
        let figure = self.figures.iter().find(|figure| figure.name == name)?;
        Some(figure.median)
    }

    /// Whether the row says that others are compared with it, or with this aspect of it.
    pub(crate) fn is_base(&self, name: &str) -> bool {
        let aspect = name.strip_prefix(&self.base);
        aspect.is_some_and(|aspect| aspect.is_empty() || aspect.starts_with(':'))
    }

    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        self.claims
            .iter()
            .map(|claim| self.verdict(claim))
            .collect()
    }

    /// Whether all that is claimed holds; one that is seen not to hold is enough for a no.
    pub(crate) fn holds(&self) -> Option<bool> {
        let verdicts = self.verdicts();
        if verdicts.iter().any(|verdict| verdict.holds == Some(false)) {
            return Some(false);
        }
        let all = !verdicts.is_empty() && verdicts.iter().all(|verdict| verdict.holds.is_some());
        all.then_some(true)
    }

    fn verdict(&self, claim: &Claim) -> Verdict {
        let who = &claim.who;
        let median = self.median(who);
        match &claim.bound {
            Bound::Times(factor, others) => {
                let measured = others
                    .iter()
                    .filter_map(|other| Some((self.median(other)?, other)));
                let best = measured.min_by(|(a, _), (b, _)| a.total_cmp(b));
                let of = match (&others[..], best) {
                    ([other], _) => other.clone(),
                    (_, Some((_, best))) => format!("the best of {}, {best}", others.len()),
                    (_, None) => format!("the best of {}", others.len()),
                };
                let ratio = median.zip(best).map(|(ours, (best, _))| ours / best);
                Verdict {
                    text: format!("{who} ≤ {factor} × {of}: {}", seen(ratio)),
                    holds: ratio.map(|ratio| ratio <= *factor),
                }
            }
            Bound::Faster(factor, other) => {
                let ratio = median
                    .zip(self.median(other))
                    .map(|(ours, other)| other / ours);
                Verdict {
                    text: format!("{who} ≥ {factor} × faster than {other}: {}", seen(ratio)),
                    holds: ratio.map(|ratio| ratio >= *factor),
                }
            }
            Bound::Nanoseconds(most) => Verdict {
                text: match median {
                    Some(median) => format!("{who} ≤ {most} ns: {median:.1} ns"),
                    None => format!("{who} ≤ {most} ns: not measured"),
                },
                holds: median.map(|median| median <= *most),
            },
        }
    }
}

fn seen(ratio: Option<f64>) -> String {
    ratio.map_or("not measured".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// Fills in the ratios.
pub(crate) fn compared(mut measured: Measured) -> Measured {
    let medians: Vec<Option<f64>> = measured
        .figures
        .iter()
        .map(|figure| measured.median(&figure.base))
        .collect();
    for (figure, base) in measured.figures.iter_mut().zip(medians) {
        figure.ratio = base.map(|base| figure.median / base);
    }
    measured
}

/// The least, the median and the greatest.
fn spread(mut times: Vec<f64>) -> (f64, f64, f64) {
    times.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (times.first(), times.last()) else {
        return (f64::NAN, f64::NAN, f64::NAN);
    };
    let half = times.len() / 2;
    let median = match times.len() % 2 {
        1 => times[half],
        _ => (times[half - 1] + times[half]) / 2.0,
    };
    (*least, median, *most)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A row with figures of so many nanoseconds, compared with the first.
    pub(crate) fn row(figures: &[(&str, Kind, f64)]) -> Measured {
        let base = figures.first().map_or("", |(name, _, _)| name).to_owned();
        compared(Measured {
            id: "G-1",
            title: "files <made> ready".to_owned(),
            unit: "all of them".to_owned(),
            rounds: 3,
            figures: figures
                .iter()
                .map(|(name, kind, time)| {
                    let times = vec![time * 1.5, *time, time / 2.0];
                    Figure::of((*name).to_owned(), *kind, base.clone(), times)
                })
                .collect(),
            base,
            skipped: Vec::new(),
            claims: Vec::new(),
            notes: Vec::new(),
        })
    }

    #[test]
    fn medians_of_odd_and_even_rounds() {
        assert_eq!(spread(vec![3.0, 1.0, 20.0]), (1.0, 3.0, 20.0));
        assert_eq!(spread(vec![4.0, 1.0, 2.0, 100.0]), (1.0, 3.0, 100.0));
        assert!(spread(Vec::new()).1.is_nan());
    }

    #[test]
    fn ratios_are_to_the_base_and_to_none_if_it_was_skipped() {
        let mut measured = row(&[("loop", Kind::Popular, 100.0), ("ours", Kind::Ours, 40.0)]);
        assert_eq!(measured.figures[1].ratio, Some(0.4));
        measured.figures.remove(0);
        assert_eq!(compared(measured).figures[0].ratio, None);
    }

    #[test]
    fn a_claim_holds_or_not_or_nobody_knows() {
        let mut measured = row(&[
            ("limit", Kind::Limit, 100.0),
            ("other", Kind::Peer, 80.0),
            ("ours", Kind::Ours, 110.0),
        ]);
        let claim = |bound| Claim {
            who: "ours".to_owned(),
            bound,
        };
        let both = vec!["limit".to_owned(), "other".to_owned()];
        let cases = [
            (Bound::Times(1.1, vec!["limit".to_owned()]), Some(true)),
            (Bound::Times(1.1, both), Some(false)),
            (Bound::Times(9.0, vec!["skipped".to_owned()]), None),
            (Bound::Faster(0.7, "other".to_owned()), Some(true)),
            (Bound::Faster(0.8, "other".to_owned()), Some(false)),
            (Bound::Nanoseconds(110.0), Some(true)),
            (Bound::Nanoseconds(109.0), Some(false)),
        ];
        for (bound, holds) in cases {
            let verdict = measured.verdict(&claim(bound));
            assert_eq!(verdict.holds, holds, "{}", verdict.text);
        }
        assert_eq!(measured.holds(), None, "nothing was claimed");
        measured.claims = vec![claim(Bound::Nanoseconds(200.0))];
        assert_eq!(measured.holds(), Some(true));
        let unknown = Bound::Faster(1.0, "skipped".to_owned());
        measured.claims.push(claim(unknown));
        assert_eq!(measured.holds(), None);
        measured.claims.push(claim(Bound::Nanoseconds(1.0)));
        assert_eq!(measured.holds(), Some(false));
    }
}
