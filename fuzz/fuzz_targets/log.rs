//! Logs of any bytes, and damaged ones: see `tests::fuzzed::log`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzzed::log(bytes));
