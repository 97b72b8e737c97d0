//! Numbers of bytes, as people write and read them.

use indicatif::BinaryBytes;
use std::fmt;

/// Bytes, written as `512M`, `4GiB`, `10MB` or plainly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Size(pub(crate) u64);

/// Bytes, rounded for reading.
pub(crate) fn shown(bytes: u64) -> impl fmt::Display {
    BinaryBytes(bytes)
}

/// Reads a size: `K`, `M`, `G`, `T` and `KiB`, `MiB`… are powers of 1024; `KB`, `MB`… of 1000.
pub(crate) fn parse(text: &str) -> Result<Size, String> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let (letter, base): (&str, u64) = match unit.as_str() {
        "b" => ("", 1),
        unit => match unit.strip_suffix("ib").or(unit.strip_suffix('b')) {
            Some(letter) if !unit.ends_with("ib") => (letter, 1000),
            Some(letter) => (letter, 1024),
            None => (unit, 1024),
        },
    };
    let power = match letter {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => {
            return Err(format!(
                "`{unit}` is no unit; write 4096, 512M, 4GiB or 10MB"
            ));
        }
    };
    let factor = base.pow(power);
    let no_number = || "a size begins with a number, as 512M does".to_owned();
    let bytes = if number.contains('.') {
        let bytes = number.parse::<f64>().map_err(|_| no_number())? * factor as f64;
        (bytes < u64::MAX as f64).then_some(bytes as u64)
    } else if number.is_empty() {
        return Err(no_number());
    } else {
        let whole = number.parse::<u64>().ok();
        whole.and_then(|whole| whole.checked_mul(factor))
    };
    bytes
        .map(Size)
        .ok_or_else(|| "more than fits in 64 bits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Size, parse};

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let read = |text| parse(text).ok().map(|Size(bytes)| bytes);
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("4096"), Some(4096));
        assert_eq!(read("100B"), Some(100));
        assert_eq!(read("512M"), Some(512 << 20));
        assert_eq!(read("4GiB"), Some(4 << 30));
        assert_eq!(read("4 gib"), Some(4 << 30));
        assert_eq!(read("1.5K"), Some(1536));
        assert_eq!(read("10MB"), Some(10_000_000));
        assert_eq!(read("2kB"), Some(2000));
        for nonsense in [
            "",
            "M",
            "-1",
            "1X",
            "1.2.3",
            "99999999999999999999",
            "9999999P",
            "ib",
        ] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }
}
