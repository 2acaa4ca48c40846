//! f(z) = z for z > 0, else c z with slope c; f' = 1 where f > 0, else c, also at 0.
//!
//! The error is that of the product. Maas, Hannun & Ng, "Rectifier nonlinearities improve neural
//! network acoustic models", ICML 2013.

use super::function::{FromOutput, Function};
use crate::kernel::Scalar;

#[derive(Clone, Copy)]
pub(crate) struct LeakyRelu<T> {
    slope: T,
}

impl<T: Scalar> LeakyRelu<T> {
    pub(crate) fn new(slope: f64) -> Self {
        Self { slope: T::from_f64(slope) }
    }
}

impl<T: Scalar> Function<T> for LeakyRelu<T> {
    #[inline(always)]
    fn value(self, z: T) -> T {
        if z > T::ZERO { z } else { self.slope * z }
    }
}

impl<T: Scalar> FromOutput<T> for LeakyRelu<T> {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        if a > T::ZERO { T::ONE } else { self.slope }
    }
}
