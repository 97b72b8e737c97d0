//! Histories of the core with a driver that lies: see `tests::fuzzed::lying_driver`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzzed::lying_driver(bytes));
