//! f(z) = z / (1 + r), with r = |z|: the absolute value becomes r / (1 + r), below 1, and the phase is kept.
//!
//! With g = 1 / (1 + r) and u = z / r, a unit vector in the plane, the matrix of the derivatives is g I - r g^2 u u'.

use super::pair::{Pair, polar, radial};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "siglog",
    summary: "z / (1 + abs(z)): absolute values below 1; the phase stays.",
    value: "z/(1 + abs(z))",
    source: r#"G. M. Georgiou and C. Koutsougeras, "Complex domain backpropagation", IEEE Transactions on Circuits and Systems II
        39, 1992."#,
    complex: true,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct SigLog;

impl<T: Scalar> Pair<T> for SigLog {
    #[inline(always)]
    fn value_and_derivatives(self, x: T, y: T) -> ((T, T), [T; 4]) {
        let (r, u, v) = polar(x, y);
        let g = T::ONE / (T::ONE + r);
        ((g * x, g * y), radial(g, -(r * g * g), (u, v)))
    }
}
