//! Ours, every peer and every limit side by side: `cargo bench -p benches`, and `--help` for parts.

use std::path::Path;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tests::counting::Counting = tests::counting::Counting;

fn main() -> ExitCode {
    benches::main(Path::new(env!("CARGO_TARGET_TMPDIR")))
}
