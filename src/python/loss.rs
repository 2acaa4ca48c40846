//! Losses by name, as an object where they have hyperparameters, or as a function.

use std::sync::{Mutex, PoisonError, RwLock};

use ndarray::{ArrayView2, ArrayViewMut2};
use numpy::Element;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::activation::activation;
use super::arguments::{Arg, type_name, wrong_type};
use super::arrays::{Hold, Matrix, Vector, in_field, matrix};
use super::call::attach;
use super::catalogue::{
    Kind, classes_of, entries as entries_of, hyperparameters, index_of, set_formulas, shown, values_of,
};
use super::signals::keep;
use crate::catalogue::{About, Value};
use crate::{Activation, Objective, RowLoss, Scalar};

/// Base class of losses that have hyperparameters; the others are names.
///
/// `LOSSES` has all of them, with their hyperparameters and formulas, and what outputs and targets they go with.
/// An object cannot be changed; two with the same hyperparameters are equal.
///
/// See Also
/// --------
/// LOSSES : What there is.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> isinstance(fp.Huber(delta=2.0), fp.Loss)
/// True
#[pyclass(frozen, subclass, module = "ferroprop")]
pub(super) struct Loss {
    /// Only unpickling changes it.
    held: RwLock<crate::Loss>,
}

impl Loss {
    pub(super) fn held(&self) -> crate::Loss {
        *self.held.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind for Loss {
    const LIST: &'static [&'static About] = &crate::Loss::LIST;

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
) -> PyResult<crate::Loss> {
    let index = index_of::<Loss>(class)?;
    let values = values_of(Loss::LIST[index], arguments, keywords)?;
    Ok(crate::Loss::with_values(index, &values))
}

#[pymethods]
impl Loss {
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

/// What came as `loss`.
pub(super) enum Given {
    Natural,
    Loss(crate::Loss),
    Function(Py<PyAny>),
}

/// A loss from its name, its object or a function; nothing for None.
pub(super) fn loss(value: &Arg<'_>) -> PyResult<Given> {
    let Some(value) = value.some() else { return Ok(Given::Natural) };
    let loss = if let Ok(object) = value.cast::<Loss>() {
        object.get().held()
    } else if let Ok(name) = value.extract::<String>() {
        crate::Loss::from_name(&name)?
    } else if value.is_callable() {
        return Ok(Given::Function(value.clone().unbind()));
    } else {
        let classes = classes_of::<Loss>("or");
        let expected = format!("the name of a loss, a {classes} object, a function or None");
        return Err(wrong_type("loss", &expected, value));
    };
    Ok(Given::Loss(loss))
}

impl Given {
    /// As the crate takes it; exceptions of a function are put where `raised` is.
    pub fn own<'a>(&'a self, raised: &'a Mutex<Option<PyErr>>, complex: bool) -> Option<OwnLoss<'a>> {
        match self {
            Self::Function(function) => Some(OwnLoss { function, raised, complex }),
            _ => None,
        }
    }

    /// The objective for a network with this output; `own` is what [`Given::own`] gave.
    pub fn objective<'a, T: Scalar + Element>(
        &self,
        output: Activation,
        own: Option<&'a OwnLoss<'a>>,
    ) -> Objective<'a, T> {
        match (self, own) {
            (_, Some(own)) => Objective::Custom(own),
            (Self::Loss(loss), None) => Objective::Loss(*loss),
            _ => Objective::Loss(crate::Loss::natural(output)),
        }
    }
}

/// A Python function from outputs and targets to losses and gradients.
pub(super) struct OwnLoss<'a> {
    function: &'a Py<PyAny>,
    raised: &'a Mutex<Option<PyErr>>,
    /// Whether outputs, targets and gradients are complex.
    complex: bool,
}

impl<T: Scalar + Element> RowLoss<T> for OwnLoss<'_> {
    fn losses_and_gradients(
        &self,
        outputs: ArrayView2<'_, T>,
        targets: ArrayView2<'_, T>,
        losses: &mut [T],
        mut gradients: ArrayViewMut2<'_, T>,
    ) -> bool {
        let called = attach(|py| {
            let array = |numbers| in_field::<T>(matrix(py, numbers)?.into_any(), self.complex);
            let arguments = (array(outputs)?, array(targets)?);
            let answer = self.function.call1(py, arguments)?;
            let answer = answer.bind(py);
            let (own_losses, own_gradients): (Bound<'_, PyAny>, Bound<'_, PyAny>) =
                answer.extract().map_err(|_| {
                    pyo3::exceptions::PyTypeError::new_err(format!(
                        "loss must return a tuple (losses, gradients), got {}",
                        type_name(answer)
                    ))
                })?;
            let names = ["the losses that loss returns", "the gradients that loss returns"];
            let own_losses = Vector::<T>::new(names[0], &own_losses, Hold::Itself)?;
            let own_losses = own_losses.view();
            if own_losses.len() != losses.len() {
                let expected = format!("({},)", losses.len());
                return Err(crate::Error::shape(names[0], expected, own_losses.shape()).into());
            }
            let parts = if self.complex { 2 } else { 1 };
            let own_gradients = if self.complex {
                Matrix::<T>::parts(names[1], &own_gradients, false)?
            } else {
                Matrix::<T>::new(names[1], &own_gradients, Hold::Itself)?
            };
            let own_gradients = own_gradients.view();
            if own_gradients.dim() != gradients.dim() {
                let [expected, got] =
                    [gradients.dim(), own_gradients.dim()].map(|(rows, n)| [rows, n / parts]);
                return Err(crate::Error::shape(names[1], crate::error::tuple(&expected), &got).into());
            }
            for (to, &from) in losses.iter_mut().zip(own_losses) {
                *to = from;
            }
            gradients.assign(&own_gradients);
            Ok(())
        });
        called.map_err(|error| keep(self.raised, error)).is_ok()
    }
}

/// The name of the loss that belongs to an output activation.
#[pyfunction]
pub(super) fn _natural_loss(output: &Bound<'_, PyAny>) -> PyResult<&'static str> {
    Ok(crate::Loss::natural(activation("output", output)?).name())
}

/// What is known of each loss.
pub(super) fn entries(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
    entries_of(py, Loss::LIST, |index, _, entry| {
        let fits = crate::Loss::ALL[index].fits();
        entry.set_item("outputs", PyTuple::new(py, fits.outputs)?)?;
        entry.set_item("targets", fits.targets.expected())?;
        entry.set_item("takes_net_inputs", fits.net_inputs)?;
        entry.set_item("canonical", fits.canonical)?;
        entry.set_item("on_softmax", fits.on_softmax)?;
        set_formulas(entry, Loss::LIST[index])
    })
}
