//! What was measured, as JSON.

use crate::figures::Measured;
use crate::machine::Machine;
use crate::row::{Kind, Skipped};
use serde::Serialize;

/// One run.
#[derive(Serialize)]
pub(crate) struct Report {
    /// Whether the rows were smaller than they should be.
    pub(crate) quick: bool,
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<RowReport>,
}

/// One row.
#[derive(Serialize)]
pub(crate) struct RowReport {
    id: String,
    title: String,
    unit: String,
    base: String,
    quick: bool,
    rounds: u32,
    options: Vec<OptionReport>,
    skipped: Vec<Skipped>,
    targets: Vec<TargetReport>,
    /// Whether all targets hold; null where one could not be judged.
    holds: Option<bool>,
    notes: Vec<String>,
}

/// One figure. Times are nanoseconds for one unit.
#[derive(Serialize)]
struct OptionReport {
    name: String,
    kind: Kind,
    median: f64,
    min: f64,
    max: f64,
    /// Of which option `ratio` is.
    base: String,
    ratio: Option<f64>,
}

#[derive(Serialize)]
struct TargetReport {
    text: String,
    holds: Option<bool>,
}

impl RowReport {
    pub(crate) fn of(row: &Measured, quick: bool) -> RowReport {
        let options = row.figures.iter().map(|figure| OptionReport {
            name: figure.name.clone(),
            kind: figure.kind,
            median: figure.median,
            min: figure.least,
            max: figure.most,
            base: figure.base.clone(),
            ratio: figure.ratio,
        });
        let targets = row.verdicts().into_iter().map(|verdict| TargetReport {
            text: verdict.text,
            holds: verdict.holds,
        });
        RowReport {
            id: row.id.to_owned(),
            title: row.title.clone(),
            unit: row.unit.clone(),
            base: row.base.clone(),
            quick,
            rounds: row.rounds,
            options: options.collect(),
            skipped: row.skipped.clone(),
            targets: targets.collect(),
            holds: row.holds(),
            notes: row.notes.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::row;
    use serde_json::json;

    #[test]
    fn a_row_has_this_shape() -> serde_json::Result<()> {
        let mut measured = row(&[("loop", Kind::Popular, 100.0), ("ours", Kind::Ours, 40.0)]);
        measured.skipped.push(Skipped {
            name: "ring".to_owned(),
            kind: Kind::Peer,
            reason: "no ring here".to_owned(),
        });
        measured.claims.push(crate::row::Claim {
            who: "ours".to_owned(),
            bound: crate::row::Bound::Times(0.5, vec!["loop".to_owned()]),
        });
        measured.notes.push("warm".to_owned());
        let seen = serde_json::to_value(RowReport::of(&measured, true))?;
        let option = |name: &str, kind: &str, median: f64, ratio: f64| {
            json!({
                "name": name, "kind": kind, "median": median, "min": median / 2.0,
                "max": median * 1.5, "base": "loop", "ratio": ratio,
            })
        };
        let wanted = json!({
            "id": "G-1", "title": "files <made> ready", "unit": "all of them", "base": "loop",
            "quick": true, "rounds": 3,
            "options": [option("loop", "popular", 100.0, 1.0), option("ours", "ours", 40.0, 0.4)],
            "skipped": [{"name": "ring", "kind": "peer", "reason": "no ring here"}],
            "targets": [{"text": "ours ≤ 0.5 × loop: 0.40", "holds": true}],
            "holds": true,
            "notes": ["warm"],
        });
        assert_eq!(seen, wanted);
        Ok(())
    }
}
