//! `ferroprop.History` and `ferroprop.Epoch`.

use ndarray::ArrayView1;
use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arguments::{Arg, count, number, unless_foreign, wrong, wrong_type};
use super::arrays::vector;
use super::recurrent::AnyNetwork;
use crate::StopReason;

/// An epoch of a training, as a callback gets it.
///
/// Attributes
/// ----------
/// network : Network or RecurrentNetwork
///     The network as it is after this epoch. It is the one that goes on being trained;
///     ``network.copy()`` stays as it is.
/// epoch : int
///     Its number, 1 for the first; with an estimator's 'lbfgs' that of the iteration.
/// loss : float
///     The training loss, penalty included: for a full batch at the parameters before the epoch's
///     update, for mini-batches the mean over the batches. Of an estimator as in ``loss_curve_``.
/// penalty : float
///     The part of the loss that is the L2 penalty.
/// validation_loss : float or None
///     The loss on the validation rows after the epoch, without penalty; None without such rows.
/// validation_score : float or None
///     The score after the epoch; None if nothing is scored.
/// learning_rate : float or None
///     The learning rate of the last step of the epoch, for optimizers that have one.
/// seconds : float
///     Time since the start of the training, in seconds.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> net = fp.Network([1, 1])
/// >>> seen = []
/// >>> history = fp.train(net, [[1.0]], [[2.0]], epochs=3, callback=seen.append)
/// >>> [epoch.epoch for epoch in seen]
/// [1, 2, 3]
/// >>> seen[-1].loss == history.loss[-1], seen[-1].network is net
/// (True, True)
#[pyclass(frozen, get_all, module = "ferroprop")]
#[allow(clippy::struct_field_names)] // an epoch has a number, which the field calls epoch
pub(super) struct Epoch {
    network: Py<PyAny>,
    epoch: usize,
    loss: f64,
    penalty: f64,
    validation_loss: Option<f64>,
    validation_score: Option<f64>,
    learning_rate: Option<f64>,
    seconds: f64,
}

impl Epoch {
    pub(super) fn of(network: Py<PyAny>, epoch: &crate::Epoch) -> Self {
        let &crate::Epoch { epoch, loss, penalty, validation_loss, score, learning_rate, seconds } = epoch;
        Self {
            network,
            epoch,
            loss,
            penalty,
            validation_loss,
            validation_score: score,
            learning_rate,
            seconds,
        }
    }
}

/// An entry of a pickled object, as this type.
fn entry<'py, V: FromPyObjectOwned<'py>>(
    state: &Bound<'py, PyDict>,
    name: &str,
    expected: &str,
) -> PyResult<V> {
    let value = state.get_item(name)?.unwrap_or_else(|| state.py().None().into_bound(state.py()));
    value.extract().map_err(|error: V::Error| {
        let error: PyErr = error.into();
        // Numbers that the type cannot hold are as wrong as other types.
        if error.is_instance_of::<PyOverflowError>(state.py()) {
            return wrong(name, expected, &value);
        }
        unless_foreign(error, &value, || wrong(name, expected, &value))
    })
}

#[pymethods]
impl Epoch {
    #[new]
    #[pyo3(
        signature = (*, network, epoch, loss, penalty = Arg::Absent, validation_loss = Arg::Absent, validation_score = Arg::Absent, learning_rate = Arg::Absent, seconds = Arg::Absent),
        text_signature = "(*, network, epoch, loss, penalty=0.0, validation_loss=None, validation_score=None, learning_rate=None, seconds=0.0)"
    )]
    #[allow(clippy::too_many_arguments)] // Python's keywords
    fn new(
        network: &Bound<'_, PyAny>,
        epoch: &Bound<'_, PyAny>,
        loss: &Bound<'_, PyAny>,
        penalty: Arg<'_>,
        validation_loss: Arg<'_>,
        validation_score: Arg<'_>,
        learning_rate: Arg<'_>,
        seconds: Arg<'_>,
    ) -> PyResult<Self> {
        if AnyNetwork::of(network).is_none() {
            return Err(wrong_type("network", "a Network", network));
        }
        Ok(Self {
            network: network.clone().unbind(),
            epoch: count("epoch", epoch)?,
            loss: number("loss", loss)?,
            penalty: penalty.number("penalty", 0.0)?,
            validation_loss: validation_loss.optional_number("validation_loss")?,
            validation_score: validation_score.optional_number("validation_score")?,
            learning_rate: learning_rate.optional_number("learning_rate")?,
            seconds: seconds.number("seconds", 0.0)?,
        })
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        let state = PyDict::new(py);
        state.set_item("network", &self.network)?;
        state.set_item("epoch", self.epoch)?;
        state.set_item("loss", self.loss)?;
        state.set_item("penalty", self.penalty)?;
        state.set_item("validation_loss", self.validation_loss)?;
        state.set_item("validation_score", self.validation_score)?;
        state.set_item("learning_rate", self.learning_rate)?;
        state.set_item("seconds", self.seconds)?;
        Ok((py.get_type::<Self>().getattr("_from_state")?, (state,)))
    }

    #[staticmethod]
    fn _from_state(state: &Bound<'_, PyDict>) -> PyResult<Self> {
        let (a_number, optional) = ("a number", "a number or None");
        let network: Bound<'_, PyAny> = entry(state, "network", "a Network")?;
        if AnyNetwork::of(&network).is_none() {
            return Err(wrong("network", "a Network", &network));
        }
        Ok(Self {
            network: network.unbind(),
            epoch: entry(state, "epoch", "a number of epochs")?,
            loss: entry(state, "loss", a_number)?,
            penalty: entry(state, "penalty", a_number)?,
            validation_loss: entry(state, "validation_loss", optional)?,
            validation_score: entry(state, "validation_score", optional)?,
            learning_rate: entry(state, "learning_rate", optional)?,
            seconds: entry(state, "seconds", a_number)?,
        })
    }

    fn __repr__(&self) -> String {
        let optional = [
            ("validation_loss", self.validation_loss),
            ("validation_score", self.validation_score),
            ("learning_rate", self.learning_rate),
        ];
        let optional = optional.iter().filter_map(|(name, number)| Some(format!(", {name}={}", (*number)?)));
        format!(
            "Epoch(epoch={}, loss={}{}, seconds={:.3})",
            self.epoch,
            self.loss,
            optional.collect::<String>(),
            self.seconds
        )
    }
}

/// A list for Python, made by NumPy: that reports where there is no memory.
fn list<'py>(py: Python<'py>, numbers: &[f64]) -> PyResult<Bound<'py, PyAny>> {
    vector(py, ArrayView1::from(numbers))?.call_method0("tolist")
}

/// What happened during training.
///
/// Attributes
/// ----------
/// loss : list of float
///     The training loss of each epoch, see `Epoch`.
/// penalty : list of float
///     The part of each that is the L2 penalty.
/// validation_loss : list of float
///     The loss on the validation rows after each epoch; empty without.
/// validation_score : list of float
///     What ``score`` returned after each epoch; empty without.
/// learning_rate : list of float
///     The learning rate of the last step of each epoch; empty for optimizers without one.
/// epochs : int
///     The number of complete epochs.
/// best_epoch : int
///     The epoch (1 for the first) with the best score, validation loss or loss, whichever was
///     monitored; 0 if there was none.
/// stop_reason : {"epochs", "patience", "time", "callback", "interrupted", "diverged"}
///     Why training ended.
/// seconds : float
///     How long it took, in seconds.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> net = fp.Network([1, 1], seed=1)
/// >>> history = fp.train(net, [[1.0]], [[2.0]], epochs=5)
/// >>> history.epochs, history.stop_reason, len(history.loss)
/// (5, 'epochs', 5)
/// >>> history.loss[-1] < history.loss[0]
/// True
#[pyclass(frozen, module = "ferroprop")]
pub(super) struct History(pub(super) crate::History);

#[pymethods]
impl History {
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        let state = PyDict::new(py);
        state.set_item("loss", self.loss(py)?)?;
        state.set_item("penalty", self.penalty(py)?)?;
        state.set_item("validation_loss", self.validation_loss(py)?)?;
        state.set_item("validation_score", self.validation_score(py)?)?;
        state.set_item("learning_rate", self.learning_rate(py)?)?;
        state.set_item("best_epoch", self.best_epoch())?;
        state.set_item("stop_reason", self.stop_reason())?;
        state.set_item("seconds", self.seconds())?;
        Ok((py.get_type::<Self>().getattr("_from_state")?, (state,)))
    }

    #[staticmethod]
    fn _from_state(state: &Bound<'_, PyDict>) -> PyResult<Self> {
        let loss: Vec<f64> = entry(state, "loss", "a list of numbers")?;
        let list = |name: &str, may_be_empty: bool| -> PyResult<Vec<f64>> {
            let list: Vec<f64> = entry(state, name, "a list of numbers")?;
            if list.len() == loss.len() || may_be_empty && list.is_empty() {
                return Ok(list);
            }
            let (expected, got) = (loss.len(), list.len());
            Err(PyValueError::new_err(format!("{name} must hold {expected} numbers, as loss, got {got}")))
        };
        let reason: String = entry(state, "stop_reason", "a name")?;
        let best_epoch: usize = entry(state, "best_epoch", "a number of epochs")?;
        if best_epoch > loss.len() {
            let most = loss.len();
            return Err(PyValueError::new_err(format!(
                "best_epoch must be at most {most}, got {best_epoch}"
            )));
        }
        Ok(Self(crate::History {
            penalty: list("penalty", false)?,
            validation_loss: list("validation_loss", true)?,
            score: list("validation_score", true)?,
            learning_rate: list("learning_rate", true)?,
            best_epoch,
            stop_reason: StopReason::from_name(&reason).ok_or_else(|| {
                PyValueError::new_err(format!("stop_reason must be a reason to stop, got {reason:?}"))
            })?,
            seconds: entry(state, "seconds", "a number")?,
            loss,
        }))
    }

    #[getter]
    fn loss<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        list(py, &self.0.loss)
    }

    #[getter]
    fn penalty<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        list(py, &self.0.penalty)
    }

    #[getter]
    fn validation_loss<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        list(py, &self.0.validation_loss)
    }

    #[getter]
    fn validation_score<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        list(py, &self.0.score)
    }

    #[getter]
    fn learning_rate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        list(py, &self.0.learning_rate)
    }

    #[getter]
    fn epochs(&self) -> usize {
        self.0.epochs()
    }

    #[getter]
    fn best_epoch(&self) -> usize {
        self.0.best_epoch
    }

    #[getter]
    fn stop_reason(&self) -> &'static str {
        self.0.stop_reason.name()
    }

    #[getter]
    fn seconds(&self) -> f64 {
        self.0.seconds
    }

    fn __repr__(&self) -> String {
        let last = self.0.loss.last().map_or_else(|| "none".to_owned(), f64::to_string);
        format!(
            "History(epochs={}, last loss={last}, best_epoch={}, stop_reason='{}', seconds={:.3})",
            self.epochs(),
            self.0.best_epoch,
            self.stop_reason(),
            self.0.seconds
        )
    }
}
