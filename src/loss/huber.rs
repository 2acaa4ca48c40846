//! With d = a - t and the constant D: E = sum d^2 / 2 where |d| <= D, else D (|d| - D / 2); dE/da = d,
//! held between -D and D.
//!
//! Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35, 1964.

use super::elementwise::Elementwise;
use crate::kernel::Scalar;

#[derive(Clone, Copy)]
pub(super) struct Huber<T> {
    pub delta: T,
}

impl<T: Scalar> Elementwise<T> for Huber<T> {
    #[inline(always)]
    fn loss_and_delta(self, output: T, target: T) -> (T, T) {
        let half = T::from_f64(0.5);
        let difference = output - target;
        let m = difference.abs();
        let slope = if difference < -self.delta { -self.delta } else { difference };
        let slope = if slope > self.delta { self.delta } else { slope };
        (if m > self.delta { self.delta * (m - half * self.delta) } else { half * m * m }, slope)
    }
}
