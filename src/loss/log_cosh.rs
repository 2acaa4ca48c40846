//! With d = a - t: E = sum ln cosh d, dE/da = tanh d: half the squared error for small d, the distance less ln 2
//! for large d, and smooth in between.
//!
//! With h = e^|d| - 1: cosh d - 1 = h^2 / (2 (h + 1)), whose log1p keeps the digits of a small d; for |d| from 1 on
//! ln cosh d = |d| - ln 2 + log1p(e^(-2 |d|)). And tanh |d| = h (h + 2) / (h (h + 2) + 2). From |d| = 40 on, h
//! stays where it is then: the tanh is 1 but for less than rounding, and e^(-2 |d|) nothing beside |d|.

use super::elementwise::Elementwise;
use super::fits::Fits;
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "log_cosh",
    aliases: &["logcosh"],
    summary: "The logarithm of the hyperbolic cosine of the distance: a smooth form of the absolute error.",
    value: "ln(cosh(a - t))",
    derivative: "tanh(a - t)",
    source: r#"R. Neuneier and H. G. Zimmermann, "How to train neural networks", Neural Networks: Tricks of the
        Trade, 1998."#,
    ..About::NOTHING
};

pub(super) const FITS: Fits = Fits::ANYTHING;

#[derive(Clone, Copy)]
pub(super) struct LogCosh;

impl<T: Scalar> Elementwise<T> for LogCosh {
    #[inline(always)]
    fn loss_and_delta(self, output: T, target: T) -> (T, T) {
        let (two, most) = (T::from_f64(2.0), T::from_f64(40.0));
        let difference = output - target;
        let m = difference.abs();
        let h = (if m > most { most } else { m }).exp_m1();
        let e = h + T::ONE;
        let small = m < T::ONE;
        let rest = (if small { h * h / (two * e) } else { T::ONE / (e * e) }).log_1p();
        let n = h * (h + two);
        let slope = n / (n + two);
        let loss = if small { rest } else { m - T::from_f64(std::f64::consts::LN_2) + rest };
        (loss, if difference < T::ZERO { -slope } else { slope })
    }
}
