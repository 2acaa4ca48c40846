//! E = 1/2 sum (a - t)^2 over the outputs, dE/da = a - t.

use super::elementwise::Elementwise;
use crate::kernel::Scalar;

#[derive(Clone, Copy)]
pub(super) struct SquaredError;

impl<T: Scalar> Elementwise<T> for SquaredError {
    #[inline(always)]
    fn loss_and_delta(self, output: T, target: T) -> (T, T) {
        let difference = output - target;
        (T::from_f64(0.5) * difference * difference, difference)
    }
}
