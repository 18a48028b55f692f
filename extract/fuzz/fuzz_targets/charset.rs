//! Bytes in every encoding.

#![no_main]

use bron_extract::properties;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| properties::charset(input));
