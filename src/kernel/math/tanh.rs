//! The hyperbolic tangent.
use super::exp::{LN2_LO_F64, SHIFT_F32, SHIFT_F64, coth_reduced_f32, coth_reduced_f64};
use std::f32;
use std::f64;

#[inline(always)]
pub fn tanh_f32(x: f32) -> f32 {
    const SHIFT: f32 = SHIFT_F32 + 126.0;
    let a = x.abs();
    let a = if a > 10.0 { 10.0 } else { a };
    let y = a + a;
    let t = y.mul_add(f32::consts::LOG2_E, SHIFT);
    let n = t - SHIFT;
    let r = n.mul_add(-f32::consts::LN_2, y);
    let s = f32::from_bits(t.to_bits() << 23);
    let a = coth_reduced_f32(r);
    let p = a + r;
    let k = s - 0.5;
    (p.mul_add(k, r) / p.mul_add(k, a)).copysign(x)
}

#[inline(always)]
pub fn tanh_f64(x: f64) -> f64 {
    const SHIFT: f64 = SHIFT_F64 + 1022.0;
    let a = x.abs();
    let a = if a > 20.0 { 20.0 } else { a };
    let y = a + a;
    let t = y.mul_add(f64::consts::LOG2_E, SHIFT);
    let n = t - SHIFT;
    let r = n.mul_add(-f64::consts::LN_2, y);
    let r = n.mul_add(-LN2_LO_F64, r);
    let s = f64::from_bits(t.to_bits() << 52);
    let a = coth_reduced_f64(r);
    let p = a + r;
    let k = s - 0.5;
    (p.mul_add(k, r) / p.mul_add(k, a)).copysign(x)
}
