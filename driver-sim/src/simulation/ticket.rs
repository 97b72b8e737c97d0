//! What is asked of a simulation, and what it answers.

use staging_core::{Fault, FileId, HandleId, Outcome};

/// The name of an accepted request: later ones have greater numbers, so this is also the order in
/// which requests were accepted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// What a request brings along that the machine does not see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Payload<'a> {
    /// Nothing.
    Nothing,
    /// Of an open: where. What is relative begins at the root.
    Path(&'a str),
    /// Of a write or an append: as many bytes as the request says.
    Bytes(Vec<u8>),
    /// Of a replace: where, and as many bytes as the request says.
    Content {
        /// What is relative begins at the root.
        path: &'a str,
        /// All of them.
        bytes: Vec<u8>,
    },
}

/// The one answer to an accepted request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// To which.
    pub ticket: Ticket,
    /// What the machine said. A read that was answered from a mapping which had lost bytes is
    /// [`Fault::Truncated`] (G6).
    pub outcome: Outcome,
    /// The handle that an open gave.
    pub handle: Option<HandleId>,
    /// The bytes that were read.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The file that an open led to.
    pub const fn file(&self) -> Option<FileId> {
        match self.outcome {
            Outcome::Opened { file, .. } | Outcome::FromContents { file } => Some(file),
            _ => None,
        }
    }

    /// Why it failed, if it did.
    pub const fn fault(&self) -> Option<Fault> {
        self.outcome.fault()
    }
}
