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
/// The largest error is ULP32 units in the last place, over all f32. Never beyond 1, and exactly 1
/// where the true value rounds to it.
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
/// The largest error is ULP64 units in the last place, over COUNT64. Never beyond 1, and exactly 1
/// where the true value rounds to it.
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
