//! The instruments, each one cargo command.

/// What looks for faults.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instrument {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
    /// Which test targets, as `--test` has it.
    pub(crate) test: &'static str,
    /// The cfg that replaces the kit's primitives by a model's.
    pub(crate) model: Option<&'static str>,
    /// What it is told beside the name of a test.
    pub(crate) words: &'static [&'static str],
    /// What it is told by the environment.
    pub(crate) setting: Option<(&'static str, &'static str)>,
}

/// All there are. A release build, each of them.
const INSTRUMENTS: [Instrument; 15] = [
    modelled("loom", "staging_loom"),
    modelled("shuttle", "staging_shuttle"),
    plain("contents", "driver-kit", "contents_*"),
    // That something is counted otherwise finds no fault.
    Instrument {
        words: &["--rules"],
        ..plain("explore", "tests", "explore")
    },
    // Some faults show in one of several hundred histories.
    Instrument {
        setting: Some(("MODEL_SEEDS", "800")),
        ..plain("model", "tests", "model")
    },
    plain("sim", "tests", "simulation"),
    plain("crash", "tests", "crash_replace"),
    plain("log_frames", "tests", "log_frames"),
    plain("crash_log", "tests", "crash_log"),
    plain("scripts", "tests", "core_scripts"),
    plain("histories", "tests", "core_histories"),
    plain("rules", "tests", "core_rules"),
    plain("conformance", "tests", "conformance_blocking"),
    plain("conformance_tokio", "tests", "conformance_tokio"),
    plain("embedding", "tests", "embedding"),
];

const fn plain(name: &'static str, package: &'static str, test: &'static str) -> Instrument {
    Instrument {
        name,
        package,
        test,
        model: None,
        words: &[],
        setting: None,
    }
}

/// Its test target has the name of the instrument.
const fn modelled(name: &'static str, model: &'static str) -> Instrument {
    Instrument {
        name,
        package: "driver-kit",
        test: name,
        model: Some(model),
        words: &[],
        setting: None,
    }
}

/// Those that look at the machine.
pub(crate) fn of_the_machine() -> impl Iterator<Item = Instrument> {
    let names = [
        "scripts",
        "rules",
        "histories",
        "explore",
        "sim",
        "crash",
        "model",
    ];
    let looks = move |one: &Instrument| names.contains(&one.name);
    INSTRUMENTS.into_iter().filter(looks)
}

/// The instrument of that name.
///
/// # Errors
/// There is none; the message names those that there are.
pub(crate) fn named(name: &str) -> Result<Instrument, String> {
    let found = INSTRUMENTS.into_iter().find(|one| one.name == name);
    found.ok_or_else(|| {
        let known = INSTRUMENTS.map(|one| one.name).join(", ");
        format!("there is no instrument {name}, but {known}")
    })
}
