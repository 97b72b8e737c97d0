//! Cases that need a process of their own: another user, another home, fewer descriptors.

use super::driver::Configuration;
use super::process::Process;
use super::run::Proof;
use super::scene::Scene;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs, io};

const NAME: &str = "STAGING_TEST_CHILD";
const CONFIGURATION: &str = "STAGING_TEST_CONFIGURATION";
const PLACE: &str = "STAGING_TEST_PLACE";
/// What a child says when it cannot prove anything here.
const SKIPPED: i32 = 77;
const NOBODY: u32 = 65_534;

/// Something that is proven in a process of its own.
#[derive(Clone, Copy)]
pub struct Child {
    /// Its name.
    pub name: &'static str,
    /// The proof.
    pub run: fn(&Scene) -> Proof,
}

/// What the process finds around it.
#[derive(Clone, Default, Debug)]
pub struct Surroundings {
    /// Another home directory.
    pub home: Option<PathBuf>,
    /// Another current directory.
    pub current: Option<PathBuf>,
    /// Whether it is to run as a user without any rights, where this process may decide that.
    pub as_nobody: bool,
    /// A word to it: the path it works on.
    pub place: Option<PathBuf>,
}

impl Child {
    /// Which one this process is to be.
    pub(super) fn asked_for(
        children: fn() -> Vec<Child>,
        configurations: &[Configuration],
    ) -> Option<(Child, Configuration)> {
        let (name, configuration) = (env::var(NAME).ok()?, env::var(CONFIGURATION).ok()?);
        let child = children().into_iter().find(|child| child.name == name)?;
        let configuration = configurations
            .iter()
            .find(|known| known.name == configuration)?;
        Some((child, *configuration))
    }

    /// The word that was given to this process.
    ///
    /// # Errors
    /// None was.
    pub fn place() -> io::Result<PathBuf> {
        env::var_os(PLACE)
            .map(PathBuf::from)
            .ok_or_else(|| io::Error::other("no place was given"))
    }

    /// Ends this process: it cannot prove anything here.
    pub fn skip() -> ! {
        std::process::exit(SKIPPED)
    }

    /// Starts the process and waits for it.
    ///
    /// # Errors
    /// It said no, or could not be started.
    pub fn prove(&self, scene: &Scene, around: &Surroundings) -> Proof {
        let program = env::current_exe()?;
        let output = match self.output(program, scene, around) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.output(within_reach(scene)?, scene, around)?
            }
            output => output?,
        };
        match output.status.code() {
            Some(0) => Ok(()),
            Some(SKIPPED) => skipped(self.name),
            _ => Err(format!(
                "{} in a process of its own: {}\n{}",
                self.name,
                output.status,
                String::from_utf8_lossy(&output.stderr)
            )
            .into()),
        }
    }

    /// Starts the process, to be talked to.
    ///
    /// # Errors
    /// It could not be started.
    pub fn begin(&self, scene: &Scene) -> io::Result<Process> {
        Process::start(&mut self.command(env::current_exe()?, scene))
    }

    /// The same, with a word to it: the path it works on.
    ///
    /// # Errors
    /// It could not be started.
    pub fn begin_at(&self, scene: &Scene, place: &Path) -> io::Result<Process> {
        let mut command = self.command(env::current_exe()?, scene);
        Process::start(command.env(PLACE, place))
    }

    fn command(&self, program: PathBuf, scene: &Scene) -> Command {
        let mut command = Command::new(program);
        command
            .env(NAME, self.name)
            .env(CONFIGURATION, scene.configuration().name);
        command
    }

    fn output(&self, program: PathBuf, scene: &Scene, around: &Surroundings) -> io::Result<Output> {
        let mut command = self.command(program, scene);
        command.stdin(Stdio::null());
        if let Some(home) = &around.home {
            command.env("HOME", home);
        }
        if let Some(current) = &around.current {
            command.current_dir(current);
        }
        if let Some(place) = &around.place {
            command.env(PLACE, place);
        }
        if around.as_nobody && rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.output()
    }
}

/// A copy of this program where everybody may run it.
fn within_reach(scene: &Scene) -> io::Result<PathBuf> {
    let everybody = fs::Permissions::from_mode(0o755);
    fs::set_permissions(scene.root(), everybody.clone())?;
    let copy = scene.path("program");
    fs::copy(env::current_exe()?, &copy)?;
    fs::set_permissions(&copy, everybody)?;
    Ok(copy)
}

#[expect(
    clippy::print_stderr,
    reason = "what was not proven must not pass unseen"
)]
pub(super) fn skipped(name: &str) -> Proof {
    eprintln!("skipped: {name} cannot be shown on this machine");
    Ok(())
}

impl std::fmt::Debug for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Child")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
