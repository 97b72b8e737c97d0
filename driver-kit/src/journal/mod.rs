//! The journal of a run: what a hub told its machine, and what that answered.
//!
//! In memory it is a [`Journal`], kept between [`Hub::record`](crate::hub::Hub::record) and
//! [`Hub::journal`](crate::hub::Hub::journal). As a file it is written while the run goes on, from
//! [`Hub::record_to`](crate::hub::Hub::record_to) to the end; a [`Reader`] reads it back, and
//! [`replay`](staging_core::replay) plays it against the core alone. So a report of a mistake is a
//! file.
//!
//! # The file
//!
//! Text, one line for each [`Entry`](staging_core::Entry), every line ended by a line feed:
//!
//! ```text
//! staging-journal version=1 operations=4096 operations_per_file=1024 …
//! Said now=1200 event=Submitted tag=0 deadline=never request=Open access=Read … reply=Opening op=op0 handle=handle0
//! Polled action=Perform io=io0 kind=Fetch handle=handle0 missing=Fail up_to=131072
//! Said now=9100 event=Completed io=io0 completion=Fetched key=2049:131 len=5 version=7 reply=Adopted file=file0
//! Polled action=Tell tell=Resolve op=op0 tag=0 outcome=Opened file=file0 len=5 standing=Staged how=Loaded
//! ```
//!
//! The first line says the format, its version, and every limit of the machine, so a journal file
//! begins with its hub. The words are the names of the variants and fields of [`staging_core`], in
//! their order; a field that is a struct is written as its own fields. There is exactly one way to
//! write an entry, and whatever is written in another is damaged. No path and no byte of a file is
//! in it: ids, lengths, times, and the numbers of devices and inodes.
//!
//! A process that is killed leaves a last line that may be torn: the reader says so, and what stands
//! before it is whole.

mod alphabet;
mod kept;
mod reading;
mod recorder;
mod transcript;
mod words;

pub mod wording;

pub use kept::Journal;
pub use reading::{Damage, Flaw, ReadError, Reader};
pub use recorder::{Recording, Stop, Unrecordable};
pub use transcript::Transcript;
pub use words::{header, line};

pub(crate) use recorder::Recorder;
