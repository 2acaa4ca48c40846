//! The logistic function 1 / (1 + e^-x) and its integral, the softplus ln(1 + e^x).
//!
//! Method outline, f32 and f64 alike:
//!
//! Logistic: with -x = n ln(2) + r and e^r = (a + r) / (a - r) from `exp.rs`,
//!
//! ```text
//! 1 / (1 + 2^n e^r) = C (a - r) / (C (a - r) + C 2^n (a + r))
//! ```
//!
//! The constant C, a power of two, moves all exponents that matter into the range of normal numbers:
//! e^-x neither overflows nor is it lost where the result is a denormal, and C 2^n is one shift.
//!
//! Softplus: max(x, 0) + ln(1 + u) with u = e^-|x|, and from fdlibm's `e_log.c`
//!
//! ```text
//! ln(1 + u) = u - d (u - z P(z)),   d = u / (2 + u),   z = d^2,
//! ```
//!
//! P a minimax polynomial for u in [0, 1]. Everything is computed for u / C, so that u need not be
//! a normal number.

use super::exp::{
    ROUND_F32, ROUND_F64, coth_reduced_f32, coth_reduced_f64, expm1_reduced_f32, expm1_reduced_f64,
    reduce_f32, reduce_f64,
};

/// P, lowest degree first; its error is 2^-27.7 (f32) and 2^-59.2 (f64) of ln(1 + u).
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

/// C = 2^-24 keeps the smallest denormal, 2^-149, above 2^-126 when divided by it.
const C_F32: f32 = 1.0 / 16777216.0;
/// 2^-54
const C_F64: f64 = 1.0 / 18014398509481984.0;

/// The logistic function, 1 / (1 + e^-x).
///
/// The largest error is ULP32 units in the last place, over all f32, also where the result is a
/// denormal.
#[must_use]
#[inline(always)]
pub fn logistic_f32(x: f32) -> f32 {
    const ROUND: f32 = ROUND_F32 + 127.0 - 24.0;
    // Beyond these the result is 1 or 0. NaN fails both comparisons and passes.
    let x = if x > 70.0 { 70.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let (r, bits) = reduce_f32(x, -1.0, ROUND);
    let a = coth_reduced_f32(r);
    let one = (a + r) * C_F32;
    one / (a - r).mul_add(f32::from_bits(bits << 23), one)
}

/// The logistic function, 1 / (1 + e^-x).
///
/// The largest error is ULP64 units in the last place, over COUNT64, also where the result is a
/// denormal.
#[must_use]
#[inline(always)]
pub fn logistic_f64(x: f64) -> f64 {
    const ROUND: f64 = ROUND_F64 + 1023.0 - 54.0;
    let x = if x > 40.0 { 40.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let (r, bits) = reduce_f64(x, -1.0, ROUND);
    let a = coth_reduced_f64(r);
    let one = (a + r) * C_F64;
    one / (a - r).mul_add(f64::from_bits(bits << 52), one)
}

/// The softplus, ln(1 + e^x).
///
/// The largest error is ULPS32 units in the last place, over all f32, also where the result is a
/// denormal.
#[must_use]
#[inline(always)]
pub fn softplus_f32(x: f32) -> f32 {
    const ROUND: f32 = ROUND_F32 + 127.0 + 24.0;
    let magnitude = x.abs();
    let magnitude = if magnitude > 104.0 { 104.0 } else { magnitude };
    let (r, bits) = reduce_f32(magnitude, -1.0, ROUND);
    let power = f32::from_bits(bits << 23);
    // u / C
    let u = expm1_reduced_f32(-r).mul_add(power, power);
    let d = u / (u + 2.0 / C_F32);
    let z = d * d;
    let c = LOG1P_F32.map(|c| c / C_F32);
    let p = z.mul_add(c[3], c[2]).mul_add(z, c[1]).mul_add(z, c[0]);
    let log = d.mul_add(z.mul_add(p, -u), u);
    let positive = if x > 0.0 { x } else { 0.0 };
    log.mul_add(C_F32, positive)
}

/// The softplus, ln(1 + e^x).
///
/// The largest error is ULPS64 units in the last place, over COUNT64, also where the result is a
/// denormal.
#[must_use]
#[inline(always)]
pub fn softplus_f64(x: f64) -> f64 {
    const ROUND: f64 = ROUND_F64 + 1023.0 + 54.0;
    let magnitude = x.abs();
    let magnitude = if magnitude > 746.0 { 746.0 } else { magnitude };
    let (r, bits) = reduce_f64(magnitude, -1.0, ROUND);
    let power = f64::from_bits(bits << 52);
    let u = expm1_reduced_f64(-r).mul_add(power, power);
    let d = u / (u + 2.0 / C_F64);
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
