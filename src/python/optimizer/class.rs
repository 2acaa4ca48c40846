//! What the Python classes of all optimizers have in common.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::arguments::wrong_type;

pub(super) fn keywords<'py>(
    py: Python<'py>,
    entries: &[(&str, Bound<'py, PyAny>)],
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in entries {
        dict.set_item(name, value)?;
    }
    Ok(dict)
}

/// The entry of a pickled state that holds the constants, beside what the rule remembers.
pub(super) const CONSTANTS: &str = "constants";

/// The constants in a pickled state, if it has them, and what the rule remembers.
pub(super) fn split<'py>(
    state: &Bound<'py, PyDict>,
) -> PyResult<(Option<Bound<'py, PyDict>>, Bound<'py, PyDict>)> {
    let memory = state.copy()?;
    let Some(constants) = state.get_item(CONSTANTS)? else { return Ok((None, memory)) };
    memory.del_item(CONSTANTS)?;
    let constants = constants
        .cast_into::<PyDict>()
        .map_err(|error| wrong_type("the optimizer's constants", "a dict", &error.into_inner()))?;
    Ok((Some(constants), memory))
}

/// A Python class around an optimizer, and what it needs in scope: constructor, one property a constant,
/// state, pickling.
macro_rules! optimizer_class {
    ($(#[$class_doc:meta])* $class:ident $name:literal { $($(#[$doc:meta])* $constant:ident: $t:ty = $get:expr),* $(,)? } $($new:tt)*) => {
        use std::sync::{Arc, Mutex, PoisonError, RwLock};

        use pyo3::IntoPyObjectExt;
        use pyo3::types::{PyDict, PyType};

        use super::class::{CONSTANTS, keywords, split};
        use super::memory::{SharedMemory, Slot, memory_from_python, memory_to_python, shared};
        use crate::{Optimizer, OptimizerState};

        $(#[$class_doc])*
        #[pyclass(frozen, module = "ferroprop", name = $name)]
        pub(in crate::python) struct $class {
            /// Changed by unpickling alone.
            optimizer: RwLock<crate::$class>,
            memory: SharedMemory,
        }

        impl $class {
            fn with(optimizer: crate::$class) -> PyResult<Self> {
                OptimizerState::<f64>::new(Optimizer::$class(optimizer.clone()))?;
                Ok(Self { optimizer: RwLock::new(optimizer), memory: Mutex::default() })
            }

            fn optimizer(&self) -> crate::$class {
                self.optimizer.read().unwrap_or_else(PoisonError::into_inner).clone()
            }

            pub(super) fn slot(&self) -> Slot<'_> {
                Slot::new(Optimizer::$class(self.optimizer()), &self.memory)
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
                    get(&self.optimizer())
                }
            )*

            /// Make one step by hand: move a vector, given its gradient.
            ///
            /// What the rule remembers from one step to the next stays in this object; another
            /// vector needs another object. A learning rate that changes by step
            /// needs a `Schedule` with ``steps`` of its own, or a function; one that changes by epoch
            /// stays as it is. A penalty is the caller's to add, to the gradient and to the loss.
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

            /// The constants alone, of which another object of this kind is made.
            fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((), Bound<'py, PyDict>)> {
                let entries = [$((stringify!($constant), self.$constant().into_bound_py_any(py)?)),*];
                Ok(((), keywords(py, &entries)?))
            }

            /// Every protocol of pickle knows this form. skops makes an object without arguments and
            /// hands it the state, so the constants are part of it.
            fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyType>, (), Bound<'py, PyDict>)> {
                Ok((py.get_type::<Self>(), (), self.__getstate__(py)?))
            }

            fn __getstate__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                let state = self.state(py)?;
                state.set_item(CONSTANTS, self.__getnewargs_ex__(py)?.1)?;
                Ok(state)
            }

            fn __setstate__(&self, state: &Bound<'_, PyDict>) -> PyResult<()> {
                let (constants, memory) = split(state)?;
                let mut optimizer = self.optimizer();
                if let Some(constants) = constants {
                    let made = state.py().get_type::<Self>().call((), Some(&constants))?;
                    optimizer = made.cast::<Self>()?.get().optimizer();
                }
                let memory = memory_from_python(&Optimizer::$class(optimizer.clone()), &memory)?;
                *self.optimizer.write().unwrap_or_else(PoisonError::into_inner) = optimizer;
                *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(memory);
                Ok(())
            }

            fn __copy__(&self) -> Self {
                Self { optimizer: RwLock::new(self.optimizer()), memory: Mutex::new(shared(&self.memory)) }
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

pub(super) use optimizer_class;
