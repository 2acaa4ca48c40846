//! f(z) = z / (1 + |z|), f' = (1 - |f|)^2 = 1 / (1 + |z|)^2.
//!
//! The error is at most 1.5 units in the last place: a sum and a quotient.

use super::function::{FromOutput, Function};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "softsign",
    summary: "z / (1 + abs(z)), between -1 and 1.",
    value: "z/(1 + abs(z))",
    derivative: "(1 - abs(a))**2",
    source: r#"J. Turian, J. Bergstra and Y. Bengio, "Quadratic features and deep architectures for chunking",
        NAACL 2009."#,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Softsign;

impl<T: Scalar> Function<T> for Softsign {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z / (T::ONE + z.abs())
    }
}

impl<T: Scalar> FromOutput<T> for Softsign {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        let rest = T::ONE - a.abs();
        rest * rest
    }
}
