//! Gradient descent with momentum.
//!
//! With velocity v and learning rate r: v = momentum * v - r * gradient; the parameters move by v
//! (Polyak, "Some methods of speeding up the convergence of iteration methods", 1964), or by
//! momentum * v - r * gradient with the new v (Nesterov 1983, in the form of Sutskever et al., "On
//! the importance of initialization and momentum in deep learning", ICML 2013).

use super::rule::{MOST_ARRAYS, Rule, Step, check_learning_rate, rate_constant};
use crate::check::check_number;
use crate::error::Result;
use crate::kernel::Scalar;
use crate::schedule::Schedule;

/// Gradient descent with momentum, full batch or mini-batch (then "stochastic").
#[derive(Clone, Debug, PartialEq)]
pub struct Sgd {
    /// The learning rate; positive.
    pub learning_rate: Schedule,
    /// The part of the last change that is kept, from 0 to 1.
    pub momentum: f64,
    /// Nesterov's form of momentum.
    pub nesterov: bool,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { learning_rate: 0.1.into(), momentum: 0.9, nesterov: true }
    }
}

impl Rule for Sgd {
    const ARRAYS: &'static [&'static str] = &["velocity"];

    fn check(&self) -> Result<()> {
        check_learning_rate(&self.learning_rate)?;
        check_number("momentum", self.momentum, "from 0 to 1", |x| (0.0..=1.0).contains(&x))
    }

    fn constants(&self) -> Vec<(&'static str, f64)> {
        rate_constant(&self.learning_rate).collect()
    }

    fn learning_rate(&self) -> Option<&Schedule> {
        Some(&self.learning_rate)
    }

    #[inline(always)]
    fn step<T: Scalar>(
        &self,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        [velocity, ..]: [&mut [T]; MOST_ARRAYS],
    ) {
        let rate = T::from_f64(step.learning_rate);
        let momentum = T::from_f64(self.momentum);
        // Plain momentum moves by the velocity itself: 1 * v - 0 * gradient.
        let (ahead, extra) = if self.nesterov { (momentum, rate) } else { (T::ONE, T::ZERO) };
        let n = parameters.len();
        let (gradient, velocity) = (&gradient[..n], &mut velocity[..n]);
        for i in 0..n {
            let v = momentum * velocity[i] - rate * gradient[i];
            velocity[i] = v;
            parameters[i] += ahead * v - extra * gradient[i];
        }
    }
}
