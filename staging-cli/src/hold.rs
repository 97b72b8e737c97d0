//! How long what was staged is kept.

use jiff::SignedDuration;
use std::fmt;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// How long what was staged is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hold {
    /// So long.
    For(Duration),
    /// Until a signal comes.
    Forever,
}

/// Reads `10s`, `1h 30m`, `PT2M`, `0` or `forever`.
pub(crate) fn parse(text: &str) -> Result<Hold, String> {
    if text == "forever" {
        return Ok(Hold::Forever);
    }
    if text == "0" {
        return Ok(Hold::For(Duration::ZERO));
    }
    let duration: SignedDuration = text
        .parse()
        .map_err(|error| format!("{error}; write 10s, 2m, 1h 30m or forever"))?;
    Duration::try_from(duration)
        .map(Hold::For)
        .map_err(|_| "time does not run backwards".to_owned())
}

impl Hold {
    /// Waits until the time is over or a signal was told.
    pub(crate) fn wait(self, pressed: &Receiver<()>) {
        let _ended_either_way = match self {
            Hold::For(duration) => pressed.recv_timeout(duration).is_ok(),
            Hold::Forever => pressed.recv().is_ok(),
        };
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hold::For(duration) => write!(f, "for {}", spoken(*duration)),
            Hold::Forever => f.write_str("until a signal comes"),
        }
    }
}

/// A duration for reading: `0.42 s`, `1m 12s`.
pub(crate) fn spoken(duration: Duration) -> String {
    if duration < Duration::from_secs(60) {
        return format!("{:.2} s", duration.as_secs_f64());
    }
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    format!("{:#}", SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::{Hold, parse, spoken};
    use std::time::Duration;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let seconds = |text| parse(text).ok();
        let of = |seconds| Some(Hold::For(Duration::from_secs(seconds)));
        assert_eq!(seconds("10s"), of(10));
        assert_eq!(seconds("2m"), of(120));
        assert_eq!(seconds("1h 30m"), of(5400));
        assert_eq!(seconds("PT2M"), of(120));
        assert_eq!(seconds("forever"), Some(Hold::Forever));
        for nonsense in ["", "10", "soon", "-1s"] {
            assert_eq!(seconds(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn durations_are_spoken_briefly() {
        assert_eq!(spoken(Duration::from_millis(420)), "0.42 s");
        assert_eq!(spoken(Duration::from_secs(3661)), "1h 1m 1s");
    }
}
