//! Gradient descent with momentum.
//!
//! With velocity v and learning rate r: v = momentum * v - r * gradient; the parameters move by v
//! (Polyak, "Some methods of speeding up the convergence of iteration methods", 1964), or by
//! momentum * v - r * gradient with the new v (Nesterov 1983, in the form of Sutskever et al., "On
//! the importance of initialization and momentum in deep learning", ICML 2013).

use super::rule::{LEARNING_RATE, MOST_ARRAYS, Rule, Step, fields, for_each};
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::Scalar;
use crate::schedule::Schedule;

/// Gradient descent with momentum, full batch or mini-batch (then "stochastic").
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sgd {
    /// The learning rate; positive.
    pub learning_rate: Schedule,
    /// The fraction of the last change that the next one keeps, from 0 to 1.
    pub momentum: f64,
    /// Whether momentum has Nesterov's form.
    pub nesterov: bool,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { learning_rate: 0.1.into(), momentum: 0.9, nesterov: true }
    }
}

impl Rule for Sgd {
    const ABOUT: About = About {
        name: "sgd",
        class: "SGD",
        summary: "Gradient descent with momentum; stochastic if training uses mini-batches.",
        hyperparameters: &[
            LEARNING_RATE.usually(0.1),
            Hyperparameter::double(
                "momentum",
                0.9,
                Domain::Closed,
                "The part of the last change that is kept, from 0 to 1.",
            ),
            Hyperparameter::flag("nesterov", true, "Nesterov's form of momentum."),
        ],
        positional: 1,
        value: "minus the learning rate times the gradient, and what is left of the changes before",
        source: r#"I. Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML
            2013."#,
        example: "\
>>> import ferroprop as fp
>>> fp.SGD(fp.Linear(0.05), momentum=0.5).momentum
0.5",
        ..About::NOTHING
    };
    const ARRAYS: &'static [&'static str] = &["velocity"];

    fields! { learning_rate, momentum, nesterov }

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
        let rate = T::from_f64(step.learning_rate);
        let momentum = T::from_f64(self.momentum);
        // Plain momentum moves by the velocity itself: 1 * v - 0 * gradient.
        let (ahead, extra) = if self.nesterov { (momentum, rate) } else { (T::ONE, T::ZERO) };
        for_each(parameters, gradient, arrays, |w, g, [velocity]| {
            let v = momentum * *velocity - rate * g;
            *velocity = v;
            w + (ahead * v - extra * g)
        });
    }
}
