//! f(z) = e^z = f'. The error is that of [`crate::kernel::math`]'s e^x. For outputs that are counts or
//! rates.

use super::function::{FromOutput, Function};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "exp",
    aliases: &["exponential"],
    summary: "The exponential function, for outputs that are counts or rates.",
    value: "exp(z)",
    derivative: "a",
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Exponential;

impl<T: Scalar> Function<T> for Exponential {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z.exp()
    }
}

impl<T: Scalar> FromOutput<T> for Exponential {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        a
    }
}
