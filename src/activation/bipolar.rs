//! f(z) = 2 / (1 + e^-z) - 1 = tanh(z / 2), f' = (1 - f^2) / 2: the logistic function between -1 and 1.
//!
//! The error is that of [`crate::kernel::math`]'s tanh: nothing cancels at small z.

use super::function::{FromOutput, Function};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "bipolar",
    similar: &["bipolar_sigmoid"],
    summary: "The logistic function between -1 and 1.",
    value: "2/(1 + exp(-z)) - 1",
    derivative: "(1 - a**2)/2",
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Bipolar;

impl<T: Scalar> Function<T> for Bipolar {
    #[inline(always)]
    fn value(self, z: T) -> T {
        (T::from_f64(0.5) * z).tanh()
    }
}

impl<T: Scalar> FromOutput<T> for Bipolar {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        T::from_f64(0.5) * (T::ONE - a) * (T::ONE + a)
    }
}
