//! f(z) = z for z > 0, else c z with slope c; f' = 1 where f > 0, else c, also at 0.
//!
//! The error is that of the product.

use super::function::{FromOutput, Function};
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "leaky_relu",
    class: "LeakyReLU",
    summary: "The leaky ReLU with a slope for negative net inputs: z for z > 0, else slope * z.",
    details: "The derivative at 0 is the slope.",
    hyperparameters: &[Hyperparameter::number(
        "slope",
        0.01,
        Domain::NotNegative,
        "0 or positive, dimensionless.",
    )],
    value: "z if z > 0 else slope*z",
    derivative: "1 if z > 0 else slope",
    source: r#"A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier nonlinearities improve neural network
        acoustic models", ICML 2013."#,
    example: "\
>>> import ferroprop as fp
>>> net = fp.Network([1, 1], output_activation=fp.LeakyReLU(slope=0.25), bias=False)
>>> net.set_parameters([[[1.0]]], [None])
>>> net.predict([[-2.0], [2.0]]).ravel().tolist()
[-0.5, 2.0]",
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct LeakyRelu<T> {
    slope: T,
}

impl<T: Scalar> LeakyRelu<T> {
    pub(crate) fn new(slope: f64) -> Self {
        Self { slope: T::from_f64(slope) }
    }
}

impl<T: Scalar> Function<T> for LeakyRelu<T> {
    #[inline(always)]
    fn value(self, z: T) -> T {
        if z > T::ZERO { z } else { self.slope * z }
    }
}

impl<T: Scalar> FromOutput<T> for LeakyRelu<T> {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        if a > T::ZERO { T::ONE } else { self.slope }
    }
}
