//! Whose a temporary file is: the machine, its boot, the processes that see each other, the process, and when
//! it began. No other process has the same ever, and whether this one lives can be told.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

/// What the names of all temporary files begin with.
pub(super) const PREFIX: &str = ".staging-";

/// Whoever makes a temporary file, as its name tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Owner {
    machine: String,
    boot: String,
    /// The namespace in which the number of the process means something.
    namespace: u64,
    process: u32,
    began: u64,
}

impl Owner {
    /// This process.
    pub(super) fn this() -> &'static Owner {
        static THIS: OnceLock<Owner> = OnceLock::new();
        THIS.get_or_init(|| {
            let process = std::process::id();
            let namespace = fs::metadata("/proc/self/ns/pid");
            Owner {
                machine: this_machine(),
                boot: this_boot(),
                namespace: namespace.map_or(0, |about| about.ino()),
                process,
                began: began(process).unwrap_or(0),
            }
        })
    }

    /// The name of a temporary file of this owner.
    pub(super) fn name(&self, unguessable: u64) -> String {
        let Owner {
            machine,
            boot,
            namespace,
            process,
            began,
        } = self;
        format!("{PREFIX}{machine}-{boot}-{namespace}-{process}-{began}-{unguessable:016x}")
    }

    /// The owner of the file of this name; none if it is not one of ours.
    pub(super) fn of(name: &str) -> Option<Owner> {
        let mut words = name.strip_prefix(PREFIX)?.split('-');
        let owner = Owner {
            machine: words.next()?.to_owned(),
            boot: words.next()?.to_owned(),
            namespace: words.next()?.parse().ok()?,
            process: words.next()?.parse().ok()?,
            began: words.next()?.parse().ok()?,
        };
        let unguessable = u64::from_str_radix(words.next()?, 16).ok()?;
        let whole = words.next().is_none() && owner.name(unguessable) == name;
        whole.then_some(owner)
    }

    /// Whether it is certain that this owner is gone. What another machine shares with this one, or
    /// another container, may be in use.
    pub(super) fn is_gone(&self) -> bool {
        let this = Owner::this();
        if self.machine != this.machine || this.machine == UNKNOWN {
            return false;
        }
        if self.boot != this.boot {
            return true;
        }
        let visible = self.namespace == this.namespace && self.namespace != 0;
        visible && began(self.process) != Some(self.began)
    }
}

/// A machine that does not say who it is.
const UNKNOWN: &str = "0";

/// A word for the machine, which does not give its id away.
fn this_machine() -> String {
    let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    if id.trim().is_empty() {
        return UNKNOWN.to_owned();
    }
    let mut hasher = DefaultHasher::new();
    ("staging", id.trim()).hash(&mut hasher);
    format!("{:08x}", hasher.finish() as u32)
}

/// The first word of the boot's id; a machine that has none has one boot.
fn this_boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let word: String = id.chars().take_while(char::is_ascii_hexdigit).collect();
    if word.is_empty() {
        UNKNOWN.into()
    } else {
        word
    }
}

/// When a process began, in the kernel's ticks since the boot; `None` where there is none.
fn began(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program stands in brackets and may have blanks and brackets in it.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
impl Owner {
    /// One that is gone: this process, begun at another time.
    pub(super) fn gone() -> Owner {
        Owner {
            machine: known(),
            began: u64::MAX,
            ..Owner::this().clone()
        }
    }
}

#[cfg(test)]
fn known() -> String {
    Owner::this().machine.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_there_and_its_names_are_its_own() {
        let this = Owner::this();
        assert!(this.began > 0 && !this.is_gone());
        assert_eq!(began(u32::MAX), None);
        assert_eq!(Owner::of(&this.name(7)).as_ref(), Some(this));
        for other in [
            "",
            ".staging-",
            ".staging-a-b",
            "file",
            ".staging-0-0-1-2-3-zz",
        ] {
            assert_eq!(Owner::of(other), None, "{other}");
        }
    }

    #[test]
    fn only_who_is_certainly_gone_is_gone() {
        let gone = Owner::gone();
        let certain = Owner::this().machine != UNKNOWN && gone.namespace != 0;
        assert_eq!(gone.is_gone(), certain);
        let elsewhere = Owner {
            machine: "another".into(),
            ..gone.clone()
        };
        assert!(!elsewhere.is_gone());
        let unseen = Owner {
            namespace: gone.namespace + 1,
            ..gone.clone()
        };
        assert!(!unseen.is_gone());
        let before = Owner {
            boot: "before".into(),
            ..unseen
        };
        assert_eq!(before.is_gone(), Owner::this().machine != UNKNOWN);
    }
}
