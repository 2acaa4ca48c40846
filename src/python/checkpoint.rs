//! Checkpoints of trainings, with notes of the estimators.

use std::path::PathBuf;

use pyo3::prelude::*;

use super::arguments::path;
use crate::{Checkpoint, Note};

/// A checkpoint, and what gives its note.
pub(super) struct Saving {
    pub checkpoint: Checkpoint,
    pub note: Option<Py<PyAny>>,
}

pub(super) fn saving(value: Option<&Bound<'_, PyAny>>, every: usize) -> PyResult<Option<Saving>> {
    let Some(value) = value else { return Ok(None) };
    if let Ok(noted) = value.cast::<NotedCheckpoint>() {
        let NotedCheckpoint { path, note } = noted.get();
        let note = Some(note.clone_ref(value.py()));
        return Ok(Some(Saving { checkpoint: Checkpoint { path: path.clone(), every }, note }));
    }
    let path = path("checkpoint", value)?;
    Ok(Some(Saving { checkpoint: Checkpoint { path, every }, note: None }))
}

/// A path with a function that gives a text and numbers for the checkpoint; for the estimators.
#[pyclass(frozen, module = "ferroprop._core")]
pub(super) struct NotedCheckpoint {
    path: PathBuf,
    note: Py<PyAny>,
}

#[pymethods]
impl NotedCheckpoint {
    #[new]
    #[pyo3(signature = (path, note), text_signature = "(path, note)")]
    fn new(path: &Bound<'_, PyAny>, note: Py<PyAny>) -> PyResult<Self> {
        Ok(Self { path: self::path("checkpoint", path)?, note })
    }
}

/// The note in a checkpoint; None if there is no such file.
#[pyfunction]
pub(super) fn checkpoint_note(path: &Bound<'_, PyAny>) -> PyResult<Option<(String, Vec<f64>)>> {
    let note = crate::training::note(&self::path("checkpoint", path)?)?;
    Ok(note.map(|Note { text, numbers }| (text, numbers)))
}
