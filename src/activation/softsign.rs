//! f(z) = z / (1 + |z|), f' = (1 - |f|)^2 = 1 / (1 + |z|)^2.
//!
//! The error is at most 1.5 units in the last place: a sum and a quotient. Turian, Bergstra & Bengio,
//! "Quadratic features and deep architectures for chunking", NAACL 2009.

use super::function::{FromOutput, Function};
use crate::kernel::Scalar;

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
