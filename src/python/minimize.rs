//! `ferroprop._core._minimize`, the arithmetic of `ferroprop.minimize` and of the estimators' solver lbfgs.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use pyo3::exceptions::{PyKeyboardInterrupt, PyUserWarning};
use pyo3::prelude::*;

use super::arguments::{Arg, wrong_type};
use super::call::Call;
use super::loss::{self, Given};
use super::recurrent::AnyNetwork;
use super::remote::InSums;
use super::sequences::InTime;
use super::trainings::{Arrays, FromPython, duration};
use super::typed::with_typed;
use crate::{Lbfgs, Minimum, SearchEnd};

/// Loss, penalty, both after each iteration, evaluations, why the search ended, seconds.
type Outcome = (f64, f64, Vec<f64>, Vec<f64>, usize, &'static str, f64);

/// Bring a network's loss to a minimum by L-BFGS; returns the fields of a `Minimum`.
///
/// Parameters are those of `ferroprop.minimize`, and ``outputs_in_mean``: what the loss without penalty is divided by
/// where losses are compared, while the gradient stays as it is. scikit-learn's search sees the mean over the
/// outputs and the gradient of their sum.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> net = fp.Network([1, 1], dtype="float64")
/// >>> loss, *_ = fp._core._minimize(net, [[0.0], [1.0]], [[1.0], [3.0]])
/// >>> loss < 1e-8
/// True
#[pyfunction]
#[pyo3(signature = (network, X, Y, *, loss = Arg::Absent, sample_weight = Arg::Absent, alpha = Arg::Absent, truncate = Arg::Absent, washout = Arg::Absent, lengths = Arg::Absent, memory = Arg::Absent, max_iter = Arg::Absent, max_fun = Arg::Absent, gtol = Arg::Absent, ftol = Arg::Absent, outputs_in_mean = Arg::Absent, max_time = Arg::Absent, callback = Arg::Absent, n_threads = Arg::Absent))]
#[pyo3(
    text_signature = "(network, X, Y, *, loss=None, sample_weight=None, alpha=0.0, truncate=None, washout=0, lengths=None, memory=10, max_iter=15000, max_fun=15000, gtol=1e-05, ftol=2.220446049250313e-09, outputs_in_mean=1, max_time=None, callback=None, n_threads=None)"
)]
#[allow(non_snake_case, clippy::too_many_arguments)] // Python's names and keywords
pub(super) fn _minimize<'py>(
    network: &Bound<'py, PyAny>,
    X: &Bound<'py, PyAny>,
    Y: &Bound<'py, PyAny>,
    loss: Arg<'py>,
    sample_weight: Arg<'py>,
    alpha: Arg<'py>,
    truncate: Arg<'py>,
    washout: Arg<'py>,
    lengths: Arg<'py>,
    memory: Arg<'py>,
    max_iter: Arg<'py>,
    max_fun: Arg<'py>,
    gtol: Arg<'py>,
    ftol: Arg<'py>,
    outputs_in_mean: Arg<'py>,
    max_time: Arg<'py>,
    callback: Arg<'py>,
    n_threads: Arg<'py>,
) -> PyResult<Outcome> {
    let call = Call::enter(network.py())?;
    let any = AnyNetwork::of(network).ok_or_else(|| wrong_type("network", "a Network", network))?;
    let truncate = truncate.optional_count("truncate")?;
    let in_time = InTime::new(&washout, lengths.some())?;
    in_time.check(matches!(any, AnyNetwork::Recurrent(_)))?;
    let usual = Lbfgs::default();
    let settings = Lbfgs {
        memory: memory.count("memory", usual.memory)?,
        max_iter: max_iter.count("max_iter", usual.max_iter)?,
        max_fun: max_fun.count("max_fun", usual.max_fun)?,
        gtol: gtol.number("gtol", usual.gtol)?,
        ftol: ftol.number("ftol", usual.ftol)?,
        alpha: alpha.number("alpha", 0.0)?,
        truncate,
        outputs_in_mean: outputs_in_mean.count("outputs_in_mean", 1)?,
        max_time: max_time.optional_number("max_time")?.map(duration).transpose()?,
        n_threads: n_threads.optional_count("n_threads")?,
    };
    let given = loss::loss(&loss)?;
    let callback = callback.callable("callback")?;
    let (x, y, weights) = (X, Y, sample_weight.some());
    with_typed!(any.typed(), slot => {
        minimize(&call, network, slot, [x, y], weights, &in_time, &given, &settings, callback)
    })
}

#[allow(clippy::too_many_arguments)] // as the function
fn minimize<'py, T: InSums>(
    call: &Call,
    object: &Bound<'py, PyAny>,
    slot: &ArcSwap<crate::Network<T>>,
    [x, y]: [&Bound<'py, PyAny>; 2],
    weights: Option<&Bound<'py, PyAny>>,
    in_time: &InTime,
    loss: &Given,
    settings: &Lbfgs,
    callback: Option<Py<PyAny>>,
) -> PyResult<Outcome> {
    let py = object.py();
    let before = slot.load_full();
    let arrays = Arrays::new(&before, ["X", "Y", "sample_weight"], x, y, weights, in_time)?;
    let data = arrays.dataset()?;
    let mut network = before.try_clone()?;
    let raised = Mutex::new(None);
    let own = loss.own(&raised, before.complex_outputs());
    let objective = loss.objective::<T>(before.output_activation(), own.as_ref());
    let mut observer = FromPython::calling(callback, object, slot, &raised);
    let result = call.detach(py, || crate::minimize(&mut network, &data, objective, settings, &mut observer));
    drop(observer);
    let raised = arrays.raised().or(raised.lock().unwrap_or_else(PoisonError::into_inner).take());
    let outcome = outcome(py, result, raised);
    slot.store(if outcome.is_ok() { Arc::new(network) } else { before });
    outcome
}

/// The outcome, if nothing went wrong; warns of an interruption.
fn outcome(py: Python<'_>, result: crate::Result<Minimum>, raised: Option<PyErr>) -> PyResult<Outcome> {
    let interrupted = match raised {
        Some(error) if !error.is_instance_of::<PyKeyboardInterrupt>(py) => return Err(error),
        raised => raised.is_some(),
    };
    let mut minimum = result?;
    if interrupted {
        minimum.stop_reason = SearchEnd::Interrupted;
    }
    if minimum.stop_reason == SearchEnd::Interrupted {
        PyErr::warn(py, &py.get_type::<PyUserWarning>(), c"Training interrupted by user.", 1)?;
    }
    let Minimum { loss, penalty, losses, penalties, evaluations, stop_reason, seconds } = minimum;
    Ok((loss, penalty, losses, penalties, evaluations, stop_reason.name(), seconds))
}
