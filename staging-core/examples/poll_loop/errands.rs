//! What peers ask for, on its way through the machine: open, read or append, drop.

use super::files::{Answer, Files, Payload};
use mio::Token;
use staging_core::*;
use std::{collections::HashMap, mem, path::PathBuf, time::Duration};

/// What a peer is told.
pub(crate) type Told = Result<Vec<u8>, String>;

/// What is wanted of a file.
pub(crate) enum Wish {
    /// So many bytes from there.
    Part { offset: u64, len: u64 },
    /// These at its end.
    Appended(Vec<u8>),
}

/// A wish under way.
struct Errand {
    peer: Token,
    wish: Wish,
    deadline: Tick,
    /// Once it is open.
    handle: Option<HandleId>,
}

/// All of them, by what each waits for.
#[derive(Default)]
pub(crate) struct Errands {
    under_way: HashMap<OpId, Errand>,
}

impl Errands {
    pub(crate) fn begin(
        &mut self,
        files: &mut Files,
        peer: Token,
        path: PathBuf,
        wish: Wish,
        within: Duration,
    ) -> Result<(), Reply> {
        let deadline = files.now().plus(within.as_nanos() as u64);
        let (access, missing, mode) = match wish {
            Wish::Part { .. } => (Access::Read, Missing::Fail, Mode::Auto),
            Wish::Appended(_) => (Access::Write, Missing::Create, Mode::None),
        };
        let open = Request::Open {
            access,
            missing,
            plan: Plan::of(mode),
        };
        let op = files.ask(deadline, open, Payload::Path(path))?;
        let errand = Errand {
            peer,
            wish,
            deadline,
            handle: None,
        };
        self.under_way.insert(op, errand);
        Ok(())
    }

    /// A peer hung up: nobody waits for its answer.
    pub(crate) fn forget(&mut self, files: &mut Files, peer: Token) {
        let asked = self
            .under_way
            .iter()
            .find(|(_, errand)| errand.peer == peer);
        if let Some(op) = asked.map(|(op, _)| *op) {
            files.cancel(op);
        }
    }

    /// The next step of the one that waited for this: an open goes on with what was wished, all else
    /// is an answer to its peer.
    pub(crate) fn go_on(&mut self, files: &mut Files, answer: Answer) -> Option<(Token, Told)> {
        let mut errand = self.under_way.remove(&answer.op)?;
        errand.handle = errand.handle.or(answer.handle);
        let told = match (answer.outcome, &mut errand) {
            (
                Outcome::Opened { .. },
                Errand {
                    wish,
                    deadline,
                    handle: Some(handle),
                    ..
                },
            ) => {
                let (request, payload) = wish.request(*handle);
                match files.ask(*deadline, request, payload) {
                    Ok(op) => {
                        self.under_way.insert(op, errand);
                        return None;
                    }
                    Err(refused) => Err(format!("{refused:?}")),
                }
            }
            (Outcome::Read { .. }, _) => Ok(answer.bytes),
            (
                Outcome::FromContents { .. },
                Errand {
                    wish: Wish::Part { offset, len },
                    ..
                },
            ) => Ok(part(&answer.bytes, *offset, *len)),
            (Outcome::Written { offset, .. }, _) => Ok(format!("at {offset}").into_bytes()),
            (Outcome::Failed { fault, .. }, _) => Err(format!("{fault:?}")),
            (other, _) => Err(format!("never asked for here: {other:?}")),
        };
        if let Some(handle) = errand.handle {
            files.drop_handle(handle);
        }
        Some((errand.peer, told))
    }
}

impl Wish {
    /// What to ask, and what goes along: of an append its bytes, which are given away here.
    fn request(&mut self, handle: HandleId) -> (Request, Payload) {
        match self {
            Wish::Part { offset, len } => {
                let (offset, len) = (*offset, *len);
                let read = Request::Read {
                    handle,
                    offset,
                    len,
                };
                (read, Payload::Nothing)
            }
            Wish::Appended(bytes) => {
                let bytes = mem::take(bytes);
                let len = bytes.len() as u64;
                (
                    Request::Append {
                        handle,
                        len,
                        class: Class::Normal,
                    },
                    Payload::Bytes(bytes),
                )
            }
        }
    }
}

fn part(contents: &[u8], offset: u64, len: u64) -> Vec<u8> {
    let end = contents.len() as u64;
    let (from, to) = (offset.min(end), offset.saturating_add(len).min(end));
    contents[from as usize..to as usize].to_vec()
}
