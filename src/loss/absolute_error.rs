//! E = sum |a - t| over the outputs, dE/da = sign(a - t), 0 where a = t. Its minimum is the median.

use super::elementwise::Elementwise;
use super::fits::Fits;
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "absolute_error",
    similar: &["mae", "mean_absolute_error", "l1"],
    summary: "The distance of an output from its target; its minimum is the median.",
    value: "abs(a - t)",
    derivative: "sign(a - t)",
    ..About::NOTHING
};

pub(super) const FITS: Fits = Fits::ANYTHING;

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
