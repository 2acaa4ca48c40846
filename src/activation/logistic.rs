//! f(z) = 1 / (1 + e^(-c z)) with slope c, f' = c f (1 - f).
//!
//! The error is that of [`crate::kernel::math`]'s logistic function at the rounded product c z.
//! Han & Moraga, "The influence of the sigmoid function parameters on the speed of backpropagation
//! learning", IWANN 1995: c is the parameter that changes the speed of learning.

use super::function::{FromOutput, Function};
use crate::kernel::Scalar;

#[derive(Clone, Copy)]
pub(crate) struct Logistic<T> {
    slope: T,
}

impl<T: Scalar> Logistic<T> {
    pub(crate) fn new(slope: f64) -> Self {
        Self { slope: T::from_f64(slope) }
    }
}

impl<T: Scalar> Function<T> for Logistic<T> {
    #[inline(always)]
    fn value(self, z: T) -> T {
        (self.slope * z).logistic()
    }
}

impl<T: Scalar> FromOutput<T> for Logistic<T> {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        self.slope * a * (T::ONE - a)
    }
}
