//! `ferroprop.train`.

use pyo3::prelude::*;

use super::arguments::Arg;
use super::call::Call;
use super::history::History;
use super::trainings::{Keywords, Training, Trainings};

/// Adjust a network's weights and biases until its loss on the data is small.
///
/// Parameters
/// ----------
/// network : Network or RecurrentNetwork
///     Changed in place: it has the parameters of the last epoch, or of the best one with
///     ``restore_best``. If the call raises, it is as it was.
/// X : {array-like, sparse matrix} of shape (n, n_inputs)
///     Rows of inputs; finite numbers. An array of the network's dtype is read where it is, so it
///     may be a ``numpy.memmap`` larger than memory; so is one of float32 for a network of float64. All others are
///     copied to memory. Of a sparse matrix of SciPy's only the elements that are not 0 take
///     time and memory, and the network gets the same parameters as from an array. For a `RecurrentNetwork` sequences: an array of shape (n, time, n_inputs) or a list
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
/// shuffle : bool, "blocks", BlockShuffle or callable, default=True
///     Whether mini-batches take the rows in a new random order each epoch. "blocks", or a `BlockShuffle` of other sizes, draws
///     an order that reads the rows in long runs, for rows on disk. A function gets
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
#[pyo3(signature = (network, X, Y, *, loss = Arg::Absent, optimizer = Arg::Absent, epochs = Arg::Absent, batch_size = Arg::Absent, shuffle = Arg::Absent, sample_weight = Arg::Absent, alpha = Arg::Absent, clip_norm = Arg::Absent, truncate = Arg::Absent, washout = Arg::Absent, lengths = Arg::Absent, dropout = Arg::Absent, validation = Arg::Absent, validation_score = Arg::Absent, patience = Arg::Absent, tolerance = Arg::Absent, restore_best = Arg::Absent, max_time = Arg::Absent, seed = Arg::Absent, callback = Arg::Absent, n_threads = Arg::Absent, warm_start = Arg::Absent, checkpoint = Arg::Absent, checkpoint_every = Arg::Absent))]
#[pyo3(
    text_signature = "(network, X, Y, *, loss=None, optimizer=None, epochs=200, batch_size=None, shuffle=True, sample_weight=None, alpha=0.0, clip_norm=None, truncate=None, washout=0, lengths=None, dropout=0.0, validation=None, validation_score=None, patience=None, tolerance=0.0, restore_best=None, max_time=None, seed=0, callback=None, n_threads=None, warm_start=False, checkpoint=None, checkpoint_every=10)"
)]
#[allow(non_snake_case, clippy::too_many_arguments)] // Python's names and keywords
pub(super) fn train<'py>(
    network: &Bound<'py, PyAny>,
    X: &Bound<'py, PyAny>,
    Y: &Bound<'py, PyAny>,
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
) -> PyResult<History> {
    let call = Call::enter(network.py())?;
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
    let training = Training::new(network, X, Y, keywords)?;
    let histories = Trainings::of_one(training).run(network.py(), &call)?;
    histories.into_iter().next().ok_or_else(|| unreachable!("there is one for each network"))
}
