//! e^x, and the reduction and polynomial that every function built on e^x shares.
use std::f32;
use std::f64;

pub(super) const LN2_LO_F32: f32 = -1.9046542e-9;
pub(super) const LN2_LO_F64: f64 = 2.3190468138462996e-17;

const EXPM1_F32: [f32; 5] = [0.49999997, 0.16666543, 0.041667346, 0.008366645, 0.0013882571];
const EXPM1_F64: [f64; 10] = [
    0.5000000000000006,
    0.1666666666666659,
    0.04166666666657572,
    0.008333333333389533,
    0.0013888888931807598,
    0.00019841269718776208,
    2.48015049652083e-5,
    2.7557407499251184e-6,
    2.7626166321788674e-7,
    2.505388617851673e-8,
];

const COTH_F32: [f32; 2] = [0.16666625, -0.0027667102];
const COTH_F64: [f64; 5] =
    [0.16666666666666602, -0.002777777777701185, 6.613756320305286e-5, -1.653390091194175e-6, 4.138086331197672e-8];

#[inline(always)]
pub(super) fn coth_reduced_f32(r: f32) -> f32 {
    let z = r * r;
    z.mul_add(z.mul_add(COTH_F32[1], COTH_F32[0]), 2.0)
}

#[inline(always)]
pub(super) fn coth_reduced_f64(r: f64) -> f64 {
    let c = COTH_F64;
    let z = r * r;
    z.mul_add(z.mul_add(c[4], c[3]).mul_add(z, c[2]).mul_add(z, c[1]).mul_add(z, c[0]), 2.0)
}

pub(super) const SHIFT_F32: f32 = 12582912.0;
pub(super) const SHIFT_F64: f64 = 6755399441055744.0;

#[inline(always)]
pub(super) fn expm1_reduced_f32(r: f32) -> f32 {
    let c = EXPM1_F32;
    let r2 = r * r;
    let even = r2.mul_add(c[4], r.mul_add(c[3], c[2]));
    let q = even.mul_add(r2, r.mul_add(c[1], c[0]));
    q.mul_add(r2, r)
}

#[inline(always)]
pub(super) fn expm1_reduced_f64(r: f64) -> f64 {
    let c = EXPM1_F64;
    let r2 = r * r;
    let even = r2.mul_add(c[8], c[6]).mul_add(r2, c[4]).mul_add(r2, c[2]).mul_add(r2, c[0]);
    let odd = r2.mul_add(c[9], c[7]).mul_add(r2, c[5]).mul_add(r2, c[3]).mul_add(r2, c[1]);
    let q = odd.mul_add(r, even);
    q.mul_add(r2, r)
}

#[inline(always)]
pub fn exp_f32(x: f32) -> f32 {
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    const SHIFT: f32 = SHIFT_F32 + 254.0;
    let t = x.mul_add(f32::consts::LOG2_E, SHIFT);
    let n = t - SHIFT;
    let r = n.mul_add(-f32::consts::LN_2, x);
    let r = n.mul_add(-LN2_LO_F32, r);
    let q = expm1_reduced_f32(r);
    let k = t.to_bits();
    let s1 = (k << 22) & 0xff80_0000;
    let s2 = (k << 23).wrapping_sub(s1);
    let s1 = f32::from_bits(s1);
    q.mul_add(s1, s1) * f32::from_bits(s2)
}

#[inline(always)]
pub fn exp_f64(x: f64) -> f64 {
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    const SHIFT: f64 = SHIFT_F64 + 2046.0;
    let t = x.mul_add(f64::consts::LOG2_E, SHIFT);
    let n = t - SHIFT;
    let r = n.mul_add(-f64::consts::LN_2, x);
    let r = n.mul_add(-LN2_LO_F64, r);
    let q = expm1_reduced_f64(r);
    let k = t.to_bits();
    let s1 = (k << 51) & 0xfff0_0000_0000_0000;
    let s2 = (k << 52).wrapping_sub(s1);
    let s1 = f64::from_bits(s1);
    q.mul_add(s1, s1) * f64::from_bits(s2)
}
