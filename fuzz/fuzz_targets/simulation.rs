//! Histories on a simulated disk, beside the model: see `tests::fuzzed::simulation`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzzed::simulation(bytes));
