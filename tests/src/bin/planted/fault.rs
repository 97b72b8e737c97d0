//! A planted fault, as its file tells it.

use crate::instrument::{self, Instrument};
use std::error::Error;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// One fault.
pub(crate) struct Fault {
    pub(crate) name: String,
    /// One sentence.
    pub(crate) what: String,
    /// Each of these must find it.
    pub(crate) finders: Vec<Finder>,
    pub(crate) patch: PathBuf,
    /// It is in the machine, and not in what carries out its actions.
    pub(crate) is_in_the_machine: bool,
}

/// An instrument, and which of its tests.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finder {
    pub(crate) instrument: Instrument,
    pub(crate) filter: Option<String>,
}

impl Finder {
    /// All tests of an instrument.
    pub(crate) fn whole(instrument: Instrument) -> Finder {
        let filter = None;
        Finder { instrument, filter }
    }
}

impl fmt::Display for Finder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.instrument.name)?;
        self.filter
            .iter()
            .try_for_each(|filter| write!(f, " {filter}"))
    }
}

/// Every fault of a folder, by name.
///
/// # Errors
/// The folder cannot be read, or a file of it tells no fault.
pub(crate) fn all(folder: &Path) -> Result<Vec<Fault>, Box<dyn Error>> {
    let mut faults = Vec::new();
    for entry in fs::read_dir(folder)? {
        let patch = entry?.path();
        if patch
            .extension()
            .is_some_and(|extension| extension == "patch")
        {
            let stem = patch.file_stem().unwrap_or_default();
            let name = stem.to_string_lossy().into_owned();
            let text = fs::read_to_string(&patch)?;
            faults.push(fault(name, &text, patch)?);
        }
    }
    faults.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(faults)
}

fn fault(name: String, text: &str, patch: PathBuf) -> Result<Fault, Box<dyn Error>> {
    let header = || text.lines().take_while(|line| line.starts_with('#'));
    let what = header().find_map(|line| line.strip_prefix("# what: "));
    let what = what.ok_or_else(|| format!("{name}: it says not `# what: `"))?;
    let finders: Vec<Finder> = header()
        .filter_map(|line| line.strip_prefix("# found by: "))
        .map(finder)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{name}: {error}"))?;
    if finders.is_empty() {
        return Err(format!("{name}: it says not `# found by: `").into());
    }
    Ok(Fault {
        what: what.into(),
        is_in_the_machine: text.contains("\n--- a/staging-core/"),
        name,
        finders,
        patch,
    })
}

fn finder(words: &str) -> Result<Finder, String> {
    let (name, filter) = words.split_once(' ').unwrap_or((words, ""));
    let filter = filter.trim();
    Ok(Finder {
        instrument: instrument::named(name)?,
        filter: (!filter.is_empty()).then(|| filter.into()),
    })
}

/// A file tells what it is, and who finds it; one that does not is an error.
#[test]
fn a_fault_says_what_it_is_and_who_finds_it() -> Result<(), Box<dyn Error>> {
    let told = |text| fault("it".into(), text, PathBuf::new());
    let good = "# what: a bell is not rung\n# found by: loom each_of\n# found by: sim\n--- a/x\n";
    let good = told(good)?;
    assert_eq!(good.what, "a bell is not rung");
    let finders: Vec<String> = good.finders.iter().map(Finder::to_string).collect();
    assert_eq!(finders, ["loom each_of", "sim"]);
    for bad in [
        "# found by: loom\n",
        "# what: nobody finds it\n--- a/x\n# found by: loom\n",
        "# what: by nobody we know\n# found by: luck\n",
    ] {
        assert!(told(bad).is_err(), "{bad}");
    }
    Ok(())
}

/// The faults of this tree can all be read, so a misspelt instrument shows at once.
#[test]
fn every_fault_of_this_tree_can_be_read() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("planted");
    all(&folder).map(drop)
}

/// The tree goes on, and a fault that does not fit any more proves nothing.
#[test]
fn every_fault_fits_this_tree() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for fault in all(&root.join("tests/planted"))? {
        let fits = std::process::Command::new("git")
            .args(["apply", "--check", "--recount"])
            .arg(&fault.patch)
            .current_dir(&root)
            .output()?;
        let said = String::from_utf8_lossy(&fits.stderr);
        assert!(
            fits.status.success(),
            "{} has to be made anew: {said}",
            fault.name
        );
    }
    Ok(())
}
