//! f(z) = (1 + b / r) z where r + b > 0, else 0, with r = |z| and a threshold b <= 0: a rectifier of the absolute value that
//! keeps the phase.
//!
//! With u = z / r, a unit vector in the plane, the matrix of the derivatives is (1 + b / r) I - (b / r) u u' where r + b > 0,
//! else 0.

use super::pair::{Pair, polar, radial};
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "modrelu",
    class: "ModReLU",
    summary: "The ReLU of the absolute value plus a threshold; the phase stays.",
    details: "``(1 + threshold / abs(z)) * z`` where ``abs(z) > -threshold``, else 0.",
    hyperparameters: &[Hyperparameter::number(
        "threshold",
        -0.5,
        Domain::NotPositive,
        "Net inputs whose absolute value is at most ``-threshold`` give 0; with 0 the function is the identity.",
    )],
    value: "(1 + threshold/abs(z))*z if abs(z) + threshold > 0 else 0",
    source: r#"M. Arjovsky, A. Shah and Y. Bengio, "Unitary evolution recurrent neural networks", ICML 2016."#,
    example: "\
>>> import ferroprop as fp
>>> net = fp.Network([1, 1], output_activation=fp.ModReLU(-1.0), bias=False, dtype=\"complex128\")
>>> net.set_parameters([[[1.0]]], [None])
>>> net.predict([[3 + 4j], [0.6 + 0.8j]])
array([[2.4+3.2j],
       [0. +0.j ]])",
    complex: true,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct ModRelu<T> {
    threshold: T,
}

impl<T: Scalar> ModRelu<T> {
    pub fn new(threshold: f64) -> Self {
        Self { threshold: T::from_f64(threshold) }
    }
}

impl<T: Scalar> Pair<T> for ModRelu<T> {
    #[inline(always)]
    fn value_and_derivatives(self, x: T, y: T) -> ((T, T), [T; 4]) {
        let (r, u, v) = polar(x, y);
        let active = r + self.threshold > T::ZERO;
        let share = if active { self.threshold / r } else { T::ZERO };
        let factor = if active { T::ONE + share } else { T::ZERO };
        ((factor * x, factor * y), radial(factor, -share, (u, v)))
    }
}
