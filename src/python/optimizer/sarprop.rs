//! `ferroprop.SARPROP`

use pyo3::prelude::*;

use super::super::arguments::Arg;
use super::class::optimizer_class;
use super::step_sizes::{Initial, Sizes};

optimizer_class! {
    /// Resilient propagation with simulated annealing, for full batches.
    ///
    /// ``Rprop("irprop-")``, but where a gradient changed its sign a step size below
    /// ``threshold * loss`` gets noise: ``noise * r * sqrt(loss) * 2 ** (-temperature * epoch)`` is
    /// added after it shrank, r uniform in 0..1. The loss stands for the paper's mean squared error,
    /// the steps of this object, from 1, are its epochs.
    ///
    /// Parameters
    /// ----------
    /// temperature : float, default=0.01
    ///     How fast noise and weight decay fade: they halve every ``1 / temperature`` epochs.
    /// threshold : float, default=0.1
    ///     Step sizes below this part of the loss get noise.
    /// noise : float, default=8.0
    ///     The noise's size at first, in units of the root of the loss.
    /// weight_decay : float, default=0.0
    ///     ``weight_decay * 2 ** (-temperature * epoch) * w`` is added to the gradient of each
    ///     parameter w; 0.01 is usual. For a penalty that does not fade see `alpha` of `train`.
    /// increase : float, default=1.2
    ///     Growth of a step size while the gradient keeps its sign; above 1.
    /// decrease : float, default=0.5
    ///     Shrinkage when the sign changes; between 0 and 1.
    /// initial_step : float or tuple (low, high), default=0.1
    ///     Every step size at first, in units of the parameters; positive and within the limits. Of a
    ///     tuple, it is drawn for each parameter between the two.
    /// min_step : float, default=1e-6
    ///     The smallest step size; 0 is allowed.
    /// max_step : float, default=50.0
    ///     The largest step size.
    /// seed : int, default=0
    ///     Names the random numbers of the noise and of `initial_step`.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If a constant is outside its range, or the steps outside their limits.
    /// TypeError
    ///     If an argument is of the wrong kind.
    ///
    /// References
    /// ----------
    /// N. K. Treadgold and T. D. Gedeon, "Simulated annealing and weight decay in adaptive learning: the
    /// SARPROP algorithm", IEEE Transactions on Neural Networks 9(4), 1998.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> fp.SARPROP(temperature=0.05).temperature
    /// 0.05
    Sarprop "SARPROP" {
        /// How fast noise and weight decay fade.
        temperature: f64 = |rule| rule.temperature,
        /// Step sizes below this part of the loss get noise.
        threshold: f64 = |rule| rule.threshold,
        /// The noise's size at first, in units of the root of the loss.
        noise: f64 = |rule| rule.noise,
        /// Strength of the fading weight decay.
        weight_decay: f64 = |rule| rule.weight_decay,
        /// Growth of a step size while the gradient keeps its sign.
        increase: f64 = |rule| rule.step_sizes.increase,
        /// Shrinkage when the sign changes.
        decrease: f64 = |rule| rule.step_sizes.decrease,
        /// Every step size at first, or the range it is drawn from.
        initial_step: Initial = |rule| rule.step_sizes.initial.into(),
        /// The smallest step size.
        min_step: f64 = |rule| rule.step_sizes.min,
        /// The largest step size.
        max_step: f64 = |rule| rule.step_sizes.max,
        /// Names the random numbers.
        seed: u64 = |rule| rule.step_sizes.seed,
    }

    #[pyo3(signature = (*, temperature = Arg::Absent, threshold = Arg::Absent, noise = Arg::Absent, weight_decay = Arg::Absent, increase = Arg::Absent, decrease = Arg::Absent, initial_step = Arg::Absent, min_step = Arg::Absent, max_step = Arg::Absent, seed = Arg::Absent))]
    #[pyo3(text_signature = "(*, temperature=0.01, threshold=0.1, noise=8.0, weight_decay=0.0, increase=1.2, decrease=0.5, initial_step=0.1, min_step=1e-06, max_step=50.0, seed=0)")]
    #[allow(clippy::too_many_arguments)] // Python's keywords
    fn new(
        temperature: Arg<'_>,
        threshold: Arg<'_>,
        noise: Arg<'_>,
        weight_decay: Arg<'_>,
        increase: Arg<'_>,
        decrease: Arg<'_>,
        initial_step: Arg<'_>,
        min_step: Arg<'_>,
        max_step: Arg<'_>,
        seed: Arg<'_>,
    ) -> PyResult<Self> {
        let default = crate::Sarprop::default();
        let sizes = Sizes { increase, decrease, initial_step, min_step, max_step, seed };
        Self::with(crate::Sarprop {
            step_sizes: sizes.read(default.step_sizes)?,
            temperature: temperature.number("temperature", default.temperature)?,
            threshold: threshold.number("threshold", default.threshold)?,
            noise: noise.number("noise", default.noise)?,
            weight_decay: weight_decay.number("weight_decay", default.weight_decay)?,
        })
    }
}
