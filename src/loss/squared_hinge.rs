//! With targets t of -1 or 1 and the margin m = 1 - t a: E = sum max(m, 0)^2, dE/da = -2 t max(m, 0).

use super::elementwise::Elementwise;
use super::fits::{Fits, Targets};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "squared_hinge",
    summary: "The square of the hinge loss.",
    value: "max(0, 1 - t*a)**2",
    derivative: "-2*t*max(0, 1 - t*a)",
    source: r#"Y. Tang, "Deep learning using linear support vector machines", ICML workshop 2013."#,
    ..About::NOTHING
};

pub(super) const FITS: Fits = Fits { outputs: &["identity"], targets: Targets::Signs, ..Fits::ANYTHING };

#[derive(Clone, Copy)]
pub(super) struct SquaredHinge;

impl<T: Scalar> Elementwise<T> for SquaredHinge {
    #[inline(always)]
    fn loss_and_delta(self, output: T, target: T) -> (T, T) {
        let margin = T::ONE - target * output;
        let margin = if margin <= T::ZERO { T::ZERO } else { margin };
        (margin * margin, -T::from_f64(2.0) * target * margin)
    }
}
