//! f(z) = A tanh(S z) with amplitude A and slope S, f' = S (A - f) (A + f) / A.
//!
//! The error is that of [`crate::kernel::math`]'s tanh at the rounded product S z, and of a product.

use super::function::{FromOutput, Function};
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "scaled_tanh",
    class: "ScaledTanh",
    summary: "The hyperbolic tangent with an amplitude and a slope, amplitude * tanh(slope * z).",
    details: "With the usual values it is about 1 at 1 and -1 at -1, so that targets of 1 and -1 are where it bends most.",
    hyperparameters: &[
        Hyperparameter::number("amplitude", 1.7159, Domain::Positive, "The bound of the outputs; positive."),
        Hyperparameter::number(
            "slope",
            2.0 / 3.0,
            Domain::Positive,
            "Steepness; positive and dimensionless.",
        ),
    ],
    value: "amplitude*tanh(slope*z)",
    derivative: "slope*(amplitude - a)*(amplitude + a)/amplitude",
    source: r#"Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient backprop", Neural Networks: Tricks of the
        Trade, 1998."#,
    example: "\
>>> import ferroprop as fp
>>> net = fp.Network([1, 1], output_activation=fp.ScaledTanh(amplitude=2.0, slope=1.0), bias=False)
>>> net.set_parameters([[[1.0]]], [None])
>>> net.predict([[0.0], [100.0]]).ravel().tolist()
[0.0, 2.0]",
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct ScaledTanh<T> {
    amplitude: T,
    slope: T,
    /// S / A
    ratio: T,
}

impl<T: Scalar> ScaledTanh<T> {
    pub(crate) fn new(amplitude: f64, slope: f64) -> Self {
        let ratio = T::from_f64(slope / amplitude);
        Self { amplitude: T::from_f64(amplitude), slope: T::from_f64(slope), ratio }
    }
}

impl<T: Scalar> Function<T> for ScaledTanh<T> {
    #[inline(always)]
    fn value(self, z: T) -> T {
        self.amplitude * (self.slope * z).tanh()
    }
}

impl<T: Scalar> FromOutput<T> for ScaledTanh<T> {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        self.ratio * (self.amplitude - a) * (self.amplitude + a)
    }
}
