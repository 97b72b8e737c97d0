//! What may be said on the command line.

use clap::Parser;
use std::path::PathBuf;

/// Measures ours, every peer and every limit side by side.
///
/// Tables go to standard output, how far it is to standard error.
#[derive(Parser, Debug, PartialEq, Eq)]
#[command(name = "cargo bench -p benches --bench all --")]
pub(crate) struct Options {
    /// Measure this row alone, such as G-1; may be given several times
    #[arg(long, value_name = "ROW", value_parser = row_name)]
    pub(crate) only: Vec<String>,

    /// Smaller files and fewer reads: any row in well under a minute, to be trusted less
    #[arg(long)]
    pub(crate) quick: bool,

    /// Rounds that count; one more comes first and does not
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: Option<u32>,

    /// Name the rows and measure nothing
    #[arg(long)]
    pub(crate) list: bool,

    /// Where the figures go as JSON [default: target/bench/staging.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Where the pictures go, one for each row [default: target/bench]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) pictures: Option<PathBuf>,

    /// Where the files that are read are made, and removed again [default: below target]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) files: Option<PathBuf>,

    /// Given by `cargo bench`, and of no meaning here
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}

impl Options {
    /// How many rounds count: seven, or five in a hurry.
    pub(crate) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 5 } else { 7 })
    }

    pub(crate) fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == row)
    }
}

/// `g1`, `G1` and `g-1` are G-1.
fn row_name(typed: &str) -> Result<String, String> {
    let upper = typed.to_uppercase();
    let plain = upper.replace('-', "");
    let known = crate::rows::all().map(|row| row.id);
    if let Some(name) = known.iter().find(|name| name.replace('-', "") == plain) {
        return Ok((*name).to_owned());
    }
    Err(format!(
        "there is no such row; there are {}",
        known.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(["bench"].into_iter().chain(words.split_whitespace()))
    }

    #[test]
    fn rows_may_be_named_loosely_and_often() -> Result<(), clap::Error> {
        let options = parsed("--only g1 --only G-10 --quick --bench")?;
        assert_eq!(options.only, ["G-1", "G-10"]);
        assert!(options.wants("G-1") && options.wants("G-10") && !options.wants("G-2"));
        assert_eq!(options.rounds(), 5);
        Ok(())
    }

    #[test]
    fn without_a_word_everything_is_measured() -> Result<(), clap::Error> {
        let options = parsed("")?;
        assert!(options.wants("G-7") && !options.quick);
        assert_eq!(options.rounds(), 7);
        Ok(())
    }

    #[test]
    fn what_is_not_known_is_an_error_that_says_what_is() {
        let error = parsed("--only G-99").err().map(|error| error.to_string());
        let says = |error: &String| error.contains("G-1, G-2");
        assert!(error.as_ref().is_some_and(says), "{error:?}");
        for wrong in ["--fast", "--rounds 0", "G-1", "--json"] {
            assert!(parsed(wrong).is_err(), "{wrong} was taken");
        }
    }
}
