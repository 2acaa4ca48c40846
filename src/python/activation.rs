//! Activations by name, or as an object where they have hyperparameters.

use std::sync::{PoisonError, RwLock};

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use super::arguments::{text, wrong_type};
use super::catalogue::{
    Kind, class_of, classes_of, entries as entries_of, hyperparameters, index_of, set_formulas, shown,
    values_of,
};
use crate::catalogue::{About, Value};

/// Base class of activations that have hyperparameters; the others are names.
///
/// `ACTIVATIONS` has all of them, with their hyperparameters and formulas. An object cannot be changed; two with
/// the same hyperparameters are equal.
///
/// See Also
/// --------
/// ACTIVATIONS : What there is.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> isinstance(fp.LeakyReLU(slope=0.2), fp.Activation)
/// True
#[pyclass(frozen, subclass, module = "ferroprop")]
pub(super) struct Activation {
    /// Only unpickling changes it.
    held: RwLock<crate::Activation>,
}

impl Activation {
    pub(super) fn held(&self) -> crate::Activation {
        *self.held.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind for Activation {
    const LIST: &'static [&'static About] = &crate::Activation::LIST;

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
) -> PyResult<crate::Activation> {
    let index = index_of::<Activation>(class)?;
    let values = values_of(Activation::LIST[index], arguments, keywords)?;
    Ok(crate::Activation::with_values(index, &values))
}

#[pymethods]
impl Activation {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*arguments, **keywords), text_signature = None)]
    fn new(
        class: &Bound<'_, PyType>,
        arguments: &Bound<'_, PyTuple>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        Ok(Self { held: RwLock::new(made(class, arguments, keywords)?) })
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let held = slf.get().held();
        shown(slf.as_any(), held.about(), &held.values())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().held() == self.held())
    }

    fn __hash__(&self) -> u64 {
        crate::catalogue::hash(self.held().name(), &self.values())
    }

    /// The hyperparameters by name, a copy.
    #[getter]
    fn hyperparameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        hyperparameters(py, self.held().about(), &self.values())
    }

    fn __getstate__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.hyperparameters(py)
    }

    fn __setstate__(slf: &Bound<'_, Self>, state: &Bound<'_, PyDict>) -> PyResult<()> {
        let held = made(&slf.get_type(), &PyTuple::empty(state.py()), Some(state))?;
        *slf.get().held.write().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(())
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let py = slf.py();
        Ok((slf.get_type(), PyTuple::empty(py), slf.get().__getstate__(py)?))
    }
}

/// An activation from its name or its object.
pub(super) fn activation(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<crate::Activation> {
    if let Ok(object) = value.cast::<Activation>() {
        return Ok(object.get().held());
    }
    if value.is_instance_of::<PyString>() {
        return Ok(crate::Activation::from_name(name, &text(name, value)?)?);
    }
    let classes = classes_of::<Activation>("or");
    Err(wrong_type(name, &format!("the name of an activation, or a {classes} object"), value))
}

/// The other way: a name where that says it all.
pub(super) fn to_python(activation: crate::Activation, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let index = crate::Activation::LIST.iter().position(|about| about.name == activation.name());
    let class = index.and_then(|index| class_of::<Activation>(py, index));
    match class {
        Some(class) if !crate::Activation::ALL.contains(&activation) => {
            let keywords = hyperparameters(py, activation.about(), &activation.values())?;
            class.call((), Some(&keywords))
        }
        _ => activation.name().into_bound_py_any(py),
    }
}

/// Whether an activation is in a list.
type IsIn = fn(&About) -> bool;

/// The lists of Python, and what is in each.
pub(super) const KINDS: [(&str, IsIn); 3] = [
    ("_ACTIVATIONS", |about| !about.complex && !about.stochastic),
    ("_COMPLEX_ACTIVATIONS", |about| about.complex),
    ("_STOCHASTIC_ACTIVATIONS", |about| about.stochastic),
];

/// What is known of each activation of a list.
pub(super) fn entries(py: Python<'_>, of: IsIn) -> PyResult<Bound<'_, PyTuple>> {
    let list: Vec<_> = Activation::LIST.iter().copied().filter(|about| of(about)).collect();
    entries_of(py, &list, |index, _, entry| set_formulas(entry, list[index]))
}
