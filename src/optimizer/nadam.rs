//! `NAdam` in the form of `PyTorch`: Adam with Nesterov's momentum, whose strength grows with the steps t.
//!
//! With u(t) = b1 (1 - 0.96^(t d) / 2) and p(t) = u(1) ... u(t):
//! m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
//! w -= rate [(1 - u(t)) / (1 - p(t)) g + u(t + 1) / (1 - p(t + 1)) m] / (sqrt(v / (1 - b2^t)) + epsilon).

use super::adam::{BETA_1, BETA_2, EPSILON, power};
use super::rule::{LEARNING_RATE, MOST_ARRAYS, Rule, Step, fields, for_each};
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::Scalar;
use crate::schedule::Schedule;

/// Adaptive moment estimation with Nesterov's momentum.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NAdam {
    /// The learning rate; positive.
    pub learning_rate: Schedule,
    /// Decay of the mean of the gradients, from 0 to below 1.
    pub beta_1: f64,
    /// Decay of the mean of their squares, from 0 to below 1.
    pub beta_2: f64,
    /// Keeps the quotient finite; positive.
    pub epsilon: f64,
    /// How fast the momentum grows from half of `beta_1` to all of it; not negative.
    pub momentum_decay: f64,
}

impl Default for NAdam {
    fn default() -> Self {
        Self { learning_rate: 2e-3.into(), beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, momentum_decay: 4e-3 }
    }
}

/// ln 0.96
const LN_BASE: f64 = -0.040_821_994_520_255_166;

impl NAdam {
    /// u(t), by 0.96^(t d).
    fn momentum(&self, fading: f64) -> f64 {
        self.beta_1 * (1.0 - 0.5 * fading)
    }

    /// p(t), or 0 where 1 - p(t) is 1 anyhow.
    fn product(&self, step: u64) -> f64 {
        let each = Scalar::exp(self.momentum_decay * LN_BASE);
        let (mut product, mut fading) = (1.0, 1.0);
        for _ in 0..step {
            fading *= each;
            product *= self.momentum(fading);
            if product < 1e-18 {
                return 0.0;
            }
        }
        product
    }
}

impl Rule for NAdam {
    const ABOUT: About = About {
        name: "nadam",
        class: "NAdam",
        summary: "NAdam: Adam with Nesterov's momentum, in the form of PyTorch.",
        hyperparameters: &[
            LEARNING_RATE.usually(2e-3),
            BETA_1,
            BETA_2,
            EPSILON,
            Hyperparameter::double(
                "momentum_decay",
                4e-3,
                Domain::NotNegative,
                "How fast the momentum grows from half of ``beta_1`` to all of it: in step t it is \
                 ``beta_1 * (1 - 0.96 ** (t * momentum_decay) / 2)``.",
            ),
        ],
        positional: 1,
        value: "the same as Adam, with the mean gradient as it will be one step later",
        source: r#"T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016."#,
        example: "\
>>> import ferroprop as fp
>>> fp.NAdam(0.01).momentum_decay
0.004",
        ..About::NOTHING
    };
    const ARRAYS: &'static [&'static str] = &["first_moment", "second_moment"];

    fields! { learning_rate, beta_1, beta_2, epsilon, momentum_decay }

    fn learning_rate(&self) -> Option<&Schedule> {
        Some(&self.learning_rate)
    }

    #[inline(always)]
    fn step<T: Scalar>(
        &self,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        arrays: [&mut [T]; MOST_ARRAYS],
    ) {
        let fading = |t: u64| Scalar::exp(t as f64 * self.momentum_decay * LN_BASE);
        let (now, next) = (self.momentum(fading(step.number)), self.momentum(fading(step.number + 1)));
        let product = self.product(step.number);
        let of_gradient = T::from_f64(step.learning_rate * (1.0 - now) / (1.0 - product));
        let of_mean = T::from_f64(step.learning_rate * next / (1.0 - product * next));
        let unbiased = T::from_f64(1.0 / (1.0 - power(self.beta_2, step.number)));
        let (beta_1, rest_1) = (T::from_f64(self.beta_1), T::from_f64(1.0 - self.beta_1));
        let (beta_2, rest_2) = (T::from_f64(self.beta_2), T::from_f64(1.0 - self.beta_2));
        let epsilon = T::from_f64(self.epsilon);
        for_each(parameters, gradient, arrays, |w, g, [first, second]| {
            *first = beta_1 * *first + rest_1 * g;
            *second = beta_2 * *second + rest_2 * (g * g);
            w - (of_gradient * g + of_mean * *first) / ((*second * unbiased).sqrt() + epsilon)
        });
    }
}
