//! `ferroprop.SGD`

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::super::arguments::Arg;
use super::class::optimizer_class;
use crate::Schedule;

optimizer_class! {
    /// Gradient descent with momentum; stochastic if training uses mini-batches.
    ///
    /// Parameters
    /// ----------
    /// learning_rate : float, default=0.1
    ///     The learning rate at first; positive.
    /// momentum : float, default=0.9
    ///     The part of the last change that is kept, from 0 to 1.
    /// nesterov : bool, default=True
    ///     Nesterov's form of momentum.
    /// schedule : {"constant", "linear", "invscaling", "adaptive"}, default="constant"
    ///     How the learning rate falls: not at all; in a straight line from the first epoch to
    ///     ``final_learning_rate`` at the last; as ``learning_rate / (rows seen + 1) ** power_t``,
    ///     set after each epoch; divided by 5 each time patience runs out, until 1e-6.
    /// final_learning_rate : float, default=0.0
    ///     The floor of the linear schedule.
    /// power_t : float, default=0.5
    ///     The exponent of inverse scaling.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If there is no such schedule, or a constant is outside its range.
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
    /// >>> fp.SGD(0.01, schedule="adaptive").schedule
    /// 'adaptive'
    Sgd "SGD" {
        /// The learning rate at first.
        learning_rate: f64 = |rule| rule.learning_rate,
        /// The part of the last change that is kept.
        momentum: f64 = |rule| rule.momentum,
        /// Whether momentum has Nesterov's form.
        nesterov: bool = |rule| rule.nesterov,
        /// How the learning rate falls.
        schedule: &'static str = |rule| rule.schedule.name(),
        /// The floor of the linear schedule.
        final_learning_rate: f64 = |rule| if let Schedule::Linear { floor } = rule.schedule { floor } else { 0.0 },
        /// The exponent of inverse scaling.
        power_t: f64 = |rule| if let Schedule::InverseScaling { power } = rule.schedule { power } else { 0.5 },
    }

    #[pyo3(signature = (learning_rate = Arg::Absent, *, momentum = Arg::Absent, nesterov = Arg::Absent, schedule = Arg::Absent, final_learning_rate = Arg::Absent, power_t = Arg::Absent))]
    #[pyo3(text_signature = "(learning_rate=0.1, *, momentum=0.9, nesterov=True, schedule='constant', final_learning_rate=0.0, power_t=0.5)")]
    fn new(
        learning_rate: Arg<'_>,
        momentum: Arg<'_>,
        nesterov: Arg<'_>,
        schedule: Arg<'_>,
        final_learning_rate: Arg<'_>,
        power_t: Arg<'_>,
    ) -> PyResult<Self> {
        let default = crate::Sgd::default();
        let learning_rate = learning_rate.number("learning_rate", default.learning_rate)?;
        let momentum = momentum.number("momentum", default.momentum)?;
        let nesterov = nesterov.flag("nesterov", default.nesterov)?;
        let linear = Schedule::Linear { floor: final_learning_rate.number("final_learning_rate", 0.0)? };
        let inverse = Schedule::InverseScaling { power: power_t.number("power_t", 0.5)? };
        let schedule = match schedule.text("schedule", "constant")?.as_str() {
            "constant" => Schedule::Constant,
            "linear" => linear,
            "invscaling" => inverse,
            "adaptive" => Schedule::Adaptive,
            other => {
                return Err(PyValueError::new_err(format!(
                    "schedule must be one of \"constant\", \"linear\", \"invscaling\", \"adaptive\", got {other:?}"
                )));
            }
        };
        // A constant that the schedule does not use is wrong all the same.
        for schedule in [linear, inverse] {
            schedule.check(f64::INFINITY)?;
        }
        Self::with(crate::Sgd { learning_rate, momentum, nesterov, schedule })
    }
}
