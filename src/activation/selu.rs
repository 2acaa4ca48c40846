//! f(z) = s z for z > 0, else s c (e^z - 1); f' = s where f > 0, else f + s c, also at 0. With these
//! constants, layers keep mean 0 and variance 1.
//!
//! The error is that of [`crate::kernel::math`]'s e^x - 1 and of a product.

use super::function::{FromOutput, Function};
use crate::catalogue::About;
use crate::kernel::Scalar;

/// c
const ALPHA: f64 = 1.6732632423543772;
/// s
const SCALE: f64 = 1.0507009873554805;

pub(super) const ABOUT: About = About {
    name: "selu",
    summary: "The scaled ELU, whose layers keep mean 0 and variance 1.",
    value: "scale*z if z > 0 else scale*alpha*(exp(z) - 1)",
    derivative: "scale if z > 0 else a + scale*alpha",
    constants: &[("scale", SCALE), ("alpha", ALPHA)],
    source: r#"G. Klambauer et al., "Self-normalizing neural networks", NIPS 2017."#,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Selu;

impl<T: Scalar> Function<T> for Selu {
    #[inline(always)]
    fn value(self, z: T) -> T {
        if z > T::ZERO { T::from_f64(SCALE) * z } else { T::from_f64(SCALE * ALPHA) * z.exp_m1() }
    }
}

impl<T: Scalar> FromOutput<T> for Selu {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        if a > T::ZERO { T::from_f64(SCALE) } else { a + T::from_f64(SCALE * ALPHA) }
    }
}
