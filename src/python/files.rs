//! Files that the Python package writes, replaced as the core replaces its own.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;

use super::arguments::path;
use crate::Error;
use crate::durable::{self, Replacement};

/// A context to write a file in: gives the path of a temporary file, which takes the place of the file when
/// all went well, and else is removed. For the command line.
#[pyclass(frozen, module = "ferroprop._core", name = "_Replacement")]
pub(super) struct PyReplacement {
    path: PathBuf,
    begun: Mutex<Option<Replacement>>,
}

impl PyReplacement {
    fn take(&self) -> Option<Replacement> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn error(&self, source: std::io::Error) -> PyErr {
        Error::Io { path: self.path.display().to_string(), source }.into()
    }
}

#[pymethods]
impl PyReplacement {
    #[new]
    #[pyo3(signature = (path), text_signature = "(path)")]
    fn new(path: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { path: self::path("path", path)?, begun: Mutex::default() })
    }

    fn __enter__(&self, py: Python<'_>) -> PyResult<PathBuf> {
        let replacement = py.detach(|| Replacement::begin(&self.path)).map_err(|error| self.error(error))?;
        let temporary = replacement.path().to_owned();
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(replacement);
        Ok(temporary)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        match self.take() {
            Some(replacement) if kind.is_none() => {
                py.detach(|| replacement.commit()).map_err(|error| self.error(error))
            }
            _ => Ok(()),
        }
    }
}

/// Checks that a file could be replaced, and changes nothing.
#[pyfunction]
pub(super) fn _check_replaceable(py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<()> {
    let path = self::path("path", path)?;
    py.detach(|| durable::check_replaceable(&path))
        .map_err(|source| Error::Io { path: path.display().to_string(), source }.into())
}
