//! The logistic function 1 / (1 + e^-x) and its integral, the softplus ln(1 + e^x).
//!
//! Method outline, f32 and f64 alike:
//!
//! Logistic: with -x = n ln(2) - r and e^-r = (a - r) / (a + r) from `exp.rs`,
//!
//! ```text
//! 1 / (1 + 2^n e^-r) = C (a + r) / (C (a + r) + C 2^n (a - r))
//! ```
//!
//! The constant C, a power of two, moves all exponents that matter into the range of normal numbers:
//! e^-x does not overflow where the result is a denormal, and C 2^n is one shift. The first C comes last,
//! in a fused multiplication: processors are slow at quotients and products that are denormals.
//!
//! Softplus: max(x, 0) + ln(1 + u) with u = e^-|x|, and from fdlibm's `e_log.c`
//!
//! ```text
//! ln(1 + u) = u - d (u - z P(z)),   d = u / (2 + u),   z = d^2,
//! ```
//!
//! P a minimax polynomial for u in [0, 1]. Everything is computed for u / C, so that u need not be
//! a normal number. Where u is so small that d cannot change u, another small d stands in its place, one
//! whose square is a normal number.

use super::exp::{
    ROUND_F32, ROUND_F64, coth_reduced_f32, coth_reduced_f64, expm1_reduced_f32, expm1_reduced_f64,
    reduce_f32, reduce_f64,
};

/// P, lowest degree first; its error is 2^-27.4 (f32) and 2^-59.1 (f64) of ln(1 + u).
const LOG1P_F32: [f32; 4] = [0.6666642, 0.40021494, 0.28001806, 0.28011933];
const LOG1P_F64: [f64; 10] = [
    0.6666666666666631,
    0.400000000001551,
    0.28571428548122163,
    0.22222223953421347,
    0.18181744486176663,
    0.1538654825496057,
    0.133011230410532,
    0.1210493277278799,
    0.0834502038266491,
    0.17009673398396036,
];

/// C = 2^-30 keeps the smallest denormal, 2^-149, and half of it, above 2^-126 when divided by it.
const C_F32: f32 = 1.0 / 1073741824.0;
/// 2^-60
const C_F64: f64 = 1.0 / 1152921504606846976.0;

/// 2^-60 / C and 2^-400 / C. Smaller u cannot change 1 - u / 2, the square of half of it is a normal number.
const SMALL_F32: f32 = 1.0 / 1073741824.0;
const SMALL_F64: f64 = 4.464794497196387e-103;
/// The logistic function, 1 / (1 + e^-x).
///
/// The largest error is 2.44 units in the last place, over all f32, also where the result is a
/// denormal.
#[must_use]
#[inline(always)]
pub fn logistic_f32(x: f32) -> f32 {
    const ROUND: f32 = ROUND_F32 + 127.0 - 30.0;
    // Beyond these the result is 1 or 0. NaN fails both comparisons and passes.
    let x = if x > 60.0 { 60.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let (r, bits) = reduce_f32(x, -1.0, ROUND);
    let a = coth_reduced_f32(r);
    let one = a + r;
    (one / (a - r).mul_add(f32::from_bits(bits << 23), one * C_F32)).mul_add(C_F32, 0.0)
}

/// The logistic function, 1 / (1 + e^-x).
///
/// The largest error is 2.43 units in the last place, over 10^8 arguments, also where the result is a
/// denormal.
#[must_use]
#[inline(always)]
pub fn logistic_f64(x: f64) -> f64 {
    const ROUND: f64 = ROUND_F64 + 1023.0 - 60.0;
    let x = if x > 40.0 { 40.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let (r, bits) = reduce_f64(x, -1.0, ROUND);
    let a = coth_reduced_f64(r);
    let one = a + r;
    (one / (a - r).mul_add(f64::from_bits(bits << 52), one * C_F64)).mul_add(C_F64, 0.0)
}

/// The softplus, ln(1 + e^x).
///
/// The largest error is 1.89 units in the last place, over all f32, also where the result is a
/// denormal.
#[must_use]
#[inline(always)]
pub fn softplus_f32(x: f32) -> f32 {
    const ROUND: f32 = ROUND_F32 + 127.0 + 30.0;
    let magnitude = x.abs();
    let magnitude = if magnitude > 104.0 { 104.0 } else { magnitude };
    let (r, bits) = reduce_f32(magnitude, -1.0, ROUND);
    let power = f32::from_bits(bits << 23);
    // u / C
    let u = expm1_reduced_f32(-r).mul_add(power, power);
    let least = if u < SMALL_F32 { SMALL_F32 } else { u };
    let d = least / (u + 2.0 / C_F32);
    let z = d * d;
    let c = LOG1P_F32.map(|c| c / C_F32);
    let p = z.mul_add(c[3], c[2]).mul_add(z, c[1]).mul_add(z, c[0]);
    let log = d.mul_add(z.mul_add(p, -u), u);
    let positive = if x > 0.0 { x } else { 0.0 };
    log.mul_add(C_F32, positive)
}

/// The softplus, ln(1 + e^x).
///
/// The largest error is 1.84 units in the last place, over 10^8 arguments, also where the result is a
/// denormal.
#[must_use]
#[inline(always)]
pub fn softplus_f64(x: f64) -> f64 {
    const ROUND: f64 = ROUND_F64 + 1023.0 + 60.0;
    let magnitude = x.abs();
    let magnitude = if magnitude > 746.0 { 746.0 } else { magnitude };
    let (r, bits) = reduce_f64(magnitude, -1.0, ROUND);
    let power = f64::from_bits(bits << 52);
    let u = expm1_reduced_f64(-r).mul_add(power, power);
    let least = if u < SMALL_F64 { SMALL_F64 } else { u };
    let d = least / (u + 2.0 / C_F64);
    let z = d * d;
    let z2 = z * z;
    let c = LOG1P_F64.map(|c| c / C_F64);
    let even = z2.mul_add(c[8], c[6]).mul_add(z2, c[4]).mul_add(z2, c[2]).mul_add(z2, c[0]);
    let odd = z2.mul_add(c[9], c[7]).mul_add(z2, c[5]).mul_add(z2, c[3]).mul_add(z2, c[1]);
    let p = odd.mul_add(z, even);
    let log = d.mul_add(z.mul_add(p, -u), u);
    let positive = if x > 0.0 { x } else { 0.0 };
    log.mul_add(C_F64, positive)
}

#[cfg(test)]
mod tests {
    use std::{f32, f64};

    use super::super::{reference, ulp};
    use super::*;

    fn logistic(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    fn softplus(x: f64) -> f64 {
        let positive = if x > 0.0 { x } else { 0.0 };
        positive + (-x.abs()).exp().ln_1p()
    }

    const LOGISTIC_ULPS_F32: f64 = 2.44;
    const LOGISTIC_ULPS_F64: f64 = 2.43;

    #[test]
    fn logistic_f32_error_is_as_stated() {
        ulp::worst_f32(logistic_f32, logistic, ulp::STRIDE).is_at_most(LOGISTIC_ULPS_F32);
    }

    #[test]
    #[ignore = "all f32"]
    fn logistic_f32_error_is_the_stated_one() {
        ulp::worst_f32(logistic_f32, logistic, 1).is(LOGISTIC_ULPS_F32);
    }

    #[test]
    fn logistic_f64_error_is_as_stated() {
        ulp::worst_f64(logistic_f64, reference::logistic, -750.0, 40.0, ulp::COUNT)
            .is_at_most(LOGISTIC_ULPS_F64);
    }

    const SOFTPLUS_ULPS_F32: f64 = 1.89;
    const SOFTPLUS_ULPS_F64: f64 = 1.84;

    #[test]
    fn softplus_f32_error_is_as_stated() {
        ulp::worst_f32(softplus_f32, softplus, ulp::STRIDE).is_at_most(SOFTPLUS_ULPS_F32);
    }

    #[test]
    #[ignore = "all f32"]
    fn softplus_f32_error_is_the_stated_one() {
        ulp::worst_f32(softplus_f32, softplus, 1).is(SOFTPLUS_ULPS_F32);
    }

    #[test]
    fn softplus_f64_error_is_as_stated() {
        ulp::worst_f64(softplus_f64, reference::softplus, -750.0, 50.0, ulp::COUNT)
            .is_at_most(SOFTPLUS_ULPS_F64);
    }

    #[test]
    fn special_values_of_logistic() {
        for (x, y) in [
            (0.0, 0.5),
            (-0.0, 0.5),
            (20.0, 1.0),
            (70.0, 1.0),
            (f32::MAX, 1.0),
            (f32::INFINITY, 1.0),
            (-104.0, 0.0),
            (f32::MIN, 0.0),
            (f32::NEG_INFINITY, 0.0),
        ] {
            assert_eq!(logistic_f32(x).to_bits(), f32::to_bits(y), "logistic({x})");
        }
        for (x, y) in [
            (0.0, 0.5),
            (-0.0, 0.5),
            (38.0, 1.0),
            (40.0, 1.0),
            (f64::MAX, 1.0),
            (f64::INFINITY, 1.0),
            (-746.0, 0.0),
            (f64::MIN, 0.0),
            (f64::NEG_INFINITY, 0.0),
        ] {
            assert_eq!(logistic_f64(x).to_bits(), f64::to_bits(y), "logistic({x})");
        }
        assert!(logistic_f32(f32::NAN).is_nan() && logistic_f64(f64::NAN).is_nan());
    }

    #[test]
    fn special_values_of_softplus() {
        for (x, y) in [
            (f32::NEG_INFINITY, 0.0),
            (f32::MIN, 0.0),
            (-104.0, 0.0),
            (0.0, f32::consts::LN_2),
            (-0.0, f32::consts::LN_2),
            (30.0, 30.0),
            (f32::MAX, f32::MAX),
            (f32::INFINITY, f32::INFINITY),
        ] {
            assert_eq!(softplus_f32(x).to_bits(), f32::to_bits(y), "softplus({x})");
        }
        for (x, y) in [
            (f64::NEG_INFINITY, 0.0),
            (f64::MIN, 0.0),
            (-746.0, 0.0),
            (0.0, f64::consts::LN_2),
            (-0.0, f64::consts::LN_2),
            (50.0, 50.0),
            (f64::MAX, f64::MAX),
            (f64::INFINITY, f64::INFINITY),
        ] {
            assert_eq!(softplus_f64(x).to_bits(), f64::to_bits(y), "softplus({x})");
        }
        assert!(softplus_f32(f32::NAN).is_nan() && softplus_f64(f64::NAN).is_nan());
    }

    #[test]
    fn the_smallest_results_are_denormals() {
        assert_eq!(logistic_f32(-103.27893).to_bits(), 1);
        assert_eq!(softplus_f32(-103.27893).to_bits(), 1);
        assert_eq!(logistic_f64(-744.4400719213812).to_bits(), 1);
        assert_eq!(softplus_f64(-744.4400719213812).to_bits(), 1);
    }
}
