//! f(z) = ln(1 + e^z), f' = 1 / (1 + e^-z) = 1 - e^-f.
//!
//! The error is that of [`crate::kernel::math`]'s softplus.

use super::function::{FromOutput, Function};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "softplus",
    summary: "A smooth form of the ReLU, above 0.",
    value: "ln(1 + exp(z))",
    derivative: "1/(1 + exp(-z))",
    source: r#"C. Dugas et al., "Incorporating second-order functional knowledge for better option pricing",
        NIPS 2000."#,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Softplus;

impl<T: Scalar> Function<T> for Softplus {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z.softplus()
    }
}

impl<T: Scalar> FromOutput<T> for Softplus {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        -(-a).exp_m1()
    }
}
