//! The distance of a result from the true value, in units in the last place.
//!
//! A unit in the last place is the distance between neighbouring numbers of the type around the
//! true value. A correctly rounded result is at most 0.5 away. The core knows no denormals: a result
//! of 0 stands for all of them, and is as far from the true value as the nearest.

use std::hint::black_box;

use super::reference::{Scaled, agreement};
use crate::kernel::Mode;

/// The f32 bit patterns of the normal test run: one in this many, a prime.
pub const STRIDE: usize = 4099;

/// The f64 arguments of the normal test run.
pub const COUNT: u64 = 100_000;

/// What was found for a function: the largest error, and the argument where it was.
pub struct Worst {
    pub ulps: f64,
    pub at: f64,
}

impl Worst {
    fn of(errors: impl Iterator<Item = (f64, f64)>) -> Self {
        // `total_cmp`: an error that is NaN is the largest.
        let (ulps, at) = errors.max_by(|a, b| a.0.total_cmp(&b.0)).expect("some arguments");
        Self { ulps, at }
    }

    /// Fails unless the error is at most the stated one.
    pub fn is_at_most(&self, stated: f64) {
        let Self { ulps, at } = self;
        assert!(*ulps <= stated, "{ulps} ulps at {at:e}, stated are {stated}");
    }

    /// Fails unless the stated error is the largest one, rounded up to two decimals.
    pub fn is(&self, stated: f64) {
        self.is_at_most(stated);
        let Self { ulps, at } = self;
        assert!(*ulps > stated - 0.01, "only {ulps} ulps at {at:e}, stated are {stated}");
    }
}

/// f(x) as the core computes it.
pub fn in_core_mode<T, R>(f: fn(T) -> R, x: T) -> R {
    let _core = Mode::core();
    black_box(f(black_box(x)))
}

/// The error of `got` where the true value is `truth` to f64 precision.
pub fn error_f32(got: f32, truth: f64) -> f64 {
    if got.is_subnormal() {
        return f64::INFINITY;
    }
    // Where the numbers end, rounding would lead to the next power of two: f32 calls it infinite.
    let beyond = f64::from(f32::MAX) + 2_f64.powi(103);
    if truth.is_nan() || truth.abs() >= beyond {
        return agreement(f64::from(got), f64::from(truth as f32));
    }
    let smallest = f64::from(f32::MIN_POSITIVE);
    let got = match got {
        0.0 => truth.clamp(-smallest, smallest),
        _ if got.is_infinite() => 2_f64.powi(128).copysign(f64::from(got)),
        _ => f64::from(got),
    };
    let exponent = truth.abs().max(smallest).to_bits() >> 52;
    (got - truth).abs() / f64::from_bits((exponent - 23) << 52)
}

/// The largest error of an f32 function over every `stride`-th bit pattern.
pub fn worst_f32(f: fn(f32) -> f32, reference: fn(f64) -> f64, stride: usize) -> Worst {
    Worst::of((0..=u32::MAX).step_by(stride).map(|bits| {
        let x = f32::from_bits(bits);
        let x = if x.is_subnormal() { 0_f32.copysign(x) } else { x };
        (error_f32(in_core_mode(f, x), reference(f64::from(x))), f64::from(x))
    }))
}

/// Fails where an f32 function decreases, on every `stride`-th bit pattern from -infinity to infinity.
pub fn never_decreases(f: fn(f32) -> f32, stride: usize) {
    let infinity = f32::INFINITY.to_bits();
    let negative = (0..=infinity).rev().step_by(stride).map(|bits| -f32::from_bits(bits));
    let positive = (0..=infinity).step_by(stride).map(f32::from_bits);
    let mut last = f32::NAN;
    for x in negative.chain(positive) {
        let y = in_core_mode(f, x);
        let decreases = y < last; // not so where one is NaN
        assert!(!decreases, "{y:e} after {last:e} at {x:e}");
        last = y;
    }
}

/// The largest error of an f64 function over many arguments, a part of them within `low..high`.
pub fn worst_f64(f: fn(f64) -> f64, reference: fn(f64) -> Scaled, low: f64, high: f64, count: u64) -> Worst {
    Worst::of((0..count).map(|i| {
        let x = argument(i, low, high);
        let x = if x.is_subnormal() { 0_f64.copysign(x) } else { x };
        (reference(x).distance_in_ulps(in_core_mode(f, x)), x)
    }))
}

/// In turn: any bit pattern, any exponent from 2^-60 to 2^5, uniform in `low..high`, uniform in -3..3.
fn argument(i: u64, low: f64, high: f64) -> f64 {
    let bits = scrambled(i);
    let unit = (bits >> 11) as f64 / 2_f64.powi(53);
    match i % 4 {
        0 => f64::from_bits(bits),
        1 => {
            (1.0 + unit).copysign(if bits & 1 == 0 { 1.0 } else { -1.0 })
                * 2_f64.powi((scrambled(bits) % 66) as i32 - 60)
        }
        2 => low + (high - low) * unit,
        _ => 6.0 * unit - 3.0,
    }
}

/// Splitmix64.
fn scrambled(i: u64) -> u64 {
    let z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
