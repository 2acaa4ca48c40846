//! Adam: Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015, in the form at the
//! end of its section 2, where the bias corrections go into the learning rate:
//! m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
//! w -= rate sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon).

use super::rule::{LEARNING_RATE, MOST_ARRAYS, Rule, Step, fields, for_each};
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::Scalar;
use crate::schedule::Schedule;

/// Descriptions of the hyperparameters of Adam and `AdamW`.
pub(super) const BETA_1: Hyperparameter = Hyperparameter::double(
    "beta_1",
    0.9,
    Domain::HalfOpen,
    "Decay of the mean of the gradients, from 0 to below 1.",
);
pub(super) const BETA_2: Hyperparameter = Hyperparameter::double(
    "beta_2",
    0.999,
    Domain::HalfOpen,
    "Decay of the mean of their squares, from 0 to below 1.",
);
pub(super) const EPSILON: Hyperparameter =
    Hyperparameter::number("epsilon", 1e-8, Domain::Positive, "Keeps the quotient finite; positive.");

/// Adaptive moment estimation.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Adam {
    /// The learning rate; positive.
    pub learning_rate: Schedule,
    /// Decay of the mean of the gradients, from 0 to below 1.
    pub beta_1: f64,
    /// Decay of the mean of their squares, from 0 to below 1.
    pub beta_2: f64,
    /// Added to the divisor to keep the quotient finite; positive.
    pub epsilon: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { learning_rate: 1e-3.into(), beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 }
    }
}

impl Rule for Adam {
    const ABOUT: About = About {
        name: "adam",
        class: "Adam",
        summary: "Adam: adaptive moment estimation.",
        hyperparameters: &[LEARNING_RATE, BETA_1, BETA_2, EPSILON],
        positional: 1,
        value: "minus the learning rate times the mean gradient over the root of the mean squared gradient",
        source: r#"D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, in the form at
            the end of its section 2."#,
        example: "\
>>> import ferroprop as fp
>>> fp.Adam()
Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-08)",
        ..About::NOTHING
    };
    const ARRAYS: &'static [&'static str] = &["first_moment", "second_moment"];

    fields! { learning_rate, beta_1, beta_2, epsilon }

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
        self.step_from(T::ONE, step, parameters, gradient, arrays);
    }
}

impl Adam {
    /// Makes a step from parameters that are first multiplied by `keep`.
    #[inline(always)]
    pub(super) fn step_from<T: Scalar>(
        &self,
        keep: T,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        arrays: [&mut [T]; MOST_ARRAYS],
    ) {
        let rate = step.learning_rate * (1.0 - power(self.beta_2, step.number)).sqrt()
            / (1.0 - power(self.beta_1, step.number));
        let rate = T::from_f64(rate);
        let (beta_1, rest_1) = (T::from_f64(self.beta_1), T::from_f64(1.0 - self.beta_1));
        let (beta_2, rest_2) = (T::from_f64(self.beta_2), T::from_f64(1.0 - self.beta_2));
        let epsilon = T::from_f64(self.epsilon);
        for_each(parameters, gradient, arrays, |w, g, [first, second]| {
            let m = beta_1 * *first + rest_1 * g;
            let v = beta_2 * *second + rest_2 * (g * g);
            *first = m;
            *second = v;
            keep * w - rate * m / (v.sqrt() + epsilon)
        });
    }
}

/// base^exponent by repeated squaring: `powi` may differ from one platform to the next.
pub(super) fn power(mut base: f64, mut exponent: u64) -> f64 {
    let mut result = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    result
}
