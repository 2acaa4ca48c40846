//! `ferroprop.SGD`

use pyo3::prelude::*;

use super::super::arguments::Arg;
use super::super::schedule::Scheduled;
use super::class::optimizer_class;

optimizer_class! {
    /// Gradient descent with momentum; stochastic if training uses mini-batches.
    ///
    /// Parameters
    /// ----------
    /// learning_rate : float, Schedule or callable, default=0.1
    ///     The learning rate; positive. It may be a `Schedule`, or a function that gets the step (1 for the
    ///     first) and returns the rate.
    /// momentum : float, default=0.9
    ///     The part of the last change that is kept, from 0 to 1.
    /// nesterov : bool, default=True
    ///     Nesterov's form of momentum.
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
    /// I. Sutskever et al., "On the importance of initialization and momentum in deep learning",
    /// ICML 2013.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> fp.SGD(0.01)
    /// SGD(learning_rate=0.01, momentum=0.9, nesterov=True)
    /// >>> optimizer = fp.SGD(fp.Linear(0.3, final=0.01), nesterov=False)
    Sgd "SGD" {
        /// The learning rate, or its schedule.
        learning_rate: Scheduled = |rule| Scheduled(rule.learning_rate.clone()),
        /// The part of the last change that is kept.
        momentum: f64 = |rule| rule.momentum,
        /// Whether momentum has Nesterov's form.
        nesterov: bool = |rule| rule.nesterov,
    }

    #[pyo3(signature = (learning_rate = Arg::Absent, *, momentum = Arg::Absent, nesterov = Arg::Absent))]
    #[pyo3(text_signature = "(learning_rate=0.1, *, momentum=0.9, nesterov=True)")]
    fn new(learning_rate: Arg<'_>, momentum: Arg<'_>, nesterov: Arg<'_>) -> PyResult<Self> {
        let default = crate::Sgd::default();
        Self::with(crate::Sgd {
            learning_rate: learning_rate.schedule("learning_rate", default.learning_rate)?,
            momentum: momentum.number("momentum", default.momentum)?,
            nesterov: nesterov.flag("nesterov", default.nesterov)?,
        })
    }
}
