//! E = sum |a - t| over the outputs, dE/da = sign(a - t), 0 where a = t. Its minimum is the median.

use super::elementwise::Elementwise;
use crate::kernel::Scalar;

#[derive(Clone, Copy)]
pub(super) struct AbsoluteError;

impl<T: Scalar> Elementwise<T> for AbsoluteError {
    #[inline(always)]
    fn loss_and_delta(self, output: T, target: T) -> (T, T) {
        let difference = output - target;
        let below = if difference < T::ZERO { -T::ONE } else { T::ZERO };
        (difference.abs(), if difference > T::ZERO { T::ONE } else { below })
    }
}
