//! f(z) = z for z > 0, else c (e^z - 1) with scale c; f' = 1 where f > 0, else f + c, also at 0.
//!
//! The error is that of [`crate::kernel::math`]'s e^x - 1 and of a product. Clevert, Unterthiner &
//! Hochreiter, "Fast and accurate deep network learning by exponential linear units", ICLR 2016.

use super::function::{FromOutput, Function};
use crate::kernel::Scalar;

#[derive(Clone, Copy)]
pub(crate) struct Elu<T> {
    alpha: T,
}

impl<T: Scalar> Elu<T> {
    pub(crate) fn new(alpha: f64) -> Self {
        Self { alpha: T::from_f64(alpha) }
    }
}

impl<T: Scalar> Function<T> for Elu<T> {
    #[inline(always)]
    fn value(self, z: T) -> T {
        if z > T::ZERO { z } else { self.alpha * z.exp_m1() }
    }
}

impl<T: Scalar> FromOutput<T> for Elu<T> {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        if a > T::ZERO { T::ONE } else { a + self.alpha }
    }
}
