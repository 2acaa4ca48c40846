//! Trainings on rows that others have: `RemoteRows`, `Partial` and `_partial_sums`, which `ferroprop.distributed` is made of.

use std::sync::{Mutex, PoisonError};

use ndarray::ArrayView1;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple, PyType};

use super::arguments::{Arg, wrong_type};
use super::arrays::{Hold, Vector, vector};
use super::call::{Call, attach};
use super::loss::{self, Given};
use super::network::Network;
use super::recurrent::AnyNetwork;
use super::rows::RowArrays;
use super::signals::{Signals, keep};
use super::typed::{InTyped, with_typed};
use crate::training::partial_sums;

/// Sums of either number type.
#[derive(Clone, PartialEq)]
enum Sums {
    Single(crate::Partial<f32>),
    Double(crate::Partial<f64>),
}

macro_rules! with_sums {
    ($sums:expr, $part:ident => $body:expr) => {
        match $sums {
            Sums::Single($part) => $body,
            Sums::Double($part) => $body,
        }
    };
}

/// A precision of sums.
pub(super) trait InSums: InTyped {
    fn part(sums: &Partial) -> Option<&crate::Partial<Self>>;
    fn partial(part: crate::Partial<Self>) -> Partial;
}

impl InSums for f32 {
    fn part(sums: &Partial) -> Option<&crate::Partial<Self>> {
        if let Sums::Single(part) = &sums.sums { Some(part) } else { None }
    }

    fn partial(part: crate::Partial<Self>) -> Partial {
        Partial { sums: Sums::Single(part) }
    }
}

impl InSums for f64 {
    fn part(sums: &Partial) -> Option<&crate::Partial<Self>> {
        if let Sums::Double(part) = &sums.sums { Some(part) } else { None }
    }

    fn partial(part: crate::Partial<Self>) -> Partial {
        Partial { sums: Sums::Double(part) }
    }
}

/// Loss, weight and gradient, summed over a part of a data set's rows.
///
/// Made by `ferroprop.distributed.partial_sums`; ``a + b`` is the sum over two parts of which the second one follows the
/// first one. Pickles.
#[pyclass(frozen, eq, module = "ferroprop._core")]
#[derive(PartialEq)]
pub(super) struct Partial {
    sums: Sums,
}

#[pymethods]
impl Partial {
    /// What `__reduce__` has taken apart.
    #[new]
    fn new(
        dtype: &str,
        groups: usize,
        nodes: Vec<(u32, usize, f64, f64, Bound<'_, PyAny>)>,
    ) -> PyResult<Self> {
        match dtype {
            "float32" => of_nodes::<f32>(groups, nodes),
            "float64" => of_nodes::<f64>(groups, nodes),
            _ => Err(PyValueError::new_err(format!("dtype must be float32 or float64, got {dtype:?}"))),
        }
    }

    /// The dtype of the gradient.
    #[getter]
    fn dtype(&self) -> &'static str {
        match self.sums {
            Sums::Single(_) => "float32",
            Sums::Double(_) => "float64",
        }
    }

    /// The first group of rows that takes part, and the one behind the last.
    #[getter]
    fn range(&self) -> (usize, usize) {
        with_sums!(&self.sums, part => part.range())
    }

    /// How many groups the whole data set has.
    #[getter]
    fn groups(&self) -> usize {
        with_sums!(&self.sums, part => part.groups())
    }

    /// The mean loss over all rows, without a penalty; None if some of them are missing.
    #[getter]
    fn mean_loss(&self) -> Option<f64> {
        with_sums!(&self.sums, part => part.mean_loss())
    }

    fn __add__(&self, other: &Self) -> PyResult<Self> {
        let sums = match (&self.sums, &other.sums) {
            (Sums::Single(part), Sums::Single(next)) => Sums::Single(sum(part, next)?),
            (Sums::Double(part), Sums::Double(next)) => Sums::Double(sum(part, next)?),
            _ => {
                let (expected, got) = (self.dtype(), other.dtype());
                return Err(PyValueError::new_err(format!("other must be of {expected}, got {got}")));
            }
        };
        Ok(Self { sums })
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
        let (py, own) = (slf.py(), slf.get());
        let nodes = with_sums!(&own.sums, part => nodes(py, part))?;
        Ok((slf.get_type(), (own.dtype(), own.groups(), nodes).into_pyobject(py)?))
    }

    fn __repr__(&self) -> String {
        let (from, to) = self.range();
        format!("Partial(groups {from} to {to} of {}, {})", self.groups(), self.dtype())
    }
}

fn sum<T: InTyped>(part: &crate::Partial<T>, next: &crate::Partial<T>) -> crate::Result<crate::Partial<T>> {
    let mut sum = part.clone();
    sum.add(next)?;
    Ok(sum)
}

fn nodes<'py, T: InTyped>(py: Python<'py>, part: &crate::Partial<T>) -> PyResult<Bound<'py, PyList>> {
    let nodes = part.nodes().map(|(level, number, loss, weight, gradient)| {
        (level, number, loss, weight, vector(py, ArrayView1::from(gradient))?).into_pyobject(py)
    });
    PyList::new(py, nodes.collect::<PyResult<Vec<_>>>()?)
}

fn of_nodes<T: InSums>(
    groups: usize,
    nodes: Vec<(u32, usize, f64, f64, Bound<'_, PyAny>)>,
) -> PyResult<Partial> {
    let nodes = nodes.into_iter().map(|(level, number, loss, weight, gradient)| {
        let gradient = Vector::<T>::new("gradient", &gradient, Hold::Itself)?;
        Ok((level, number, loss, weight, gradient.view().to_vec()))
    });
    Ok(T::partial(crate::Partial::from_nodes(groups, nodes.collect::<PyResult<_>>()?)?))
}

/// Rows that are somewhere else, in place of X in `ferroprop.train` and `ferroprop.minimize`; Y is None then.
///
/// Parameters
/// ----------
/// n_rows : int
///     The number of rows.
/// sums : callable
///     ``sums(network, gradient)`` returns the `Partial` of all rows for the network as it is then, a copy; without
///     gradients if `gradient` is False.
/// digest : str, default=""
///     A text that tells these rows from others in checkpoints.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> from ferroprop.distributed import RemoteRows, partial_sums
/// >>> X, Y = [[0.0], [1.0], [2.0]], [[1.0], [3.0], [5.0]]
/// >>> net = fp.Network([1, 1], dtype="float64")
/// >>> def sums(network, gradient):
/// ...     return partial_sums(network, X, Y, gradient=gradient)
/// >>> fp.train(net, RemoteRows(3, sums), None, epochs=100).loss[-1] < 1e-6
/// True
#[pyclass(frozen, module = "ferroprop._core")]
pub(super) struct RemoteRows {
    #[pyo3(get)]
    n_rows: usize,
    #[pyo3(get)]
    sums: Py<PyAny>,
    #[pyo3(get)]
    digest: String,
}

#[pymethods]
impl RemoteRows {
    #[new]
    #[pyo3(signature = (n_rows, sums, digest = ""))]
    fn new(n_rows: Arg<'_>, sums: Arg<'_>, digest: &str) -> PyResult<Self> {
        let n_rows = n_rows.count("n_rows", 0)?;
        let sums = sums
            .callable("sums")?
            .ok_or_else(|| PyTypeError::new_err("sums must be a function, got None"))?;
        Ok(Self { n_rows, sums, digest: digest.to_owned() })
    }

    fn __repr__(&self) -> String {
        format!("RemoteRows({} rows)", self.n_rows)
    }
}

/// Rows that are somewhere else, during a call.
pub(super) struct RemoteArrays<T> {
    rows: Py<RemoteRows>,
    /// The network with its first parameters.
    network: crate::Network<T>,
    /// What the function raised.
    raised: Mutex<Option<PyErr>>,
}

impl<T: InTyped> RemoteArrays<T> {
    /// Those that came as X; nothing if these are rows.
    pub fn new(
        network: &crate::Network<T>,
        names: [&str; 3],
        x: &Bound<'_, PyAny>,
        y: &Bound<'_, PyAny>,
        weights: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Self>> {
        let Ok(rows) = x.cast::<RemoteRows>() else { return Ok(None) };
        for (name, given) in [(names[1], Some(y)), (names[2], weights)] {
            if let Some(given) = given.filter(|given| !given.is_none()) {
                return Err(wrong_type(name, "None with RemoteRows, which have it", given));
            }
        }
        let network = network.try_clone()?;
        Ok(Some(Self { rows: rows.clone().unbind(), network, raised: Mutex::new(None) }))
    }

    pub fn rows(&self) -> usize {
        self.rows.get().n_rows
    }

    /// What the function raised.
    pub fn raised(&self) -> Option<PyErr> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<T: InSums> crate::RemoteRows<T> for RemoteArrays<T> {
    fn rows(&self) -> usize {
        Self::rows(self)
    }

    fn sums(&self, parameters: &[T], gradient: bool) -> Option<crate::Partial<T>> {
        let called = attach(|py| {
            let mut network = self.network.try_clone()?;
            network.parameters_mut().copy_from_slice(parameters);
            let network = Network { typed: T::typed(network) };
            let answer = self.rows.get().sums.call1(py, (network, gradient))?;
            let answer = answer.bind(py);
            let Ok(sums) = answer.cast::<Partial>() else {
                return Err(wrong_type("what sums returns", "a Partial", answer));
            };
            let numbers = if gradient { parameters.len() } else { 0 };
            match T::part(sums.get()) {
                Some(part) if part.is_whole_of(numbers) => Ok(part.clone()),
                _ => {
                    let what = if gradient { "with gradients" } else { "without gradients" };
                    let (dtype, got) = (T::NAME, sums.get().__repr__());
                    Err(PyValueError::new_err(format!(
                        "what sums returns must be the sums over all rows {what} in {dtype}, got {got}"
                    )))
                }
            }
        });
        called.map_err(|error| keep(&self.raised, error)).ok()
    }

    fn digest(&self) -> String {
        self.rows.get().digest.clone()
    }
}

/// The sums over a part of a data set's rows; see `ferroprop.distributed.partial_sums`.
#[pyfunction]
#[pyo3(signature = (network, X, Y, *, n_rows, first_row = Arg::Absent, loss = Arg::Absent, sample_weight = None, gradient = Arg::Absent, n_threads = Arg::Absent))]
#[pyo3(
    text_signature = "(network, X, Y, *, n_rows, first_row=0, loss=None, sample_weight=None, gradient=True, n_threads=None)"
)]
#[allow(non_snake_case, clippy::too_many_arguments)] // Python's names and keywords
pub(super) fn _partial_sums<'py>(
    network: &Bound<'py, PyAny>,
    X: &Bound<'py, PyAny>,
    Y: &Bound<'py, PyAny>,
    n_rows: Arg<'py>,
    first_row: Arg<'py>,
    loss: Arg<'py>,
    sample_weight: Option<&Bound<'py, PyAny>>,
    gradient: Arg<'py>,
    n_threads: Arg<'py>,
) -> PyResult<Partial> {
    let call = Call::enter(network.py())?;
    let any = AnyNetwork::of(network).ok_or_else(|| wrong_type("network", "a Network", network))?;
    let loss = loss::loss(&loss)?;
    let (n_rows, first_row) = (n_rows.count("n_rows", 0)?, first_row.count_from_0("first_row", 0)?);
    let gradient = gradient.flag("gradient", true)?;
    let n_threads = n_threads.optional_count("n_threads")?;
    let part = (first_row, n_rows);
    with_typed!(any.typed(), slot => {
        sums_of(&call, network.py(), &slot.load_full(), [X, Y], sample_weight, &loss, part, gradient, n_threads)
    })
}

#[allow(clippy::too_many_arguments)] // as the function
fn sums_of<'py, T: InSums>(
    call: &Call,
    py: Python<'py>,
    network: &crate::Network<T>,
    [x, y]: [&Bound<'py, PyAny>; 2],
    weights: Option<&Bound<'py, PyAny>>,
    loss: &Given,
    part: (usize, usize),
    gradient: bool,
    n_threads: Option<usize>,
) -> PyResult<Partial> {
    let arrays = RowArrays::new(network, ["X", "Y", "sample_weight"], x, y, weights)?;
    let data = arrays.dataset()?;
    let raised = Mutex::new(None);
    let own = loss.own(&raised, network.complex_outputs());
    let objective = loss.objective::<T>(network.output_activation(), own.as_ref());
    let mut signals = Signals::new(&raised);
    let sums = call.detach(py, || {
        partial_sums(network, &data, objective, part, gradient, n_threads, &mut || signals.interrupted())
    });
    let raised = raised.lock().unwrap_or_else(PoisonError::into_inner).take();
    match raised {
        Some(error) => Err(error),
        None => Ok(T::partial(sums?)),
    }
}

/// The rows of a group; see `ferroprop.distributed.group_rows`.
#[pyfunction]
pub(super) fn _group_rows(network: &Bound<'_, PyAny>, n_rows: Arg<'_>) -> PyResult<usize> {
    let any = AnyNetwork::of(network).ok_or_else(|| wrong_type("network", "a Network", network))?;
    let n_rows = n_rows.count("n_rows", 0)?;
    Ok(with_typed!(any.typed(), slot => slot.load().group_rows(n_rows)))
}
