//! f(z) = (1 + cos p) / 2 z with the phase p of z; on real numbers it equals `relu`.
//!
//! With z = (x, y) as a vector in the plane, r = |z|, (u, v) = z / r and c = (1 + u) / 2, the matrix of the derivatives is
//! c I + z (v^2, -u v) / 2 r. At 0 the derivatives are those of the identity.

use super::pair::{Pair, polar};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "cardioid",
    summary: "z times (1 + the cosine of its phase) / 2: a ReLU that depends on the phase alone.",
    value: "(1 + cos(phase(z)))/2*z",
    source: r#"P. Virtue, S. X. Yu and M. Lustig, "Better than real: complex-valued neural nets for MRI fingerprinting",
        ICIP 2017."#,
    complex: true,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Cardioid;

impl<T: Scalar> Pair<T> for Cardioid {
    #[inline(always)]
    fn value_and_derivatives(self, x: T, y: T) -> ((T, T), [T; 4]) {
        let half = T::from_f64(0.5);
        let (r, u, v) = polar(x, y);
        let u = if r == T::ZERO { T::ONE } else { u };
        let c = half.mul_add(u, half);
        let (by_x, by_y) = (half * v * v, -half * u * v);
        ((c * x, c * y), [u.mul_add(by_x, c), v.mul_add(by_y, c), u * by_y, v * by_x])
    }
}
