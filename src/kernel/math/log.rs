//! ln(x) and ln(1 + x).
//!
//! Method outline, f32 and f64 alike:
//!
//! 1. x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), by integer arithmetic on the bits. For
//!    ln(1 + x), k is that of the rounded sum
//!    u = 1 + x, and f = 2^-k x + (2^-k - 1) is taken from x itself: one rounding where u would
//!    lose what x is small for, none at all for k = 0.
//! 2. ln(1 + f) = f - s (f - z P(z)), s = f / (2 + f), z = s^2, P a minimax polynomial (K. C. Ng, in
//!    fdlibm's `e_log.c`). The leading f is exact, the rest at most 0.2 of it.
//! 3. ln(x) = k ln(2) + ln(1 + f).

use std::{f32, f64};

use super::exp::LN_2_REST_F64;

/// P, lowest degree first; its error is 2^-30.2 (f32) and 2^-59.4 (f64) of ln(1 + f).
const LOG_F32: [f32; 3] = [0.66666776, 0.3997758, 0.29870853];
const LOG_F64: [f64; 7] = [
    0.6666666666666734,
    0.39999999999416413,
    0.2857142874202509,
    0.22222198609310762,
    0.18183562502599956,
    0.1531409590383855,
    0.14795508040950686,
];

const SQRT_HALF_F32: u32 = f32::consts::FRAC_1_SQRT_2.to_bits();
const SQRT_HALF_F64: u64 = f64::consts::FRAC_1_SQRT_2.to_bits();

const EXPONENT_F32: u32 = 0xff80_0000;
const EXPONENT_F64: u64 = 0x7ff0_0000_0000_0000;
/// The exponent of 1.0 in place.
const BIAS_F64: u64 = 1023 << 52;

/// The low bits of 2^52 + i are the integer i: a conversion to f64 that every machine has as a vector.
const INTEGER_F64: f64 = 4503599627370496.0;

/// k ln(2) + ln(1 + f), for k in units of 2^-23: an exponent where it stands in a number's bits.
#[inline(always)]
fn sum_f32(k: f32, f: f32) -> f32 {
    let c = LOG_F32;
    let s = f / (f + 2.0);
    let z = s * s;
    let p = z.mul_add(c[2], c[1]).mul_add(z, c[0]);
    let log = s.mul_add(z.mul_add(p, -f), f);
    // The rest of ln(2) is 2^-28 of it: too little to matter.
    k.mul_add(f32::consts::LN_2 / 8388608.0, log)
}

/// k ln(2) + ln(1 + f).
#[inline(always)]
fn sum_f64(k: f64, f: f64) -> f64 {
    let c = LOG_F64;
    let s = f / (f + 2.0);
    let z = s * s;
    let p = z.mul_add(c[6], c[5]).mul_add(z, c[4]).mul_add(z, c[3]);
    let p = p.mul_add(z, c[2]).mul_add(z, c[1]).mul_add(z, c[0]);
    let below = s.mul_add(z.mul_add(-p, f), k * -LN_2_REST_F64);
    k.mul_add(f64::consts::LN_2, f - below)
}

/// Natural logarithm.
///
/// The largest error is 0.96 units in the last place, over all f32. Never decreases.
#[must_use]
#[inline(always)]
pub fn log_f32(x: f32) -> f32 {
    // k where an exponent stands; the subtraction makes every mantissa below sqrt(2) belong to k.
    let k = x.to_bits().wrapping_sub(SQRT_HALF_F32) & EXPONENT_F32;
    let f = f32::from_bits(x.to_bits().wrapping_sub(k)) - 1.0;
    let log = sum_f32(k.cast_signed() as f32, f);
    // In this order each comparison is one instruction; a chain of classes is not.
    let log = if x > f32::MAX { x } else { log };
    let log = if x > 0.0 { log } else { f32::NEG_INFINITY };
    if x >= 0.0 { log } else { f32::NAN }
}

/// Natural logarithm.
///
/// The error is at most 0.9 units in the last place: 0.85 is the largest found, over 10^8 arguments.
#[must_use]
#[inline(always)]
pub fn log_f64(x: f64) -> f64 {
    let biased = x.to_bits().wrapping_add(BIAS_F64 - SQRT_HALF_F64);
    let f = f64::from_bits((biased & !EXPONENT_F64).wrapping_add(SQRT_HALF_F64)) - 1.0;
    let k = f64::from_bits((biased >> 52) | INTEGER_F64.to_bits()) - (INTEGER_F64 + 1023.0);
    let log = sum_f64(k, f);
    let log = if x > f64::MAX { x } else { log };
    let log = if x > 0.0 { log } else { f64::NEG_INFINITY };
    if x >= 0.0 { log } else { f64::NAN }
}

/// ln(1 + x).
///
/// The largest error is 1.50 units in the last place, over all f32. Never decreases.
#[must_use]
#[inline(always)]
pub fn log1p_f32(x: f32) -> f32 {
    let k = (x + 1.0).to_bits().wrapping_sub(SQRT_HALF_F32) & EXPONENT_F32;
    // 2^-k alone would be a denormal for the largest x.
    let four = f32::from_bits(4.0_f32.to_bits().wrapping_sub(k));
    let f = f32::from_bits(x.to_bits().wrapping_sub(k)) + four.mul_add(0.25, -1.0);
    // The sum k ln(2) + ... would make a positive zero of a negative one.
    let log = sum_f32(k.cast_signed() as f32, f).copysign(x);
    let log = if x > f32::MAX { x } else { log };
    let log = if x > -1.0 { log } else { f32::NEG_INFINITY };
    if x >= -1.0 { log } else { f32::NAN }
}

/// ln(1 + x).
///
/// The error is at most 1.55 units in the last place: 1.49 is the largest found, over 10^8 arguments.
#[must_use]
#[inline(always)]
pub fn log1p_f64(x: f64) -> f64 {
    let biased = (x + 1.0).to_bits().wrapping_add(BIAS_F64 - SQRT_HALF_F64);
    let place = (biased & EXPONENT_F64).wrapping_sub(BIAS_F64);
    let four = f64::from_bits(4.0_f64.to_bits().wrapping_sub(place));
    let f = f64::from_bits(x.to_bits().wrapping_sub(place)) + four.mul_add(0.25, -1.0);
    let k = f64::from_bits((biased >> 52) | INTEGER_F64.to_bits()) - (INTEGER_F64 + 1023.0);
    let log = sum_f64(k, f).copysign(x);
    let log = if x > f64::MAX { x } else { log };
    let log = if x > -1.0 { log } else { f64::NEG_INFINITY };
    if x >= -1.0 { log } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::super::{reference, ulp};
    use super::*;

    const LOG_ULPS_F32: f64 = 0.96;
    const LOG_ULPS_F64: f64 = 0.9;

    #[test]
    fn log_f32_error_is_as_stated() {
        ulp::worst_f32(log_f32, f64::ln, ulp::STRIDE).is_at_most(LOG_ULPS_F32);
    }

    #[test]
    #[ignore = "all f32"]
    fn log_f32_error_is_the_stated_one() {
        ulp::worst_f32(log_f32, f64::ln, 1).is(LOG_ULPS_F32);
    }

    #[test]
    fn log_f64_error_is_as_stated() {
        ulp::worst_f64(log_f64, reference::log, 0.0, 4.0, ulp::COUNT).is_at_most(LOG_ULPS_F64);
    }

    #[test]
    fn log_f32_never_decreases() {
        ulp::never_decreases(log_f32, ulp::STRIDE);
    }

    #[test]
    #[ignore = "all f32"]
    fn log_f32_never_decreases_anywhere() {
        ulp::never_decreases(log_f32, 1);
    }

    const LOG1P_ULPS_F32: f64 = 1.5;
    const LOG1P_ULPS_F64: f64 = 1.55;

    #[test]
    fn log1p_f32_error_is_as_stated() {
        ulp::worst_f32(log1p_f32, f64::ln_1p, ulp::STRIDE).is_at_most(LOG1P_ULPS_F32);
    }

    #[test]
    #[ignore = "all f32"]
    fn log1p_f32_error_is_the_stated_one() {
        ulp::worst_f32(log1p_f32, f64::ln_1p, 1).is(LOG1P_ULPS_F32);
    }

    #[test]
    fn log1p_f64_error_is_as_stated() {
        ulp::worst_f64(log1p_f64, reference::log1p, -1.0, 10.0, ulp::COUNT).is_at_most(LOG1P_ULPS_F64);
    }

    #[test]
    fn log1p_f32_never_decreases() {
        ulp::never_decreases(log1p_f32, ulp::STRIDE);
    }

    #[test]
    #[ignore = "all f32"]
    fn log1p_f32_never_decreases_anywhere() {
        ulp::never_decreases(log1p_f32, 1);
    }

    #[test]
    fn special_values_of_log() {
        for (x, y) in
            [(0.0, f32::NEG_INFINITY), (-0.0, f32::NEG_INFINITY), (1.0, 0.0), (f32::INFINITY, f32::INFINITY)]
        {
            assert_eq!(log_f32(x).to_bits(), f32::to_bits(y), "ln({x})");
        }
        for (x, y) in
            [(0.0, f64::NEG_INFINITY), (-0.0, f64::NEG_INFINITY), (1.0, 0.0), (f64::INFINITY, f64::INFINITY)]
        {
            assert_eq!(log_f64(x).to_bits(), f64::to_bits(y), "ln({x})");
        }
        for x in [-f32::MIN_POSITIVE, -1.0, f32::NEG_INFINITY, f32::NAN] {
            assert!(log_f32(x).is_nan(), "ln({x})");
        }
        for x in [-f64::MIN_POSITIVE, -1.0, f64::NEG_INFINITY, f64::NAN] {
            assert!(log_f64(x).is_nan(), "ln({x})");
        }
    }

    #[test]
    fn special_values_of_log1p() {
        for (x, y) in [
            (0.0, 0.0),
            (-0.0, -0.0),
            (-1e-30, -1e-30),
            (-1.0, f32::NEG_INFINITY),
            (f32::INFINITY, f32::INFINITY),
        ] {
            assert_eq!(log1p_f32(x).to_bits(), f32::to_bits(y), "ln(1 + {x})");
        }
        for (x, y) in [
            (0.0, 0.0),
            (-0.0, -0.0),
            (-1e-300, -1e-300),
            (-1.0, f64::NEG_INFINITY),
            (f64::INFINITY, f64::INFINITY),
        ] {
            assert_eq!(log1p_f64(x).to_bits(), f64::to_bits(y), "ln(1 + {x})");
        }
        for x in [-1.0000001, f32::MIN, f32::NEG_INFINITY, f32::NAN] {
            assert!(log1p_f32(x).is_nan(), "ln(1 + {x})");
        }
        for x in [-1.0000000000000002, f64::MIN, f64::NEG_INFINITY, f64::NAN] {
            assert!(log1p_f64(x).is_nan(), "ln(1 + {x})");
        }
    }
}
