//! What the Python package sets for threads: a limit on their number, and their arithmetic.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::kernel::Mode;
use crate::parallel;

/// Threads of a call that leaves their number open.
#[pyfunction]
pub(super) fn _n_threads() -> usize {
    parallel::threads(None)
}

/// The most threads of any call in this process, None for no limit.
#[pyfunction]
pub(super) fn _thread_limit() -> Option<usize> {
    parallel::thread_limit()
}

/// Set the most threads of any call in this process, or lift the limit.
#[pyfunction]
pub(super) fn _set_thread_limit(limit: Option<usize>) {
    parallel::set_thread_limit(limit);
}

/// A floating-point mode as a context.
macro_rules! arithmetic {
    ($(#[$doc:meta])* $name:ident $python_name:literal $enter:path) => {
        $(#[$doc])*
        #[pyclass(name = $python_name, module = "ferroprop._core", frozen)]
        pub(super) struct $name(Mutex<Option<Mode>>);

        #[pymethods]
        impl $name {
            #[new]
            fn new() -> Self {
                Self(Mutex::new(None))
            }

            fn __enter__(&self) {
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some($enter());
            }

            #[pyo3(signature = (*_error))]
            fn __exit__(&self, _error: &Bound<'_, PyTuple>) {
                // Dropped here, on the thread that entered.
                drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
            }
        }
    };
}

arithmetic! {
    /// Standard floating-point arithmetic, for what Python computes around the core: other libraries leave
    /// flush-to-zero or another rounding behind.
    StandardArithmetic "_StandardArithmetic" Mode::gradual
}

arithmetic! {
    /// The arithmetic that was there before, for functions of the caller's that are called meanwhile.
    CallersArithmetic "_CallersArithmetic" Mode::callers
}
