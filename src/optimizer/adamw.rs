//! `AdamW`: Adam with decoupled weight decay. A step first multiplies each weight by 1 - learning rate * decay,
//! whatever the gradient is.

use super::adam::{Adam, BETA_1, BETA_2, EPSILON};
use super::rule::{LEARNING_RATE, MOST_ARRAYS, Rule, Step, fields};
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::Scalar;
use crate::schedule::Schedule;

/// Adam with decoupled weight decay: a step first multiplies each weight by 1 - learning rate *
/// decay, whatever the gradient is (Loshchilov & Hutter, "Decoupled weight decay regularization",
/// ICLR 2019). Biases do not decay.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdamW {
    /// The other hyperparameters.
    pub adam: Adam,
    /// The fraction of a weight that a step with learning rate 1 removes; 0 or positive.
    pub weight_decay: Schedule,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { adam: Adam::default(), weight_decay: 0.01.into() }
    }
}

impl Rule for AdamW {
    const ABOUT: About = About {
        name: "adamw",
        class: "AdamW",
        summary: "AdamW: Adam with decoupled weight decay.",
        details: "\
Each step first multiplies the weights by ``1 - learning_rate * weight_decay``, whatever the gradient is, and then
makes Adam's step. Biases do not decay; steps by hand, which know no biases, let all parameters decay. The penalty
``alpha`` of `train`, in contrast, goes through the gradient and so through Adam's scaling.",
        hyperparameters: &[
            LEARNING_RATE,
            BETA_1,
            BETA_2,
            EPSILON,
            Hyperparameter::double(
                "weight_decay",
                0.01,
                Domain::Decay,
                "The part of a weight that a learning rate of 1 takes off; 0 or positive. It may change by step, \
                 as the learning rate does.",
            ),
        ],
        positional: 1,
        value: "the same as Adam, and takes a small part off each weight",
        source: r#"I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019."#,
        example: "\
>>> import ferroprop as fp
>>> fp.AdamW(weight_decay=0.1)
AdamW(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-08, weight_decay=0.1)",
        ..About::NOTHING
    };
    const ARRAYS: &'static [&'static str] = Adam::ARRAYS;

    fields! { adam.learning_rate, adam.beta_1, adam.beta_2, adam.epsilon, weight_decay }

    fn learning_rate(&self) -> Option<&Schedule> {
        Some(&self.adam.learning_rate)
    }

    fn weight_decay(&self) -> Option<&Schedule> {
        Some(&self.weight_decay)
    }

    #[inline(always)]
    fn step<T: Scalar>(
        &self,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        arrays: [&mut [T]; MOST_ARRAYS],
    ) {
        let keep = T::from_f64(1.0 - step.learning_rate * step.weight_decay);
        self.adam.step_from(keep, step, parameters, gradient, arrays);
    }
}
