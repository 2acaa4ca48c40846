//! ln(x) and ln(1 + x).
use super::exp::LN2_LO_F64;
use std::f32;
use std::f64;

const LOG_F32: [f32; 3] = [0.66666776, 0.3997758, 0.2987096];
const LOG_F64: [f64; 7] = [
    0.6666666666666734,
    0.3999999999941642,
    0.28571428742017024,
    0.2222219861065931,
    0.18183562410981782,
    0.15314098696916326,
    0.1479547646432657,
];

#[inline(always)]
pub(super) fn log1p_reduced_f32(f: f32) -> f32 {
    let c = LOG_F32;
    let s = f / (f + 2.0);
    let z = s * s;
    let p = c[2].mul_add(z, c[1]).mul_add(z, c[0]);
    s.mul_add(-z.mul_add(-p, f), f)
}

#[inline(always)]
pub(super) fn log1p_reduced_f64(f: f64) -> f64 {
    let s = f / (f + 2.0);
    s.mul_add(-correction_f64(f, s), f)
}

#[inline(always)]
fn correction_f64(f: f64, s: f64) -> f64 {
    let c = LOG_F64;
    let z = s * s;
    let mut p = c[6];
    p = p.mul_add(z, c[5]);
    p = p.mul_add(z, c[4]);
    p = p.mul_add(z, c[3]);
    p = p.mul_add(z, c[2]);
    p = p.mul_add(z, c[1]);
    p = p.mul_add(z, c[0]);
    z.mul_add(-p, f)
}

const SQRT_HALF_F32: u32 = f32::consts::FRAC_1_SQRT_2.to_bits();
const SQRT_HALF_F64: u64 = f64::consts::FRAC_1_SQRT_2.to_bits();

#[inline(always)]
pub fn log_f32(x: f32) -> f32 {
    let tiny = x < f32::MIN_POSITIVE;
    let y = if tiny { x * 8388608.0 } else { x };
    let k0 = if tiny { -23.0 * f32::consts::LN_2 } else { 0.0 };
    let i = y.to_bits().wrapping_sub(SQRT_HALF_F32) & 0xff80_0000;
    let f = f32::from_bits(y.to_bits().wrapping_sub(i)) - 1.0;
    let k = (i as i32) as f32;
    let r = k.mul_add(f32::consts::LN_2 / 8388608.0, log1p_reduced_f32(f) + k0);
    let r = if x > f32::MAX { x } else { r };
    let r = if x > 0.0 { r } else { f32::NEG_INFINITY };
    if x >= 0.0 { r } else { f32::NAN }
}

#[inline(always)]
pub fn log_f64(x: f64) -> f64 {
    const BIASED: u64 = 1023 << 52;
    let tiny = x < f64::MIN_POSITIVE;
    let y = if tiny { x * 18014398509481984.0 } else { x };
    let k0 = if tiny { 4503599627370496.0 + 1077.0 } else { 4503599627370496.0 + 1023.0 };
    let i = y.to_bits().wrapping_add(BIASED - SQRT_HALF_F64);
    let f = f64::from_bits((i & 0x000f_ffff_ffff_ffff) + SQRT_HALF_F64) - 1.0;
    let k = f64::from_bits((i >> 52) | 0x4330_0000_0000_0000) - k0;
    let s = f / (f + 2.0);
    let c = s.mul_add(correction_f64(f, s), k * -LN2_LO_F64);
    let r = k.mul_add(f64::consts::LN_2, f - c);
    let r = if x > f64::MAX { x } else { r };
    let r = if x > 0.0 { r } else { f64::NEG_INFINITY };
    if x >= 0.0 { r } else { f64::NAN }
}

#[inline(always)]
pub fn log1p_f32(x: f32) -> f32 {
    let i = (x + 1.0).to_bits().wrapping_sub(SQRT_HALF_F32) & 0xff80_0000;
    let s4 = f32::from_bits(4.0_f32.to_bits().wrapping_sub(i));
    let f = f32::from_bits(x.to_bits().wrapping_sub(i)) + s4.mul_add(0.25, -1.0);
    let k = (i as i32) as f32;
    let r = k.mul_add(f32::consts::LN_2 / 8388608.0, log1p_reduced_f32(f)).copysign(x);
    let r = if x > f32::MAX { x } else { r };
    let r = if x > -1.0 { r } else { f32::NEG_INFINITY };
    if x >= -1.0 { r } else { f32::NAN }
}

#[inline(always)]
pub fn log1p_f64(x: f64) -> f64 {
    const BIASED: u64 = 1023 << 52;
    let i = (x + 1.0).to_bits().wrapping_add(BIASED - SQRT_HALF_F64);
    let shift = (i & 0x7ff0_0000_0000_0000).wrapping_sub(BIASED);
    let s4 = f64::from_bits(4.0_f64.to_bits().wrapping_sub(shift));
    let f = f64::from_bits(x.to_bits().wrapping_sub(shift)) + s4.mul_add(0.25, -1.0);
    let k = f64::from_bits((i >> 52) | 0x4330_0000_0000_0000) - (4503599627370496.0 + 1023.0);
    let s = f / (f + 2.0);
    let c = s.mul_add(correction_f64(f, s), k * -LN2_LO_F64);
    let r = k.mul_add(f64::consts::LN_2, f - c).copysign(x);
    let r = if x > f64::MAX { x } else { r };
    let r = if x > -1.0 { r } else { f64::NEG_INFINITY };
    if x >= -1.0 { r } else { f64::NAN }
}
