//! The logistic function and the softplus.
use super::exp::{LN2_LO_F32, LN2_LO_F64, SHIFT_F32, SHIFT_F64, coth_reduced_f32, coth_reduced_f64, expm1_reduced_f32, expm1_reduced_f64};
use std::f32;
use std::f64;

const SOFTPLUS_F32: [f32; 4] = [0.6666642, 0.40021503, 0.28001875, 0.28011551];
const SOFTPLUS_F64: [f64; 10] = [
    0.6666666666666631,
    0.4000000000015514,
    0.28571428548117944,
    0.22222223953641057,
    0.18181744479413728,
    0.15386548384886542,
    0.13301121469901458,
    0.12104944356451208,
    0.0834497298211747,
    0.17009755674179877,
];

#[inline(always)]
pub fn logistic_f32(x: f32) -> f32 {
    const C: f32 = 1.0 / 16777216.0;
    const SHIFT: f32 = SHIFT_F32 + 103.0;
    let x = if x > 70.0 { 70.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let t = x.mul_add(-f32::consts::LOG2_E, SHIFT);
    let n = t - SHIFT;
    let r = n.mul_add(-f32::consts::LN_2, -x);
    let r = n.mul_add(-LN2_LO_F32, r);
    let s = f32::from_bits(t.to_bits() << 23);
    let a = coth_reduced_f32(r);
    let u = C * (a - r);
    u / (a + r).mul_add(s, u)
}

#[inline(always)]
pub fn logistic_f64(x: f64) -> f64 {
    const C: f64 = 1.0 / 18014398509481984.0;
    const SHIFT: f64 = SHIFT_F64 + 969.0;
    let x = if x > 40.0 { 40.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let t = x.mul_add(-f64::consts::LOG2_E, SHIFT);
    let n = t - SHIFT;
    let r = n.mul_add(-f64::consts::LN_2, -x);
    let r = n.mul_add(-LN2_LO_F64, r);
    let s = f64::from_bits(t.to_bits() << 52);
    let a = coth_reduced_f64(r);
    let u = C * (a - r);
    u / (a + r).mul_add(s, u)
}

#[inline(always)]
pub fn softplus_f32(x: f32) -> f32 {
    const SHIFT: f32 = SHIFT_F32 + 151.0;
    let a = -x.abs();
    let a = if a < -104.0 { -104.0 } else { a };
    let t = a.mul_add(f32::consts::LOG2_E, SHIFT);
    let n = t - SHIFT;
    let r = n.mul_add(-f32::consts::LN_2, a);
    let r = n.mul_add(-LN2_LO_F32, r);
    let s = f32::from_bits(t.to_bits() << 23);
    let e = expm1_reduced_f32(r).mul_add(s, s);
    let d = e / (e + 33554432.0);
    let z = d * d;
    let mut c = SOFTPLUS_F32;
    for c in &mut c { *c *= 16777216.0; }
    let p = z.mul_add(c[3], c[2]).mul_add(z, c[1]).mul_add(z, c[0]);
    let positive = if x > 0.0 { x } else { 0.0 };
    d.mul_add(z.mul_add(p, -e), e).mul_add(1.0 / 16777216.0, positive)
}

#[inline(always)]
pub fn softplus_f64(x: f64) -> f64 {
    const SHIFT: f64 = SHIFT_F64 + 1077.0;
    let a = -x.abs();
    let a = if a < -746.0 { -746.0 } else { a };
    let t = a.mul_add(f64::consts::LOG2_E, SHIFT);
    let n = t - SHIFT;
    let r = n.mul_add(-f64::consts::LN_2, a);
    let r = n.mul_add(-LN2_LO_F64, r);
    let s = f64::from_bits(t.to_bits() << 52);
    let e = expm1_reduced_f64(r).mul_add(s, s);
    let d = e / (e + 36028797018963968.0);
    let z = d * d;
    let mut c = SOFTPLUS_F64;
    for c in &mut c { *c *= 18014398509481984.0; }
    let z2 = z * z;
    let even = z2.mul_add(c[8], c[6]).mul_add(z2, c[4]).mul_add(z2, c[2]).mul_add(z2, c[0]);
    let odd = z2.mul_add(c[9], c[7]).mul_add(z2, c[5]).mul_add(z2, c[3]).mul_add(z2, c[1]);
    let p = odd.mul_add(z, even);
    let positive = if x > 0.0 { x } else { 0.0 };
    d.mul_add(z.mul_add(p, -e), e).mul_add(1.0 / 18014398509481984.0, positive)
}
