//! f(z) = max(0, z), f' = 1 where f > 0, else 0. Exact; NaN stays NaN.

use super::function::{FromOutput, Function};
use crate::catalogue::About;
use crate::kernel::{Derivative, Scalar};

pub(super) const ABOUT: About = About {
    name: "relu",
    summary: "The positive part of z; the derivative at 0 is 0.",
    value: "max(0, z)",
    derivative: "1 if z > 0 else 0",
    source: r#"X. Glorot, A. Bordes and Y. Bengio, "Deep sparse rectifier neural networks", AISTATS 2011."#,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Relu;

impl<T: Scalar> Function<T> for Relu {
    #[inline(always)]
    fn value(self, z: T) -> T {
        // NaN stays NaN.
        if T::ZERO > z { T::ZERO } else { z }
    }
}

impl<T: Scalar> FromOutput<T> for Relu {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        if a > T::ZERO { T::ONE } else { T::ZERO }
    }

    fn derivative_in_product(self) -> Option<Derivative<T>> {
        Some(Derivative::Relu)
    }
}
