//! The orders of rows that scikit-learn draws from NumPy's generator; for the estimators.

use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::prelude::*;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::memory::try_collect;
use crate::random::{self, MersenneTwister, WORDS};

/// A function of the epoch that `train` calls without Python.
#[pyclass(frozen, module = "ferroprop._core")]
pub(super) struct RowOrders(Mutex<random::RowOrders>);

impl RowOrders {
    fn orders(&self) -> MutexGuard<'_, random::RowOrders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of_epoch(&self, epoch: usize) -> crate::Result<Vec<u32>> {
        try_collect(self.orders().of_epoch(epoch).iter().copied())
    }
}

#[pymethods]
impl RowOrders {
    /// The state of the generator is that of `numpy.random.MT19937`.
    #[new]
    #[pyo3(signature = (n_rows, key, pos), text_signature = "(n_rows, key, pos)")]
    fn new(n_rows: u32, key: PyReadonlyArray1<'_, u32>, pos: usize) -> PyResult<Self> {
        let words: Vec<u32> = key.as_array().to_vec();
        let got = words.len();
        let words: [u32; WORDS] = words
            .try_into()
            .map_err(|_| PyValueError::new_err(format!("key must hold {WORDS} numbers, got {got}")))?;
        Ok(Self(Mutex::new(random::RowOrders::new(MersenneTwister::new(&words, pos), n_rows)?)))
    }

    /// Return the order of an epoch, 1 for the first.
    fn __call__<'py>(&self, py: Python<'py>, epoch: usize) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let order = py.detach(|| self.of_epoch(epoch))?;
        Ok(PyArray1::from_iter(py, order.into_iter().map(i64::from)))
    }

    /// How many orders were drawn.
    #[getter]
    fn drawn(&self) -> usize {
        self.orders().drawn()
    }

    /// The state of the generator after the last order that was drawn: `key` and `pos`.
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> (Bound<'py, PyArray1<u32>>, usize) {
        let orders = self.orders();
        let (words, used) = orders.generator().state();
        (words.to_pyarray(py), used)
    }
}
