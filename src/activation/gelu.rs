//! f(z) = z P(z), f' = P(z) + z p(z), with P the cumulative function of the standard normal
//! distribution and p its density: the exact form, (z / 2) (1 + erf(z / sqrt 2)), not the one with tanh.
//!
//! The error is that of [`crate::kernel::math`]'s normal distribution and of a product.

use super::function::{FromNet, Function};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "gelu",
    summary: "z times the normal distribution's cumulative function at z, in the exact form with erf.",
    value: "z*Phi(z)",
    derivative: "Phi(z) + z*phi(z)",
    source: r#"D. Hendrycks and K. Gimpel, "Gaussian error linear units (GELUs)", arXiv 1606.08415, 2016."#,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Gelu;

impl<T: Scalar> Function<T> for Gelu {
    #[inline(always)]
    fn value(self, z: T) -> T {
        self.value_and_derivative(z).0
    }
}

impl<T: Scalar> FromNet<T> for Gelu {
    #[inline(always)]
    fn value_and_derivative(self, z: T) -> (T, T) {
        let (cumulative, density) = z.normal();
        (z * cumulative, z.mul_add(density, cumulative))
    }
}
