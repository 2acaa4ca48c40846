//! The logistic function and the softplus.
use super::exp::{LN2_LO_F32, LN2_LO_F64, SHIFT_F32, SHIFT_F64, expm1_reduced_f32, expm1_reduced_f64};
use super::log::{log1p_reduced_f32, log1p_reduced_f64};
use std::f32;
use std::f64;

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
    let q = expm1_reduced_f32(r);
    C / q.mul_add(s, C + s)
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
    let q = expm1_reduced_f64(r);
    C / q.mul_add(s, C + s)
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
    let u = expm1_reduced_f32(r).mul_add(s, s) * (1.0 / 16777216.0);
    let wide = u > f32::consts::SQRT_2 - 1.0;
    let f = if wide { u.mul_add(0.5, -0.5) } else { u };
    let base = if wide { f32::consts::LN_2 } else { 0.0 };
    let positive = if x > 0.0 { x } else { 0.0 };
    positive + (base + log1p_reduced_f32(f))
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
    let u = expm1_reduced_f64(r).mul_add(s, s) * (1.0 / 18014398509481984.0);
    let wide = u > f64::consts::SQRT_2 - 1.0;
    let f = if wide { u.mul_add(0.5, -0.5) } else { u };
    let base = if wide { f64::consts::LN_2 } else { 0.0 };
    let positive = if x > 0.0 { x } else { 0.0 };
    positive + (base + log1p_reduced_f64(f))
}
