//! The machine under test: worlds it lives in, and the language of its transcripts.

pub(crate) mod backlog;
pub(crate) mod bounds;
pub mod broken;
pub(crate) mod changing;
pub(crate) mod columns;
pub mod dice;
pub(crate) mod disk;
pub(crate) mod driver;
pub(crate) mod ending;
pub mod history;
pub mod journals;
pub(crate) mod lies;
pub(crate) mod locks;
pub(crate) mod log;
pub(crate) mod order;
pub(crate) mod refusals;
pub(crate) mod replaces;
pub(crate) mod rules;
pub mod script;
pub(crate) mod world;
