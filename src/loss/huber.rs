//! With d = a - t and the constant D: E = sum d^2 / 2 where |d| <= D, else D (|d| - D / 2); dE/da = d,
//! clipped to [-D, D].

use super::elementwise::Elementwise;
use super::fits::Fits;
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "huber",
    similar: &["smooth_l1"],
    class: "Huber",
    summary: "Huber's loss: half the squared error up to a distance of delta, from there on a straight line.",
    hyperparameters: &[Hyperparameter::number("delta", 1.0, Domain::Positive, "Positive, in units of Y.")],
    value: "(a - t)**2/2 if abs(a - t) <= delta else delta*(abs(a - t) - delta/2)",
    derivative: "max(-delta, min(a - t, delta))",
    source: r#"P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35,
        1964."#,
    example: "\
>>> import ferroprop as fp
>>> net = fp.Network([1, 1], init=\"uniform\", init_range=0.0)
>>> [net.loss_and_gradients([[1]], [[y]], loss=fp.Huber(delta=2.0))[0] for y in [1, 2, 10]]
[0.5, 2.0, 18.0]",
    ..About::NOTHING
};

pub(super) const FITS: Fits = Fits::ANYTHING;

#[derive(Clone, Copy)]
pub(super) struct Huber<T> {
    delta: T,
}

impl<T: Scalar> Huber<T> {
    pub fn new(delta: f64) -> Self {
        Self { delta: T::from_f64(delta) }
    }
}

impl<T: Scalar> Elementwise<T> for Huber<T> {
    #[inline(always)]
    fn loss_and_delta(self, output: T, target: T) -> (T, T) {
        let half = T::from_f64(0.5);
        let difference = output - target;
        let m = difference.abs();
        let slope = if difference < -self.delta { -self.delta } else { difference };
        let slope = if slope > self.delta { self.delta } else { slope };
        (if m > self.delta { self.delta * (m - half * self.delta) } else { half * m * m }, slope)
    }
}
