//! The logistic function 1 / (1 + e^-x) and its integral, the softplus ln(1 + e^x).
//!
//! Method outline, f32 and f64 alike:
//!
//! Logistic: with -x = n ln(2) - r and e^-r = (a - r) / (a + r) from `exp.rs`,
//!
//! ```text
//! 1 / (1 + 2^n e^-r) = (a + r) / (a + r + 2^n (a - r))
//! ```
//!
//! Softplus: max(x, 0) + ln(1 + u) with u = e^-|x|, and from fdlibm's `e_log.c`
//!
//! ```text
//! ln(1 + u) = u - d (u - z P(z)),   d = u / (2 + u),   z = d^2,
//! ```
//!
//! P a minimax polynomial for u in [0, 1].

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

/// The logistic function, 1 / (1 + e^-x).
///
/// The largest error is 2.44 units in the last place, over all f32.
#[must_use]
#[inline(always)]
pub fn logistic_f32(x: f32) -> f32 {
    const ROUND: f32 = ROUND_F32 + 127.0;
    // Beyond these the result is 1 or 0. NaN fails both comparisons and passes.
    let x = if x > 60.0 { 60.0 } else { x };
    let x = if x < -89.0 { -89.0 } else { x };
    let (r, bits) = reduce_f32(x, -1.0, ROUND);
    let a = coth_reduced_f32(r);
    let one = a + r;
    one / (a - r).mul_add(f32::from_bits(bits << 23), one)
}

/// The logistic function, 1 / (1 + e^-x).
///
/// The error is at most 2.5 units in the last place: 2.451 is the largest that independent searches have found, over
/// 10^8 arguments.
#[must_use]
#[inline(always)]
pub fn logistic_f64(x: f64) -> f64 {
    const ROUND: f64 = ROUND_F64 + 1023.0;
    let x = if x > 40.0 { 40.0 } else { x };
    let x = if x < -710.0 { -710.0 } else { x };
    let (r, bits) = reduce_f64(x, -1.0, ROUND);
    let a = coth_reduced_f64(r);
    let one = a + r;
    one / (a - r).mul_add(f64::from_bits(bits << 52), one)
}

/// The softplus, ln(1 + e^x).
///
/// The largest error is 1.89 units in the last place, over all f32.
#[must_use]
#[inline(always)]
pub fn softplus_f32(x: f32) -> f32 {
    const ROUND: f32 = ROUND_F32 + 127.0;
    let magnitude = x.abs();
    // Beyond, u is 0; NaN passes.
    let magnitude = if magnitude > 88.0 { 88.0 } else { magnitude };
    let (r, bits) = reduce_f32(magnitude, -1.0, ROUND);
    let power = f32::from_bits(bits << 23);
    let u = expm1_reduced_f32(-r).mul_add(power, power);
    let d = u / (u + 2.0);
    let z = d * d;
    let c = LOG1P_F32;
    let p = z.mul_add(c[3], c[2]).mul_add(z, c[1]).mul_add(z, c[0]);
    let log = d.mul_add(z.mul_add(p, -u), u);
    let positive = if x > 0.0 { x } else { 0.0 };
    log + positive
}

/// The softplus, ln(1 + e^x).
///
/// The error is at most 1.9 units in the last place: 1.843 is the largest that independent searches have found, over
/// 10^8 arguments.
#[must_use]
#[inline(always)]
pub fn softplus_f64(x: f64) -> f64 {
    const ROUND: f64 = ROUND_F64 + 1023.0;
    let magnitude = x.abs();
    let magnitude = if magnitude > 709.0 { 709.0 } else { magnitude };
    let (r, bits) = reduce_f64(magnitude, -1.0, ROUND);
    let power = f64::from_bits(bits << 52);
    let u = expm1_reduced_f64(-r).mul_add(power, power);
    let d = u / (u + 2.0);
    let z = d * d;
    let z2 = z * z;
    let c = LOG1P_F64;
    let even = z2.mul_add(c[8], c[6]).mul_add(z2, c[4]).mul_add(z2, c[2]).mul_add(z2, c[0]);
    let odd = z2.mul_add(c[9], c[7]).mul_add(z2, c[5]).mul_add(z2, c[3]).mul_add(z2, c[1]);
    let p = odd.mul_add(z, even);
    let log = d.mul_add(z.mul_add(p, -u), u);
    let positive = if x > 0.0 { x } else { 0.0 };
    log + positive
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
    const LOGISTIC_ULPS_F64: f64 = 2.5;

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
    const SOFTPLUS_ULPS_F64: f64 = 1.9;

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
            (-87.33655, 0.0),
            (f32::MIN, 0.0),
            (f32::NEG_INFINITY, 0.0),
        ] {
            assert_eq!(ulp::in_core_mode(logistic_f32, x).to_bits(), f32::to_bits(y), "logistic({x})");
        }
        for (x, y) in [
            (0.0, 0.5),
            (-0.0, 0.5),
            (38.0, 1.0),
            (40.0, 1.0),
            (f64::MAX, 1.0),
            (f64::INFINITY, 1.0),
            (-708.3964185322642, 0.0),
            (f64::MIN, 0.0),
            (f64::NEG_INFINITY, 0.0),
        ] {
            assert_eq!(ulp::in_core_mode(logistic_f64, x).to_bits(), f64::to_bits(y), "logistic({x})");
        }
        assert!(logistic_f32(f32::NAN).is_nan() && logistic_f64(f64::NAN).is_nan());
    }

    #[test]
    fn special_values_of_softplus() {
        for (x, y) in [
            (f32::NEG_INFINITY, 0.0),
            (f32::MIN, 0.0),
            (-87.33655, 0.0),
            (0.0, f32::consts::LN_2),
            (-0.0, f32::consts::LN_2),
            (30.0, 30.0),
            (f32::MAX, f32::MAX),
            (f32::INFINITY, f32::INFINITY),
        ] {
            assert_eq!(ulp::in_core_mode(softplus_f32, x).to_bits(), f32::to_bits(y), "softplus({x})");
        }
        for (x, y) in [
            (f64::NEG_INFINITY, 0.0),
            (f64::MIN, 0.0),
            (-708.3964185322642, 0.0),
            (0.0, f64::consts::LN_2),
            (-0.0, f64::consts::LN_2),
            (50.0, 50.0),
            (f64::MAX, f64::MAX),
            (f64::INFINITY, f64::INFINITY),
        ] {
            assert_eq!(ulp::in_core_mode(softplus_f64, x).to_bits(), f64::to_bits(y), "softplus({x})");
        }
        assert!(softplus_f32(f32::NAN).is_nan() && softplus_f64(f64::NAN).is_nan());
    }

    /// The arguments are numbers next to each other; e^x, which these are nearly, is the smallest normal number
    /// between them.
    #[test]
    fn the_smallest_results_are_normal_numbers() {
        let smallest = |y: f64, of: f64| y >= of && y < of * (1.0 + 1e-5);
        for f in [logistic_f32, softplus_f32] {
            let [above, below] = [-87.33654, -87.33655].map(|x| f64::from(ulp::in_core_mode(f, x)));
            assert!(smallest(above, f64::from(f32::MIN_POSITIVE)), "{above:e}");
            assert_eq!(below.to_bits(), 0);
        }
        for f in [logistic_f64, softplus_f64] {
            let [above, below] = [-708.396418532264, -708.3964185322642].map(|x| ulp::in_core_mode(f, x));
            assert!(smallest(above, f64::MIN_POSITIVE), "{above:e}");
            assert_eq!(below.to_bits(), 0);
        }
    }
}
