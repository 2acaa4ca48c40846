//! e^x, e^x - 1, and the reduction that all functions built on e^x share.
//!
//! Method outline, f32 and f64 alike:
//!
//! 1. x = n ln(2) + r with n the integer nearest to x / ln(2), so |r| <= ln(2) / 2. ln(2) is the
//!    sum of two numbers (Cody and Waite, *Software Manual for the Elementary Functions*, 1980).
//!    With a fused multiply-add the first difference, x - n hi, is exact.
//! 2. e^r - 1 = r + r^2 Q(r), Q a minimax polynomial. Where a division follows anyway (tanh,
//!    logistic) the even function r coth(r / 2) = 2 + z W(z), z = r^2, needs half as many terms:
//!    e^r = (a + r) / (a - r) with a = r coth(r / 2), as in fdlibm's `e_exp.c`.
//! 3. e^x = 2^n e^r; the power is made from the bits of n.

use std::{f32, f64};

/// What the nearest number to ln(2) lacks.
pub(super) const LN_2_REST_F32: f32 = -1.9046542e-9;
pub(super) const LN_2_REST_F64: f64 = 2.3190468138462996e-17;

/// Q, lowest degree first; its error is 2^-28.0 (f32) and 2^-57.5 (f64) of e^r.
const EXPM1_F32: [f32; 5] = [0.49999994, 0.1666652, 0.041668303, 0.008368779, 0.0013814222];
const EXPM1_F64: [f64; 10] = [
    0.5000000000000011,
    0.16666666666666413,
    0.04166666666652888,
    0.008333333333495447,
    0.0013888888943928398,
    0.00019841269505151195,
    2.4801492757004476e-5,
    2.7557587008013394e-6,
    2.763038057494055e-7,
    2.5000069298405586e-8,
];

/// W, lowest degree first; its error is 2^-28.6 (f32) and 2^-59.9 (f64) of r coth(r / 2).
const COTH_F32: [f32; 2] = [0.16666625, -0.002766743];
const COTH_F64: [f64; 5] = [
    0.16666666666666602,
    -0.0027777777777011855,
    6.613756320314751e-5,
    -1.6533900920288548e-6,
    4.138086585633885e-8,
];

/// Added to a smaller number, 1.5 * 2^23 rounds it to an integer and leaves that integer in the low
/// bits of the sum: two additions instead of the conversions, which not every machine has as
/// vectors. An integer added to this constant is an exponent bias that costs nothing.
pub(super) const ROUND_F32: f32 = 12582912.0;
/// 1.5 * 2^52
pub(super) const ROUND_F64: f64 = 6755399441055744.0;

/// The r of x = n ln(2) + r, and bits that end in n + bias when `round` is `ROUND_F32` + bias.
///
/// With `sign` -1, -x = n ln(2) - r: the reduction for e^-x without an instruction to negate x.
#[inline(always)]
pub(super) fn reduce_f32(x: f32, sign: f32, round: f32) -> (f32, u32) {
    let t = x.mul_add(sign * f32::consts::LOG2_E, round);
    let n = t - round;
    let r = n.mul_add(-sign * f32::consts::LN_2, x);
    (n.mul_add(-sign * LN_2_REST_F32, r), t.to_bits())
}

/// [`reduce_f32`] in double precision.
#[inline(always)]
pub(super) fn reduce_f64(x: f64, sign: f64, round: f64) -> (f64, u64) {
    let t = x.mul_add(sign * f64::consts::LOG2_E, round);
    let n = t - round;
    let r = n.mul_add(-sign * f64::consts::LN_2, x);
    (n.mul_add(-sign * LN_2_REST_F64, r), t.to_bits())
}

/// e^r - 1 for a reduced r.
#[inline(always)]
pub(super) fn expm1_reduced_f32(r: f32) -> f32 {
    let c = EXPM1_F32;
    let z = r * r;
    let high = z.mul_add(c[4], r.mul_add(c[3], c[2]));
    let q = z.mul_add(high, r.mul_add(c[1], c[0]));
    z.mul_add(q, r)
}

/// [`expm1_reduced_f32`] in double precision.
#[inline(always)]
pub(super) fn expm1_reduced_f64(r: f64) -> f64 {
    let c = EXPM1_F64;
    let z = r * r;
    // Two chains of half the length: one alone is too long to be hidden behind other elements.
    let even = z.mul_add(c[8], c[6]).mul_add(z, c[4]).mul_add(z, c[2]).mul_add(z, c[0]);
    let odd = z.mul_add(c[9], c[7]).mul_add(z, c[5]).mul_add(z, c[3]).mul_add(z, c[1]);
    z.mul_add(odd.mul_add(r, even), r)
}

/// r coth(r / 2) for a reduced r.
#[inline(always)]
pub(super) fn coth_reduced_f32(r: f32) -> f32 {
    let z = r * r;
    z.mul_add(z.mul_add(COTH_F32[1], COTH_F32[0]), 2.0)
}

/// [`coth_reduced_f32`] in double precision.
#[inline(always)]
pub(super) fn coth_reduced_f64(r: f64) -> f64 {
    let c = COTH_F64;
    let z = r * r;
    let w = z.mul_add(c[4], c[3]).mul_add(z, c[2]).mul_add(z, c[1]).mul_add(z, c[0]);
    z.mul_add(w, 2.0)
}

/// e^x.
///
/// The largest error is 1.05 units in the last place, over all f32. Never decreases.
#[must_use]
#[inline(always)]
pub fn exp_f32(x: f32) -> f32 {
    const ROUND: f32 = ROUND_F32 + 254.0;
    // Beyond these the result is infinite or 0. NaN fails both comparisons and passes.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let (r, bits) = reduce_f32(x, 1.0, ROUND);
    // 2^n as a product, because no single exponent covers n from -150 to 128: with two biases in the
    // bits, half of them is the exponent of the first factor and the rest that of the second.
    let half = (bits << 22) & 0xff80_0000;
    let first = f32::from_bits(half);
    let second = f32::from_bits((bits << 23).wrapping_sub(half));
    expm1_reduced_f32(r).mul_add(first, first) * second
}

/// e^x.
///
/// The error is at most 1.1 units in the last place: 1.04 is the largest found, over 10^8 arguments.
#[must_use]
#[inline(always)]
pub fn exp_f64(x: f64) -> f64 {
    const ROUND: f64 = ROUND_F64 + 2046.0;
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let (r, bits) = reduce_f64(x, 1.0, ROUND);
    let half = (bits << 51) & 0xfff0_0000_0000_0000;
    let first = f64::from_bits(half);
    let second = f64::from_bits((bits << 52).wrapping_sub(half));
    expm1_reduced_f64(r).mul_add(first, first) * second
}

/// e^x - 1.
///
/// The largest error is 1.55 units in the last place, over all f32. The sign is that of x.
#[must_use]
#[inline(always)]
pub fn expm1_f32(x: f32) -> f32 {
    // 2^(n - 1), which is finite where 2^n need not be.
    const ROUND: f32 = ROUND_F32 + 126.0;
    let y = if x > 89.0 { 89.0 } else { x };
    // The result is -1 long before.
    let y = if y < -20.0 { -20.0 } else { y };
    let (r, bits) = reduce_f32(y, 1.0, ROUND);
    let half = f32::from_bits(bits << 23);
    let result = expm1_reduced_f32(r).mul_add(half, half - 0.5) * 2.0;
    // Below, halves would lose their last bit.
    (if x.abs() < f32::EPSILON / 2.0 { x } else { result }).copysign(x)
}

/// e^x - 1.
///
/// The error is at most 1.95 units in the last place: 1.86 is the largest found, over 10^6 arguments. The sign is that of x.
#[must_use]
#[inline(always)]
pub fn expm1_f64(x: f64) -> f64 {
    const ROUND: f64 = ROUND_F64 + 1022.0;
    let y = if x > 710.0 { 710.0 } else { x };
    let y = if y < -40.0 { -40.0 } else { y };
    let (r, bits) = reduce_f64(y, 1.0, ROUND);
    let half = f64::from_bits(bits << 52);
    let result = expm1_reduced_f64(r).mul_add(half, half - 0.5) * 2.0;
    (if x.abs() < f64::EPSILON / 2.0 { x } else { result }).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::super::{reference, ulp};
    use super::*;

    const EXPM1_ULPS_F32: f64 = 1.55;
    const EXPM1_ULPS_F64: f64 = 1.95;

    #[test]
    fn expm1_f32_error_is_as_stated() {
        ulp::worst_f32(expm1_f32, f64::exp_m1, ulp::STRIDE).is_at_most(EXPM1_ULPS_F32);
    }

    #[test]
    #[ignore = "all f32"]
    fn expm1_f32_error_is_the_stated_one() {
        ulp::worst_f32(expm1_f32, f64::exp_m1, 1).is(EXPM1_ULPS_F32);
    }

    #[test]
    fn expm1_f64_error_is_as_stated() {
        ulp::worst_f64(expm1_f64, reference::expm1, -40.0, 710.0, ulp::COUNT).is_at_most(EXPM1_ULPS_F64);
    }

    #[test]
    fn special_values_of_expm1() {
        for (x, y) in [
            (0.0, 0.0),
            (-0.0, -0.0),
            (1e-30, 1e-30),
            (f32::MAX, f32::INFINITY),
            (f32::INFINITY, f32::INFINITY),
            (-20.0, -1.0),
            (f32::NEG_INFINITY, -1.0),
        ] {
            assert_eq!(expm1_f32(x).to_bits(), f32::to_bits(y), "expm1({x})");
        }
        for (x, y) in [
            (0.0, 0.0),
            (-0.0, -0.0),
            (1e-300, 1e-300),
            (f64::MAX, f64::INFINITY),
            (f64::INFINITY, f64::INFINITY),
            (-40.0, -1.0),
            (f64::NEG_INFINITY, -1.0),
        ] {
            assert_eq!(expm1_f64(x).to_bits(), f64::to_bits(y), "expm1({x})");
        }
        assert!(expm1_f32(f32::NAN).is_nan() && expm1_f64(f64::NAN).is_nan());
    }

    const ULPS_F32: f64 = 1.05;
    const ULPS_F64: f64 = 1.1;

    #[test]
    fn f32_error_is_as_stated() {
        ulp::worst_f32(exp_f32, f64::exp, ulp::STRIDE).is_at_most(ULPS_F32);
    }

    #[test]
    #[ignore = "all f32"]
    fn f32_error_is_the_stated_one() {
        ulp::worst_f32(exp_f32, f64::exp, 1).is(ULPS_F32);
    }

    #[test]
    fn f64_error_is_as_stated() {
        ulp::worst_f64(exp_f64, reference::exp, -746.0, 710.0, ulp::COUNT).is_at_most(ULPS_F64);
    }

    #[test]
    fn f32_never_decreases() {
        ulp::never_decreases(exp_f32, ulp::STRIDE);
    }

    #[test]
    #[ignore = "all f32"]
    fn f32_never_decreases_anywhere() {
        ulp::never_decreases(exp_f32, 1);
    }

    #[test]
    fn special_values() {
        for (x, y) in [
            (0.0, 1.0),
            (-0.0, 1.0),
            (f32::INFINITY, f32::INFINITY),
            (f32::MAX, f32::INFINITY),
            (88.72284, f32::INFINITY),
            (-104.0, 0.0),
            (f32::MIN, 0.0),
            (f32::NEG_INFINITY, 0.0),
        ] {
            assert_eq!(exp_f32(x).to_bits(), f32::to_bits(y), "e^{x}");
        }
        for (x, y) in [
            (0.0, 1.0),
            (-0.0, 1.0),
            (f64::INFINITY, f64::INFINITY),
            (f64::MAX, f64::INFINITY),
            (709.782712893385, f64::INFINITY),
            (-746.0, 0.0),
            (f64::MIN, 0.0),
            (f64::NEG_INFINITY, 0.0),
        ] {
            assert_eq!(exp_f64(x).to_bits(), f64::to_bits(y), "e^{x}");
        }
        assert!(exp_f32(f32::NAN).is_nan() && exp_f64(f64::NAN).is_nan());
    }

    /// Neighbouring arguments, between which e^x leaves the normal numbers.
    #[test]
    fn the_ends_of_the_range() {
        assert!(exp_f32(88.72283).is_finite() && exp_f64(709.782712893384).is_finite());
        let [above, below] = [-87.33654, -87.33655].map(|x| ulp::in_core_mode(exp_f32, x));
        assert!((1.0..1.00001).contains(&(above / f32::MIN_POSITIVE)), "{above:e}");
        assert_eq!(below.to_bits(), 0);
        let [above, below] = [-708.396418532264, -708.3964185322642].map(|x| ulp::in_core_mode(exp_f64, x));
        assert!((1.0..1.00001).contains(&(above / f64::MIN_POSITIVE)), "{above:e}");
        assert_eq!(below.to_bits(), 0);
    }
}
