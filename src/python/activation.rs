//! Activations by name, or as an object where they have a parameter.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::arguments::wrong_type;
use super::with_constant::class_with_constant;
use crate::Activation;

class_with_constant! {
    /// The logistic function with a slope, 1 / (1 + exp(-slope * z)).
    ///
    /// Parameters
    /// ----------
    /// slope : float, default=1.0
    ///     Steepness, positive and dimensionless. The derivative is at most ``slope / 4``.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the slope is not a positive number.
    /// TypeError
    ///     If an argument is of the wrong kind.
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
    Logistic "Logistic" Activation::Logistic {
        /// Steepness.
        slope = 1.0, "(slope=1.0)"
    }
}

class_with_constant! {
    /// The leaky ReLU with a slope for negative net inputs: z for z > 0, else slope * z.
    ///
    /// The derivative at 0 is the slope.
    ///
    /// Parameters
    /// ----------
    /// slope : float, default=0.01
    ///     0 or positive, dimensionless.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the slope is negative or not finite.
    /// TypeError
    ///     If an argument is of the wrong kind.
    ///
    /// References
    /// ----------
    /// A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier nonlinearities improve neural network
    /// acoustic models", ICML 2013.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.Network([1, 1], output=fp.LeakyReLU(slope=0.25), bias=False)
    /// >>> net.set_parameters([[[1.0]]], [None])
    /// >>> net.predict([[-2.0], [2.0]]).ravel().tolist()
    /// [-0.5, 2.0]
    LeakyRelu "LeakyReLU" Activation::LeakyRelu {
        /// Slope for negative net inputs.
        slope = 0.01, "(slope=0.01)"
    }
}

class_with_constant! {
    /// The exponential linear unit: z for z > 0, else alpha * (exp(z) - 1).
    ///
    /// The derivative at 0 is alpha.
    ///
    /// Parameters
    /// ----------
    /// alpha : float, default=1.0
    ///     Positive; outputs are above ``-alpha``.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If alpha is not a positive number.
    /// TypeError
    ///     If an argument is of the wrong kind.
    ///
    /// References
    /// ----------
    /// D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and accurate deep network learning by
    /// exponential linear units (ELUs)", ICLR 2016.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> fp.Network([2, 3, 1], activation=fp.ELU(alpha=0.5)).activations
    /// [ELU(alpha=0.5)]
    Elu "ELU" Activation::Elu {
        /// Scale of the exponential part.
        alpha = 1.0, "(alpha=1.0)"
    }
}

/// An activation from its object, if it is one.
fn from_object(value: &Bound<'_, PyAny>) -> Option<Activation> {
    if let Ok(object) = value.cast::<Logistic>() {
        Some(Activation::Logistic { slope: object.get().slope })
    } else if let Ok(object) = value.cast::<LeakyRelu>() {
        Some(Activation::LeakyRelu { slope: object.get().slope })
    } else if let Ok(object) = value.cast::<Elu>() {
        Some(Activation::Elu { alpha: object.get().alpha })
    } else {
        None
    }
}

/// Whether a value is one activation, not a sequence of them.
pub(super) fn is_one(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyString>() || from_object(value).is_some()
}

/// An activation from its name or its object.
pub(super) fn activation(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<Activation> {
    if let Some(activation) = from_object(value) {
        return Ok(activation);
    }
    match value.extract::<String>() {
        Ok(text) => Ok(Activation::from_name(name, &text)?),
        Err(_) => {
            Err(wrong_type(name, "the name of an activation, or a Logistic, LeakyReLU or ELU object", value))
        }
    }
}

/// The other way: a name where that says it all.
pub(super) fn to_python(activation: Activation, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    if Activation::ALL.contains(&activation) {
        return activation.name().into_bound_py_any(py);
    }
    match activation {
        Activation::Logistic { slope } => Logistic { slope }.into_bound_py_any(py),
        Activation::LeakyRelu { slope } => LeakyRelu { slope }.into_bound_py_any(py),
        Activation::Elu { alpha } => Elu { alpha }.into_bound_py_any(py),
        other => other.name().into_bound_py_any(py),
    }
}
