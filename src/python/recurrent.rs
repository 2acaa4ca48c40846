//! `ferroprop.RecurrentNetwork`.

use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayView1, ArrayView2, s};
use numpy::prelude::*;
use numpy::{Element, PyArrayDescr};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use super::activation::{activation, to_python};
use super::arguments::{Arg, collect, count, flag, iterated, one_or_each, path, type_name, wrong_type};
use super::arrays::{Hold, Matrix, Vector, empty, filled, matrix, vector};
use super::call::Call;
use super::loss::{self, Given};
use super::network::{Network, activations, copy, dtype_name, read_only};
use super::sequences::{Form, InTime, SequenceArrays, Steps, lengths};
use super::signals::Signals;
use super::typed::{Typed, WORTH_DETACHING, with_typed};
use crate::catalogue::unknown_choice;
use crate::error::tuple;
use crate::pass::state_widths;
use crate::{Init, Kind, RecurrentInit, Returns, Scalar, Sequences};

/// A network for sequences: its hidden layers carry a state from each step of time to the next, and its last layer is dense.
///
/// Sequences are an array of shape (n, time, n_inputs), or, of any lengths, a list of n arrays of shape (time, n_inputs): no padding,
/// no masks. The outputs of a sequence have the same bits whatever other sequences come with it.
///
/// Parameters
/// ----------
/// layer_sizes : sequence of int
///     Units in each layer: inputs first, then hidden layers, at least one, outputs last.
/// cell : {"rnn", "lstm", "gru"}, default="rnn"
///     What the hidden layers compute of the inputs x and their own outputs h of the step before.
///
///     - "rnn": ``activation(x W + h U + b)``, Elman's simple recurrent layer;
///     - "lstm": long short-term memory, gates i, f, g, o in this order: ``c = f*c + i*g``, ``h = o*tanh(c)``;
///     - "gru": gated recurrent unit, gates r, z, n in this order: ``n = tanh(x W_n + b_n + r*(h U_n + c_n))``,
///       ``h = (1 - z)*n + z*h``, the form of cuDNN, PyTorch and Keras (``reset_after=True``).
/// returns : {"last", "every"}, default="last"
///     Whether a sequence has outputs for its last step of time, or for every one.
/// activation : str, Activation, or a sequence of them, default="tanh"
///     Of the hidden layers, one for all or one for each; for "rnn" alone.
/// output_activation : str or Activation, default="identity"
///     Activation of the output layer; ``"softmax"`` too.
/// bias : bool or sequence of bool, default=True
///     Whether layers have biases, one for all or one for each (the output layer included).
/// init : {"glorot", "he", "lecun", "orthogonal", "zeros", "uniform"}, default="glorot"
///     How the weights of the inputs, gate by gate, and those of the output layer are drawn: as for `Network`. Biases of hidden layers are
///     0, those of the forget gate of an "lstm" 1; with "uniform" all are drawn.
/// init_range : float, default=0.1
///     The largest initial absolute value where "uniform" is drawn.
/// recurrent_init : {"orthogonal", "identity", "glorot", "torch", "zeros", "uniform"}, default="orthogonal"
///     How the recurrent weights of each gate are drawn: "glorot" uniform within sqrt(3 / units), "torch" within 1 / sqrt(units) as
///     PyTorch does. PyTorch draws all parameters of a layer so: that is ``init="uniform"`` with an `init_range` of 1 / sqrt(units).
/// dtype : {"float32", "float64"}, default="float32"
///     Type of weights, inputs and outputs.
/// seed : int, default=0
///     Names the initial weights: the same on every machine.
///
/// Raises
/// ------
/// ValueError
///     If there are fewer than three sizes or one is 0, or a name or a number is none of those above.
/// TypeError
///     If an argument is of the wrong kind.
/// MemoryError
///     If there is no memory for so many parameters.
///
/// See Also
/// --------
/// train : Adjust the weights to data.
/// Network : A network of rows.
///
/// References
/// ----------
/// J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990.
///
/// S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; F. A. Gers, J. Schmidhuber and
/// F. Cummins, "Learning to forget", Neural Computation 12, 2000.
///
/// K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation", EMNLP
/// 2014.
///
/// A. M. Saxe, J. L. McClelland and S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
/// linear neural networks", ICLR 2014: orthogonal weights.
///
/// Examples
/// --------
/// >>> import numpy as np
/// >>> import ferroprop as fp
/// >>> net = fp.RecurrentNetwork([1, 8, 1], cell="gru", seed=0)
/// >>> net
/// RecurrentNetwork([1, 8, 1], cell='gru', returns='last', output_activation='identity', dtype='float32')
/// >>> X = np.random.default_rng(0).uniform(size=(64, 20, 1))
/// >>> Y = X.sum(axis=1)
/// >>> history = fp.train(net, X, Y, epochs=100)
/// >>> history.loss[-1] < 0.01 * history.loss[0]
/// True
/// >>> net.predict([X[0], X[1, :7]]).shape
/// (2, 1)
#[pyclass(frozen, module = "ferroprop")]
pub(super) struct RecurrentNetwork {
    pub(super) typed: Typed,
}

/// A network of either kind.
pub(super) enum AnyNetwork<'a, 'py> {
    OfRows(&'a Bound<'py, Network>),
    Recurrent(&'a Bound<'py, RecurrentNetwork>),
}

impl<'a, 'py> AnyNetwork<'a, 'py> {
    /// The object, if it is one.
    pub fn of(object: &'a Bound<'py, PyAny>) -> Option<Self> {
        match object.cast::<Network>() {
            Ok(network) => Some(Self::OfRows(network)),
            Err(_) => object.cast().ok().map(Self::Recurrent),
        }
    }

    pub fn typed(&self) -> &'a Typed {
        match self {
            Self::OfRows(network) => &network.get().typed,
            Self::Recurrent(network) => &network.get().typed,
        }
    }
}

#[pymethods]
impl RecurrentNetwork {
    #[new]
    #[pyo3(signature = (layer_sizes, *, cell = Arg::Absent, returns = Arg::Absent, activation = Arg::Absent, output_activation = Arg::Absent, bias = Arg::Absent, init = Arg::Absent, init_range = Arg::Absent, recurrent_init = Arg::Absent, dtype = Arg::Absent, seed = Arg::Absent))]
    #[pyo3(
        text_signature = "(layer_sizes, *, cell='rnn', returns='last', activation='tanh', output_activation='identity', bias=True, init='glorot', init_range=0.1, recurrent_init='orthogonal', dtype='float32', seed=0)"
    )]
    #[allow(clippy::too_many_arguments)] // Python's keywords
    fn new(
        layer_sizes: &Bound<'_, PyAny>,
        cell: Arg<'_>,
        returns: Arg<'_>,
        activation: Arg<'_>,
        output_activation: Arg<'_>,
        bias: Arg<'_>,
        init: Arg<'_>,
        init_range: Arg<'_>,
        recurrent_init: Arg<'_>,
        dtype: Arg<'_>,
        seed: Arg<'_>,
    ) -> PyResult<Self> {
        let _call = Call::enter(layer_sizes.py())?;
        let sizes = match iterated(layer_sizes)? {
            Some(sizes) if !layer_sizes.is_instance_of::<PyString>() => {
                collect(sizes.map(|size| count("layer_sizes", &size?)))?
            }
            _ => return Err(wrong_type("layer_sizes", "a sequence of integers", layer_sizes)),
        };
        let layers = sizes.len().saturating_sub(1);
        let n_hidden = layers.saturating_sub(1);
        let kind = one_of("cell", &cell.text("cell", "rnn")?, &["rnn", "lstm", "gru"])?;
        let kind = [Kind::Rnn, Kind::Lstm, Kind::Gru][kind];
        let returns = one_of("returns", &returns.text("returns", "last")?, &["last", "every"])?;
        let returns = [Returns::Last, Returns::Every][returns];
        let hidden = match &activation {
            Arg::Absent => vec![crate::Activation::Tanh; n_hidden],
            Arg::Given(value) => activations(value, n_hidden)?,
        };
        if kind != Kind::Rnn && hidden.iter().any(|activation| *activation != crate::Activation::Tanh) {
            let Arg::Given(value) = &activation else { unreachable!("tanh is what is absent") };
            let (cell, got) = (kind.name(), value.repr()?);
            return Err(PyValueError::new_err(format!(
                "activation must be left out for cell={cell:?}, whose gates have their own, got {got}"
            )));
        }
        let output = match &output_activation {
            Arg::Absent => crate::Activation::Identity,
            Arg::Given(value) => self::activation("output_activation", value)?,
        };
        let bias = match &bias {
            Arg::Absent => vec![true; layers],
            Arg::Given(value) => {
                one_or_each(value, layers, |value| flag("bias", value), iterated(value)?.is_none())?
            }
        };
        let range = init_range.number("init_range", 0.1)?;
        Init::Uniform { range }.check()?;
        let init = Init::from_name(&init.text("init", "glorot")?, range)?;
        let recurrent =
            RecurrentInit::from_name(&recurrent_init.text("recurrent_init", "orthogonal")?, range)?;
        let seed = seed.seed()?;
        let typed = match dtype_name(&dtype, false)?.as_str() {
            "float64" => crate::Network::<f64>::recurrent(
                &sizes, kind, returns, &hidden, output, &bias, init, recurrent, seed,
            )?
            .into(),
            _ => crate::Network::<f32>::recurrent(
                &sizes, kind, returns, &hidden, output, &bias, init, recurrent, seed,
            )?
            .into(),
        };
        Ok(Self { typed })
    }

    /// Units in each layer, inputs first.
    #[getter]
    fn layer_sizes(&self) -> Vec<usize> {
        with_typed!(&self.typed, slot => slot.load().layer_sizes())
    }

    /// The kind of the hidden layers: "rnn", "lstm" or "gru".
    #[getter]
    fn cell(&self) -> &'static str {
        self.typed.layers()[0].kind.name()
    }

    /// Whether there are outputs for the "last" step of time or for "every" one.
    #[getter]
    fn returns(&self) -> &'static str {
        with_typed!(&self.typed, slot => returns_name(&slot.load()))
    }

    /// Activations of the hidden layers; "tanh" where a cell has its own.
    #[getter]
    fn activations<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let layers = self.typed.layers();
        layers[..layers.len() - 1].iter().map(|layer| to_python(layer.activation, py)).collect()
    }

    /// Activation of the output layer.
    #[getter]
    fn output_activation<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let layers = self.typed.layers();
        to_python(layers[layers.len() - 1].activation, py)
    }

    /// Whether each layer has biases.
    #[getter]
    fn bias(&self) -> Vec<bool> {
        self.typed.layers().iter().map(|layer| layer.bias).collect()
    }

    /// Type of weights, inputs and outputs.
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> Bound<'py, PyArrayDescr> {
        match &self.typed {
            Typed::Single(_) => numpy::dtype::<f32>(py),
            Typed::Double(_) => numpy::dtype::<f64>(py),
        }
    }

    /// Number of weights and biases.
    #[getter]
    fn n_parameters(&self) -> usize {
        with_typed!(&self.typed, slot => slot.load().n_parameters())
    }

    /// Each layer's kind, and how many weights and biases it has.
    #[getter]
    fn _kinds(&self) -> Vec<(&'static str, usize)> {
        self.typed.layers().iter().map(|layer| (layer.kind.name(), layer.n_parameters())).collect()
    }

    /// Weights of each layer's inputs, arrays of shape (fan_in, fan_out), times the gates in hidden layers: 1, in an "lstm" 4
    /// (i, f, g, o), in a "gru" 3 (r, z, n), whose columns lie side by side. Copies that cannot be written to.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.arrays(py, "weights")
    }

    /// Weights of each hidden layer's own outputs of the step before, arrays of shape (fan_out, fan_out times the gates); None
    /// for the output layer. Copies that cannot be written to.
    #[getter]
    fn recurrent_weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.arrays(py, "recurrent_weights")
    }

    /// Biases of each layer, arrays of shape (fan_out times the gates,), or None for a layer without. Copies that cannot be written
    /// to.
    #[getter]
    fn biases<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.arrays(py, "biases")
    }

    /// Biases of the candidates n of "gru" layers for what comes from the step before, arrays of shape (fan_out,); None for
    /// other layers. Copies that cannot be written to.
    #[getter]
    fn recurrent_biases<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.arrays(py, "recurrent_biases")
    }

    /// Replace all weights and biases.
    ///
    /// Parameters
    /// ----------
    /// weights : sequence of array-like of shape (fan_in, gates * fan_out)
    ///     One for each layer; shapes and the order of gates are those of the attributes.
    /// recurrent_weights : sequence of array-like of shape (fan_out, gates * fan_out) or None
    ///     One for each layer, None for the output layer.
    /// biases : sequence of array-like of shape (gates * fan_out,) or None
    ///     One for each layer, None for a layer without biases.
    /// recurrent_biases : sequence of array-like of shape (fan_out,) or None, default=None
    ///     One for each layer, None for all but "gru" layers with biases; None is 0 for all of them.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If a shape is wrong or a number is not finite; nothing changes then.
    ///
    /// Examples
    /// --------
    /// One linear unit that adds up:
    ///
    /// >>> import ferroprop as fp
    /// >>> net = fp.RecurrentNetwork([1, 1, 1], activation="identity", returns="every")
    /// >>> net.set_parameters([[[1]], [[1]]], [[[1]], None], [[0], [0]])
    /// >>> net.predict([[[1], [1], [1], [3]]])[0].ravel()
    /// array([1., 2., 3., 6.], dtype=float32)
    #[pyo3(signature = (weights, recurrent_weights, biases, recurrent_biases = None))]
    fn set_parameters(
        &self,
        weights: &Bound<'_, PyAny>,
        recurrent_weights: &Bound<'_, PyAny>,
        biases: &Bound<'_, PyAny>,
        recurrent_biases: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _call = Call::enter(weights.py())?;
        with_typed!(&self.typed, slot => {
            let mut network = slot.load().try_clone()?;
            let given = [
                ("weights", Some(weights)),
                ("recurrent_weights", Some(recurrent_weights)),
                ("biases", Some(biases)),
                ("recurrent_biases", recurrent_biases),
            ];
            fill(&mut network, given)?;
            slot.store(Arc::new(network));
            Ok(())
        })
    }

    /// All weights and biases as one vector of shape (n_parameters,): layer by layer, in each the weights row by row, the
    /// recurrent weights, the biases and the recurrent biases; a copy that cannot be written to.
    #[getter]
    fn parameter_vector<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        with_typed!(&self.typed, slot => {
            read_only(vector(py, ArrayView1::from(slot.load().parameters()))?.into_any())
        })
    }

    /// Replace all weights and biases by the numbers of one vector.
    ///
    /// Parameters
    /// ----------
    /// vector : array-like of shape (n_parameters,)
    ///     In the order of `parameter_vector`; finite numbers, converted to the network's dtype.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the shape is wrong or a number is not finite; nothing changes then.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.RecurrentNetwork([1, 2, 1])
    /// >>> net.set_parameter_vector(net.parameter_vector * 0.5)
    fn set_parameter_vector(&self, vector: &Bound<'_, PyAny>) -> PyResult<()> {
        let _call = Call::enter(vector.py())?;
        with_typed!(&self.typed, slot => {
            let mut network = slot.load().try_clone()?;
            let given = Vector::new("vector", vector, Hold::Itself)?;
            let shape = [network.n_parameters()];
            copy("vector", &given.view().into_dyn(), &shape, network.parameters_mut())?;
            slot.store(Arc::new(network));
            Ok(())
        })
    }

    /// Outputs for each sequence, or for each of its steps.
    ///
    /// Parameters
    /// ----------
    /// X : array-like of shape (n, time, n_inputs), or list of array-like of shape (time, n_inputs)
    ///     Sequences; finite numbers, converted to the network's dtype.
    /// lengths : sequence of int or None, default=None
    ///     Steps of each sequence, if X is an array in which shorter ones are filled up; what is behind the lengths is not read, and
    ///     has the outputs 0.
    /// state : list or None, default=None
    ///     The state from which the sequences go on, as an earlier call returned it; None is nothing, all 0. It has an array of shape
    ///     (n, fan_out) for each hidden layer, the outputs h; for an "lstm" tuples of two, h and the cells c.
    /// return_state : bool, default=False
    ///     Whether the state at the end of the sequences is returned too. A series in pieces, each from the state that the one before
    ///     has returned, has the outputs of the whole, to the bit.
    /// n_threads : int or None, default=None
    ///     Threads for large inputs; None leaves it to the CPU affinity and OMP_NUM_THREADS. The
    ///     result does not depend on it.
    ///
    /// Returns
    /// -------
    /// Y : ndarray of shape (n, n_outputs) or (n, time, n_outputs), or list of ndarray of shape (time, n_outputs)
    ///     For ``returns="last"`` a row for each sequence. For "every" an array if X was one, else a list.
    /// state : list
    ///     With ``return_state``: the state at the end.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If X or the state has the wrong shape, is empty or holds a number that is not finite.
    /// TypeError
    ///     If X does not hold real numbers.
    ///
    /// Examples
    /// --------
    /// >>> import numpy as np
    /// >>> import ferroprop as fp
    /// >>> net = fp.RecurrentNetwork([2, 3, 1], cell="lstm", returns="every")
    /// >>> X = np.ones((1, 10, 2))
    /// >>> whole = net.predict(X)
    /// >>> first, state = net.predict(X[:, :4], return_state=True)
    /// >>> rest = net.predict(X[:, 4:], state=state)
    /// >>> bool((np.concatenate([first, rest], axis=1) == whole).all())
    /// True
    #[pyo3(signature = (X, *, lengths = None, state = None, return_state = Arg::Absent, n_threads = Arg::Absent))]
    #[pyo3(text_signature = "($self, X, *, lengths=None, state=None, return_state=False, n_threads=None)")]
    #[allow(non_snake_case)] // Python's name for a matrix
    fn predict<'py>(
        &self,
        py: Python<'py>,
        X: &Bound<'py, PyAny>,
        lengths: Option<&Bound<'py, PyAny>>,
        state: Option<&Bound<'py, PyAny>>,
        return_state: Arg<'py>,
        n_threads: Arg<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = Call::enter(py)?;
        let n_threads = n_threads.optional_count("n_threads")?;
        let return_state = return_state.flag("return_state", false)?;
        with_typed!(&self.typed, slot => predict(py, &call, &slot.load_full(), (X, lengths), state, return_state, n_threads))
    }

    /// The loss over all sequences and its gradient.
    ///
    /// With S the sum of the weights of all rows of outputs, the loss is the weighted sum of the rows' losses, plus ``alpha / 2``
    /// times the sum of all squared weights (not biases), over S. A row is a sequence, or, with ``returns="every"``, a step of time.
    ///
    /// Parameters
    /// ----------
    /// X : array-like of shape (n, time, n_inputs), or list of array-like of shape (time, n_inputs)
    ///     Sequences.
    /// Y : array-like of shape (n, n_outputs) or (n, time, n_outputs), or list of array-like of shape (time, n_outputs)
    ///     Targets for each sequence, with ``returns="every"`` for each of its steps.
    /// lengths : sequence of int or None, default=None
    ///     Steps of each sequence, if X, and with ``returns="every"`` Y and weights of steps, are arrays in which shorter ones are
    ///     filled up; what is behind the lengths is not read.
    /// loss : str, Loss, callable or None, default=None
    ///     As for `Network.loss_and_gradients`; a function gets the rows of a sequence's steps one after the other.
    /// sample_weight : array-like of shape (n,), or one weight for each step, or None, default=None
    ///     Weight of each sequence, not negative, for all its rows; with ``returns="every"`` also (n, time) or a list of (time,):
    ///     a weight for each step.
    /// alpha : float, default=0.0
    ///     Strength of the L2 penalty.
    /// truncate : int or None, default=None
    ///     How many steps of time the gradient goes back at most: as for `train`.
    /// washout : int, default=0
    ///     How many steps of time at the beginning of each sequence have no loss; with ``returns="every"``.
    /// n_threads : int or None, default=None
    ///     As for `predict`.
    ///
    /// Returns
    /// -------
    /// loss : float
    ///     The loss.
    /// gradients : dict of list of ndarray
    ///     Its derivatives with respect to "weights", "recurrent_weights", "biases" and "recurrent_biases", each a list in the form of
    ///     the attribute of that name.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If shapes do not fit, numbers are not finite or outside the loss's domain, or the loss
    ///     does not go with the output activation.
    ///
    /// See Also
    /// --------
    /// loss_and_gradient_vector : The same as one vector.
    ///
    /// References
    /// ----------
    /// P. J. Werbos, "Backpropagation through time: what it does and how to do it", Proceedings of the IEEE 78, 1990.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.RecurrentNetwork([1, 1, 1], activation="identity", bias=False, dtype="float64")
    /// >>> net.set_parameters([[[1]], [[1]]], [[[1]], None], [None, None])
    /// >>> loss, gradients = net.loss_and_gradients([[[1.0], [1.0]]], [[1.0]])
    /// >>> loss, gradients["recurrent_weights"][0]
    /// (0.5, array([[1.]]))
    #[pyo3(signature = (X, Y, *, lengths = None, loss = Arg::Absent, sample_weight = None, alpha = Arg::Absent, truncate = Arg::Absent, washout = Arg::Absent, n_threads = Arg::Absent))]
    #[pyo3(
        text_signature = "($self, X, Y, *, lengths=None, loss=None, sample_weight=None, alpha=0.0, truncate=None, washout=0, n_threads=None)"
    )]
    #[allow(non_snake_case, clippy::too_many_arguments)] // Python's names and keywords
    fn loss_and_gradients<'py>(
        &self,
        py: Python<'py>,
        X: &Bound<'py, PyAny>,
        Y: &Bound<'py, PyAny>,
        lengths: Option<&Bound<'py, PyAny>>,
        loss: Arg<'py>,
        sample_weight: Option<&Bound<'py, PyAny>>,
        alpha: Arg<'py>,
        truncate: Arg<'py>,
        washout: Arg<'py>,
        n_threads: Arg<'py>,
    ) -> PyResult<(f64, Bound<'py, PyDict>)> {
        let call = Call::enter(py)?;
        let asked = Asked::new(&loss, &alpha, &truncate, (&washout, lengths), &n_threads)?;
        with_typed!(&self.typed, slot => {
            let network = slot.load_full();
            let (loss, gradient) = gradient(py, &call, &network, X, Y, sample_weight, &asked)?;
            let gradient = network.with_parameters(gradient)?;
            let all = PyDict::new(py);
            for name in ["weights", "recurrent_weights", "biases", "recurrent_biases"] {
                all.set_item(name, arrays(py, &gradient, name, false)?)?;
            }
            Ok((loss, all))
        })
    }

    /// The loss over all sequences and its gradient as one vector.
    ///
    /// Parameters
    /// ----------
    /// X, Y, lengths, loss, sample_weight, alpha, truncate, washout, n_threads : as for `loss_and_gradients`
    ///     The same arguments.
    ///
    /// Returns
    /// -------
    /// loss : float
    ///     The loss.
    /// gradient : ndarray of shape (n_parameters,)
    ///     Its derivatives in the order of `parameter_vector`.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     The same arguments.
    ///
    /// Examples
    /// --------
    /// An optimizer of SciPy's:
    ///
    /// >>> import numpy as np
    /// >>> import ferroprop as fp
    /// >>> from scipy.optimize import minimize
    /// >>> net = fp.RecurrentNetwork([1, 2, 1], dtype="float64")
    /// >>> X = np.linspace(-1, 1, 30).reshape(10, 3, 1)
    /// >>> Y = X.mean(axis=1)
    /// >>> def loss_and_gradient(vector):
    /// ...     net.set_parameter_vector(vector)
    /// ...     return net.loss_and_gradient_vector(X, Y)
    /// >>> minimize(loss_and_gradient, net.parameter_vector, jac=True).fun < 1e-4
    /// True
    #[pyo3(signature = (X, Y, *, lengths = None, loss = Arg::Absent, sample_weight = None, alpha = Arg::Absent, truncate = Arg::Absent, washout = Arg::Absent, n_threads = Arg::Absent))]
    #[pyo3(
        text_signature = "($self, X, Y, *, lengths=None, loss=None, sample_weight=None, alpha=0.0, truncate=None, washout=0, n_threads=None)"
    )]
    #[allow(non_snake_case, clippy::too_many_arguments)] // Python's names and keywords
    fn loss_and_gradient_vector<'py>(
        &self,
        py: Python<'py>,
        X: &Bound<'py, PyAny>,
        Y: &Bound<'py, PyAny>,
        lengths: Option<&Bound<'py, PyAny>>,
        loss: Arg<'py>,
        sample_weight: Option<&Bound<'py, PyAny>>,
        alpha: Arg<'py>,
        truncate: Arg<'py>,
        washout: Arg<'py>,
        n_threads: Arg<'py>,
    ) -> PyResult<(f64, Bound<'py, PyAny>)> {
        let call = Call::enter(py)?;
        let asked = Asked::new(&loss, &alpha, &truncate, (&washout, lengths), &n_threads)?;
        with_typed!(&self.typed, slot => {
            let (loss, gradient) = gradient(py, &call, &slot.load_full(), X, Y, sample_weight, &asked)?;
            Ok((loss, vector(py, ArrayView1::from(&gradient))?.into_any()))
        })
    }

    /// What is computed for sequences, the longest one first: their numbers, for each hidden layer arrays (or None) of gates, cells,
    /// outputs, derivatives by the outputs and deltas at all steps of one sequence after the other, outputs and deltas of the output
    /// layer, and row losses. For `trace`.
    #[pyo3(signature = (X, Y, *, loss, sample_weight, truncate, washout))]
    #[allow(non_snake_case, clippy::too_many_arguments)] // Python's names and keywords
    fn _sequence_values<'py>(
        &self,
        py: Python<'py>,
        X: &Bound<'py, PyAny>,
        Y: &Bound<'py, PyAny>,
        loss: Arg<'py>,
        sample_weight: Option<&Bound<'py, PyAny>>,
        truncate: Arg<'py>,
        washout: Arg<'py>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let call = Call::enter(py)?;
        let asked = Asked::new(&loss, &Arg::Absent, &truncate, (&washout, None), &Arg::Absent)?;
        with_typed!(&self.typed, slot => sequence_values(py, &call, &slot.load_full(), X, Y, sample_weight, &asked))
    }

    /// Write the network to a safetensors file, whole or not at all.
    ///
    /// Parameters
    /// ----------
    /// path : str or path-like
    ///     The file; one that is there is replaced.
    ///
    /// Raises
    /// ------
    /// OSError
    ///     If it cannot be written; a file that was there before stays.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp, os, tempfile
    /// >>> path = os.path.join(tempfile.mkdtemp(), "net.safetensors")
    /// >>> fp.RecurrentNetwork([2, 3, 1]).save(path)
    /// >>> fp.RecurrentNetwork.load(path).layer_sizes
    /// [2, 3, 1]
    fn save(&self, py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<()> {
        self.typed.save(py, path)
    }

    /// Read a network that `save` has written.
    ///
    /// Parameters
    /// ----------
    /// path : str or path-like
    ///     The file.
    ///
    /// Returns
    /// -------
    /// network : RecurrentNetwork
    ///     The same network, to the bit.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the file does not hold a recurrent network that this version can read.
    /// OSError
    ///     If it cannot be read.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp, os, tempfile
    /// >>> path = os.path.join(tempfile.mkdtemp(), "net.safetensors")
    /// >>> fp.RecurrentNetwork([2, 3, 1], cell="lstm").save(path)
    /// >>> fp.RecurrentNetwork.load(path)
    /// RecurrentNetwork([2, 3, 1], cell='lstm', returns='last', output_activation='identity', dtype='float32')
    #[staticmethod]
    fn load(py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<Self> {
        let call = Call::enter(py)?;
        let path = self::path("path", path)?;
        Self::checked(Typed::load(py, &call, &path)?, &path.display().to_string())
    }

    /// A network with the same layers and parameters.
    ///
    /// Returns
    /// -------
    /// network : RecurrentNetwork
    ///     What happens to one of the two does not change the other.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.RecurrentNetwork([1, 2, 1])
    /// >>> bool((net.copy().parameter_vector == net.parameter_vector).all())
    /// True
    fn copy(&self) -> PyResult<Self> {
        Ok(Self { typed: self.typed.try_clone()? })
    }

    fn __copy__(&self) -> PyResult<Self> {
        self.copy()
    }

    fn __deepcopy__(&self, _memo: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.copy()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let make = py.get_type::<Self>().getattr("_from_bytes")?;
        Ok((make, (self.typed.to_bytes(py)?,)))
    }

    #[staticmethod]
    fn _from_bytes(data: &[u8]) -> PyResult<Self> {
        let name = "the pickled object";
        Self::checked(Typed::from_bytes(data, name)?, name)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let bias = self.bias();
        let bias = if bias.contains(&false) {
            format!(", bias={}", bias.into_bound_py_any(py)?.repr()?)
        } else {
            String::new()
        };
        let activation = if self.cell() == "rnn" {
            format!(", activation={}", self.activations(py)?.into_bound_py_any(py)?.repr()?)
        } else {
            String::new()
        };
        Ok(format!(
            "RecurrentNetwork({:?}, cell='{}', returns='{}'{activation}, output_activation={}{bias}, dtype='{}')",
            self.layer_sizes(),
            self.cell(),
            self.returns(),
            self.output_activation(py)?.repr()?,
            self.dtype(py)
        ))
    }
}

impl RecurrentNetwork {
    fn arrays<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyList>> {
        with_typed!(&self.typed, slot => arrays(py, &slot.load(), name, true))
    }

    /// The network, if it is recurrent.
    fn checked(typed: Typed, name: &str) -> PyResult<Self> {
        if typed.is_recurrent() {
            return Ok(Self { typed });
        }
        Err(PyValueError::new_err(format!("{name} holds a network that is not recurrent; use Network.load")))
    }
}

fn returns_name<T: Scalar>(network: &crate::Network<T>) -> &'static str {
    if network.returns() == Some(Returns::Every) { "every" } else { "last" }
}

/// The place of a name in a list.
fn one_of(argument: &'static str, name: &str, names: &[&'static str]) -> PyResult<usize> {
    let place = names.iter().position(|known| *known == name);
    place.ok_or_else(|| unknown_choice(argument, names, name).into())
}

/// Copies of the arrays of this name, one for each layer, None where a layer has none.
fn arrays<'py, T: Scalar + Element>(
    py: Python<'py>,
    network: &crate::Network<T>,
    name: &str,
    kept: bool,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for layer in 0..network.layers().len() {
        let found = network.arrays().find(|(index, array, _)| *index == layer && array.name == name);
        let Some((_, array, numbers)) = found else {
            list.append(py.None())?;
            continue;
        };
        let copied = match *array.shape.as_slice() {
            [rows, columns] => {
                let view = ndarray::ArrayView2::from_shape((rows, columns), numbers);
                matrix(py, view.unwrap_or_else(|_| unreachable!("the shape of the array")))?.into_any()
            }
            _ => vector(py, ArrayView1::from(numbers))?.into_any(),
        };
        list.append(if kept { read_only(copied)? } else { copied })?;
    }
    Ok(list)
}

/// Copies arrays, a list for each name, into a network.
fn fill<T: Scalar + Element>(
    network: &mut crate::Network<T>,
    given: [(&str, Option<&Bound<'_, PyAny>>); 4],
) -> PyResult<()> {
    let layers = network.layers().to_vec();
    let mut lists = Vec::new();
    for (name, value) in given {
        let Some(value) = value else {
            lists.push((name, None));
            continue;
        };
        let items = iterated(value)?.ok_or_else(|| wrong_type(name, "a sequence of arrays", value))?;
        let items = collect(items)?;
        if items.len() != layers.len() {
            let (expected, got) = (layers.len(), items.len());
            return Err(PyValueError::new_err(format!(
                "{name} must hold one array for each of the {expected} layers, got {got}"
            )));
        }
        lists.push((name, Some(items)));
    }
    let mut rest = network.parameters_mut();
    for (index, layer) in layers.iter().enumerate() {
        let own_arrays = layer.arrays();
        for (name, items) in &lists {
            let array = own_arrays.iter().find(|array| array.name == *name);
            let label = format!("{name}[{index}]");
            let value = items.as_ref().map(|items| &items[index]);
            let Some(array) = array else {
                if let Some(value) = value.filter(|value| !value.is_none()) {
                    return Err(PyValueError::new_err(format!(
                        "{label} must be None: the layer has no {}, got {}",
                        name.replace('_', " "),
                        type_name(value)
                    )));
                }
                continue;
            };
            let own;
            (own, rest) = rest.split_at_mut(array.len());
            match value {
                None => own.fill(T::ZERO),
                Some(value) if array.shape.len() == 2 => {
                    let given = Matrix::<T>::new(&label, value, Hold::Itself)?;
                    copy(&label, &given.view().into_dyn(), &array.shape, own)?;
                }
                Some(value) => {
                    let given = Vector::<T>::new(&label, value, Hold::Itself)?;
                    copy(&label, &given.view().into_dyn(), &array.shape, own)?;
                }
            }
        }
    }
    Ok(())
}

fn predict<'py, T: Scalar + Element>(
    py: Python<'py>,
    call: &Call,
    network: &crate::Network<T>,
    (x, lengths): (&Bound<'py, PyAny>, Option<&Bound<'py, PyAny>>),
    state: Option<&Bound<'py, PyAny>>,
    return_state: bool,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let lengths = lengths.map(self::lengths).transpose()?;
    let x = Steps::new("X", x, network.n_inputs(), lengths.as_deref())?;
    let work = x.sequences.steps().saturating_mul(network.n_parameters());
    let long = work >= WORTH_DETACHING;
    let x = if long { x.into_view()? } else { x };
    let (sequences, columns) = (&x.sequences, network.n_outputs());
    let mut states = crate::memory::try_zeros(sequences.count().saturating_mul(network.state_size()))?;
    if let Some(state) = state {
        read_state(network, state, sequences.count(), &mut states)?;
    }
    let every = network.returns() == Some(Returns::Every);
    let rows = if every { sequences.steps() } else { sequences.count() };
    let (view, has_state) = (x.view(), state.is_some());
    let y = filled(py, (rows, columns), long.then_some(call), |y| {
        network.predict_sequences_into(view, sequences, &mut states, has_state, y, n_threads)
    })?;
    let y = match x.form {
        _ if !every => y.into_any(),
        Form::Array => y.call_method1("reshape", (sequences.count(), sequences.longest(), columns))?,
        Form::Padded(time) => padded(py, &y, sequences, time)?,
        Form::List => {
            let list = PyList::empty(py);
            for sequence in 0..sequences.count() {
                let own = sequences.range(sequence);
                let rows = pyo3::types::PySlice::new(py, own.start.cast_signed(), own.end.cast_signed(), 1);
                list.append(y.get_item(rows)?.call_method0("copy")?)?;
            }
            list.into_any()
        }
    };
    if return_state {
        let states = ArrayView2::from_shape((sequences.count(), network.state_size()), &states);
        let states = states.unwrap_or_else(|_| unreachable!("the shape that they were made for"));
        let state = written_state(py, network, states)?;
        return Ok(PyTuple::new(py, [y, state.into_any()])?.into_any());
    }
    Ok(y)
}

/// Rows for the steps of sequences, one sequence after the other, as an array of so many steps that is filled up with 0.
fn padded<'py, T: Scalar + Element>(
    py: Python<'py>,
    rows: &Bound<'py, numpy::PyArray2<T>>,
    sequences: &Sequences,
    time: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let columns = rows.dims()[1];
    let all = empty::<T, _>(py, (sequences.count().saturating_mul(time), columns))?;
    {
        let (mut target, from) = (all.try_readwrite()?, rows.try_readonly()?);
        let from = from.as_slice()?;
        for (sequence, to) in target.as_slice_mut()?.chunks_exact_mut(time * columns).enumerate() {
            let own = sequences.range(sequence);
            let (to, rest) = to.split_at_mut(own.len() * columns);
            to.copy_from_slice(&from[own.start * columns..own.end * columns]);
            rest.fill(T::ZERO);
        }
    }
    all.call_method1("reshape", (sequences.count(), time, columns))
}

/// Copies a state, a list with an array or a tuple of two for each hidden layer, to the numbers of each sequence.
fn read_state<T: Scalar + Element>(
    network: &crate::Network<T>,
    value: &Bound<'_, PyAny>,
    rows: usize,
    states: &mut [T],
) -> PyResult<()> {
    let n_hidden = network.layers().len() - 1;
    let expected = "a list as `predict` returns it, one entry for each hidden layer";
    let items = match iterated(value)? {
        Some(items) => collect(items)?,
        None => return Err(wrong_type("state", expected, value)),
    };
    if items.len() != n_hidden {
        let got = items.len();
        return Err(PyValueError::new_err(format!("state must be {expected} ({n_hidden}), got {got}")));
    }
    let size = network.state_size();
    let mut at = 0;
    for (index, ((groups, width), item)) in state_widths(network.layers()).zip(&items).enumerate() {
        let name = format!("state[{index}]");
        let parts = if groups == 1 {
            vec![(name, item.clone())]
        } else {
            let parts = match item.cast::<PyTuple>() {
                Ok(parts) if parts.len() == 2 => parts,
                _ => return Err(wrong_type(&name, "a tuple of two arrays, h and c", item)),
            };
            let named = |(part, item)| (format!("{name}[{part}]"), item);
            parts.iter().enumerate().map(named).collect()
        };
        for (name, part) in parts {
            let given = Matrix::<T>::new(&name, &part, Hold::Itself)?;
            let view = given.view();
            if view.dim() != (rows, width) {
                return Err(crate::Error::shape(name, tuple(&[rows, width]), view.shape()).into());
            }
            for (row, numbers) in view.rows().into_iter().enumerate() {
                for (column, (to, &x)) in
                    states[row * size + at..][..width].iter_mut().zip(numbers).enumerate()
                {
                    if !x.is_finite() {
                        return Err(crate::Error::value(name, "finite numbers", x, [row, column]).into());
                    }
                    *to = x;
                }
            }
            at += width;
        }
    }
    Ok(())
}

fn written_state<'py, T: Scalar + Element>(
    py: Python<'py>,
    network: &crate::Network<T>,
    states: ArrayView2<'_, T>,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    let mut at = 0;
    for (groups, width) in state_widths(network.layers()) {
        let mut parts = Vec::with_capacity(groups);
        for _ in 0..groups {
            parts.push(matrix(py, states.slice(s![.., at..at + width]))?.into_any());
            at += width;
        }
        match parts.len() {
            1 => list.append(&parts[0])?,
            _ => list.append(PyTuple::new(py, parts)?)?,
        }
    }
    Ok(list)
}

/// How a gradient is asked for.
struct Asked {
    loss: Given,
    alpha: f64,
    truncate: Option<usize>,
    in_time: InTime,
    n_threads: Option<usize>,
}

impl Asked {
    fn new(
        loss: &Arg<'_>,
        alpha: &Arg<'_>,
        truncate: &Arg<'_>,
        (washout, lengths): (&Arg<'_>, Option<&Bound<'_, PyAny>>),
        n_threads: &Arg<'_>,
    ) -> PyResult<Self> {
        Ok(Self {
            loss: loss::loss(loss)?,
            alpha: alpha.number("alpha", 0.0)?,
            truncate: truncate.optional_count("truncate")?,
            in_time: InTime::new(washout, lengths)?,
            n_threads: n_threads.optional_count("n_threads")?,
        })
    }
}

fn gradient<'py, T: Scalar + Element>(
    py: Python<'py>,
    call: &Call,
    network: &crate::Network<T>,
    x: &Bound<'py, PyAny>,
    y: &Bound<'py, PyAny>,
    sample_weight: Option<&Bound<'py, PyAny>>,
    asked: &Asked,
) -> PyResult<(f64, Vec<T>)> {
    let names = ["X", "Y", "sample_weight"];
    let arrays = SequenceArrays::new(network, names, x, y, sample_weight, &asked.in_time)?;
    let data = arrays.dataset()?;
    let raised = Mutex::new(None);
    let own = asked.loss.own(&raised, false);
    let objective = asked.loss.objective::<T>(network.output_activation(), own.as_ref());
    let mut signals = Signals::new(&raised);
    let how = (asked.alpha, asked.truncate);
    let result = call.detach(py, || {
        crate::training::loss_and_gradient(network, &data, objective, how, None, asked.n_threads, &mut || {
            signals.interrupted()
        })
    });
    if let Some(error) = raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    Ok(result?)
}

fn sequence_values<'py, T: Scalar + Element>(
    py: Python<'py>,
    call: &Call,
    network: &crate::Network<T>,
    x: &Bound<'py, PyAny>,
    y: &Bound<'py, PyAny>,
    sample_weight: Option<&Bound<'py, PyAny>>,
    asked: &Asked,
) -> PyResult<Bound<'py, PyTuple>> {
    let names = ["X", "Y", "sample_weight"];
    let arrays = SequenceArrays::new(network, names, x, y, sample_weight, &asked.in_time)?;
    let data = arrays.dataset()?;
    let raised = Mutex::new(None);
    let own = asked.loss.own(&raised, false);
    let objective = asked.loss.objective::<T>(network.output_activation(), own.as_ref());
    let result =
        call.detach(py, || crate::training::sequence_values(network, &data, objective, asked.truncate));
    if let Some(error) = raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let (values, order) = result?;
    let copied = |array: &ndarray::Array2<T>| Ok::<_, PyErr>(matrix(py, array.view())?.into_any());
    let hidden = PyList::empty(py);
    for layer in &values.hidden {
        let optional = |array: &Option<ndarray::Array2<T>>| array.as_ref().map(copied).transpose();
        let entry = (
            optional(&layer.gates)?,
            optional(&layer.cells)?,
            copied(&layer.output)?,
            copied(&layer.output_gradient)?,
            copied(&layer.delta)?,
        );
        hidden.append(entry)?;
    }
    let losses = vector(py, ArrayView1::from(&values.losses))?;
    let all = (order, hidden, copied(&values.output)?, copied(&values.delta)?, losses);
    all.into_pyobject(py)
}
