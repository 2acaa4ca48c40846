//! Any bytes as a network: no panic, and what is accepted is written again byte by byte.
#![no_main]

use ferroprop::{from_bytes, to_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some(network)) = from_bytes::<f32>(bytes, "it") {
        assert_eq!(to_bytes(&network).unwrap(), bytes);
    }
    if let Ok(Some(network)) = from_bytes::<f64>(bytes, "it") {
        assert_eq!(to_bytes(&network).unwrap(), bytes);
    }
});
