//! The inverse tangent.
//!
//! Method outline, f32 and f64 alike: one of three reductions, chosen by |x|, brings the argument
//! below tan(pi/8) with one division,
//!
//! ```text
//! atan|x| = atan(|x|),   pi/4 + atan((|x| - 1) / (|x| + 1)),   pi/2 + atan(-1 / |x|)
//! ```
//!
//! and there atan(t) = t + t z P(z), z = t^2, P a minimax polynomial. The sign of x is put back at
//! the end, so the function is exactly odd.

use std::{f32, f64};

/// P, lowest degree first; its error is 2^-29.8 (f32) and 2^-58.6 (f64) of atan(t).
const ATAN_F32: [f32; 5] = [-0.33333316, 0.19998474, -0.14243415, 0.105929464, -0.06075899];
const ATAN_F64: [f64; 11] = [
    -0.3333333333333319,
    0.19999999999952806,
    -0.142857142801218,
    0.11111110779835189,
    -0.09090897656288335,
    0.07692058452673084,
    -0.06663084420543444,
    0.05847748931374109,
    -0.050386815088626136,
    0.038048929550001366,
    -0.017890283328500716,
];

/// tan(pi/8) and tan(3 pi/8), where the reductions meet.
const LOW: f64 = f64::consts::SQRT_2 - 1.0;
const HIGH: f64 = f64::consts::SQRT_2 + 1.0;

/// What the nearest f64 to pi/2 lacks.
const HALF_PI_REST: f64 = 6.123233995736766e-17;

/// Inverse tangent.
///
/// The largest error is 2.54 units in the last place, over all f32.
#[must_use]
#[inline(always)]
pub fn arctan_f32(x: f32) -> f32 {
    let c = ATAN_F32;
    let m = x.abs();
    let (low, high) = (m > LOW as f32, m > HIGH as f32);
    let above = if high {
        -1.0
    } else if low {
        m - 1.0
    } else {
        m
    };
    let below = if high {
        m
    } else if low {
        m + 1.0
    } else {
        1.0
    };
    let start = if high {
        f32::consts::FRAC_PI_2
    } else if low {
        f32::consts::FRAC_PI_4
    } else {
        0.0
    };
    let t = above / below;
    let z = t * t;
    let p = z.mul_add(c[4], c[3]).mul_add(z, c[2]).mul_add(z, c[1]).mul_add(z, c[0]);
    (start + (t * z).mul_add(p, t)).copysign(x)
}

/// Inverse tangent.
///
/// The error is at most 2.4 units in the last place: 2.34 is the largest that independent searches have found, over 10^8
/// arguments.
#[must_use]
#[inline(always)]
pub fn arctan_f64(x: f64) -> f64 {
    let c = ATAN_F64;
    let m = x.abs();
    let (low, high) = (m > LOW, m > HIGH);
    let above = if high {
        -1.0
    } else if low {
        m - 1.0
    } else {
        m
    };
    let below = if high {
        m
    } else if low {
        m + 1.0
    } else {
        1.0
    };
    let start = if high {
        f64::consts::FRAC_PI_2
    } else if low {
        f64::consts::FRAC_PI_4
    } else {
        0.0
    };
    let rest = if high {
        HALF_PI_REST
    } else if low {
        HALF_PI_REST / 2.0
    } else {
        0.0
    };
    let t = above / below;
    let z = t * t;
    let z2 = z * z;
    let even =
        z2.mul_add(c[10], c[8]).mul_add(z2, c[6]).mul_add(z2, c[4]).mul_add(z2, c[2]).mul_add(z2, c[0]);
    let odd = z2.mul_add(c[9], c[7]).mul_add(z2, c[5]).mul_add(z2, c[3]).mul_add(z2, c[1]);
    let p = odd.mul_add(z, even);
    (start + ((t * z).mul_add(p, t) + rest)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::super::{reference, ulp};
    use super::*;

    const ULPS_F32: f64 = 2.54;
    const ULPS_F64: f64 = 2.4;

    #[test]
    fn f32_error_is_as_stated() {
        ulp::worst_f32(arctan_f32, f64::atan, ulp::STRIDE).is_at_most(ULPS_F32);
    }

    #[test]
    #[ignore = "all f32"]
    fn f32_error_is_the_stated_one() {
        ulp::worst_f32(arctan_f32, f64::atan, 1).is(ULPS_F32);
    }

    #[test]
    fn f64_error_is_as_stated() {
        ulp::worst_f64(arctan_f64, reference::arctan, -20.0, 20.0, ulp::COUNT).is_at_most(ULPS_F64);
    }

    #[test]
    fn exactly_odd_and_exact_at_the_ends() {
        for bits in (0..=f32::INFINITY.to_bits()).step_by(ulp::STRIDE) {
            let x = f32::from_bits(bits);
            assert_eq!(arctan_f32(-x).to_bits(), (-arctan_f32(x)).to_bits(), "arctan({x:e})");
            let x = f64::from(x);
            assert_eq!(arctan_f64(-x).to_bits(), (-arctan_f64(x)).to_bits(), "arctan({x:e})");
        }
        assert_eq!(arctan_f32(f32::INFINITY).to_bits(), f32::consts::FRAC_PI_2.to_bits());
        assert_eq!(arctan_f64(f64::INFINITY).to_bits(), f64::consts::FRAC_PI_2.to_bits());
        for x in [0.0, f32::MIN_POSITIVE, 1e-30] {
            assert_eq!(arctan_f32(-x).to_bits(), (-x).to_bits(), "arctan({x:e})");
        }
        for x in [0.0, f64::MIN_POSITIVE, 1e-300] {
            assert_eq!(arctan_f64(-x).to_bits(), (-x).to_bits(), "arctan({x:e})");
        }
        assert!(arctan_f32(f32::NAN).is_nan() && arctan_f64(f64::NAN).is_nan());
    }
}
