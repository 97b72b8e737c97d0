//! The binary, as people and scripts meet it.

mod replay;
mod scene;
mod stage;
