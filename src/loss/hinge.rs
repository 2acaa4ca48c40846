//! With targets t of -1 or 1 and the margin m = 1 - t a: E = sum max(m, 0), dE/da = -t where m > 0, else 0.

use super::elementwise::Elementwise;
use super::fits::{Fits, Targets};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "hinge",
    summary: "What an output lacks of a margin of 1 on the side of its target.",
    value: "max(0, 1 - t*a)",
    derivative: "-t if t*a < 1 else 0",
    source: r#"C. Cortes and V. Vapnik, "Support-vector networks", Machine Learning 20, 1995."#,
    ..About::NOTHING
};

pub(super) const FITS: Fits = Fits { outputs: &["identity"], targets: Targets::Signs, ..Fits::ANYTHING };

#[derive(Clone, Copy)]
pub(super) struct Hinge;

impl<T: Scalar> Elementwise<T> for Hinge {
    #[inline(always)]
    fn loss_and_delta(self, output: T, target: T) -> (T, T) {
        let margin = T::ONE - target * output;
        // A NaN margin stays NaN.
        if margin <= T::ZERO { (T::ZERO, T::ZERO) } else { (margin, -target) }
    }
}
