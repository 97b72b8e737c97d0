//! Paths and their absolute forms: see `tests::fuzzed::paths`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzzed::paths(bytes));
