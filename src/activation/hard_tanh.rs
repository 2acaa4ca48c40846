//! f(z) = min(max(z, -1), 1), f' = 1 where -1 < f < 1, else 0, also at -1 and 1: the form of `PyTorch`. Exact; NaN
//! stays NaN.

use super::function::{FromOutput, Function};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "hard_tanh",
    aliases: &["hardtanh"],
    summary: "z, held between -1 and 1.",
    value: "min(max(z, -1), 1)",
    derivative: "1 if abs(z) < 1 else 0",
    source: r#"R. Collobert, "Large scale machine learning", thesis, Université Paris VI, 2004."#,
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct HardTanh;

impl<T: Scalar> Function<T> for HardTanh {
    #[inline(always)]
    fn value(self, z: T) -> T {
        let z = if z < -T::ONE { -T::ONE } else { z };
        if z > T::ONE { T::ONE } else { z }
    }
}

impl<T: Scalar> FromOutput<T> for HardTanh {
    #[inline(always)]
    fn derivative(self, a: T) -> T {
        if a.abs() < T::ONE { T::ONE } else { T::ZERO }
    }
}
