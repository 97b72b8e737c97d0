//! The binary, as people and scripts meet it.

mod cat;
mod lock;
mod replay;
mod scene;
mod stage;
mod status;
mod watch;
mod write;
