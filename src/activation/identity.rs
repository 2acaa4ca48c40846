//! f(z) = z, f' = 1. Exact.

use super::function::{FromOutput, Function};
use crate::kernel::Scalar;

#[derive(Clone, Copy)]
pub(crate) struct Identity;

impl<T: Scalar> Function<T> for Identity {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z
    }
}

impl<T: Scalar> FromOutput<T> for Identity {
    #[inline(always)]
    fn derivative(self, _: T) -> T {
        T::ONE
    }
}
