//! f(z) = tanh(r) z / r, with r = |z|: the absolute value becomes tanh(r), and the phase is kept.
//!
//! With t = tanh(r), g = t / r and u = z / r, a unit vector in the plane, the matrix of the derivatives is
//! g I + (1 - t^2 - g) u u'; at 0 the derivatives are those of the identity.

use super::pair::{Pair, polar, radial};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "polar_tanh",
    summary: "The hyperbolic tangent of the absolute value; the phase stays.",
    value: "tanh(abs(z))*z/abs(z)",
    source: r#"A. Hirose, "Continuous complex-valued back-propagation learning", Electronics Letters 28, 1992."#,
    complex: true,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct PolarTanh;

impl<T: Scalar> Pair<T> for PolarTanh {
    #[inline(always)]
    fn value_and_derivatives(self, x: T, y: T) -> ((T, T), [T; 4]) {
        let (r, u, v) = polar(x, y);
        let t = r.tanh();
        let g = if r == T::ZERO { T::ONE } else { t / r };
        let steepness = (T::ONE - t) * (T::ONE + t) - g;
        ((t * u, t * v), radial(g, steepness, (u, v)))
    }
}
