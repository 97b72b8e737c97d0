//! Journal files, damaged and whole: see `tests::fuzzed::journal`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzzed::journal(bytes));
