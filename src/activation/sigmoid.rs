//! f(z) = c1 s - c3 with s = 1 / (1 + e^(-c2 z)), f' = c1 c2 s (1 - s).
//!
//! The error is that of [`crate::kernel::math`]'s logistic function at the rounded product c2 z, and of a
//! multiply-add. The derivative is not taken from the output: where c3 is large against c1, that has lost the
//! digits of s.

use super::function::{FromNet, Function};
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "scaled_sigmoid",
    class: "Sigmoid",
    summary: "The sigmoid function with three parameters, c1 / (1 + exp(-c2 * z)) - c3.",
    details: "\
c1 is its range, c2 its steepness, c3 moves it down: with 2, 1 and 1 it is ``\"bipolar\"``. For outputs that are
probabilities take `Logistic`, which has the range from 0 to 1 and goes with the log loss. The name ``\"sigmoid\"``
stands for ``\"logistic\"``.",
    hyperparameters: &[
        Hyperparameter::number("c1", 1.0, Domain::Positive, "The range of the outputs, from -c3 to c1 - c3; positive."),
        Hyperparameter::number("c2", 1.0, Domain::Positive, "Steepness; positive and dimensionless."),
        Hyperparameter::number("c3", 0.0, Domain::Finite, "What is subtracted."),
    ],
    value: "c1/(1 + exp(-c2*z)) - c3",
    derivative: "c2*(a + c3)*(c1 - a - c3)/c1",
    source: r#"J. Han and C. Moraga, "The influence of the sigmoid function parameters on the speed of
        backpropagation learning", IWANN 1995."#,
    example: "\
>>> import ferroprop as fp
>>> net = fp.Network([1, 1], output_activation=fp.Sigmoid(c1=4.0, c2=1.0, c3=1.0), bias=False)
>>> net.set_parameters([[[1.0]]], [None])
>>> net.predict([[0.0], [100.0]]).ravel().tolist()
[1.0, 3.0]",
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Sigmoid<T> {
    c1: T,
    c2: T,
    c3: T,
    /// c1 c2
    rise: T,
}

impl<T: Scalar> Sigmoid<T> {
    pub(crate) fn new(c1: f64, c2: f64, c3: f64) -> Self {
        Self { c1: T::from_f64(c1), c2: T::from_f64(c2), c3: T::from_f64(c3), rise: T::from_f64(c1 * c2) }
    }
}

impl<T: Scalar> Function<T> for Sigmoid<T> {
    #[inline(always)]
    fn value(self, z: T) -> T {
        self.value_and_derivative(z).0
    }
}

impl<T: Scalar> FromNet<T> for Sigmoid<T> {
    #[inline(always)]
    fn value_and_derivative(self, z: T) -> (T, T) {
        let s = (self.c2 * z).logistic();
        (self.c1.mul_add(s, -self.c3), self.rise * s * (T::ONE - s))
    }
}
