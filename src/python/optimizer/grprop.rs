//! `ferroprop.GRprop`

use pyo3::prelude::*;

use super::super::arguments::Arg;
use super::class::optimizer_class;
use super::step_sizes::{Initial, Sizes};
use crate::Choice;

optimizer_class! {
    /// Globally convergent resilient propagation, for full batches.
    ///
    /// ``Rprop("rprop-")``, but the step size of one parameter i follows from those of all others:
    /// it is ``-(sum over j != i of D_j g_j + offset) / g_i``, within the limits, with step sizes D and
    /// gradient g. The paper leaves i open.
    ///
    /// Parameters
    /// ----------
    /// increase : float, default=1.2
    ///     Growth of a step size while the gradient keeps its sign; above 1.
    /// decrease : float, default=0.5
    ///     Shrinkage when the sign changes; between 0 and 1.
    /// initial_step : float or tuple (low, high), default=0.1
    ///     Every step size at first, in units of the parameters; positive and within the limits. Of a
    ///     tuple, it is drawn for each parameter between the two.
    /// min_step : float, default=1e-6
    ///     The smallest step size; 0 is allowed.
    /// max_step : float, default=1.0
    ///     The largest step size. Lower than for `Rprop`, since the one that follows from the others is
    ///     often as large as it may be.
    /// offset : float, default=1e-6
    ///     How far the sum over all parameters is to fall short of 0; positive.
    /// choice : {"smallest_gradient", "smallest_step"}, default="smallest_gradient"
    ///     i is the parameter with the smallest gradient by magnitude, or with the smallest step
    ///     size, among those whose gradient is not 0.
    /// seed : int, default=0
    ///     Names the random numbers of `initial_step`.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If there is no such choice, a constant is outside its range, or the steps outside their limits.
    /// TypeError
    ///     If an argument is of the wrong kind.
    ///
    /// References
    /// ----------
    /// A. D. Anastasiadis, G. D. Magoulas and M. N. Vrahatis, "New globally convergent training scheme
    /// based on the resilient propagation algorithm", Neurocomputing 64, 2005.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> fp.GRprop(choice="smallest_step").choice
    /// 'smallest_step'
    GRprop "GRprop" {
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
        /// How far the sum over all parameters is to fall short of 0.
        offset: f64 = |rule| rule.offset,
        /// Whose step size follows from the others.
        choice: &'static str = |rule| rule.choice.name(),
        /// Names the random numbers.
        seed: u64 = |rule| rule.step_sizes.seed,
    }

    #[pyo3(signature = (*, increase = Arg::Absent, decrease = Arg::Absent, initial_step = Arg::Absent, min_step = Arg::Absent, max_step = Arg::Absent, offset = Arg::Absent, choice = Arg::Absent, seed = Arg::Absent))]
    #[pyo3(text_signature = "(*, increase=1.2, decrease=0.5, initial_step=0.1, min_step=1e-06, max_step=1.0, offset=1e-06, choice='smallest_gradient', seed=0)")]
    #[allow(clippy::too_many_arguments)] // Python's keywords
    fn new(
        increase: Arg<'_>,
        decrease: Arg<'_>,
        initial_step: Arg<'_>,
        min_step: Arg<'_>,
        max_step: Arg<'_>,
        offset: Arg<'_>,
        choice: Arg<'_>,
        seed: Arg<'_>,
    ) -> PyResult<Self> {
        let default = crate::GRprop::default();
        let sizes = Sizes { increase, decrease, initial_step, min_step, max_step, seed };
        Self::with(crate::GRprop {
            step_sizes: sizes.read(default.step_sizes)?,
            offset: offset.number("offset", default.offset)?,
            choice: Choice::from_name(&choice.text("choice", default.choice.name())?)?,
        })
    }
}
