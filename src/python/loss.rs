//! Losses by name, as an object where they have a parameter, or as a function.

use std::sync::Mutex;

use ndarray::{ArrayView2, ArrayViewMut2};
use numpy::Element;
use pyo3::prelude::*;

use super::arguments::{Arg, type_name, wrong_type};
use super::arrays::{Matrix, Vector, matrix};
use super::call::attach;
use super::signals::keep;
use super::with_constant::class_with_constant;
use crate::{Activation, Loss, Objective, RowLoss, Scalar};

class_with_constant! {
    /// The log loss with label smoothing.
    ///
    /// A softmax output with K classes learns from the targets ``(1 - s) * t + s / K``, logistic outputs
    /// from ``(1 - s) * t + s / 2``, s the label smoothing.
    ///
    /// Parameters
    /// ----------
    /// label_smoothing : float, default=0.0
    ///     From 0 (none) to 1.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the label smoothing is not from 0 to 1.
    /// TypeError
    ///     If an argument is of the wrong kind.
    ///
    /// References
    /// ----------
    /// C. Szegedy et al., "Rethinking the inception architecture for computer vision", CVPR 2016.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.Network([1, 2], output="softmax", init="uniform", init_range=0.0)
    /// >>> _, _, (bias_gradient,) = net.loss_and_gradients([[1.0]], [[0, 1]], loss=fp.LogLoss(0.5))
    /// >>> bias_gradient.tolist()
    /// [0.25, -0.25]
    LogLoss "LogLoss" Loss::SmoothedLogLoss {
        /// How far targets move towards the middle.
        label_smoothing = 0.0, "(label_smoothing=0.0)"
    }
}

class_with_constant! {
    /// Huber's loss: half the squared error up to a distance of delta, from there on a straight line.
    ///
    /// Parameters
    /// ----------
    /// delta : float, default=1.0
    ///     Positive, in units of Y.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If delta is not a positive number.
    /// TypeError
    ///     If an argument is of the wrong kind.
    ///
    /// References
    /// ----------
    /// P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35,
    /// 1964.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.Network([1, 1], init="uniform", init_range=0.0)
    /// >>> [net.loss_and_gradients([[1]], [[y]], loss=fp.Huber(delta=2.0))[0] for y in [1, 2, 10]]
    /// [0.5, 2.0, 18.0]
    Huber "Huber" Loss::Huber {
        /// Where the straight line begins.
        delta = 1.0, "(delta=1.0)"
    }
}

class_with_constant! {
    /// The quantile (pinball) loss: ``q * (t - a)`` where the output a is below its target t, else
    /// ``(1 - q) * (a - t)``.
    ///
    /// Parameters
    /// ----------
    /// quantile : float, default=0.5
    ///     q, between 0 and 1. With 0.5 it is half the absolute error.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the quantile is not between 0 and 1.
    /// TypeError
    ///     If an argument is of the wrong kind.
    ///
    /// References
    /// ----------
    /// R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46, 1978.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.Network([1, 1], init="uniform", init_range=0.0)
    /// >>> [net.loss_and_gradients([[1]], [[y]], loss=fp.Quantile(quantile=0.75))[0] for y in [-4, 4]]
    /// [1.0, 3.0]
    Quantile "Quantile" Loss::Quantile {
        /// The quantile of the targets that outputs are to be.
        quantile = 0.5, "(quantile=0.5)"
    }
}

/// What came as `loss`.
pub(super) enum Given {
    Natural,
    Loss(Loss),
    Function(Py<PyAny>),
}

/// A loss from its name, its object or a function; nothing for None.
pub(super) fn loss(value: &Arg<'_>) -> PyResult<Given> {
    let Some(value) = value.some() else { return Ok(Given::Natural) };
    let loss = if let Ok(object) = value.cast::<LogLoss>() {
        Loss::SmoothedLogLoss { label_smoothing: object.get().label_smoothing }
    } else if let Ok(object) = value.cast::<Huber>() {
        Loss::Huber { delta: object.get().delta }
    } else if let Ok(object) = value.cast::<Quantile>() {
        Loss::Quantile { quantile: object.get().quantile }
    } else if let Ok(name) = value.extract::<String>() {
        Loss::from_name(&name)?
    } else if value.is_callable() {
        return Ok(Given::Function(value.clone().unbind()));
    } else {
        let expected = "the name of a loss, a LogLoss, Huber or Quantile object, a function or None";
        return Err(wrong_type("loss", expected, value));
    };
    Ok(Given::Loss(loss))
}

impl Given {
    /// As the crate takes it; exceptions of a function are put where `raised` is.
    pub fn own<'a>(&'a self, raised: &'a Mutex<Option<PyErr>>) -> Option<OwnLoss<'a>> {
        match self {
            Self::Function(function) => Some(OwnLoss { function, raised }),
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
            _ => Objective::Loss(Loss::natural(output)),
        }
    }
}

/// A Python function from outputs and targets to losses and gradients.
pub(super) struct OwnLoss<'a> {
    function: &'a Py<PyAny>,
    raised: &'a Mutex<Option<PyErr>>,
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
            let arguments = (matrix(py, outputs)?, matrix(py, targets)?);
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
            let own_losses = Vector::<T>::new(names[0], &own_losses)?;
            let own_losses = own_losses.view();
            if own_losses.len() != losses.len() {
                let expected = format!("({},)", losses.len());
                return Err(crate::Error::shape(names[0], expected, own_losses.shape()).into());
            }
            let own_gradients = Matrix::<T>::new(names[1], &own_gradients)?;
            let own_gradients = own_gradients.view();
            if own_gradients.dim() != gradients.dim() {
                let expected = format!("{:?}", gradients.dim());
                return Err(crate::Error::shape(names[1], expected, own_gradients.shape()).into());
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
