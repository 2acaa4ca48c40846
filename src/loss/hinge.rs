//! With targets t of -1 or 1 and the margin m = 1 - t a:
//!
//! - hinge: E = sum max(m, 0), dE/da = -t where m > 0, else 0
//! - squared hinge: E = sum max(m, 0)^2, dE/da = -2 t max(m, 0)
//!
//! Cortes & Vapnik, "Support-vector networks", Machine Learning 20, 1995.

use super::elementwise::Elementwise;
use crate::kernel::Scalar;

#[derive(Clone, Copy)]
pub(super) struct Hinge;

impl<T: Scalar> Elementwise<T> for Hinge {
    #[inline(always)]
    fn loss_and_delta(self, output: T, target: T) -> (T, T) {
        let margin = T::ONE - target * output;
        // A margin that is not a number stays one.
        if margin <= T::ZERO { (T::ZERO, T::ZERO) } else { (margin, -target) }
    }
}

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
