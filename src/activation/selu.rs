//! f(z) = s z for z > 0, else s c (e^z - 1); f' = s where z > 0, else s c e^z, also at 0 (see `elu.rs`). With these
//! constants, layers keep mean 0 and variance 1.
//!
//! The error is that of [`crate::kernel::math`]'s e^x - 1 and of a product.

use super::function::{FromNet, Function};
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
    derivative: "scale if z > 0 else scale*alpha*exp(z)",
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

impl<T: Scalar> FromNet<T> for Selu {
    #[inline(always)]
    fn value_and_derivative(self, z: T) -> (T, T) {
        let slope = if z > T::ZERO { T::from_f64(SCALE) } else { T::from_f64(SCALE * ALPHA) * z.exp() };
        (self.value(z), slope)
    }
}
