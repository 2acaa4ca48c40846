//! f(z) = z s(z), f' = s(z) + f(z) s(-z), with s(z) = 1 / (1 + e^-z).
//!
//! With e = e^-|z|, s(|z|) = 1 / (1 + e) and s(-|z|) = e / (1 + e): the error is that of
//! [`crate::kernel::math`]'s e^x, a sum, a quotient and two products.

use super::function::{FromNet, Function};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "silu",
    aliases: &["swish"],
    summary: "z times the logistic function at z.",
    value: "z/(1 + exp(-z))",
    derivative: "a + (1 - a)/(1 + exp(-z))",
    source: r#"S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-weighted linear units for neural network function
        approximation in reinforcement learning", Neural Networks 107, 2018."#,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Silu;

impl<T: Scalar> Function<T> for Silu {
    #[inline(always)]
    fn value(self, z: T) -> T {
        self.value_and_derivative(z).0
    }
}

impl<T: Scalar> FromNet<T> for Silu {
    #[inline(always)]
    fn value_and_derivative(self, z: T) -> (T, T) {
        let e = (-z.abs()).exp();
        let large = T::ONE / (T::ONE + e);
        let small = e * large;
        let (own, other) = if z > T::ZERO { (large, small) } else { (small, large) };
        let a = z * own;
        (a, a.mul_add(other, own))
    }
}
