//! K3 against the real kernel: what happens to watched paths is told, once, and the last word is
//! right.

mod directories;
mod reader;
mod roots;
mod saves;
mod scene;
