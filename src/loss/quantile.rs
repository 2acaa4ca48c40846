//! With d = t - a and the quantile q: E = sum q d where d > 0, else (q - 1) d; dE/da = -q, 1 - q, or 0
//! where a = t. Its minimum is the quantile q of the targets; 1/2 gives half the absolute error.
//!
//! Koenker & Bassett, "Regression quantiles", Econometrica 46, 1978.

use super::elementwise::Elementwise;
use crate::kernel::Scalar;

#[derive(Clone, Copy)]
pub(super) struct Quantile<T> {
    pub quantile: T,
}

impl<T: Scalar> Elementwise<T> for Quantile<T> {
    #[inline(always)]
    fn loss_and_delta(self, output: T, target: T) -> (T, T) {
        let difference = output - target;
        let above = if difference > T::ZERO { T::ONE - self.quantile } else { T::ZERO };
        let slope = if difference < T::ZERO { -self.quantile } else { above };
        (slope * difference, slope)
    }
}
