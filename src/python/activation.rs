//! Activations by name, or as an object where they have a parameter.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use super::arguments::{Arg, wrong_type};
use crate::Activation;

/// The logistic function with a slope, 1 / (1 + exp(-slope * z)).
///
/// Parameters
/// ----------
/// slope : float, default=1.0
///     Steepness, positive and dimensionless. The derivative is at most ``slope / 4``.
///
/// References
/// ----------
/// J. Han and C. Moraga, "The influence of the sigmoid function parameters on the speed of
/// backpropagation learning", IWANN 1995.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> net = fp.Network([2, 3, 1], activation=fp.Logistic(slope=2.0))
/// >>> net.activations
/// [Logistic(slope=2.0)]
#[pyclass(frozen, module = "ferroprop")]
#[derive(Clone, Copy)]
pub(super) struct Logistic {
    slope: f64,
}

#[pymethods]
#[allow(clippy::trivially_copy_pass_by_ref)] // Python's objects come by reference
impl Logistic {
    #[new]
    #[pyo3(signature = (slope = Arg::Absent), text_signature = "(slope=1.0)")]
    fn new(slope: Arg<'_>) -> PyResult<Self> {
        let slope = slope.number("slope", 1.0)?;
        Activation::Logistic { slope }.check()?;
        Ok(Self { slope })
    }

    /// Steepness.
    #[getter]
    fn slope(&self) -> f64 {
        self.slope
    }

    fn __repr__(&self) -> String {
        format!("Logistic(slope={:?})", self.slope)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().slope == self.slope)
    }

    fn __hash__(&self) -> u64 {
        self.slope.to_bits()
    }

    fn __getnewargs__(&self) -> (f64,) {
        (self.slope,)
    }
}

/// An activation from its name or its object.
pub(super) fn activation(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<Activation> {
    if let Ok(logistic) = value.cast::<Logistic>() {
        return Ok(Activation::Logistic { slope: logistic.get().slope });
    }
    match value.extract::<String>() {
        Ok(text) => Ok(Activation::from_name(name, &text)?),
        Err(_) => Err(wrong_type(name, "the name of an activation or a Logistic", value)),
    }
}

/// The other way: a name where that says it all.
pub(super) fn to_python(activation: Activation, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    match activation {
        Activation::Logistic { slope } if activation != Activation::LOGISTIC => {
            Logistic { slope }.into_bound_py_any(py)
        }
        _ => activation.name().into_bound_py_any(py),
    }
}
