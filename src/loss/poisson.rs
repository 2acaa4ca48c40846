//! Half the Poisson deviance of outputs a = e^z, from the net inputs z:
//! E = sum [t log(t / a) - t + a] = sum [t (log t - z) - t + e^z] with 0 log 0 = 0; delta = a - t.

use super::elementwise::Elementwise;
use super::fits::{Fits, Targets};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "poisson",
    similar: &["poisson_deviance", "poisson_nll"],
    summary: "Half the Poisson deviance, as scikit-learn's MLPRegressor has it.",
    value: "t*ln(t/a) - t + a",
    derivative: "1 - t/a",
    source: "P. McCullagh and J. A. Nelder, *Generalized linear models*, 1989.",
    ..About::NOTHING
};

pub(super) const FITS: Fits = Fits {
    outputs: &["exp"],
    targets: Targets::NotNegative,
    net_inputs: true,
    canonical: true,
    ..Fits::ANYTHING
};

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
