//! f(z) = z w with w = tanh(ln(1 + e^z)); f' = w + 4 z e (e + 1) / (n + 2)^2.
//!
//! With e = e^z and n = e (e + 2), w = n / (n + 2): nothing cancels. From z = 20 on e stays where it is
//! then, and w is 1 but for less than rounding (f32; 40 for f64). The error is that of twice
//! [`crate::kernel::math`]'s e^x, two sums, a quotient and two products.

use super::function::{FromNet, Function};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "mish",
    summary: "z * tanh(softplus(z)).",
    value: "z*tanh(ln(1 + exp(z)))",
    derivative: "tanh(ln(1 + exp(z))) + z*(1 - tanh(ln(1 + exp(z)))**2)/(1 + exp(-z))",
    source: r#"D. Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020."#,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Mish;

impl<T: Scalar> Function<T> for Mish {
    #[inline(always)]
    fn value(self, z: T) -> T {
        self.value_and_derivative(z).0
    }
}

impl<T: Scalar> FromNet<T> for Mish {
    #[inline(always)]
    fn value_and_derivative(self, z: T) -> (T, T) {
        let most = T::from_f64(if size_of::<T>() == 4 { 20.0 } else { 40.0 });
        let bounded = if z > most { most } else { z };
        let e = bounded.exp();
        let two = T::from_f64(2.0);
        let n = e * (e + two);
        let inverse = T::ONE / (n + two);
        let w = n * inverse;
        let rise = two * inverse;
        (z * w, (bounded * e * (e + T::ONE)).mul_add(rise * rise, w))
    }
}
