//! The distance of a result from the true value, in units in the last place.
//!
//! A unit in the last place is the distance between neighbouring numbers of the type around the true value; below the normal
//! numbers it is the smallest denormal. A correctly rounded result is at most 0.5 away.
use super::reference::Scaled;

/// What is measured for a function: the largest error, and the argument where it was found.
pub struct Worst {
    pub ulps: f64,
    pub at: f64,
}

impl Worst {
    fn new() -> Self {
        Self { ulps: 0.0, at: 0.0 }
    }

    fn meet(&mut self, ulps: f64, at: f64) {
        // `!(<=)` so that an error that is NaN counts as the largest.
        if !(ulps <= self.ulps) {
            *self = Self { ulps, at };
        }
    }
}

/// The error of `got` when the true value is `reference`, known to f64 precision.
pub fn error_f32(got: f32, reference: f64) -> f64 {
    let rounded = reference as f32;
    if got == rounded || (got.is_nan() && rounded.is_nan()) {
        // Infinities and zeros agree exactly; the sign of zero is left to the tests of special values.
        if rounded.is_infinite() || rounded.is_nan() || reference == 0.0 {
            return 0.0;
        }
    } else if !got.is_finite() || rounded.is_nan() {
        return f64::INFINITY;
    }
    let exponent = reference.abs().max(f64::from(f32::MIN_POSITIVE)).log2().floor();
    let got = if rounded.is_infinite() { f64::INFINITY } else { f64::from(got) };
    (got - reference).abs() / (exponent - 23.0).exp2()
}

/// The error of `got` when the true value is `reference`.
pub fn error_f64(got: f64, reference: Scaled) -> f64 {
    reference.distance_in_ulps(got)
}

/// The largest error of an f32 function over the bit patterns `first, first + stride, ...`.
pub fn worst_f32(f: fn(f32) -> f32, reference: fn(f64) -> f64, stride: usize) -> Worst {
    let mut worst = Worst::new();
    for bits in (0..=u32::MAX).step_by(stride) {
        let x = f32::from_bits(bits);
        worst.meet(error_f32(f(x), reference(f64::from(x))), f64::from(x));
    }
    worst
}

/// The largest error of an f64 function over the given arguments.
pub fn worst_f64(f: fn(f64) -> f64, reference: fn(f64) -> Scaled, arguments: impl Iterator<Item = f64>) -> Worst {
    let mut worst = Worst::new();
    for x in arguments {
        worst.meet(error_f64(f(x), reference(x)), x);
    }
    worst
}
