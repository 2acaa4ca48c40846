//! `ferroprop.AdamW`

use pyo3::prelude::*;

use super::super::arguments::Arg;
use super::super::schedule::Scheduled;
use super::class::optimizer_class;

optimizer_class! {
    /// AdamW: Adam with decoupled weight decay.
    ///
    /// Each step first multiplies the weights by ``1 - learning_rate * weight_decay``, whatever the
    /// gradient is, and then makes Adam's step. Biases do not decay; steps by hand, which know no
    /// biases, let all parameters decay. The penalty ``alpha`` of `train`,
    /// in contrast, goes through the gradient and so through Adam's scaling.
    ///
    /// Parameters
    /// ----------
    /// learning_rate : float, Schedule or callable, default=0.001
    ///     The learning rate; positive. It may be a `Schedule`, or a function that gets the step (1 for the
    ///     first) and returns the rate.
    /// beta_1 : float, default=0.9
    ///     Decay of the mean of the gradients, from 0 to below 1.
    /// beta_2 : float, default=0.999
    ///     Decay of the mean of their squares, from 0 to below 1.
    /// epsilon : float, default=1e-8
    ///     Keeps the quotient finite; positive.
    /// weight_decay : float, Schedule or callable, default=0.01
    ///     The part of a weight that a learning rate of 1 takes off; 0 or positive. It may change by step,
    ///     as the learning rate does.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If a constant is outside its range.
    /// TypeError
    ///     If an argument is of the wrong kind.
    ///
    /// References
    /// ----------
    /// I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> fp.AdamW(weight_decay=0.1)
    /// AdamW(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-08, weight_decay=0.1)
    AdamW "AdamW" {
        /// The learning rate, or its schedule.
        learning_rate: Scheduled = |rule| Scheduled(rule.adam.learning_rate.clone()),
        /// Decay of the mean of the gradients.
        beta_1: f64 = |rule| rule.adam.beta_1,
        /// Decay of the mean of their squares.
        beta_2: f64 = |rule| rule.adam.beta_2,
        /// Keeps the quotient finite.
        epsilon: f64 = |rule| rule.adam.epsilon,
        /// The part of a weight that a learning rate of 1 takes off, or its schedule.
        weight_decay: Scheduled = |rule| Scheduled(rule.weight_decay.clone()),
    }

    #[pyo3(signature = (learning_rate = Arg::Absent, *, beta_1 = Arg::Absent, beta_2 = Arg::Absent, epsilon = Arg::Absent, weight_decay = Arg::Absent))]
    #[pyo3(text_signature = "(learning_rate=0.001, *, beta_1=0.9, beta_2=0.999, epsilon=1e-08, weight_decay=0.01)")]
    fn new(
        learning_rate: Arg<'_>,
        beta_1: Arg<'_>,
        beta_2: Arg<'_>,
        epsilon: Arg<'_>,
        weight_decay: Arg<'_>,
    ) -> PyResult<Self> {
        let default = crate::AdamW::default();
        Self::with(crate::AdamW {
            adam: crate::Adam {
                learning_rate: learning_rate.schedule("learning_rate", default.adam.learning_rate)?,
                beta_1: beta_1.number("beta_1", default.adam.beta_1)?,
                beta_2: beta_2.number("beta_2", default.adam.beta_2)?,
                epsilon: epsilon.number("epsilon", default.adam.epsilon)?,
            },
            weight_decay: weight_decay.schedule("weight_decay", default.weight_decay)?,
        })
    }
}
