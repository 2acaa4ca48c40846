//! f(z) = ln(1 / (1 + e^-z)) = -ln(1 + e^-z), f' = 1 / (1 + e^z) = 1 - e^f.
//!
//! The error is that of [`crate::kernel::math`]'s softplus.

use super::function::{FromOutput, Function};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "log_sigmoid",
    aliases: &["logsigmoid"],
    summary: "The logarithm of the logistic function, below 0.",
    value: "-ln(1 + exp(-z))",
    derivative: "1/(1 + exp(z))",
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct LogSigmoid;

impl<T: Scalar> Function<T> for LogSigmoid {
    #[inline(always)]
    fn value(self, z: T) -> T {
        -(-z).softplus()
    }
}

impl<T: Scalar> FromOutput<T> for LogSigmoid {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        -a.exp_m1()
    }
}
