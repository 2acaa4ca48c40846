//! The hyperbolic tangent.
//!
//! Method outline, f32 and f64 alike: with 2|x| = n ln(2) + r and e^r = (a + r) / (a - r) from
//! `exp.rs`,
//!
//! ```text
//! tanh|x| = (2^n e^r - 1) / (2^n e^r + 1) = (k (a + r) + r) / (k (a + r) + a),   k = (2^n - 1) / 2
//! ```
//!
//! For small x, k is 0 and what is left is r / a = tanh(r / 2): no cancellation anywhere, and one
//! division. The sign of x is put back at the end, so the function is exactly odd.

use std::f32;

use super::exp::{ROUND_F32, ROUND_F64, coth_reduced_f32, coth_reduced_f64, reduce_f64};

/// Hyperbolic tangent.
///
/// The largest error is 2.68 units in the last place, over all f32. Never beyond 1, and exactly 1
/// from 9.02 on.
#[must_use]
#[inline(always)]
pub fn tanh_f32(x: f32) -> f32 {
    const ROUND: f32 = ROUND_F32 + 126.0;
    let magnitude = x.abs();
    // The result is 1 long before; NaN passes.
    let magnitude = if magnitude > 10.0 { 10.0 } else { magnitude };
    let y = magnitude + magnitude;
    // The reduction without the rest of ln(2): n is at most 29 here, the rest far below the result.
    let t = y.mul_add(f32::consts::LOG2_E, ROUND);
    let r = (t - ROUND).mul_add(-f32::consts::LN_2, y);
    let k = f32::from_bits(t.to_bits() << 23) - 0.5;
    let a = coth_reduced_f32(r);
    let b = a + r;
    (b.mul_add(k, r) / b.mul_add(k, a)).copysign(x)
}

/// Hyperbolic tangent.
///
/// The error is at most 3.1 units in the last place: 3.035 is the largest that independent searches have found, over
/// 10^8 arguments. Never beyond 1, and exactly 1
/// from 19.07 on.
#[must_use]
#[inline(always)]
pub fn tanh_f64(x: f64) -> f64 {
    const ROUND: f64 = ROUND_F64 + 1022.0;
    let magnitude = x.abs();
    let magnitude = if magnitude > 20.0 { 20.0 } else { magnitude };
    let (r, bits) = reduce_f64(magnitude + magnitude, 1.0, ROUND);
    let k = f64::from_bits(bits << 52) - 0.5;
    let a = coth_reduced_f64(r);
    let b = a + r;
    (b.mul_add(k, r) / b.mul_add(k, a)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::super::{reference, ulp};
    use super::*;

    const ULPS_F32: f64 = 2.68;
    const ULPS_F64: f64 = 3.1;

    #[test]
    fn f32_error_is_as_stated() {
        ulp::worst_f32(tanh_f32, f64::tanh, ulp::STRIDE).is_at_most(ULPS_F32);
    }

    #[test]
    #[ignore = "all f32"]
    fn f32_error_is_the_stated_one() {
        ulp::worst_f32(tanh_f32, f64::tanh, 1).is(ULPS_F32);
    }

    #[test]
    fn f64_error_is_as_stated() {
        ulp::worst_f64(tanh_f64, reference::tanh, -20.0, 20.0, ulp::COUNT).is_at_most(ULPS_F64);
    }

    #[test]
    fn exactly_odd_and_within_one() {
        for bits in (0..=f32::INFINITY.to_bits()).step_by(ulp::STRIDE) {
            let x = f32::from_bits(bits);
            let y = tanh_f32(x);
            assert!((0.0..=1.0).contains(&y), "tanh({x:e}) = {y:e}");
            assert_eq!(tanh_f32(-x).to_bits(), (-y).to_bits());
            let x = f64::from(x) * 1.000000123456789;
            let y = tanh_f64(x);
            assert!((0.0..=1.0).contains(&y), "tanh({x:e}) = {y:e}");
            assert_eq!(tanh_f64(-x).to_bits(), (-y).to_bits());
        }
    }

    #[test]
    fn special_values() {
        for x in [0.0, f32::MIN_POSITIVE, 1e-30, 1e-4] {
            assert_eq!(tanh_f32(x).to_bits(), x.to_bits(), "tanh({x:e})");
            assert_eq!(tanh_f32(-x).to_bits(), (-x).to_bits(), "tanh({x:e})");
        }
        for x in [0.0, f64::MIN_POSITIVE, 1e-300, 1e-8] {
            assert_eq!(tanh_f64(x).to_bits(), x.to_bits(), "tanh({x:e})");
            assert_eq!(tanh_f64(-x).to_bits(), (-x).to_bits(), "tanh({x:e})");
        }
        assert!(tanh_f32(f32::NAN).is_nan() && tanh_f64(f64::NAN).is_nan());
    }

    #[test]
    fn saturates() {
        for bits in (9.02_f32.to_bits()..=f32::INFINITY.to_bits()).step_by(ulp::STRIDE) {
            let x = f32::from_bits(bits);
            assert_eq!(tanh_f32(x).to_bits(), 1.0_f32.to_bits(), "tanh({x})");
            let x = f64::from(x) + 10.05;
            assert_eq!(tanh_f64(x).to_bits(), 1.0_f64.to_bits(), "tanh({x})");
        }
        assert_eq!(tanh_f32(f32::INFINITY).to_bits(), 1.0_f32.to_bits());
        assert_eq!(tanh_f64(f64::INFINITY).to_bits(), 1.0_f64.to_bits());
    }
}
