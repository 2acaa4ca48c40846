//! With d = t - a and the quantile q: E = sum q d where d > 0, else (q - 1) d; dE/da = -q, 1 - q, or 0
//! where a = t. Its minimum is the quantile q of the targets; 1/2 gives half the absolute error.

use super::elementwise::Elementwise;
use super::fits::Fits;
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "quantile",
    aliases: &["pinball"],
    class: "Quantile",
    summary: "The quantile (pinball) loss: ``q * (t - a)`` where the output a is below its target t, else ``(1 \
        - q) * (a - t)``.",
    hyperparameters: &[Hyperparameter::number(
        "quantile",
        0.5,
        Domain::Open,
        "q, between 0 and 1. With 0.5 it is half the absolute error.",
    )],
    value: "quantile*(t - a) if t > a else (1 - quantile)*(a - t)",
    derivative: "-quantile if t > a else 1 - quantile",
    source: r#"R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46, 1978."#,
    example: "\
>>> import ferroprop as fp
>>> net = fp.Network([1, 1], init=\"uniform\", init_range=0.0)
>>> [net.loss_and_gradients([[1]], [[y]], loss=fp.Quantile(quantile=0.75))[0] for y in [-4, 4]]
[1.0, 3.0]",
    ..About::NOTHING
};

pub(super) const FITS: Fits = Fits::ANYTHING;

#[derive(Clone, Copy)]
pub(super) struct Quantile<T> {
    quantile: T,
}

impl<T: Scalar> Quantile<T> {
    pub fn new(quantile: f64) -> Self {
        Self { quantile: T::from_f64(quantile) }
    }
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
