//! f(z) = tanh z, f' = 1 - f^2. The error is that of [`crate::kernel::math`]'s tanh.

use super::function::{FromOutput, Function};
use crate::catalogue::About;
use crate::kernel::{Derivative, Scalar};

pub(super) const ABOUT: About = About {
    name: "tanh",
    summary: "The hyperbolic tangent, between -1 and 1.",
    value: "tanh(z)",
    derivative: "1 - a**2",
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Tanh;

impl<T: Scalar> Function<T> for Tanh {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z.tanh()
    }
}

impl<T: Scalar> FromOutput<T> for Tanh {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        // (1 - a)(1 + a) keeps its digits where the function saturates.
        (T::ONE - a) * (T::ONE + a)
    }

    fn derivative_in_product(self) -> Option<Derivative<T>> {
        Some(Derivative::Tanh)
    }
}
