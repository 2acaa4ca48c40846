//! f(z) = max(0, z), f' = 1 where f > 0, else 0. Exact; NaN stays NaN.

use super::function::{FromOutput, Function};
use crate::kernel::Scalar;

#[derive(Clone, Copy)]
pub(crate) struct Relu;

impl<T: Scalar> Function<T> for Relu {
    #[inline(always)]
    fn value(self, z: T) -> T {
        // NaN stays.
        if T::ZERO > z { T::ZERO } else { z }
    }
}

impl<T: Scalar> FromOutput<T> for Relu {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        if a > T::ZERO { T::ONE } else { T::ZERO }
    }
}
