//! `RMSprop` in the form of `PyTorch`: v = rho v + (1 - rho) g^2, w -= rate u with u = g / (sqrt(v) + epsilon).
//!
//! With momentum: b = momentum b + u, and w -= rate b. Centered: the root is that of v - m^2, with
//! m = rho m + (1 - rho) g, the variance of the gradient.

use super::rule::{LEARNING_RATE, MOST_ARRAYS, Rule, Step, fields, for_each};
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::Scalar;
use crate::schedule::Schedule;

/// Gradient descent with steps divided by the root of the mean squared gradient.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RMSprop {
    /// The learning rate; positive.
    pub learning_rate: Schedule,
    /// Decay of the mean of the squared gradients, from 0 to below 1.
    pub rho: f64,
    /// Keeps the quotient finite; positive.
    pub epsilon: f64,
    /// The part of the last change that is kept, from 0 to 1.
    pub momentum: f64,
    /// Whether the mean gradient is taken off.
    pub centered: bool,
}

impl Default for RMSprop {
    fn default() -> Self {
        Self { learning_rate: 0.01.into(), rho: 0.99, epsilon: 1e-8, momentum: 0.0, centered: false }
    }
}

impl Rule for RMSprop {
    const ABOUT: About = About {
        name: "rmsprop",
        class: "RMSprop",
        summary: "RMSprop: steps divided by the root of the mean squared gradient.",
        details: "\
In the form of PyTorch: epsilon is added to the root, and the momentum is that of the divided gradients.",
        hyperparameters: &[
            LEARNING_RATE.usually(0.01),
            Hyperparameter::double(
                "rho",
                0.99,
                Domain::HalfOpen,
                "Decay of the mean of the squared gradients, from 0 to below 1 (PyTorch's ``alpha``).",
            ),
            Hyperparameter::number("epsilon", 1e-8, Domain::Positive, "Keeps the quotient finite; positive."),
            Hyperparameter::double(
                "momentum",
                0.0,
                Domain::Closed,
                "The part of the last change that is kept, from 0 to 1.",
            ),
            Hyperparameter::flag(
                "centered",
                false,
                "Whether to divide by the root of the gradient's variance instead, which takes the mean off.",
            ),
        ],
        positional: 1,
        value: "minus the learning rate times the gradient over the root of its mean square",
        source: r#"T. Tieleman and G. Hinton, "Lecture 6.5: rmsprop", COURSERA: Neural Networks for Machine Learning,
            2012. Centered: A. Graves, "Generating sequences with recurrent neural networks", arXiv 1308.0850, 2013."#,
        example: "\
>>> import ferroprop as fp
>>> fp.RMSprop(0.001, momentum=0.9).momentum
0.9",
        ..About::NOTHING
    };
    const ARRAYS: &'static [&'static str] = &["mean_square", "velocity", "mean"];

    fields! { learning_rate, rho, epsilon, momentum, centered }

    fn arrays(&self) -> &'static [&'static str] {
        let kept = if self.centered {
            3
        } else if self.momentum > 0.0 {
            2
        } else {
            1
        };
        &Self::ARRAYS[..kept]
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
        arrays: [&mut [T]; MOST_ARRAYS],
    ) {
        let rate = T::from_f64(step.learning_rate);
        let (rho, rest) = (T::from_f64(self.rho), T::from_f64(1.0 - self.rho));
        let (momentum, epsilon) = (T::from_f64(self.momentum), T::from_f64(self.epsilon));
        match self.arrays().len() {
            1 => for_each(parameters, gradient, arrays, |w, g, [v]| {
                *v = rho * *v + rest * (g * g);
                w - rate * (g / (v.sqrt() + epsilon))
            }),
            2 => for_each(parameters, gradient, arrays, |w, g, [v, velocity]| {
                *v = rho * *v + rest * (g * g);
                *velocity = momentum * *velocity + g / (v.sqrt() + epsilon);
                w - rate * *velocity
            }),
            _ => for_each(parameters, gradient, arrays, |w, g, [v, velocity, mean]| {
                *v = rho * *v + rest * (g * g);
                *mean = rho * *mean + rest * g;
                let variance = *v - *mean * *mean;
                // Below 0 by rounding.
                let variance = if variance > T::ZERO { variance } else { T::ZERO };
                *velocity = momentum * *velocity + g / (variance.sqrt() + epsilon);
                w - rate * *velocity
            }),
        }
    }
}
