//! E = 1/2 sum (a - t)^2 over the outputs, dE/da = a - t.

use super::elementwise::Elementwise;
use super::fits::Fits;
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "squared_error",
    similar: &["mse", "mean_squared_error", "l2", "squared_loss"],
    summary: "Half the squared error.",
    value: "(t - a)**2/2",
    derivative: "a - t",
    ..About::NOTHING
};

pub(super) const FITS: Fits = Fits::ANYTHING;

#[derive(Clone, Copy)]
pub(super) struct SquaredError;

impl<T: Scalar> Elementwise<T> for SquaredError {
    #[inline(always)]
    fn loss_and_delta(self, output: T, target: T) -> (T, T) {
        let difference = output - target;
        (T::from_f64(0.5) * difference * difference, difference)
    }
}
