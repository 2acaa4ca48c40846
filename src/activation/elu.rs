//! f(z) = z for z > 0, else c (e^z - 1) with scale c; f' = 1 where z > 0, else c e^z, also at 0: f + c would be 0
//! from e^z = half a unit in the last place of 1 on, and a weight without gradient never moves again.
//!
//! The error is that of [`crate::kernel::math`]'s e^x - 1 and of a product.

use super::function::{FromNet, Function};
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "elu",
    class: "ELU",
    summary: "The exponential linear unit: z for z > 0, else alpha * (exp(z) - 1).",
    details: "The derivative at 0 is alpha.",
    hyperparameters: &[Hyperparameter::number(
        "alpha",
        1.0,
        Domain::Positive,
        "Positive; outputs are above ``-alpha``.",
    )],
    value: "z if z > 0 else alpha*(exp(z) - 1)",
    derivative: "1 if z > 0 else alpha*exp(z)",
    source: r#"D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and accurate deep network learning by
        exponential linear units (ELUs)", ICLR 2016."#,
    example: "\
>>> import ferroprop as fp
>>> fp.Network([2, 3, 1], activation=fp.ELU(alpha=0.5)).activations
[ELU(alpha=0.5)]",
    ..About::NOTHING
};

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

impl<T: Scalar> FromNet<T> for Elu<T> {
    #[inline(always)]
    fn value_and_derivative(self, z: T) -> (T, T) {
        (self.value(z), if z > T::ZERO { T::ONE } else { self.alpha * z.exp() })
    }
}
