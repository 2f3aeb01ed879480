#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| romcompat_fuzz::deb(bytes));
