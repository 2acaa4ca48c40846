//! What the Python package sets for threads: a limit on their number, and their arithmetic.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::kernel::StandardMode;
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

/// The floating-point arithmetic that the core computes in, as a context for what Python computes around it:
/// other libraries leave flush-to-zero or another rounding behind.
#[pyclass(name = "_StandardArithmetic", module = "ferroprop._core", frozen)]
pub(super) struct StandardArithmetic(Mutex<Option<StandardMode>>);

#[pymethods]
impl StandardArithmetic {
    #[new]
    fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn __enter__(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(StandardMode::enter());
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, _error: &Bound<'_, PyTuple>) {
        // Dropped here, on the thread that entered.
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
