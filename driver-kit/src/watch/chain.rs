//! From a path as it is spelled to what it leads to, one name after the other: whatever happens to
//! one of these names may lead the path elsewhere.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// No system follows more links in one path.
const MOST_LINKS: u32 = 40;

/// A path, resolved.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Chain {
    /// Every name that was looked up, and the directory, without links in its path, that it was
    /// looked up in. The last is where the file is, or the first that is not there.
    pub(super) names: Vec<(PathBuf, OsString)>,
    /// Where it leads, without links; `None` if it leads nowhere.
    pub(super) end: Option<PathBuf>,
}

impl Chain {
    /// Follows an absolute path, as the system would.
    pub(super) fn of(path: &Path) -> Chain {
        let mut names = Vec::new();
        let end = follow(path, &mut names);
        Chain { names, end }
    }
}

fn follow(path: &Path, names: &mut Vec<(PathBuf, OsString)>) -> Option<PathBuf> {
    let mut rest: VecDeque<OsString> = words(path).collect();
    let mut at = PathBuf::from("/");
    let mut links = 0;
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&name);
        names.push((at.clone(), name));
        let found = fs::symlink_metadata(&next).ok()?;
        if found.is_symlink() {
            links += 1;
            if links > MOST_LINKS {
                return None;
            }
            let target = fs::read_link(&next).ok()?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            for word in words(&target).rev() {
                rest.push_front(word);
            }
        } else if found.is_dir() || rest.is_empty() {
            at = next;
        } else {
            return None; // a file where a directory should be
        }
    }
    Some(at)
}

/// The names in a path, and its steps upwards.
fn words(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    })
}

#[cfg(test)]
mod tests {
    use super::Chain;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    type Result = std::result::Result<(), Box<dyn std::error::Error>>;

    /// The names below a directory, as `directory/name`.
    fn below(root: &Path, chain: &Chain) -> Vec<String> {
        let joined = chain.names.iter().map(|(at, name)| at.join(name));
        joined
            .filter_map(|path| Some(path.strip_prefix(root).ok()?.display().to_string()))
            .filter(|path| !path.is_empty())
            .collect()
    }

    fn scene() -> std::io::Result<(tempfile::TempDir, PathBuf)> {
        let dir = tempfile::tempdir()?;
        let root = dir.path().canonicalize()?;
        Ok((dir, root))
    }

    #[test]
    fn every_link_on_the_way_is_named_with_what_it_leads_to() -> Result {
        let (_dir, root) = scene()?;
        fs::create_dir(root.join("..2024"))?;
        fs::write(root.join("..2024/app"), "1")?;
        symlink("..2024", root.join("..data"))?;
        symlink("..data/app", root.join("app"))?;
        let chain = Chain::of(&root.join("app"));
        assert_eq!(
            below(&root, &chain),
            ["app", "..data", "..2024", "..2024/app"]
        );
        assert_eq!(chain.end, Some(root.join("..2024/app")));
        Ok(())
    }

    #[test]
    fn a_path_ends_at_the_first_name_that_is_not_there() -> Result {
        let (_dir, root) = scene()?;
        let chain = Chain::of(&root.join("a/b/c"));
        assert_eq!((below(&root, &chain), chain.end), (vec!["a".into()], None));
        fs::write(root.join("a"), "a file")?;
        let chain = Chain::of(&root.join("a/b/c"));
        assert_eq!((below(&root, &chain), chain.end), (vec!["a".into()], None));
        Ok(())
    }

    #[test]
    fn steps_upwards_and_links_in_circles_end() -> Result {
        let (_dir, root) = scene()?;
        fs::create_dir_all(root.join("a/b"))?;
        symlink("../../a", root.join("a/b/up"))?;
        symlink("round", root.join("round"))?;
        let up = Chain::of(&root.join("a/b/up/b"));
        assert_eq!(up.end, Some(root.join("a/b")));
        assert_eq!(Chain::of(&root.join("round")).end, None);
        Ok(())
    }
}
