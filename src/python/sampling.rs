//! Predictions by samples, and log-likelihoods.

use std::sync::{Mutex, PoisonError};

use numpy::Element;
use numpy::prelude::*;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::arguments::{Arg, count, iterated, number, one_or_each};
use super::arrays::{Hold, empty, vector};
use super::call::Call;
use super::rows::{InputRows, RowArrays};
use super::signals::Signals;
use crate::sampling::{log_likelihoods, moments, samples_into};
use crate::{Layer, Sampling, Scalar};

/// What a prediction by samples gives.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    Mean,
    MeanAndStd,
    All,
}

/// The samples that keywords ask for; `None` if they ask for none.
pub(super) fn sampling(
    layers: &[Layer],
    samples: &Arg<'_>,
    seed: &Arg<'_>,
    dropout: &Arg<'_>,
    [return_std, return_samples]: [&Arg<'_>; 2],
) -> PyResult<Option<(Sampling, Wanted)>> {
    let seed = seed.seed()?;
    let std = return_std.flag("return_std", false)?;
    let all = return_samples.flag("return_samples", false)?;
    let wanted = match (std, all) {
        (true, true) => {
            let expected = "False with return_samples, which has every sample, got True";
            return Err(PyValueError::new_err(format!("return_std must be {expected}")));
        }
        (true, false) => Wanted::MeanAndStd,
        (false, true) => Wanted::All,
        (false, false) => Wanted::Mean,
    };
    let dropout = rates(dropout, layers.len() - 1)?;
    let Some(given) = samples.some() else {
        for (name, given) in [("return_std", std), ("return_samples", all), ("dropout", !dropout.is_empty())]
        {
            if given {
                let message = format!("samples must be a positive integer with {name}, got None");
                return Err(PyValueError::new_err(message));
            }
        }
        return Ok(None);
    };
    let samples = of_samples(given)?;
    let drawn = layers.iter().any(|layer| layer.activation.units().is_some());
    if !drawn && dropout.iter().all(|rate| *rate == 0.0) {
        let expected = "None for a network without stochastic units, unless dropout is given";
        return Err(PyValueError::new_err(format!("samples must be {expected}, got {samples}")));
    }
    Ok(Some((Sampling { samples, seed, dropout }, wanted)))
}

fn of_samples(value: &Bound<'_, PyAny>) -> PyResult<u32> {
    let samples = count("samples", value)?;
    let expected = format!("at most {}", u32::MAX);
    Ok(u32::try_from(samples).map_err(|_| crate::Error::argument("samples", expected, samples))?)
}

/// Dropout rates: one for all hidden layers, or one for each.
fn rates(dropout: &Arg<'_>, n_hidden: usize) -> PyResult<Vec<f64>> {
    let Some(value) = dropout.some() else { return Ok(Vec::new()) };
    let is_one = iterated(value)?.is_none();
    one_or_each(value, n_hidden, |rate| number("dropout", rate), is_one)
}

/// Lets other threads run while `work` does, which asks whether it was interrupted.
fn interruptible<R: Send>(
    py: Python<'_>,
    call: &Call,
    work: impl FnOnce(&mut dyn FnMut() -> bool) -> crate::Result<R> + Send,
) -> PyResult<R> {
    let raised = Mutex::new(None);
    let mut signals = Signals::new(&raised);
    let result = call.detach(py, || work(&mut || signals.interrupted()));
    if let Some(error) = raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    Ok(result?)
}

pub(super) fn predict<'py, T: Scalar + Element>(
    py: Python<'py>,
    call: &Call,
    network: &crate::Network<T>,
    x: &Bound<'py, PyAny>,
    (sampling, wanted): &(Sampling, Wanted),
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let x = InputRows::new(network, "X", x, Hold::AView)?;
    let x = x.inputs();
    network.check_inputs(&x)?;
    let shape = (x.nrows(), network.numbers_out());
    if let Wanted::All = wanted {
        let y = empty::<T, _>(py, (sampling.samples as usize, shape.0, shape.1))?;
        let mut target = y.try_readwrite()?;
        let out = target.as_slice_mut()?;
        interruptible(py, call, |interrupted| {
            samples_into(network, x, out, sampling, n_threads, interrupted)
        })?;
        drop(target);
        return Ok(y.into_any());
    }
    let result =
        interruptible(py, call, |interrupted| moments(network, x, sampling, n_threads, interrupted))?;
    let array = |numbers: &[T]| {
        let y = empty::<T, _>(py, shape)?;
        y.try_readwrite()?.as_slice_mut()?.copy_from_slice(numbers);
        PyResult::Ok(y.into_any())
    };
    match wanted {
        Wanted::MeanAndStd => (array(&result.mean)?, array(&result.std)?).into_bound_py_any(py),
        _ => array(&result.mean),
    }
}

#[allow(clippy::too_many_arguments)] // as the method
pub(super) fn log_likelihood<'py, T: Scalar + Element>(
    py: Python<'py>,
    call: &Call,
    network: &crate::Network<T>,
    x: &Bound<'py, PyAny>,
    y: &Bound<'py, PyAny>,
    samples: &Arg<'py>,
    seed: &Arg<'py>,
    dropout: &Arg<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let samples = samples.some().map_or(Ok(1000), of_samples)?;
    let dropout = rates(dropout, network.layers().len() - 1)?;
    let sampling = Sampling { samples, seed: seed.seed()?, dropout };
    let arrays = RowArrays::new(network, ["X", "Y", "sample_weight"], x, y, None)?;
    let data = arrays.dataset()?;
    let values = interruptible(py, call, |interrupted| {
        log_likelihoods(network, &data, &sampling, n_threads, interrupted)
    })?;
    Ok(vector(py, ndarray::ArrayView1::from(&values))?.into_any())
}
