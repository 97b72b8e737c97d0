//! A3: a replaced file keeps what it was but for its content.

use super::replacing::{NEW, OLD, old_file};
use crate::conformance::driver::Replacing;
use crate::conformance::errors::{fault_of, is_errno};
use crate::conformance::run::{Case, Proof, case};
use crate::conformance::scene::Scene;
use crate::folder::names;
use driver_kit::core::{Fault, NodeKind};
use rustix::fs::{Gid, Uid, XattrFlags};
use rustix::io::Errno;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("A3", mode_owner_and_attributes_are_kept),
        case("A3", a_link_is_replaced_at_its_target),
        case("A3", a_link_is_replaced_itself_on_request),
        case("A3", what_is_no_file_is_not_touched),
        case("A3", another_name_keeps_the_old_content),
        case("A3", a_name_of_255_bytes_can_be_replaced),
    ]
}

/// A3: setuid too; the owner where this process may give files away.
fn mode_owner_and_attributes_are_kept(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = old_file(scene)?;
    let root = rustix::process::geteuid().is_root();
    if root {
        let (owner, group) = (Uid::from_raw(12_345), Gid::from_raw(23_456));
        rustix::fs::chown(&path, Some(owner), Some(group))?;
    }
    let attribute = rustix::fs::setxattr(&path, "user.colour", b"green", XattrFlags::empty());
    let acl = root && attribute.is_ok() && set_acl(&path).is_ok();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4751))?;
    let before = fs::metadata(&path)?;
    driver.replace(&path, NEW, Replacing::default())?;
    let after = fs::metadata(&path)?;
    assert_ne!(after.ino(), before.ino());
    assert_eq!(after.mode(), before.mode());
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    if attribute.is_ok() {
        let mut value = [0; 16];
        let len = rustix::fs::getxattr(&path, "user.colour", &mut value[..])?;
        assert_eq!(&value[..len], b"green");
    }
    if acl {
        let mut value = [0; 256];
        let len = rustix::fs::getxattr(&path, ACL, &mut value[..])?;
        assert_eq!(&value[..len], acl_bytes());
    }
    Ok(())
}

const ACL: &str = "system.posix_acl_access";

/// Owner, a user named 777, group, mask, others; each with what it may do.
fn acl_bytes() -> Vec<u8> {
    const NOBODY: u32 = u32::MAX;
    let entries = [
        (1u16, 7u16, NOBODY),
        (2, 4, 777),
        (4, 5, NOBODY),
        (16, 5, NOBODY),
        (32, 1, NOBODY),
    ];
    let mut bytes = 2u32.to_le_bytes().to_vec();
    for (tag, may, who) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(may.to_le_bytes());
        bytes.extend(who.to_le_bytes());
    }
    bytes
}

fn set_acl(path: &Path) -> Result<(), Errno> {
    rustix::fs::setxattr(path, ACL, &acl_bytes(), XattrFlags::empty())
}

/// A3: on request; with what a new file has. One to nothing, too, and what is no link as ever.
fn a_link_is_replaced_itself_on_request(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let how = Replacing {
        follow_links: false,
        ..Replacing::default()
    };
    fs::write(scene.path("file"), OLD)?;
    fs::set_permissions(scene.path("file"), fs::Permissions::from_mode(0o640))?;
    driver.replace(&scene.path("file"), OLD, how)?;
    assert_eq!(
        fs::metadata(scene.path("file"))?.permissions().mode() & 0o777,
        0o640
    );
    fs::write(scene.path("new"), OLD)?;
    let usual = fs::metadata(scene.path("new"))?.permissions().mode();
    for to in ["file", "nowhere", "."] {
        symlink(to, scene.path("link"))?;
        driver.replace(&scene.path("link"), NEW, how)?;
        let link = fs::symlink_metadata(scene.path("link"))?;
        assert!(link.is_file(), "to {to}");
        assert_eq!(link.permissions().mode(), usual);
        assert_eq!(fs::read(scene.path("link"))?, NEW);
        assert_eq!(fs::read(scene.path("file"))?, OLD);
        fs::remove_file(scene.path("link"))?;
    }
    // Nothing may be there, so neither may a link.
    symlink("nowhere", scene.path("link"))?;
    let anew = Replacing {
        create_new: true,
        ..how
    };
    assert!(driver.replace(&scene.path("link"), NEW, anew).is_err());
    assert!(fs::symlink_metadata(scene.path("link"))?.is_symlink());
    assert_eq!(names(scene.root())?, ["file", "link", "new"]);
    Ok(())
}

/// A3: over a directory that is a link, too. One to nothing is an error.
fn a_link_is_replaced_at_its_target(scene: &Scene) -> Proof {
    let driver = scene.driver();
    fs::create_dir(scene.path("real"))?;
    let target = scene.path("real/file");
    fs::write(&target, OLD)?;
    symlink("real", scene.path("folder"))?;
    symlink("folder/file", scene.path("link"))?;
    driver.replace(&scene.path("link"), NEW, Replacing::default())?;
    assert_eq!(fs::read(&target)?, NEW);
    assert!(fs::symlink_metadata(scene.path("link"))?.is_symlink());
    assert_eq!(names(&scene.path("real"))?, ["file"]);
    driver.replace(&scene.path("folder/file"), OLD, Replacing::default())?;
    assert_eq!(fs::read(&target)?, OLD);
    symlink("nowhere", scene.path("dangling"))?;
    let Err(error) = driver.replace(&scene.path("dangling"), NEW, Replacing::default()) else {
        return Err("a link to nothing was replaced".into());
    };
    assert_eq!(fault_of(&error), Some(Fault::Dangling), "{error}");
    Ok(())
}

/// A3.
fn what_is_no_file_is_not_touched(scene: &Scene) -> Proof {
    let driver = scene.driver();
    fs::create_dir(scene.path("directory"))?;
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        scene.path("pipe"),
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
    )?;
    let _socket = UnixListener::bind(scene.path("socket"))?;
    for (name, kind) in [
        ("directory", NodeKind::Directory),
        ("pipe", NodeKind::Fifo),
        ("socket", NodeKind::Socket),
    ] {
        let path = scene.path(name);
        let before = fs::symlink_metadata(&path)?.ino();
        let Err(error) = driver.replace(&path, NEW, Replacing::default()) else {
            return Err(format!("a {kind:?} was replaced").into());
        };
        assert_eq!(fault_of(&error), Some(Fault::NotAFile(kind)), "{error}");
        assert_eq!(fs::symlink_metadata(&path)?.ino(), before);
    }
    assert_eq!(names(scene.root())?, ["directory", "pipe", "socket"]);
    Ok(())
}

/// A3.
fn another_name_keeps_the_old_content(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = old_file(scene)?;
    fs::hard_link(&path, scene.path("other"))?;
    driver.replace(&path, NEW, Replacing::default())?;
    assert_eq!(fs::read(&path)?, NEW);
    assert_eq!(fs::read(scene.path("other"))?, OLD);
    Ok(())
}

/// A3.
fn a_name_of_255_bytes_can_be_replaced(scene: &Scene) -> Proof {
    let driver = scene.driver();
    let path = scene.path(&"n".repeat(255));
    fs::write(&path, OLD)?;
    driver.replace(&path, NEW, Replacing::default())?;
    assert_eq!(fs::read(&path)?, NEW);
    let Err(error) = driver.replace(&scene.path(&"n".repeat(256)), NEW, Replacing::default())
    else {
        return Err("a name of 256 bytes".into());
    };
    assert!(is_errno(&error, Errno::NAMETOOLONG), "{error}");
    assert_eq!(names(scene.root())?.len(), 1);
    Ok(())
}
