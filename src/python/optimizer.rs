//! `ferroprop.Rprop`, `ferroprop.SGD`, `ferroprop.Adam`: constants, and what the last training left.

use std::sync::{Mutex, PoisonError};

use numpy::PyArray1;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::arguments::{Arg, wrong_type};
use super::arrays::Vector;
use crate::{Optimizer, OptimizerState, Scalar, Schedule};

/// The memory of an optimizer for networks of either number type.
#[derive(Default)]
pub(super) enum Memory {
    #[default]
    Fresh,
    Single(OptimizerState<f32>),
    Double(OptimizerState<f64>),
}

/// Number types whose optimizer states a [`Memory`] can hold.
pub(super) trait Remembered: Scalar {
    fn recall(memory: &Memory) -> Option<&OptimizerState<Self>>;
    fn remember(state: OptimizerState<Self>) -> Memory;
}

impl Remembered for f32 {
    fn recall(memory: &Memory) -> Option<&OptimizerState<Self>> {
        if let Memory::Single(state) = memory { Some(state) } else { None }
    }
    fn remember(state: OptimizerState<Self>) -> Memory {
        Memory::Single(state)
    }
}

impl Remembered for f64 {
    fn recall(memory: &Memory) -> Option<&OptimizerState<Self>> {
        if let Memory::Double(state) = memory { Some(state) } else { None }
    }
    fn remember(state: OptimizerState<Self>) -> Memory {
        Memory::Double(state)
    }
}

/// The optimizer inside a Python object, and its memory.
pub(super) struct Slot<'a> {
    pub optimizer: Optimizer,
    memory: &'a Mutex<Memory>,
}

impl Slot<'_> {
    /// The state to start from: fresh, or what the last training left.
    pub fn state<T: Remembered>(&self, warm_start: bool) -> PyResult<OptimizerState<T>> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if !warm_start || matches!(*memory, Memory::Fresh) {
            return Ok(OptimizerState::new(self.optimizer.clone())?);
        }
        T::recall(&memory).cloned().ok_or_else(|| {
            PyValueError::new_err(format!(
                "optimizer must have been used with a {} network before for warm_start=True",
                T::NAME
            ))
        })
    }

    pub fn keep<T: Remembered>(&self, state: OptimizerState<T>) {
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = T::remember(state);
    }
}

/// Calls `use_it` with the optimizer in a Python object.
pub(super) fn with_optimizer<R>(
    value: &Bound<'_, PyAny>,
    use_it: impl FnOnce(Slot<'_>) -> PyResult<R>,
) -> PyResult<R> {
    if let Ok(rprop) = value.cast::<Rprop>() {
        use_it(rprop.get().slot())
    } else if let Ok(sgd) = value.cast::<Sgd>() {
        use_it(sgd.get().slot())
    } else if let Ok(adam) = value.cast::<Adam>() {
        use_it(adam.get().slot())
    } else {
        Err(wrong_type("optimizer", "a Rprop, SGD or Adam object", value))
    }
}

fn memory_to_python<'py>(py: Python<'py>, memory: &Mutex<Memory>) -> PyResult<Bound<'py, PyDict>> {
    fn describe<T: Scalar + numpy::Element>(
        state: &OptimizerState<T>,
        into: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        into.set_item("steps", state.steps())?;
        into.set_item("epochs", state.epochs())?;
        into.set_item("rows_seen", state.rows_seen())?;
        into.set_item("learning_rate", state.learning_rate())?;
        into.set_item("previous_loss", state.previous_loss())?;
        for (name, array) in state.arrays() {
            into.set_item(name, PyArray1::from_slice(into.py(), array))?;
        }
        Ok(())
    }
    let dict = PyDict::new(py);
    match &*memory.lock().unwrap_or_else(PoisonError::into_inner) {
        Memory::Fresh => {}
        Memory::Single(state) => describe(state, &dict)?,
        Memory::Double(state) => describe(state, &dict)?,
    }
    Ok(dict)
}

fn memory_from_python(optimizer: &Optimizer, state: &Bound<'_, PyDict>) -> PyResult<Memory> {
    fn read<T: Remembered + numpy::Element>(
        optimizer: &Optimizer,
        state: &Bound<'_, PyDict>,
    ) -> PyResult<Memory> {
        let mut arrays = Vec::new();
        for name in optimizer.arrays() {
            let array = Vector::<T>::new(name, &entry(state, name)?)?;
            arrays.push(array.view().to_vec());
        }
        let state = OptimizerState::restore(
            optimizer.clone(),
            arrays,
            [
                entry(state, "steps")?.extract()?,
                entry(state, "epochs")?.extract()?,
                entry(state, "rows_seen")?.extract()?,
            ],
            entry(state, "learning_rate")?.extract()?,
            entry(state, "previous_loss")?.extract()?,
        )?;
        Ok(T::remember(state))
    }
    if state.is_empty() {
        return Ok(Memory::Fresh);
    }
    let first = optimizer.arrays().first().copied().unwrap_or_default();
    let dtype: String = entry(state, first)?.getattr("dtype")?.getattr("name")?.extract()?;
    if dtype == "float32" { read::<f32>(optimizer, state) } else { read::<f64>(optimizer, state) }
}

fn entry<'py>(state: &Bound<'py, PyDict>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    state.get_item(name)?.ok_or_else(|| {
        PyValueError::new_err(format!("optimizer state must have an entry {name:?}, got none"))
    })
}

fn keywords<'py>(py: Python<'py>, entries: &[(&str, Bound<'py, PyAny>)]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in entries {
        dict.set_item(name, value)?;
    }
    Ok(dict)
}

/// A Python class around an optimizer: constructor, one property a constant, state, pickling.
macro_rules! optimizer_class {
    ($(#[$class_doc:meta])* $class:ident $name:literal { $($(#[$doc:meta])* $constant:ident: $t:ty = $get:expr),* $(,)? } $($new:tt)*) => {
        $(#[$class_doc])*
        #[pyclass(frozen, module = "ferroprop", name = $name)]
        pub(super) struct $class {
            optimizer: crate::$class,
            memory: Mutex<Memory>,
        }

        impl $class {
            fn with(optimizer: crate::$class) -> PyResult<Self> {
                OptimizerState::<f64>::new(Optimizer::$class(optimizer))?;
                Ok(Self { optimizer, memory: Mutex::default() })
            }

            fn slot(&self) -> Slot<'_> {
                Slot { optimizer: Optimizer::$class(self.optimizer), memory: &self.memory }
            }
        }

        #[pymethods]
        impl $class {
            #[new]
            $($new)*

            $(
                $(#[$doc])*
                #[getter]
                fn $constant(&self) -> $t {
                    let get: fn(&crate::$class) -> $t = $get;
                    get(&self.optimizer)
                }
            )*

            /// What the last training left, a copy: counters and one array of shape
            /// (n_parameters,) for each that the rule keeps. Empty before the first training.
            #[getter]
            fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                memory_to_python(py, &self.memory)
            }

            fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
                let entries = [$((stringify!($constant), self.$constant().into_bound_py_any(py)?)),*];
                Ok((PyTuple::empty(py), keywords(py, &entries)?))
            }

            fn __getstate__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                self.state(py)
            }

            fn __setstate__(&self, state: &Bound<'_, PyDict>) -> PyResult<()> {
                let memory = memory_from_python(&Optimizer::$class(self.optimizer), state)?;
                *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = memory;
                Ok(())
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                let constants = [$(
                    format!("{}={}", stringify!($constant), self.$constant().into_bound_py_any(py)?.repr()?)
                ),*];
                Ok(format!("{}({})", $name, constants.join(", ")))
            }
        }
    };
}

optimizer_class! {
    /// Resilient propagation (iRPROP+): full-batch learning without a learning rate.
    ///
    /// Each parameter has a step size of its own, which grows while the sign of its gradient stays
    /// and shrinks when it changes; the magnitude of the gradient plays no part.
    ///
    /// Parameters
    /// ----------
    /// increase : float, default=1.2
    ///     Growth of a step size while the gradient keeps its sign; above 1.
    /// decrease : float, default=0.5
    ///     Shrinkage when the sign changes; between 0 and 1.
    /// initial_step : float, default=0.1
    ///     Every step size at first, in units of the parameters; positive.
    /// min_step : float, default=1e-6
    ///     The smallest step size; 0 is allowed.
    /// max_step : float, default=50.0
    ///     The largest step size.
    ///
    /// References
    /// ----------
    /// C. Igel and M. Hüsken, "Empirical evaluation of the improved Rprop learning algorithms",
    /// Neurocomputing 50, 2003. M. Riedmiller and H. Braun, "A direct adaptive method for faster
    /// backpropagation learning: the RPROP algorithm", ICNN 1993.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> fp.Rprop(initial_step=0.05)
    /// Rprop(increase=1.2, decrease=0.5, initial_step=0.05, min_step=1e-06, max_step=50.0)
    Rprop "Rprop" {
        /// Growth of a step size while the gradient keeps its sign.
        increase: f64 = |rule| rule.increase,
        /// Shrinkage when the sign changes.
        decrease: f64 = |rule| rule.decrease,
        /// Every step size at first.
        initial_step: f64 = |rule| rule.initial_step,
        /// The smallest step size.
        min_step: f64 = |rule| rule.min_step,
        /// The largest step size.
        max_step: f64 = |rule| rule.max_step,
    }

    #[pyo3(signature = (*, increase = Arg::Absent, decrease = Arg::Absent, initial_step = Arg::Absent, min_step = Arg::Absent, max_step = Arg::Absent))]
    #[pyo3(text_signature = "(*, increase=1.2, decrease=0.5, initial_step=0.1, min_step=1e-06, max_step=50.0)")]
    fn new(
        increase: Arg<'_>,
        decrease: Arg<'_>,
        initial_step: Arg<'_>,
        min_step: Arg<'_>,
        max_step: Arg<'_>,
    ) -> PyResult<Self> {
        let default = crate::Rprop::default();
        Self::with(crate::Rprop {
            increase: increase.number("increase", default.increase)?,
            decrease: decrease.number("decrease", default.decrease)?,
            initial_step: initial_step.number("initial_step", default.initial_step)?,
            min_step: min_step.number("min_step", default.min_step)?,
            max_step: max_step.number("max_step", default.max_step)?,
        })
    }
}

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

optimizer_class! {
    /// Adam: adaptive moment estimation.
    ///
    /// Parameters
    /// ----------
    /// learning_rate : float, default=0.001
    ///     The learning rate; positive.
    /// beta_1 : float, default=0.9
    ///     Decay of the mean of the gradients, from 0 to below 1.
    /// beta_2 : float, default=0.999
    ///     Decay of the mean of their squares, from 0 to below 1.
    /// epsilon : float, default=1e-8
    ///     Keeps the quotient finite; positive.
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
        /// The learning rate.
        learning_rate: f64 = |rule| rule.learning_rate,
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
            learning_rate: learning_rate.number("learning_rate", default.learning_rate)?,
            beta_1: beta_1.number("beta_1", default.beta_1)?,
            beta_2: beta_2.number("beta_2", default.beta_2)?,
            epsilon: epsilon.number("epsilon", default.epsilon)?,
        })
    }
}

impl Rprop {
    /// With all defaults.
    pub(super) fn fresh() -> PyResult<Self> {
        Self::with(crate::Rprop::default())
    }
}
