//! Optimizers as Python objects: hyperparameters, what the last training left, and steps by hand.

mod memory;

use std::sync::{Arc, PoisonError, RwLock};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use super::arguments::{Arg, text, wrong_type};
use super::catalogue::{
    Kind, classes_of, entries as entries_of, hyperparameters, index_of, shown, values_of,
};
use crate::OptimizerState;
use crate::catalogue::{About, Value};
pub(super) use memory::Remembered;
use memory::Slot;
use memory::{SharedMemory, memory_from_python, memory_to_python, shared};

/// Base class of optimizers.
///
/// An object has the hyperparameters of its rule, which cannot be changed, and remembers what the last
/// training or step left. `OPTIMIZERS` has all of them, with the names of their classes.
///
/// See Also
/// --------
/// OPTIMIZERS : What there is.
/// train : Takes an optimizer, or its name.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> isinstance(fp.Adam(), fp.Optimizer)
/// True
#[pyclass(frozen, subclass, module = "ferroprop")]
pub(super) struct Optimizer {
    /// Only unpickling changes it.
    held: RwLock<crate::Optimizer>,
    memory: SharedMemory,
}

impl Optimizer {
    fn held(&self) -> crate::Optimizer {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn slot(&self) -> Slot<'_> {
        Slot::new(self.held(), &self.memory)
    }
}

impl Kind for Optimizer {
    const LIST: &'static [&'static About] = &crate::Optimizer::LIST;

    fn values(&self) -> Vec<Value> {
        self.held().values()
    }

    fn classes() -> &'static PyOnceLock<Vec<Option<Py<PyType>>>> {
        static CLASSES: PyOnceLock<Vec<Option<Py<PyType>>>> = PyOnceLock::new();
        &CLASSES
    }
}

/// The one that a class makes of its arguments.
fn made(
    class: &Bound<'_, PyType>,
    arguments: &Bound<'_, PyTuple>,
    keywords: Option<&Bound<'_, PyDict>>,
) -> PyResult<crate::Optimizer> {
    let index = index_of::<Optimizer>(class)?;
    let values = values_of(Optimizer::LIST[index], arguments, keywords)?;
    let optimizer = crate::Optimizer::with_values(index, &values);
    OptimizerState::<f64>::new(optimizer.clone())?;
    Ok(optimizer)
}

#[pymethods]
impl Optimizer {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*arguments, **keywords), text_signature = None)]
    fn new(
        class: &Bound<'_, PyType>,
        arguments: &Bound<'_, PyTuple>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let held = made(class, arguments, keywords)?;
        Ok(Self { held: RwLock::new(held), memory: SharedMemory::default() })
    }

    /// Make one step by hand: move a vector, given its gradient.
    ///
    /// What the rule remembers from one step to the next stays in this object; another
    /// vector needs another object. A learning rate that changes by step needs a `Schedule` with
    /// ``steps`` of its own, or a function; one that changes by epoch stays as it is. A penalty is the
    /// caller's to add, to the gradient and to the loss.
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

    /// The hyperparameters by name, a copy.
    #[getter]
    fn hyperparameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let held = self.held();
        hyperparameters(py, held.about(), &held.values())
    }

    /// What the last training or step left, a copy: counters and one array of shape
    /// (n_parameters,) for each that the rule keeps. Empty before the first, and after a training that
    /// diverged: what led there is no place to go on from.
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        memory_to_python(py, &self.memory)
    }

    /// Return what the last training or step left, to go on from elsewhere.
    ///
    /// Returns
    /// -------
    /// state : dict
    ///     A copy of `state`. The hyperparameters are not in it.
    ///
    /// See Also
    /// --------
    /// load_state_dict : Goes on from it.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> optimizer = fp.Adam()
    /// >>> optimizer.state_dict()
    /// {}
    fn state_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.state(py)
    }

    /// Go on from what `state_dict` of an optimizer of this class has returned.
    ///
    /// Parameters
    /// ----------
    /// state : dict
    ///     What to go on from, with ``warm_start=True`` of `train` or a step by hand; an empty one is a fresh
    ///     start.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If an entry is missing, or a value outside its domain; nothing changes then.
    /// TypeError
    ///     If an entry is of the wrong kind.
    ///
    /// Examples
    /// --------
    /// >>> import numpy as np
    /// >>> import ferroprop as fp
    /// >>> first, second = fp.Adam(), fp.Adam()
    /// >>> first.step(np.zeros(2), [1.0, -1.0])
    /// >>> second.load_state_dict(first.state_dict())
    /// >>> second.state["steps"]
    /// 1
    fn load_state_dict(&self, state: &Bound<'_, PyAny>) -> PyResult<()> {
        let Ok(state) = state.cast::<PyDict>() else { return Err(wrong_type("state", "a dict", state)) };
        let memory = memory_from_python(&self.held(), state)?;
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(memory);
        Ok(())
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let held = slf.get().held();
        shown(slf.as_any(), held.about(), &held.values())
    }

    fn __copy__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let copy = slf.get_type().call0()?;
        let (to, from) = (copy.cast::<Self>()?.get(), slf.get());
        *to.held.write().unwrap_or_else(PoisonError::into_inner) = from.held();
        *to.memory.lock().unwrap_or_else(PoisonError::into_inner) = shared(&from.memory);
        Ok(copy)
    }

    fn __getstate__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        all.set_item("hyperparameters", self.hyperparameters(py)?)?;
        all.set_item("state", self.state(py)?)?;
        Ok(all)
    }

    fn __setstate__(slf: &Bound<'_, Self>, state: &Bound<'_, PyDict>) -> PyResult<()> {
        let entry = |name: &str| -> PyResult<Bound<'_, PyDict>> {
            let entry = state.get_item(name)?.and_then(|entry| entry.cast_into::<PyDict>().ok());
            entry.ok_or_else(|| PyTypeError::new_err("the state of an optimizer must be that of its pickle"))
        };
        let held = made(&slf.get_type(), &PyTuple::empty(state.py()), Some(&entry("hyperparameters")?))?;
        let memory = memory_from_python(&held, &entry("state")?)?;
        *slf.get().held.write().unwrap_or_else(PoisonError::into_inner) = held;
        *slf.get().memory.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(memory);
        Ok(())
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let py = slf.py();
        Ok((slf.get_type(), PyTuple::empty(py), slf.get().__getstate__(py)?))
    }
}

/// What came as `optimizer`: an object, whose memory it keeps, or only a rule.
pub(super) enum Chosen<'py> {
    Object(Bound<'py, Optimizer>),
    Rule(crate::Optimizer),
}

impl<'py> Chosen<'py> {
    /// An optimizer from its name or its object; for None the default.
    pub fn of(value: &Arg<'py>) -> PyResult<Self> {
        let Some(value) = value.some() else { return Ok(Self::Rule(crate::Optimizer::default())) };
        if value.is_instance_of::<PyString>() {
            Ok(Self::Rule(crate::Optimizer::from_name(&text("optimizer", value)?)?))
        } else if let Ok(object) = value.cast::<Optimizer>() {
            Ok(Self::Object(object.clone()))
        } else {
            let classes = classes_of::<Optimizer>("or");
            Err(wrong_type("optimizer", &format!("a {classes} object, or a name"), value))
        }
    }

    /// The state that a training begins with.
    pub fn state<T: Remembered>(&self, warm_start: bool) -> PyResult<OptimizerState<T>> {
        match self {
            Self::Object(object) => object.get().slot().state(warm_start),
            Self::Rule(optimizer) => Ok(OptimizerState::new(optimizer.clone())?),
        }
    }

    /// Keeps the state that a training ended with.
    pub fn keep<T: Remembered>(&self, state: OptimizerState<T>) {
        if let Self::Object(object) = self {
            object.get().slot().keep(state);
        }
    }

    /// Whether both are the same object.
    pub fn is(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Object(one), Self::Object(other)) if one.is(other))
    }
}

/// What is known of each optimizer.
pub(super) fn entries(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
    entries_of(py, Optimizer::LIST, |index, values, entry| {
        let optimizer = crate::Optimizer::with_values(index, values);
        entry.set_item("arrays", PyTuple::new(py, optimizer.arrays())?)?;
        entry.set_item("adds", optimizer.about().value)?;
        entry.set_item("takes_mini_batches", optimizer.takes_mini_batches())?;
        entry.set_item("has_learning_rate", optimizer.learning_rate().is_some())?;
        entry.set_item("decays_weights", optimizer.weight_decay().is_some())
    })
}
