//! `ferroprop.Adam`

use pyo3::prelude::*;

use super::super::arguments::Arg;
use super::super::schedule::Scheduled;
use super::class::optimizer_class;

optimizer_class! {
    /// Adam: adaptive moment estimation.
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
    /// D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, in the form
    /// at the end of its section 2.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> fp.Adam()
    /// Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-08)
    Adam "Adam" {
        /// The learning rate, or its schedule.
        learning_rate: Scheduled = |rule| Scheduled(rule.learning_rate.clone()),
        /// Decay of the mean of the gradients.
        beta_1: f64 = |rule| rule.beta_1,
        /// Decay of the mean of their squares.
        beta_2: f64 = |rule| rule.beta_2,
        /// Keeps the quotient finite.
        epsilon: f64 = |rule| rule.epsilon,
    }

    #[pyo3(signature = (learning_rate = Arg::Absent, *, beta_1 = Arg::Absent, beta_2 = Arg::Absent, epsilon = Arg::Absent))]
    #[pyo3(text_signature = "(learning_rate=0.001, *, beta_1=0.9, beta_2=0.999, epsilon=1e-08)")]
    fn new(learning_rate: Arg<'_>, beta_1: Arg<'_>, beta_2: Arg<'_>, epsilon: Arg<'_>) -> PyResult<Self> {
        let default = crate::Adam::default();
        Self::with(crate::Adam {
            learning_rate: learning_rate.schedule("learning_rate", default.learning_rate)?,
            beta_1: beta_1.number("beta_1", default.beta_1)?,
            beta_2: beta_2.number("beta_2", default.beta_2)?,
            epsilon: epsilon.number("epsilon", default.epsilon)?,
        })
    }
}
