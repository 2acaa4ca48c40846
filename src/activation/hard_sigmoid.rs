//! f(z) = min(max(z + 3, 0), 6) / 6, f' = 1/6 where 0 < f < 1, else 0: the form of `PyTorch`.
//!
//! The error is at most 1 unit in the last place of 1: a sum and a quotient. NaN stays NaN.

use super::function::{FromOutput, Function};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "hard_sigmoid",
    summary: "A straight line from 0 at -3 to 1 at 3, as PyTorch has it.",
    value: "min(max(z + 3, 0), 6)/6",
    derivative: "1/6 if abs(z) < 3 else 0",
    source: r#"A. Howard et al., "Searching for MobileNetV3", ICCV 2019."#,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct HardSigmoid;

impl<T: Scalar> Function<T> for HardSigmoid {
    #[inline(always)]
    fn value(self, z: T) -> T {
        let u = z + T::from_f64(3.0);
        let u = if u < T::ZERO { T::ZERO } else { u };
        let six = T::from_f64(6.0);
        (if u > six { six } else { u }) / six
    }
}

impl<T: Scalar> FromOutput<T> for HardSigmoid {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        if a > T::ZERO && a < T::ONE { T::from_f64(1.0 / 6.0) } else { T::ZERO }
    }
}
