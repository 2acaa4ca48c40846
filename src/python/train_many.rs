//! `ferroprop.train_many`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::arguments::{Arg, collect, iterated, wrong_type};
use super::call::Call;
use super::history::History;
use super::recurrent::AnyNetwork;
use super::trainings::{Keywords, Training, Trainings, about_network};

/// Train several networks side by side, each on one thread.
///
/// It is `train` for each network, in one call that lets other Python threads run: for searches, ensembles and
/// cross-validation with hundreds of small networks. A network ends with the bits that `train` gives it alone,
/// whatever ``n_threads`` is and whichever networks are in the call.
///
/// Parameters
/// ----------
/// networks : sequence of Network or RecurrentNetwork
///     Different objects, all of single or all of double precision; layers may differ. They are changed in
///     place; if the call raises, all are as they were.
/// X : {array-like, sparse matrix} of shape (n, n_inputs)
///     Rows of inputs for all networks, as for `train`. They are read where they are, for rows that are listed too.
/// Y : array-like of shape (n, n_outputs)
///     Targets for all networks.
/// rows : array-like of integers, or a list of such, or None, default=None
///     Numbers of the rows of X and Y that a network is trained on: a fold, a bag (a row may be listed several
///     times). It ends with the bits of a training on ``X[rows]`` and ``Y[rows]``. Other rows
///     are not looked at. None is all rows. Not for a `RecurrentNetwork`.
/// validation_rows : array-like of integers, or a list of such, or None, default=None
///     Numbers of the rows to watch the loss on, in place of ``validation``.
/// loss, optimizer, epochs, batch_size, shuffle : as for `train`, or a list of such values
/// sample_weight, alpha, clip_norm, truncate, washout, lengths, dropout : likewise
/// validation, validation_score, patience, tolerance, restore_best, max_time : likewise
/// seed, callback, warm_start, checkpoint, checkpoint_every : likewise
///     Those of the trainings. **A list has one value for each network**, all else is one value for all (so a sequence of one
///     dropout rate for each layer is a tuple, and weights are an array). ``sample_weight`` has the weights of
///     all rows of X. A ``callback`` gets the epochs of all networks that it is there for, ``epoch.network`` says
///     which; True ends the training of that one. Functions are called on any thread, one at a time; they
///     must not fork a process that goes on with the call. An optimizer that is an object for several networks gives each a memory
///     of its own, and keeps none; with ``warm_start=True`` each network needs its own. ``max_time``
///     counts from the beginning of the call: a network whose turn comes later has no epoch. Each ``checkpoint`` is
///     a file of its own.
/// n_threads : int or None, default=None
///     Threads, as for `train`. Each training is on one, the longest first (parameters times rows times epochs); where
///     there are fewer networks than threads, a network gets several.
///
/// Returns
/// -------
/// histories : list of History
///     That of each network.
///
/// Raises
/// ------
/// ValueError, TypeError, OSError
///     As `train`; the message names the network, ``networks[3]: ...``.
/// Exception
///     Whatever a function among the arguments raises, with a note that names the network.
///
/// Warns
/// -----
/// RuntimeWarning
///     For each network whose loss or a parameter became infinite or NaN. It keeps the parameters of the epoch
///     before, and the others are trained on.
/// UserWarning
///     If Ctrl-C ended the trainings; each network has the parameters of its last complete epoch.
///
/// See Also
/// --------
/// train : The same for one network, with all keywords.
///
/// References
/// ----------
/// R. L. Graham, "Bounds on multiprocessing timing anomalies", SIAM Journal on Applied Mathematics 17, 1969: with the longest
/// tasks first the last thread ends at most a third later than in the best order.
///
/// Examples
/// --------
/// Three folds of a cross-validation, each with two strengths of the penalty:
///
/// >>> import numpy as np
/// >>> import ferroprop as fp
/// >>> X = np.linspace(-2, 2, 90)[:, None]
/// >>> Y, fold = np.sin(2 * X), np.arange(90) % 3
/// >>> train, test = ([np.flatnonzero(which(fold, k)) for k in range(3)] for which in (np.not_equal, np.equal))
/// >>> networks = [fp.Network([1, 8, 1], activation="tanh", seed=k) for k in range(6)]
/// >>> histories = fp.train_many(
/// ...     networks, X, Y, rows=2 * train, validation_rows=2 * test, alpha=3 * [0.0] + 3 * [0.1], patience=50
/// ... )
/// >>> best = [min(history.validation_loss) for history in histories]
/// >>> bool(np.mean(best[:3]) < np.mean(best[3:]) < 0.1)
/// True
#[pyfunction]
#[pyo3(signature = (networks, X, Y, *, rows = Arg::Absent, validation_rows = Arg::Absent, loss = Arg::Absent, optimizer = Arg::Absent, epochs = Arg::Absent, batch_size = Arg::Absent, shuffle = Arg::Absent, sample_weight = Arg::Absent, alpha = Arg::Absent, clip_norm = Arg::Absent, truncate = Arg::Absent, washout = Arg::Absent, lengths = Arg::Absent, dropout = Arg::Absent, validation = Arg::Absent, validation_score = Arg::Absent, patience = Arg::Absent, tolerance = Arg::Absent, restore_best = Arg::Absent, max_time = Arg::Absent, seed = Arg::Absent, callback = Arg::Absent, n_threads = Arg::Absent, warm_start = Arg::Absent, checkpoint = Arg::Absent, checkpoint_every = Arg::Absent))]
#[pyo3(
    text_signature = "(networks, X, Y, *, rows=None, validation_rows=None, loss=None, optimizer=None, epochs=200, batch_size=None, shuffle=True, sample_weight=None, alpha=0.0, clip_norm=None, truncate=None, washout=0, lengths=None, dropout=0.0, validation=None, validation_score=None, patience=None, tolerance=0.0, restore_best=None, max_time=None, seed=0, callback=None, n_threads=None, warm_start=False, checkpoint=None, checkpoint_every=10)"
)]
#[allow(non_snake_case, clippy::too_many_arguments)] // Python's names and keywords
pub(super) fn train_many<'py>(
    networks: &Bound<'py, PyAny>,
    X: &Bound<'py, PyAny>,
    Y: &Bound<'py, PyAny>,
    rows: Arg<'py>,
    validation_rows: Arg<'py>,
    loss: Arg<'py>,
    optimizer: Arg<'py>,
    epochs: Arg<'py>,
    batch_size: Arg<'py>,
    shuffle: Arg<'py>,
    sample_weight: Arg<'py>,
    alpha: Arg<'py>,
    clip_norm: Arg<'py>,
    truncate: Arg<'py>,
    washout: Arg<'py>,
    lengths: Arg<'py>,
    dropout: Arg<'py>,
    validation: Arg<'py>,
    validation_score: Arg<'py>,
    patience: Arg<'py>,
    tolerance: Arg<'py>,
    restore_best: Arg<'py>,
    max_time: Arg<'py>,
    seed: Arg<'py>,
    callback: Arg<'py>,
    n_threads: Arg<'py>,
    warm_start: Arg<'py>,
    checkpoint: Arg<'py>,
    checkpoint_every: Arg<'py>,
) -> PyResult<Vec<History>> {
    let py = networks.py();
    let call = Call::enter(py)?;
    let keywords = Keywords {
        loss,
        optimizer,
        epochs,
        batch_size,
        shuffle,
        sample_weight,
        alpha,
        clip_norm,
        truncate,
        washout,
        lengths,
        dropout,
        validation,
        validation_score,
        patience,
        tolerance,
        restore_best,
        max_time,
        seed,
        callback,
        n_threads,
        warm_start,
        checkpoint,
        checkpoint_every,
    };
    let n_threads = keywords.n_threads.optional_count("n_threads")?;
    let expected = "a sequence of Networks";
    let items = match iterated(networks)? {
        Some(items) if AnyNetwork::of(networks).is_none() => collect(items)?,
        _ => return Err(wrong_type("networks", expected, networks)),
    };
    if items.is_empty() {
        return Err(PyValueError::new_err("networks must hold at least one Network, got none"));
    }
    let count = items.len();
    let has_lists = keywords.values().chain([&rows, &validation_rows]).any(is_list);
    let mut trainings = Vec::new();
    for (index, network) in items.iter().enumerate() {
        let training = || {
            if AnyNetwork::of(network).is_none() {
                return Err(wrong_type("networks", expected, network));
            }
            let pick = |name: &str, value: &Arg<'py>| of_network(name, value, index, count);
            let training = Training::new(network, X, Y, keywords.each(pick)?)?;
            training.on_rows(&pick("rows", &rows)?, &pick("validation_rows", &validation_rows)?)
        };
        let about = |error| if has_lists { about_network(py, index, error) } else { error };
        trainings.push(training().map_err(about)?);
    }
    Trainings::of_several(trainings, n_threads)?.run(py, &call)
}

/// Trains networks side by side, each on rows of its own: network, X, Y and the keywords of `train` for each,
/// with `rows` and `validation_rows`. Messages are those
/// of `train`.
#[pyfunction]
#[pyo3(name = "_train_each")]
pub(super) fn train_each<'py>(
    py: Python<'py>,
    trainings: Vec<([Bound<'py, PyAny>; 3], Bound<'py, PyDict>)>,
    n_threads: Option<usize>,
) -> PyResult<Vec<History>> {
    let call = Call::enter(py)?;
    let of_one = |([network, x, y], keywords): &([Bound<'py, PyAny>; 3], Bound<'py, PyDict>)| {
        let keywords = keywords.copy()?;
        let own = |name| {
            let value = keywords.get_item(name)?.map_or(Arg::Absent, Arg::Given);
            keywords.call_method1("pop", (name, py.None()))?;
            Ok::<_, PyErr>(value)
        };
        let (rows, validation_rows) = (own("rows")?, own("validation_rows")?);
        Training::new(network, x, y, Keywords::of(&keywords)?)?.on_rows(&rows, &validation_rows)
    };
    let trainings = trainings.iter().map(of_one).collect::<PyResult<Vec<_>>>()?;
    Trainings::of_several(trainings, n_threads)?.unnamed().run(py, &call)
}

fn is_list(value: &Arg<'_>) -> bool {
    value.some().is_some_and(PyAnyMethods::is_instance_of::<PyList>)
}

/// The value for one of the networks: that at its place in a list, or the value for all.
fn of_network<'py>(name: &str, value: &Arg<'py>, index: usize, count: usize) -> PyResult<Arg<'py>> {
    let Arg::Given(value) = value else { return Ok(Arg::Absent) };
    let Ok(list) = value.cast::<PyList>() else { return Ok(Arg::Given(value.clone())) };
    if list.len() != count {
        return Err(PyValueError::new_err(format!(
            "{name} must be one value for all networks, or a list with one for each of the {count}, got a list of \
             {} (another sequence that is one value is a tuple or an array)",
            list.len()
        )));
    }
    Ok(Arg::Given(list.get_item(index)?))
}
