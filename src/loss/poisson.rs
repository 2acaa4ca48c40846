//! Half the Poisson deviance of outputs a = e^z, from the net inputs z:
//! E = sum [t log(t / a) - t + a] = sum [t (log t - z) - t + e^z] with 0 log 0 = 0; delta = a - t.
//!
//! Near its smallest value the terms cancel: for u = z - log t within 1, E = t (e^u - 1 - u) = t u^2 P(u) with the
//! series P(u) = 1/2! + u/3! + u^2/4! + ...

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
        let u = net - log;
        let near = target * (u * u * series(u));
        let far = target.mul_add(-u, delta);
        let is_near = u.abs() < T::ONE && target > T::ZERO;
        (if is_near { near } else { far }, delta)
    }
}

/// The terms of P after which nothing changes for u within 1: the next one is less than half a unit in the last place
/// of the sum.
const TERMS_F32: usize = 9;
const TERMS_F64: usize = 17;

#[inline(always)]
fn series<T: Scalar>(u: T) -> T {
    let terms = if size_of::<T>() == 4 { TERMS_F32 } else { TERMS_F64 };
    let mut sum = T::ZERO;
    for term in (0..terms).rev() {
        sum = sum.mul_add(u, T::from_f64(INVERSE_FACTORIALS[term]));
    }
    sum
}

/// 1 / (n + 2)!
const INVERSE_FACTORIALS: [f64; TERMS_F64] = {
    let (mut inverses, mut factorial, mut n) = ([0.0; TERMS_F64], 1.0, 0);
    while n < TERMS_F64 {
        factorial *= (n + 2) as f64;
        inverses[n] = 1.0 / factorial;
        n += 1;
    }
    inverses
};
