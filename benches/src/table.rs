//! A measured row as a table for people.

use crate::figures::Measured;
use std::fmt::{self, Write};

/// The table, with what was skipped, what must be known, and whether the target holds.
pub(crate) fn table(row: &Measured) -> String {
    let mut out = String::new();
    // A string takes everything.
    let _ = write(row, &mut out);
    out
}

fn write(row: &Measured, out: &mut String) -> fmt::Result {
    let names = row.figures.iter().map(|figure| figure.name.chars().count());
    let width = names.max().unwrap_or(0).max(24);
    let Measured {
        id, title, unit, ..
    } = row;
    writeln!(out, "{id}  {title}")?;
    writeln!(
        out,
        "     one unit: {unit}; medians of {} rounds",
        row.rounds
    )?;
    let head = ["median", "ratio", "least", "most"];
    writeln!(
        out,
        "  {:<width$}  {:<8}{:>11}{:>10}{:>11}{:>11}",
        "", "", head[0], head[1], head[2], head[3]
    )?;
    for figure in &row.figures {
        writeln!(
            out,
            "  {:<width$}  {:<8}{:>11}{:>10}{:>11}{:>11}{}",
            figure.name,
            figure.kind.name(),
            time(figure.median),
            figure.ratio.map_or("–".to_owned(), times),
            time(figure.least),
            time(figure.most),
            match figure.base == figure.name || row.is_base(&figure.base) {
                true => String::new(),
                false => format!("  of {}", figure.base),
            },
        )?;
    }
    for skipped in &row.skipped {
        writeln!(
            out,
            "  {:<width$}  skipped: {}",
            skipped.name, skipped.reason
        )?;
    }
    for note in &row.notes {
        writeln!(out, "  note: {note}")?;
    }
    for verdict in row.verdicts() {
        writeln!(out, "  target: {}, {}", verdict.text, holds(verdict.holds))?;
    }
    Ok(())
}

/// In words.
pub(crate) const fn holds(holds: Option<bool>) -> &'static str {
    match holds {
        Some(true) => "holds",
        Some(false) => "DOES NOT HOLD",
        None => "not known",
    }
}

/// Nanoseconds with three digits or so, in a unit that people read.
pub(crate) fn time(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    format!("{value:.1} {unit}")
}

/// A ratio with as many digits as it deserves.
pub(crate) fn times(ratio: f64) -> String {
    match ratio {
        r if r < 0.01 => format!("{r:.4}"),
        r if r < 0.1 => format!("{r:.3}"),
        r if r < 10.0 => format!("{r:.2}"),
        r => format!("{r:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::row;
    use crate::row::{Bound, Kind, Skipped};

    #[test]
    fn times_are_read_in_their_units() {
        assert_eq!(time(0.5), "0.5 ns");
        assert_eq!(time(1_500.0), "1.5 µs");
        assert_eq!(time(2_340_000.0), "2.3 ms");
        assert_eq!(time(61e9), "61.0 s");
        assert_eq!(
            [times(0.0004), times(0.036), times(1.2), times(53.1)].join(" "),
            "0.0004 0.036 1.20 53.1"
        );
    }

    #[test]
    fn a_table_says_what_was_skipped_and_what_does_not_hold() {
        let mut measured = row(&[("loop", Kind::Popular, 100.0), ("ours", Kind::Ours, 40.0)]);
        measured.skipped.push(Skipped {
            name: "ring".to_owned(),
            kind: Kind::Limit,
            reason: "no ring here".to_owned(),
        });
        let claim = crate::row::Claim {
            who: "ours".to_owned(),
            bound: Bound::Faster(3.0, "loop".to_owned()),
        };
        measured.claims.push(claim);
        let text = table(&measured);
        for wanted in [
            "40.0 ns",
            "0.40",
            "skipped: no ring here",
            "2.50, DOES NOT HOLD",
        ] {
            assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
        }
    }
}
