//! What a file has of its contents: in the making, whole and published, or given up.

use super::table::{FileRow, Holding};
use crate::contents::Contents;
use crate::job::{Held, Part};
use std::sync::Arc;

pub(super) fn whole(part: Part) -> Option<Contents> {
    match part {
        Part::Nothing { total: 0, .. } => Some(Contents::Empty),
        Part::Nothing { .. } => None,
        Part::Block(block) => {
            let len = block.len();
            Some(Contents::Loaded(block.freeze(len)))
        }
        Part::Mapping(mapping) => Some(Contents::Mapped(mapping)),
    }
}

impl FileRow {
    pub(super) fn descriptor(&self) -> Option<Arc<std::fs::File>> {
        self.descriptor.clone()
    }

    /// The contents for a read that waited for them. The transition that made them whole may have
    /// given them up again, because that read was the last that wanted them; then they were not
    /// published, and are only waiting to be released; or, empty, there was nothing to hold.
    pub(super) fn contents_for_reading(&mut self, empty: bool) -> Option<Contents> {
        self.held = match std::mem::replace(&mut self.held, Holding::Nothing) {
            Holding::Part(part) => whole(part).map_or(Holding::Nothing, Holding::Whole),
            held @ (Holding::Nothing | Holding::Whole(_)) => held,
        };
        match &self.held {
            Holding::Whole(contents) => Some(contents.clone()),
            Holding::Nothing if empty => Some(Contents::Empty),
            Holding::Nothing | Holding::Part(_) => None,
        }
    }

    /// A cell that readers of earlier contents have not left yet stays empty; reads then come
    /// through the hub, until the next staging.
    pub(super) fn publish(&mut self, contents: Contents) {
        drop(self.cell.publish(contents.clone()));
        self.held = Holding::Whole(contents);
    }

    pub(super) fn give_up(&mut self) -> Held {
        drop(self.cell.withdraw());
        match std::mem::replace(&mut self.held, Holding::Nothing) {
            Holding::Nothing => Held::Nothing,
            Holding::Part(part) => Held::Part(part),
            Holding::Whole(contents) => Held::Contents(contents),
        }
    }
}
