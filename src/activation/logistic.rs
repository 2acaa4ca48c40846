//! f(z) = 1 / (1 + e^(-c z)) with slope c, f' = c f (1 - f).
//!
//! The error is that of [`crate::kernel::math`]'s logistic function at the rounded product c z. Of the
//! parameters of the sigmoid function, c is the one that changes the speed of learning.

use super::function::{FromOutput, Function};
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::{Derivative, Scalar};

pub(super) const ABOUT: About = About {
    name: "logistic",
    aliases: &["sigmoid"],
    class: "Logistic",
    summary: "The logistic function with a slope, 1 / (1 + exp(-slope * z)).",
    hyperparameters: &[Hyperparameter::number(
        "slope",
        1.0,
        Domain::Positive,
        "Steepness, positive and dimensionless. The derivative is at most ``slope / 4``.",
    )],
    value: "1/(1 + exp(-slope*z))",
    derivative: "slope*a*(1 - a)",
    source: r#"J. Han and C. Moraga, "The influence of the sigmoid function parameters on the speed of
        backpropagation learning", IWANN 1995."#,
    example: "\
>>> import ferroprop as fp
>>> net = fp.Network([2, 3, 1], activation=fp.Logistic(slope=2.0))
>>> net.activations
[Logistic(slope=2.0)]",
    ..About::NOTHING
};

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

    fn derivative_in_product(self) -> Option<Derivative<T>> {
        Some(Derivative::Logistic { slope: self.slope })
    }
}
