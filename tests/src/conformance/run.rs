//! Running cases: each on a thread of its own, watched, and cleaned up after.

use super::child::Child;
use super::driver::Configuration;
use super::scene::Scene;
use super::watch::start;
use std::error::Error;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{PoisonError, RwLock};
use std::thread;
use std::time::Duration;

/// What a case answers: nothing, or what was not as promised.
pub type Proof = Result<(), Box<dyn Error>>;

/// A case that hangs has failed after this.
const WATCHDOG: Duration = Duration::from_secs(120);

/// One promise, to be seen kept.
pub struct Case {
    /// The promise.
    pub name: String,
    /// The rules it follows from, as SEMANTICS.md names them.
    pub rule: &'static str,
    alone: bool,
    needs: Needs,
    run: Box<dyn Fn(&Scene) -> Proof + Send + Sync>,
}

/// What a case asks of a driver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Needs {
    /// Opens, reads, writes, staging and shutdown.
    Core,
    /// Also what the kit has: gates, mappings, readers, batches.
    Kit,
}

/// A case by the function that is its proof, under that function's name.
pub fn case<F>(rule: &'static str, run: F) -> Case
where
    F: Fn(&Scene) -> Proof + Send + Sync + 'static,
{
    let path = std::any::type_name::<F>();
    let words: Vec<&str> = path.rsplit("::").take(2).collect();
    let name = words.into_iter().rev().collect::<Vec<_>>().join("::");
    Case::named(name, rule, run)
}

impl Case {
    /// A case under a name of its own.
    pub fn named(
        name: String,
        rule: &'static str,
        run: impl Fn(&Scene) -> Proof + Send + Sync + 'static,
    ) -> Case {
        Case {
            name,
            rule,
            alone: false,
            needs: Needs::Kit,
            run: Box::new(run),
        }
    }

    /// Asks for files alone: any loop around the core can be held to it, also one without the kit.
    #[must_use]
    pub fn of_the_core(self) -> Case {
        let needs = Needs::Core;
        Case { needs, ..self }
    }

    /// Whether any loop around the core can be held to it.
    pub fn is_of_the_core(&self) -> bool {
        self.needs == Needs::Core
    }

    /// Changes or watches the whole process: no other case runs meanwhile.
    #[must_use]
    pub fn alone(self) -> Case {
        Case {
            alone: true,
            ..self
        }
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}

/// Runs a case over a configuration.
///
/// # Errors
/// What was not as promised, in words.
pub fn run(case: Case, configuration: Configuration) -> Result<(), String> {
    static ALONE: RwLock<()> = RwLock::new(());
    let (_shared, _alone) = if case.alone {
        (
            None,
            Some(ALONE.write().unwrap_or_else(PoisonError::into_inner)),
        )
    } else {
        (
            Some(ALONE.read().unwrap_or_else(PoisonError::into_inner)),
            None,
        )
    };
    let rule = case.rule;
    watched(move || {
        let scene = Scene::new(configuration)?;
        (case.run)(&scene)?;
        scene.leave()
    })
    .map_err(|what| format!("{rule}: {what}"))
}

/// Runs what a case left to a process of its own, if this process is one: true then.
///
/// # Errors
/// What was not as promised, in words.
pub fn run_child(
    cases: fn() -> Vec<Child>,
    configurations: &[Configuration],
) -> Option<Result<(), String>> {
    let (child, configuration) = Child::asked_for(cases, configurations)?;
    Some(watched(move || {
        let scene = Scene::new(configuration)?;
        (child.run)(&scene)?;
        scene.leave()
    }))
}

fn watched(run: impl FnOnce() -> Proof + Send + 'static) -> Result<(), String> {
    let (send, result) = channel();
    let _thread = start(move || {
        let proof = run().map_err(|error| error.to_string());
        let _ = send.send(proof);
    });
    match result.recv_timeout(WATCHDOG) {
        Ok(proof) => proof,
        Err(RecvTimeoutError::Timeout) => Err("it hangs".into()),
        Err(RecvTimeoutError::Disconnected) => {
            thread::yield_now();
            Err("it panicked; see above".into())
        }
    }
}
