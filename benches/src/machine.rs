//! What it was measured on.

use serde::Serialize;
use std::fs;
use std::path::Path;

/// Facts that figures depend on.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cores: usize,
    processor: Option<String>,
    memory_bytes: u64,
    kernel: String,
    /// Of the folder in which the files are made.
    file_system: Option<String>,
}

impl Machine {
    pub(crate) fn of(folder: &Path) -> Machine {
        let name = rustix::system::uname();
        let facts = rustix::system::sysinfo();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Machine {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: fs::read_to_string("/proc/cpuinfo")
                .ok()
                .and_then(|text| processor(&text)),
            #[expect(clippy::useless_conversion, reason = "as wide as the machine's words")]
            memory_bytes: u64::from(facts.totalram) * u64::from(facts.mem_unit),
            kernel: format!(
                "{} {}",
                name.sysname().to_string_lossy(),
                name.release().to_string_lossy()
            ),
            file_system: file_system(&mounts, &folder),
        }
    }

    /// In one line.
    pub(crate) fn line(&self) -> String {
        format!(
            "{} cores, {} GiB, {}, {}, {}",
            self.cores,
            self.memory_bytes >> 30,
            self.processor.as_deref().unwrap_or("unknown processor"),
            self.kernel,
            self.file_system.as_deref().unwrap_or("unknown file system"),
        )
    }
}

fn processor(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The type of the innermost mount above the folder; of those at one place, the last.
fn file_system(mounts: &str, folder: &Path) -> Option<String> {
    let mounted = mounts.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let place = Path::new(place.split(' ').nth(4)?);
        folder
            .starts_with(place)
            .then(|| (place.components().count(), kind.split(' ').next()))
    });
    let (_, kind) = mounted.max_by_key(|(depth, _)| *depth)?;
    kind.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_says_the_file_system() {
        let mounts = "1 0 8:1 / / rw shared:1 - ext4 /dev/a rw\n\
                      2 1 0:5 / /tmp rw - tmpfs none rw\n\
                      3 1 8:2 / /tmpfoo rw - xfs /dev/b rw\n";
        let found = |folder: &str| file_system(mounts, Path::new(folder));
        assert_eq!(found("/tmp/a").as_deref(), Some("tmpfs"));
        assert_eq!(found("/var").as_deref(), Some("ext4"));
        assert_eq!(file_system("", Path::new("/")), None);
    }

    #[test]
    fn this_machine_has_cores_and_memory() {
        let machine = Machine::of(Path::new("/"));
        assert!(machine.cores > 0 && machine.memory_bytes > 0, "{machine:?}");
        assert!(machine.line().contains("cores"));
    }
}
