//! f(z) = arctan z, f' = 1 / (1 + z^2). The error is that of [`crate::kernel::math`]'s arctan.

use super::function::{FromNet, Function};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "arctan",
    aliases: &["atan"],
    summary: "The inverse tangent, between -pi/2 and pi/2.",
    value: "arctan(z)",
    derivative: "1/(1 + z**2)",
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Arctan;

impl<T: Scalar> Function<T> for Arctan {
    #[inline(always)]
    fn value(self, z: T) -> T {
        self.value_and_derivative(z).0
    }
}

impl<T: Scalar> FromNet<T> for Arctan {
    #[inline(always)]
    fn value_and_derivative(self, z: T) -> (T, T) {
        (z.arctan(), T::ONE / z.mul_add(z, T::ONE))
    }
}
