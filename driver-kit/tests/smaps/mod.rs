//! What the kernel says of the areas of this process.

use driver_kit::contents::PAGE;
use std::{error::Error, fs};

/// How an area is to come in, and how far it goes from the address that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// In huge pages: so many pages of the usual size.
    Huge(usize),
    /// Never in huge pages.
    Small,
    /// As the system likes.
    None,
}

/// What was wished for the area at an address; nothing where the system has no huge pages.
pub(crate) fn wish_at(address: usize) -> Result<Option<Wish>, Box<dyn Error>> {
    if !fs::exists("/sys/kernel/mm/transparent_hugepage")? {
        return Ok(None);
    }
    let mut area = 0..0;
    for line in fs::read_to_string("/proc/self/smaps")?.lines() {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        if let Some((start, end)) = first.split_once('-') {
            area = usize::from_str_radix(start, 16)?..usize::from_str_radix(end, 16)?;
        } else if first == "VmFlags:" && area.contains(&address) {
            let has = |flag| rest.split(' ').any(|other| other == flag);
            return Ok(Some(match (has("hg"), has("nh")) {
                (true, _) => Wish::Huge((area.end - address) / PAGE),
                (false, true) => Wish::Small,
                (false, false) => Wish::None,
            }));
        }
    }
    Err("no area at that address".into())
}
