//! `ferroprop.train`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use numpy::prelude::*;
use numpy::{Element, PyArray1};
use pyo3::exceptions::{PyKeyboardInterrupt, PyOverflowError, PyRuntimeWarning, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyTuple};

use super::arguments::{
    Arg, collect, iterated, number, one_or_each, path, unless_foreign, wrong, wrong_type,
};
use super::arrays::is_aligned;
use super::call::{Call, attach};
use super::history::{Epoch, History};
use super::loss::{self, Given};
use super::optimizer::{Remembered, Slot, with_optimizer};
use super::recurrent::AnyNetwork;
use super::row_orders::RowOrders;
use super::rows::RowArrays;
use super::schedule::{raised_by_function, scheduled};
use super::sequences::{InTime, SequenceArrays};
use super::signals::{Signals, has_raised, keep};
use super::typed::with_typed;
use crate::error::plain;
use crate::memory::try_collect;
use crate::{Checkpoint, Dataset, Note, Observer, Schedule, Settings, Shuffle, StopReason};

/// Adjust a network's weights and biases until its loss on the data is small.
///
/// Parameters
/// ----------
/// network : Network or RecurrentNetwork
///     Changed in place: it has the parameters of the last epoch, or of the best one with
///     ``restore_best``. If the call raises, it is as it was.
/// X : array-like of shape (n, n_inputs)
///     Rows of inputs; finite numbers. An array of the network's dtype is read where it is, so it
///     may be a ``numpy.memmap`` larger than memory. For a `RecurrentNetwork` sequences: an array of shape (n, time, n_inputs) or a list
///     of n arrays of shape (time, n_inputs); its batches are of sequences.
/// Y : array-like of shape (n, n_outputs)
///     Targets. For a `RecurrentNetwork` with ``returns="every"`` they have the form of X.
/// loss : str, Loss, callable or None, default=None
///     As for `Network.loss_and_gradients`.
/// optimizer : Optimizer, name or None, default=None
///     None is ``Rprop()``. After the call an object holds its state, see ``warm_start``. A name, of
///     `OPTIMIZERS`, has the usual hyperparameters; "rprop" is "irprop+".
/// epochs : int, default=200
///     The most passes over the data.
/// batch_size : int or None, default=None
///     Rows in a mini-batch; None is all rows (full batch), which Rprop and its kin need to be
///     themselves.
/// shuffle : bool or callable, default=True
///     Whether mini-batches take the rows in a new random order each epoch; or a function that gets
///     the epoch (1 for the first) and returns the order, each row once.
/// sample_weight : array-like of shape (n,) or None, default=None
///     Weight of each row, not negative. For a `RecurrentNetwork` as for its `loss_and_gradients`.
/// alpha : float, default=0.0
///     Strength of the L2 penalty, as for `Network.loss_and_gradients`.
/// clip_norm : float or None, default=None
///     The greatest Euclidean norm of the gradient of all weights and biases together, penalty included, as it
///     is for the mean loss of a batch; a step is made with the gradient times ``clip_norm / norm`` where
///     its norm is greater. None is any norm. It is positive. Rprop and its kin look at signs, which it leaves as
///     they are.
/// truncate : int or None, default=None
///     For a `RecurrentNetwork`: how many steps of time the gradient goes back at most; None is to the beginning. With
///     ``returns="every"`` sequences are cut into pieces of so many steps: states are carried from piece to piece, derivatives are
///     not; with "last" the last so many steps get a gradient. A batch makes one step of the optimizer all the same.
/// washout : int, default=0
///     For a `RecurrentNetwork` with ``returns="every"``: how many steps of time at the beginning of each sequence have no loss, in the
///     validation as well.
/// lengths : sequence of int or None, default=None
///     For a `RecurrentNetwork`: steps of each sequence, if X, and with ``returns="every"`` Y and weights of steps, are arrays in which
///     shorter ones are filled up; what is behind the lengths is not read. Validation sequences of several lengths are a list.
/// dropout : float, Schedule, callable or a sequence of these, default=0.0
///     Chance that a step leaves out an output of a hidden layer, one for all layers or one for each,
///     from 0 to below 1; a `Schedule` or a function of the step if it changes. The outputs that stay are divided by the chance to stay. Which stay follows
///     from ``seed`` and the number of the step. Validation, scores and predictions use all outputs;
///     the training loss is that with dropout. In a `RecurrentNetwork` outputs are left out on their way to the next layer, of a
///     sequence the same ones at all steps of time.
/// validation : tuple (X, Y) or (X, Y, sample_weight), or None, default=None
///     Rows to watch the loss on.
/// validation_score : callable or None, default=None
///     Gets the network after each epoch and returns a number, greater is better, which is then
///     watched in place of the loss.
/// patience : int or None, default=None
///     Stop after this many epochs in a row without improvement; None never.
/// tolerance : float, default=0.0
///     An epoch counts as improvement if the watched loss is at most the best one minus this (a
///     score: at least the best one plus this).
/// restore_best : bool or None, default=None
///     Whether the parameters of the best epoch come back at the end; None means if there is a
///     ``validation`` or ``validation_score``.
/// max_time : float or None, default=None
///     Seconds after which no other epoch is started.
/// seed : int, default=0
///     Names the random orders and what dropout leaves out.
/// callback : callable or None, default=None
///     Gets an `Epoch` after each epoch; training ends if it returns True. The network has the
///     epoch's parameters meanwhile.
/// n_threads : int or None, default=None
///     Threads; None leaves it to the CPU affinity and OMP_NUM_THREADS. The result does not depend
///     on it.
/// warm_start : bool, default=False
///     Go on from the state that the optimizer kept from its last call. Not with a ``checkpoint``,
///     which has that state.
/// checkpoint : str, path-like or None, default=None
///     A file to save the training in: after every ``checkpoint_every`` epochs and when it ends, by Ctrl-C too.
///     If the file is there already, training goes on from it and ends in the same bits as if it had
///     never stopped: make the same call again, with a network of the same initial parameters. A
///     training that was done is only returned, unless ``epochs`` has grown. See the notes.
/// checkpoint_every : int, default=10
///     Epochs from one save to the next.
///
/// Returns
/// -------
/// history : History
///     Losses of each epoch, why training ended, and how long it took.
///
/// Raises
/// ------
/// ValueError
///     If shapes do not fit, numbers are not finite or outside the loss's domain, or a setting is
///     outside its own; if ``checkpoint`` is a file of another training, or no checkpoint.
/// TypeError
///     If an argument is of the wrong kind.
/// OSError
///     If the checkpoint cannot be read or written; the file that was there stays.
/// Exception
///     Whatever a function among the arguments raises.
///
/// Warns
/// -----
/// RuntimeWarning
///     If the loss or a parameter became infinite or NaN; the network keeps the parameters of the
///     epoch before.
/// UserWarning
///     If Ctrl-C ended the training; the network has the parameters of the last complete epoch.
///
/// Notes
/// -----
/// A checkpoint has the network, the optimizer's state, the epoch, the history, what patience and
/// ``restore_best`` need, and a description of the training. From call to call ``epochs``,
/// ``patience``, ``max_time`` (it counts for each call) and ``n_threads`` may change; if anything else
/// does, rows and targets included, the call raises and changes nothing. Functions are not compared,
/// and must be the same; ``shuffle`` is called with the epoch's number in the whole training, and a
/// function of the step with the step's. With a `Schedule` by step that has no ``steps`` of its own a training
/// that goes on with more epochs differs from one that had them from the start. A divergence is not saved: the file has what was there before. `docs/file-format.md`
/// describes the file.
///
/// References
/// ----------
/// N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15,
/// 2014.
///
/// R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", ICML
/// 2013: clipping of gradients by their norm.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
/// >>> net = fp.Network([2, 4, 1], activation="tanh", output_activation="logistic", seed=3)
/// >>> history = fp.train(net, X, Y, optimizer=fp.Rprop(), epochs=100)
/// >>> history.loss[-1] < 0.01
/// True
/// >>> net.predict(X).round().ravel().tolist()
/// [0.0, 1.0, 1.0, 0.0]
///
/// Ten epochs, and later ninety more:
///
/// >>> import os, tempfile
/// >>> path = os.path.join(tempfile.mkdtemp(), "run.ckpt")
/// >>> net = fp.Network([2, 4, 1], activation="tanh", output_activation="logistic", seed=3)
/// >>> fp.train(net, X, Y, epochs=10, checkpoint=path).epochs
/// 10
/// >>> net = fp.Network([2, 4, 1], activation="tanh", output_activation="logistic", seed=3)
/// >>> fp.train(net, X, Y, epochs=100, checkpoint=path).loss == history.loss
/// True
#[pyfunction]
#[pyo3(signature = (network, X, Y, *, loss = Arg::Absent, optimizer = None, epochs = Arg::Absent, batch_size = Arg::Absent, shuffle = None, sample_weight = None, alpha = Arg::Absent, clip_norm = Arg::Absent, truncate = Arg::Absent, washout = Arg::Absent, lengths = None, dropout = Arg::Absent, validation = None, validation_score = Arg::Absent, patience = Arg::Absent, tolerance = Arg::Absent, restore_best = Arg::Absent, max_time = Arg::Absent, seed = Arg::Absent, callback = Arg::Absent, n_threads = Arg::Absent, warm_start = Arg::Absent, checkpoint = None, checkpoint_every = Arg::Absent))]
#[pyo3(
    text_signature = "(network, X, Y, *, loss=None, optimizer=None, epochs=200, batch_size=None, shuffle=True, sample_weight=None, alpha=0.0, clip_norm=None, truncate=None, washout=0, lengths=None, dropout=0.0, validation=None, validation_score=None, patience=None, tolerance=0.0, restore_best=None, max_time=None, seed=0, callback=None, n_threads=None, warm_start=False, checkpoint=None, checkpoint_every=10)"
)]
#[allow(non_snake_case, clippy::too_many_arguments)] // Python's names and keywords
pub(super) fn train<'py>(
    py: Python<'py>,
    network: &Bound<'py, PyAny>,
    X: &Bound<'py, PyAny>,
    Y: &Bound<'py, PyAny>,
    loss: Arg<'py>,
    optimizer: Option<&Bound<'py, PyAny>>,
    epochs: Arg<'py>,
    batch_size: Arg<'py>,
    shuffle: Option<&Bound<'py, PyAny>>,
    sample_weight: Option<&Bound<'py, PyAny>>,
    alpha: Arg<'py>,
    clip_norm: Arg<'py>,
    truncate: Arg<'py>,
    washout: Arg<'py>,
    lengths: Option<&Bound<'py, PyAny>>,
    dropout: Arg<'py>,
    validation: Option<&Bound<'py, PyAny>>,
    validation_score: Arg<'py>,
    patience: Arg<'py>,
    tolerance: Arg<'py>,
    restore_best: Arg<'py>,
    max_time: Arg<'py>,
    seed: Arg<'py>,
    callback: Arg<'py>,
    n_threads: Arg<'py>,
    warm_start: Arg<'py>,
    checkpoint: Option<&Bound<'py, PyAny>>,
    checkpoint_every: Arg<'py>,
) -> PyResult<History> {
    let call = Call::enter(py)?;
    let any = AnyNetwork::of(network).ok_or_else(|| wrong_type("network", "a Network", network))?;
    let truncate = truncate.optional_count("truncate")?;
    let in_time = InTime::new(&washout, lengths)?;
    if matches!(any, AnyNetwork::OfRows(_)) && in_time.washout > 0 {
        return Err(PyValueError::new_err(format!(
            "washout must be 0 for a network that is not recurrent, got {}",
            in_time.washout
        )));
    }
    if matches!(any, AnyNetwork::OfRows(_)) && in_time.lengths.is_some() {
        return Err(PyValueError::new_err("lengths must be None for a network that is not recurrent"));
    }
    let arguments = Arguments {
        x: X,
        y: Y,
        sample_weight,
        validation: validation.map(validation_tuple).transpose()?,
        loss: loss::loss(&loss)?,
        epochs: epochs.count("epochs", 200)?,
        batch_size: batch_size.optional_count("batch_size")?,
        seed: seed.seed()?,
        shuffle: shuffle.map_or(Ok(Order::Random), order)?,
        alpha: alpha.number("alpha", 0.0)?,
        clip_norm: clip_norm.optional_number("clip_norm")?,
        truncate,
        in_time,
        dropout,
        patience: patience.optional_count("patience")?,
        tolerance: tolerance.number("tolerance", 0.0)?,
        restore_best: restore_best.optional_flag("restore_best")?,
        max_time: max_time.optional_number("max_time")?.map(duration).transpose()?,
        n_threads: n_threads.optional_count("n_threads")?,
        callback: callback.callable("callback")?,
        score: validation_score.callable("validation_score")?,
        warm_start: warm_start.flag("warm_start", false)?,
        checkpoint: saving(checkpoint, checkpoint_every.count("checkpoint_every", 10)?)?,
    };
    if arguments.warm_start && arguments.checkpoint.is_some() {
        return Err(PyValueError::new_err(
            "warm_start must be False with a checkpoint, which has the optimizer's state, got True",
        ));
    }
    with_optimizer(
        optimizer,
        |slot| with_typed!(any.typed(), typed => run(py, &call, network, typed, &slot, arguments)),
    )
}

struct Arguments<'a, 'py> {
    x: &'a Bound<'py, PyAny>,
    y: &'a Bound<'py, PyAny>,
    sample_weight: Option<&'a Bound<'py, PyAny>>,
    validation: Option<Bound<'py, PyTuple>>,
    loss: Given,
    epochs: usize,
    batch_size: Option<usize>,
    seed: u64,
    shuffle: Order,
    alpha: f64,
    clip_norm: Option<f64>,
    truncate: Option<usize>,
    in_time: InTime,
    dropout: Arg<'py>,
    patience: Option<usize>,
    tolerance: f64,
    restore_best: Option<bool>,
    max_time: Option<Duration>,
    n_threads: Option<usize>,
    callback: Option<Py<PyAny>>,
    score: Option<Py<PyAny>>,
    warm_start: bool,
    checkpoint: Option<Saving>,
}

enum Order {
    AsIs,
    Random,
    By(Py<PyAny>),
    /// Without a call of Python's.
    Drawn(Py<RowOrders>),
}

/// A checkpoint, and what gives its note.
struct Saving {
    checkpoint: Checkpoint,
    note: Option<Py<PyAny>>,
}

fn saving(value: Option<&Bound<'_, PyAny>>, every: usize) -> PyResult<Option<Saving>> {
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

fn order(value: &Bound<'_, PyAny>) -> PyResult<Order> {
    if let Ok(flag) = value.cast::<PyBool>() {
        Ok(if flag.is_true() { Order::Random } else { Order::AsIs })
    } else if let Ok(orders) = value.cast::<RowOrders>() {
        Ok(Order::Drawn(orders.clone().unbind()))
    } else if value.is_callable() {
        Ok(Order::By(value.clone().unbind()))
    } else {
        Err(wrong_type("shuffle", "True, False or a function of the epoch", value))
    }
}

/// The rates of dropout: one for all hidden layers, or one for each.
fn rates(dropout: &Arg<'_>, n_hidden: usize) -> PyResult<Vec<Schedule>> {
    let Some(value) = dropout.some() else { return Ok(Vec::new()) };
    let is_one = iterated(value)?.is_none();
    // Also where it stands for no layer at all.
    if is_one {
        crate::training::check_rate(&scheduled("dropout", value)?)?;
    }
    one_or_each(value, n_hidden, |rate| scheduled("dropout", rate), is_one)
}

fn duration(seconds: f64) -> PyResult<Duration> {
    if seconds > 0.0 {
        // More than Duration can hold is for ever.
        Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    } else {
        let got = plain(seconds);
        Err(PyValueError::new_err(format!("max_time must be a positive number of seconds, got {got}")))
    }
}

fn validation_tuple<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    let expected = "a tuple (X, Y) or (X, Y, sample_weight)";
    match value.cast::<PyTuple>() {
        Ok(tuple) if matches!(tuple.len(), 2 | 3) => Ok(tuple.clone()),
        Ok(tuple) => {
            let got = tuple.len();
            Err(PyValueError::new_err(format!("validation must be {expected}, got {got} items")))
        }
        Err(_) => Err(wrong_type("validation", expected, value)),
    }
}

/// A data set as it came from Python.
enum Arrays<'py, T: Element> {
    Rows(RowArrays<'py, T>),
    Sequences(SequenceArrays<'py, T>),
}

impl<'py, T: Remembered + Element> Arrays<'py, T> {
    fn new(
        network: &crate::Network<T>,
        names: [&str; 3],
        x: &Bound<'py, PyAny>,
        y: &Bound<'py, PyAny>,
        weights: Option<&Bound<'py, PyAny>>,
        in_time: &InTime,
    ) -> PyResult<Self> {
        Ok(if network.returns().is_some() {
            Self::Sequences(SequenceArrays::new(network, names, x, y, weights, in_time)?)
        } else {
            Self::Rows(RowArrays::new(network, names, x, y, weights)?)
        })
    }

    fn dataset(&self) -> PyResult<Dataset<'_, T>> {
        match self {
            Self::Rows(arrays) => arrays.dataset(),
            Self::Sequences(arrays) => arrays.dataset(),
        }
    }
}

fn run<'py, T: Remembered + Element>(
    py: Python<'py>,
    call: &Call,
    object: &Bound<'py, PyAny>,
    slot: &ArcSwap<crate::Network<T>>,
    optimizer: &Slot<'_>,
    arguments: Arguments<'_, 'py>,
) -> PyResult<History> {
    let before = slot.load_full();
    let dropout = rates(&arguments.dropout, before.layers().len() - 1)?;
    let names = ["X", "Y", "sample_weight"];
    let Arguments { x, y, sample_weight, in_time, .. } = &arguments;
    let arrays = Arrays::new(&before, names, x, y, *sample_weight, in_time)?;
    let names = ["validation X", "validation Y", "validation sample_weight"];
    let validation = match &arguments.validation {
        None => None,
        Some(tuple) => {
            let weights = if tuple.len() == 3 { Some(tuple.get_item(2)?) } else { None };
            let weights = weights.filter(|weights| !weights.is_none());
            let (x, y) = (tuple.get_item(0)?, tuple.get_item(1)?);
            let in_time = InTime { washout: in_time.washout, lengths: None };
            Some(Arrays::new(&before, names, &x, &y, weights.as_ref(), &in_time)?)
        }
    };
    let mut state = optimizer.state::<T>(arguments.warm_start)?;
    let data = arrays.dataset()?;
    let validation = validation.as_ref().map(Arrays::dataset).transpose()?;
    let raised = Mutex::new(None);
    let custom_loss = arguments.loss.own(&raised, before.complex_outputs());
    let objective = arguments.loss.objective::<T>(before.output_activation(), custom_loss.as_ref());
    let own_order = |epoch: usize| own_order(&arguments.shuffle, epoch, &raised);
    let mut observer = FromPython {
        slot,
        network: object.clone().unbind(),
        callback: arguments.callback,
        score: arguments.score,
        note: arguments.checkpoint.as_ref().and_then(|saving| Some(saving.note.as_ref()?.clone_ref(py))),
        raised: &raised,
        signals: Signals::new(&raised),
    };
    let shuffle_kind = match arguments.shuffle {
        Order::AsIs => Some(Shuffle::Never),
        Order::Random => Some(Shuffle::Seeded(arguments.seed)),
        Order::By(_) | Order::Drawn(_) => None,
    };
    let checkpoint = arguments.checkpoint.map(|saving| saving.checkpoint);
    let mut network = before.try_clone()?;
    raised_by_function();
    let result = call.detach(py, || {
        let settings = Settings {
            epochs: arguments.epochs,
            batch_size: arguments.batch_size,
            shuffle: shuffle_kind.unwrap_or(Shuffle::By(&own_order)),
            alpha: arguments.alpha,
            clip_norm: arguments.clip_norm,
            truncate: arguments.truncate,
            dropout,
            noise_seed: arguments.seed,
            validation,
            patience: arguments.patience,
            tolerance: arguments.tolerance,
            restore_best: arguments.restore_best,
            max_time: arguments.max_time,
            n_threads: arguments.n_threads,
            checkpoint,
        };
        crate::train(&mut network, &data, objective, &settings, &mut state, &mut observer)
    });
    let raised = raised.into_inner().unwrap_or_else(PoisonError::into_inner).or_else(raised_by_function);
    let interrupted = raised.as_ref().is_some_and(|error| error.is_instance_of::<PyKeyboardInterrupt>(py));
    if let Some(error) = raised.filter(|_| !interrupted) {
        slot.store(before);
        return Err(error);
    }
    let finished = result.map_err(PyErr::from).and_then(|mut history| {
        if interrupted {
            history.stop_reason = StopReason::Interrupted;
        }
        warn(py, &history)?;
        Ok(history)
    });
    match finished {
        Ok(history) => {
            slot.store(Arc::new(network));
            optimizer.keep(state);
            Ok(History(history))
        }
        Err(error) => {
            slot.store(before);
            Err(error)
        }
    }
}

/// Warns of an end that nobody wanted. Where warnings are errors, this is one.
fn warn(py: Python<'_>, history: &crate::History) -> PyResult<()> {
    match history.stop_reason {
        StopReason::Interrupted => {
            PyErr::warn(py, &py.get_type::<PyUserWarning>(), c"Training interrupted by user.", 1)
        }
        StopReason::Diverged => {
            let message = format!(
                "training diverged in epoch {}: the loss or a parameter became infinite or NaN; the \
                 network keeps its last finite parameters; scale X, or make the steps smaller",
                history.epochs() + 1
            );
            let message = std::ffi::CString::new(message)?;
            PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), &message, 1)
        }
        _ => Ok(()),
    }
}

/// The order of the rows that the caller has given; an error is kept for later.
fn own_order(order: &Order, epoch: usize, raised: &Mutex<Option<PyErr>>) -> Option<Vec<u32>> {
    let rows = match order {
        Order::AsIs | Order::Random => return None,
        Order::By(function) => attach(|py| row_numbers(function.call1(py, (epoch,))?.bind(py))),
        Order::Drawn(orders) => orders.get().of_epoch(epoch).map_err(PyErr::from),
    };
    rows.map_err(|error| keep(raised, error)).ok()
}

fn row_numbers(rows: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    // NumPy's usual index type; what does not fit becomes a row that is not there.
    if let Ok(array) = rows.cast::<PyArray1<i64>>()
        && is_aligned(array)
    {
        let rows = array.try_readonly()?;
        let rows = rows.as_array();
        return Ok(try_collect(rows.iter().map(|&row| u32::try_from(row).unwrap_or(u32::MAX)))?);
    }
    let expected = "a function that returns row numbers";
    let items = iterated(rows)?.ok_or_else(|| wrong_type("shuffle", expected, rows))?;
    collect(items.map(|row| {
        let row = row?;
        row.extract::<u32>().map_err(|error: PyErr| {
            if error.is_instance_of::<PyOverflowError>(row.py()) {
                wrong("shuffle", expected, rows)
            } else {
                unless_foreign(error, &row, || wrong_type("shuffle", expected, &row))
            }
        })
    }))
}

/// Passes events on to Python, and Python's exceptions back.
struct FromPython<'a, T> {
    slot: &'a ArcSwap<crate::Network<T>>,
    network: Py<PyAny>,
    callback: Option<Py<PyAny>>,
    score: Option<Py<PyAny>>,
    note: Option<Py<PyAny>>,
    raised: &'a Mutex<Option<PyErr>>,
    signals: Signals<'a>,
}

impl<T: Remembered> FromPython<'_, T> {
    fn has_raised(&self) -> bool {
        has_raised(self.raised)
    }

    /// What a Python function returned, or nothing if it raised.
    fn call<R>(&self, function: impl FnOnce(Python<'_>) -> PyResult<R>) -> Option<R> {
        attach(function).map_err(|error| keep(self.raised, error)).ok()
    }
}

impl<T: Remembered + Element> Observer<T> for FromPython<'_, T> {
    fn looks_at_network(&self) -> bool {
        self.callback.is_some() || self.score.is_some()
    }

    fn scores(&self) -> bool {
        self.score.is_some()
    }

    fn score(&mut self, network: &crate::Network<T>) -> Option<f64> {
        if self.looks_at_network() {
            match network.try_clone() {
                Ok(network) => self.slot.store(Arc::new(network)),
                Err(error) => keep(self.raised, error.into()),
            }
        }
        let score = self.score.as_ref()?;
        let number = self.call(|py| {
            let score = score.call1(py, (&self.network,))?;
            number("validation_score", score.bind(py))
        });
        Some(number.unwrap_or(f64::NAN))
    }

    fn epoch(&mut self, epoch: &crate::Epoch, _network: &crate::Network<T>) -> bool {
        let stop = self.callback.as_ref().and_then(|callback| {
            if self.has_raised() {
                return None;
            }
            self.call(|py| {
                let answer = callback.call1(py, (Epoch::of(self.network.clone_ref(py), epoch),))?;
                // Only True ends the training, not whatever else counts as true.
                Ok(answer.extract::<bool>(py).unwrap_or(false))
            })
        });
        stop.unwrap_or(false) || self.has_raised()
    }

    fn interrupted(&mut self) -> bool {
        self.signals.interrupted() || self.has_raised()
    }

    fn failed(&self) -> bool {
        self.has_raised()
    }

    fn note(&mut self) -> Option<Note> {
        let Some(note) = &self.note else { return Some(Note::default()) };
        let (text, numbers) = self.call(|py| note.call0(py)?.extract(py))?;
        Some(Note { text, numbers })
    }
}
