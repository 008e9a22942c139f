#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| revrag_fuzz::csv_input::run(data));
