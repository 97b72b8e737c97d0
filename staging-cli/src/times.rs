//! How long operations waited and were served: `--stats`.

use driver_blocking::{RequestKind, Times, Timings};
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// The fields, as `--help` and the manual page tell them.
pub(crate) const SCHEMA: &str = "\
With --stats, there is also
  times         {open, stage, read, …: {waiting, service}}, and in each
                {count, mean, p50, p90, p99, longest}: in seconds, how
                long operations waited for their first system call, and
                how long from there to their ends. What shares the work
                of another waits to its end.";

/// What is told of some operations.
#[derive(Serialize)]
struct Spread {
    count: u64,
    mean: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    longest: f64,
}

#[derive(Serialize)]
struct Row {
    waiting: Option<Spread>,
    service: Option<Spread>,
}

/// What is told of each kind of operation that there was, by its name.
pub(crate) struct Kinds(Vec<(&'static str, Row)>);

impl Kinds {
    pub(crate) fn of(timings: &Timings) -> Kinds {
        let kinds = RequestKind::ALL.into_iter().map(|kind| {
            let timing = timings.of_kind(kind);
            let row = Row {
                waiting: Spread::of(&timing.waiting),
                service: Spread::of(&timing.service),
            };
            (kind.name(), row)
        });
        Kinds(kinds.filter(|(_, row)| row.waiting.is_some()).collect())
    }
}

impl Serialize for Kinds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, row)| (name, row)))
    }
}

impl Spread {
    fn of(times: &Times) -> Option<Spread> {
        let seconds = |part: f64| times.quantile(part).map(|it| it.as_secs_f64());
        Some(Spread {
            count: times.count(),
            mean: times.mean()?.as_secs_f64(),
            p50: seconds(0.5)?,
            p90: seconds(0.9)?,
            p99: seconds(0.99)?,
            longest: times.longest()?.as_secs_f64(),
        })
    }
}

/// Writes the table, a line for each kind of operation and what of it was measured.
///
/// # Errors
/// `out` could not be written to.
pub(crate) fn write(kinds: &Kinds, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "\n{:<16}{:>9}{:>11}{:>11}{:>11}{:>11}{:>11}",
        "", "count", "mean", "50%", "90%", "99%", "longest"
    )?;
    for (name, row) in &kinds.0 {
        let parts = [("waiting", &row.waiting), ("service", &row.service)];
        for (part, spread) in parts {
            let Some(spread) = spread else { continue };
            write!(out, "{:<16}{:>9}", format!("{name} {part}"), spread.count)?;
            let Spread {
                count: _,
                mean,
                p50,
                p90,
                p99,
                longest,
            } = spread;
            for seconds in [mean, p50, p90, p99, longest] {
                write!(out, "{:>11}", shown(*seconds))?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

/// A time to be read: `12.3 µs`, `4.56 ms`, `7.89 s`.
fn shown(seconds: f64) -> String {
    let (number, unit) = match seconds {
        _ if seconds < 1e-6 => return format!("{:.0} ns", seconds * 1e9),
        _ if seconds < 1e-3 => (seconds * 1e6, "µs"),
        _ if seconds < 1.0 => (seconds * 1e3, "ms"),
        _ => (seconds, "s"),
    };
    match number {
        _ if number < 10.0 => format!("{number:.2} {unit}"),
        _ if number < 100.0 => format!("{number:.1} {unit}"),
        _ => format!("{number:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_time_is_shown_with_three_figures() {
        for (seconds, text) in [
            (0.0, "0 ns"),
            (64e-9, "64 ns"),
            (1.234e-6, "1.23 µs"),
            (12.34e-6, "12.3 µs"),
            (123.4e-6, "123 µs"),
            (4.56e-3, "4.56 ms"),
            (7.891, "7.89 s"),
            (3600.0, "3600 s"),
        ] {
            assert_eq!(shown(seconds), text);
        }
    }
}
