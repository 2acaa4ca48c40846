//! `ferroprop.Rprop`

use pyo3::prelude::*;

use super::super::arguments::Arg;
use super::class::optimizer_class;
use super::step_sizes::{Initial, Sizes};
use crate::{StepSizes, Variant};

optimizer_class! {
    /// Resilient propagation: full-batch learning without a learning rate.
    ///
    /// Each parameter has a step size of its own, which grows while the sign of its gradient stays
    /// and shrinks when it changes; the magnitude of the gradient plays no part. The parameter moves
    /// by its step size, against the sign of its gradient. The variants differ where that sign changed:
    ///
    /// - ``"rprop+"`` takes the last change back;
    /// - ``"rprop-"`` moves in the new direction;
    /// - ``"irprop+"`` takes the last change back if the loss rose, else stays;
    /// - ``"irprop-"`` stays.
    ///
    /// Parameters
    /// ----------
    /// variant : {"irprop+", "irprop-", "rprop+", "rprop-"}, default="irprop+"
    ///     The rule.
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
    ///     Names the random numbers of `initial_step`.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If there is no such variant, a constant is outside its range, or the steps outside their limits.
    /// TypeError
    ///     If an argument is of the wrong kind.
    ///
    /// See Also
    /// --------
    /// GRprop : With a guarantee of descent.
    /// SARPROP : With simulated annealing.
    ///
    /// References
    /// ----------
    /// M. Riedmiller and H. Braun, "A direct adaptive method for faster backpropagation learning: the
    /// RPROP algorithm", ICNN 1993 (RPROP+). M. Riedmiller, "Advanced supervised learning in multi-layer
    /// perceptrons", Computer Standards and Interfaces 16, 1994 (RPROP-). C. Igel and M. Hüsken,
    /// "Empirical evaluation of the improved Rprop learning algorithms", Neurocomputing 50, 2003.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> fp.Rprop("irprop-", initial_step=(0.005, 0.02)).initial_step
    /// (0.005, 0.02)
    Rprop "Rprop" {
        /// The rule.
        variant: &'static str = |rule| rule.variant.name(),
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

    #[pyo3(signature = (variant = Arg::Absent, *, increase = Arg::Absent, decrease = Arg::Absent, initial_step = Arg::Absent, min_step = Arg::Absent, max_step = Arg::Absent, seed = Arg::Absent))]
    #[pyo3(text_signature = "(variant='irprop+', *, increase=1.2, decrease=0.5, initial_step=0.1, min_step=1e-06, max_step=50.0, seed=0)")]
    #[allow(clippy::too_many_arguments)] // Python's keywords
    fn new(
        variant: Arg<'_>,
        increase: Arg<'_>,
        decrease: Arg<'_>,
        initial_step: Arg<'_>,
        min_step: Arg<'_>,
        max_step: Arg<'_>,
        seed: Arg<'_>,
    ) -> PyResult<Self> {
        let sizes = Sizes { increase, decrease, initial_step, min_step, max_step, seed };
        Self::with(crate::Rprop {
            variant: Variant::from_name(&variant.text("variant", Variant::default().name())?)?,
            step_sizes: sizes.read(StepSizes::default())?,
        })
    }
}

impl Rprop {
    /// With all defaults.
    pub(in crate::python) fn fresh() -> PyResult<Self> {
        Self::with(crate::Rprop::default())
    }
}
