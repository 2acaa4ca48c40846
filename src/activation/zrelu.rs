//! f(z) = z where both parts are above 0, else 0.

use super::pair::Pair;
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "zrelu",
    summary: "z where its real and its imaginary part are above 0, else 0.",
    value: "z if real(z) > 0 and imag(z) > 0 else 0",
    source: r#"N. Guberman, "On complex valued convolutional neural networks", arXiv 1602.09046, 2016."#,
    complex: true,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct ZRelu;

impl<T: Scalar> Pair<T> for ZRelu {
    #[inline(always)]
    fn value_and_derivatives(self, x: T, y: T) -> ((T, T), [T; 4]) {
        let slope = if x > T::ZERO && y > T::ZERO { T::ONE } else { T::ZERO };
        ((slope * x, slope * y), [slope, slope, T::ZERO, T::ZERO])
    }
}
