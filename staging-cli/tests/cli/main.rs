//! The binary, as people and scripts meet it.

mod cat;
mod lock;
mod log;
mod replay;
mod scene;
mod stage;
mod status;
mod times;
mod watch;
mod write;
