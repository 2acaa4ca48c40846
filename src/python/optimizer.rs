//! `ferroprop.Rprop`, `GRprop`, `SARPROP`, `SGD`, `Adam`, `AdamW`: constants, what the last training
//! left, and steps by hand.

use std::sync::{Mutex, PoisonError};

use numpy::{PyArray1, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use super::arguments::{Arg, number, text, wrong, wrong_type};
use super::arrays::{Changed, Vector, vector};
use crate::{Choice, InitialStep, Optimizer, OptimizerState, Scalar, Schedule, StepSizes, Variant};

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
    fn recall_mut(memory: &mut Memory) -> Option<&mut OptimizerState<Self>>;
    fn remember(state: OptimizerState<Self>) -> Memory;
}

impl Remembered for f32 {
    fn recall(memory: &Memory) -> Option<&OptimizerState<Self>> {
        if let Memory::Single(state) = memory { Some(state) } else { None }
    }
    fn recall_mut(memory: &mut Memory) -> Option<&mut OptimizerState<Self>> {
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
    fn recall_mut(memory: &mut Memory) -> Option<&mut OptimizerState<Self>> {
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
        let state = T::recall(&memory).map(OptimizerState::try_clone).transpose()?;
        state.ok_or_else(|| {
            PyValueError::new_err(format!(
                "optimizer must have been used with a {} network before for warm_start=True",
                T::NAME
            ))
        })
    }

    pub fn keep<T: Remembered>(&self, state: OptimizerState<T>) {
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = T::remember(state);
    }

    /// A step by hand on a vector of Python's.
    fn step(
        &self,
        parameters: &Bound<'_, PyAny>,
        gradient: &Bound<'_, PyAny>,
        loss: &Arg<'_>,
    ) -> PyResult<()> {
        if parameters.cast::<PyArray1<f32>>().is_ok() {
            self.step_typed::<f32>(parameters, gradient, loss)
        } else if parameters.cast::<PyArray1<f64>>().is_ok() {
            self.step_typed::<f64>(parameters, gradient, loss)
        } else {
            let expected = "a NumPy vector of float32 or float64, to be changed in place";
            Err(match parameters.cast::<PyUntypedArray>() {
                Err(_) => wrong_type("parameters", expected, parameters),
                Ok(array) if array.ndim() == 1 => PyTypeError::new_err(format!(
                    "parameters must be {expected}, got dtype {}",
                    array.dtype()
                )),
                Ok(array) => PyValueError::new_err(format!(
                    "parameters must be {expected}, got shape {}",
                    array.getattr("shape")?
                )),
            })
        }
    }

    fn step_typed<T: Remembered + numpy::Element>(
        &self,
        parameters: &Bound<'_, PyAny>,
        gradient: &Bound<'_, PyAny>,
        loss: &Arg<'_>,
    ) -> PyResult<()> {
        // Copies are what is checked and what is used, whatever other threads do to the arrays.
        let gradient = Vector::<T>::new("gradient", gradient)?.numbers()?;
        let loss = loss.optional_number("loss")?;
        let mut parameters = Changed::<T>::new("parameters", parameters)?;
        let mut numbers = parameters.numbers()?;
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = T::recall_mut(&mut memory) {
            state.step(&mut numbers, &gradient, loss)?;
        } else if matches!(*memory, Memory::Fresh) {
            let mut state = OptimizerState::new(self.optimizer.clone())?;
            state.step(&mut numbers, &gradient, loss)?;
            *memory = T::remember(state);
        } else {
            let other = if T::NAME == f32::NAME { f64::NAME } else { f32::NAME };
            return Err(PyTypeError::new_err(format!(
                "parameters must be {other}, as in the steps before, got {}",
                T::NAME
            )));
        }
        parameters.write(&numbers);
        Ok(())
    }
}

/// Calls `use_it` with the optimizer in a Python object.
pub(super) fn with_optimizer<R>(
    value: &Bound<'_, PyAny>,
    use_it: impl FnOnce(Slot<'_>) -> PyResult<R>,
) -> PyResult<R> {
    if value.is_instance_of::<PyString>() {
        let optimizer = Optimizer::from_name(&text("optimizer", value)?)?;
        use_it(Slot { optimizer, memory: &Mutex::default() })
    } else if let Ok(rprop) = value.cast::<Rprop>() {
        use_it(rprop.get().slot())
    } else if let Ok(grprop) = value.cast::<GRprop>() {
        use_it(grprop.get().slot())
    } else if let Ok(sarprop) = value.cast::<Sarprop>() {
        use_it(sarprop.get().slot())
    } else if let Ok(sgd) = value.cast::<Sgd>() {
        use_it(sgd.get().slot())
    } else if let Ok(adam) = value.cast::<Adam>() {
        use_it(adam.get().slot())
    } else if let Ok(adamw) = value.cast::<AdamW>() {
        use_it(adamw.get().slot())
    } else {
        Err(wrong_type("optimizer", "a Rprop, GRprop, SARPROP, SGD, Adam or AdamW object, or a name", value))
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
            into.set_item(name, vector(into.py(), array.into())?)?;
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
            arrays.push(array.numbers()?);
        }
        let counted = |name: &str| {
            let value = entry(state, name)?;
            value.extract::<u64>().map_err(|_| wrong(name, "a number of times", &value))
        };
        let state = OptimizerState::restore(
            optimizer.clone(),
            arrays,
            [counted("steps")?, counted("epochs")?, counted("rows_seen")?],
            Arg::Given(entry(state, "learning_rate")?).optional_number("learning_rate")?,
            number("previous_loss", &entry(state, "previous_loss")?)?,
        )?;
        Ok(T::remember(state))
    }
    if state.is_empty() {
        return Ok(Memory::Fresh);
    }
    let first = optimizer.arrays().first().copied().unwrap_or_default();
    let array = entry(state, first)?;
    if array.cast::<PyArray1<f32>>().is_ok() {
        read::<f32>(optimizer, state)
    } else if array.cast::<PyArray1<f64>>().is_ok() {
        read::<f64>(optimizer, state)
    } else {
        Err(wrong_type(first, "a NumPy vector of float32 or float64", &array))
    }
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

            /// Make one step by hand: move a vector, given its gradient.
            ///
            /// What the rule remembers from one step to the next stays in this object; another
            /// vector needs another object. A learning rate stays as it is (schedules belong to
            /// `train`), and a penalty is the caller's to add, to the gradient and to the loss.
            ///
            /// Parameters
            /// ----------
            /// parameters : ndarray of shape (n,), float32 or float64
            ///     Changed in place; contiguous or with any stride. Length and dtype are the same in
            ///     all steps of one object.
            /// gradient : array-like of shape (n,)
            ///     The gradient of the loss at `parameters`; finite numbers.
            /// loss : float or None, default=None
            ///     The loss at `parameters`. Only ``Rprop("irprop+")``, which is the default
            ///     variant, and ``SARPROP`` look at it, and then need it.
            ///
            /// Raises
            /// ------
            /// ValueError
            ///     If shapes do not fit, a number is not finite, `parameters` is read-only, or the
            ///     loss is missing. Nothing is changed then.
            /// TypeError
            ///     If an argument is of the wrong kind.
            ///
            /// Examples
            /// --------
            /// >>> import numpy as np
            /// >>> import ferroprop as fp
            /// >>> w, optimizer = np.array([1.0, -0.3]), fp.Rprop("irprop-")
            /// >>> for _ in range(80):
            /// ...     optimizer.step(w, [w[0] + w[1], w[0] + 10 * w[1]])
            /// >>> bool(abs(w).max() < 1e-3)
            /// True
            #[pyo3(signature = (parameters, gradient, loss = Arg::Absent))]
            #[pyo3(text_signature = "($self, parameters, gradient, loss=None)")]
            fn step(
                &self,
                parameters: &Bound<'_, PyAny>,
                gradient: &Bound<'_, PyAny>,
                loss: Arg<'_>,
            ) -> PyResult<()> {
                self.slot().step(parameters, gradient, &loss)
            }

            /// What the last training or step left, a copy: counters and one array of shape
            /// (n_parameters,) for each that the rule keeps. Empty before the first.
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

/// The constants that the rules of the Rprop family share, as they came.
struct Sizes<'a, 'py> {
    increase: &'a Arg<'py>,
    decrease: &'a Arg<'py>,
    initial_step: &'a Arg<'py>,
    min_step: &'a Arg<'py>,
    max_step: &'a Arg<'py>,
    seed: &'a Arg<'py>,
}

impl Sizes<'_, '_> {
    fn read(&self, default: StepSizes) -> PyResult<StepSizes> {
        Ok(StepSizes {
            increase: self.increase.number("increase", default.increase)?,
            decrease: self.decrease.number("decrease", default.decrease)?,
            initial: match self.initial_step {
                Arg::Absent => default.initial,
                Arg::Given(value) => initial_step(value)?,
            },
            min: self.min_step.number("min_step", default.min)?,
            max: self.max_step.number("max_step", default.max)?,
            seed: self.seed.seed()?,
        })
    }
}

fn initial_step(value: &Bound<'_, PyAny>) -> PyResult<InitialStep> {
    if !value.is_instance_of::<PyTuple>() && !value.is_instance_of::<PyList>() {
        let expected = "a real number or a tuple (low, high)";
        return value
            .extract()
            .map(InitialStep::Same)
            .map_err(|_| wrong_type("initial_step", expected, value));
    }
    let items = value.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    let [low, high] = items.as_slice() else {
        return Err(wrong("initial_step", "a number or a tuple (low, high)", value));
    };
    Ok(InitialStep::Drawn { low: number("initial_step", low)?, high: number("initial_step", high)? })
}

/// [`InitialStep`] for Python: a number or a tuple.
#[derive(IntoPyObject)]
enum Initial {
    Same(f64),
    Drawn((f64, f64)),
}

impl From<InitialStep> for Initial {
    fn from(step: InitialStep) -> Self {
        match step {
            InitialStep::Same(step) => Self::Same(step),
            InitialStep::Drawn { low, high } => Self::Drawn((low, high)),
        }
    }
}

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
        let sizes = Sizes {
            increase: &increase,
            decrease: &decrease,
            initial_step: &initial_step,
            min_step: &min_step,
            max_step: &max_step,
            seed: &seed,
        };
        Self::with(crate::Rprop {
            variant: Variant::from_name(&variant.text("variant", Variant::default().name())?)?,
            step_sizes: sizes.read(StepSizes::default())?,
        })
    }
}

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
        let sizes = Sizes {
            increase: &increase,
            decrease: &decrease,
            initial_step: &initial_step,
            min_step: &min_step,
            max_step: &max_step,
            seed: &seed,
        };
        Self::with(crate::GRprop {
            step_sizes: sizes.read(default.step_sizes)?,
            offset: offset.number("offset", default.offset)?,
            choice: Choice::from_name(&choice.text("choice", default.choice.name())?)?,
        })
    }
}

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
        let sizes = Sizes {
            increase: &increase,
            decrease: &decrease,
            initial_step: &initial_step,
            min_step: &min_step,
            max_step: &max_step,
            seed: &seed,
        };
        Self::with(crate::Sarprop {
            step_sizes: sizes.read(default.step_sizes)?,
            temperature: temperature.number("temperature", default.temperature)?,
            threshold: threshold.number("threshold", default.threshold)?,
            noise: noise.number("noise", default.noise)?,
            weight_decay: weight_decay.number("weight_decay", default.weight_decay)?,
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
    /// learning_rate : float, default=0.001
    ///     The learning rate; positive.
    /// beta_1 : float, default=0.9
    ///     Decay of the mean of the gradients, from 0 to below 1.
    /// beta_2 : float, default=0.999
    ///     Decay of the mean of their squares, from 0 to below 1.
    /// epsilon : float, default=1e-8
    ///     Keeps the quotient finite; positive.
    /// weight_decay : float, default=0.01
    ///     The part of a weight that a learning rate of 1 takes off; 0 or positive.
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
        /// The learning rate.
        learning_rate: f64 = |rule| rule.adam.learning_rate,
        /// Decay of the mean of the gradients.
        beta_1: f64 = |rule| rule.adam.beta_1,
        /// Decay of the mean of their squares.
        beta_2: f64 = |rule| rule.adam.beta_2,
        /// Keeps the quotient finite.
        epsilon: f64 = |rule| rule.adam.epsilon,
        /// The part of a weight that a learning rate of 1 takes off.
        weight_decay: f64 = |rule| rule.weight_decay,
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
                learning_rate: learning_rate.number("learning_rate", default.adam.learning_rate)?,
                beta_1: beta_1.number("beta_1", default.adam.beta_1)?,
                beta_2: beta_2.number("beta_2", default.adam.beta_2)?,
                epsilon: epsilon.number("epsilon", default.adam.epsilon)?,
            },
            weight_decay: weight_decay.number("weight_decay", default.weight_decay)?,
        })
    }
}

impl Rprop {
    /// With all defaults.
    pub(super) fn fresh() -> PyResult<Self> {
        Self::with(crate::Rprop::default())
    }
}
