//! Ours, every peer and every limit side by side: `cargo bench -p benches`, and `--help` for parts.

#[global_allocator]
static ALLOCATOR: tests::counting::Counting = tests::counting::Counting;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    benches::main(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")))
}

#[cfg(not(target_os = "linux"))]
fn main() {}
