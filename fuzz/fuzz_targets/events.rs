//! Honest histories of the core: see `tests::fuzzed::events`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzzed::events(bytes));
