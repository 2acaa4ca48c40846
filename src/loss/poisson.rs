//! Half the Poisson deviance of outputs a = e^z, from the net inputs z:
//! E = sum [t log(t / a) - t + a] = sum [t (log t - z) - t + e^z] with 0 log 0 = 0; delta = a - t.
//!
//! As scikit-learn's `MLPRegressor` has it. `McCullagh` & Nelder, *Generalized linear models*, 1989.

use super::elementwise::Elementwise;
use crate::kernel::Scalar;

#[derive(Clone, Copy)]
pub(super) struct Poisson;

impl<T: Scalar> Elementwise<T> for Poisson {
    #[inline(always)]
    fn loss_and_delta(self, net: T, target: T) -> (T, T) {
        let a = net.exp();
        let log = if target > T::ZERO { target.log() } else { T::ZERO };
        let delta = a - target;
        (target.mul_add(log - net, delta), delta)
    }
}
