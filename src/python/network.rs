//! `ferroprop.Network`.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use ndarray::{ArrayView1, Dimension};
use numpy::prelude::*;
use numpy::{Element, PyArrayDescr};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyType};

use super::activation::{Activation, activation, to_python};
use super::arguments::{
    Arg, collect, count, flag, iterated, one_or_each, path, type_name, unless_foreign, wrong, wrong_type,
};
use super::arrays::{Hold, Matrix, Vector, empty, filled, in_field, matrix, vector};
use super::call::Call;
use super::catalogue::is_one;
use super::loss::{self, Given};
use super::rows::{InputRows, RowArrays};
use super::sampling;
use super::signals::Signals;
use super::typed::{InTyped, Typed, WORTH_DETACHING, with_typed};
use crate::check::all_finite;
use crate::{Init, Scalar};

/// A multi-layer perceptron: layers of weights, biases and activations.
///
/// Parameters
/// ----------
/// layer_sizes : sequence of int
///     Units in each layer: inputs first, then hidden layers (none, one or more), outputs last.
/// activation : str, Activation, or a sequence of them, default="relu"
///     Of the hidden layers, one for all or one for each: a name, such as ``"tanh"`` or ``"gelu"``, or an
///     object, such as ``Logistic(slope=2.0)``, where the function has hyperparameters. `ACTIVATIONS` has
///     all of them; `STOCHASTIC_ACTIVATIONS` those whose outputs a training draws at random.
/// output_activation : str or Activation, default="identity"
///     Activation of the output layer; ``"softmax"`` too.
/// bias : bool or sequence of bool, default=True
///     Whether layers have biases, one for all or one for each (the output layer included).
/// init : {"glorot", "he", "lecun", "orthogonal", "zeros", "uniform"}, default="glorot"
///     How weights and biases are drawn.
///
///     - "glorot": both uniform within ``sqrt(6 / (fan_in + fan_out))``, 2 in place of 6 for logistic layers;
///     - "he": weights uniform within ``sqrt(6 / fan_in)``, for the ReLU and its kin; biases 0;
///     - "lecun": weights uniform within ``sqrt(3 / fan_in)``, for SELU and symmetric functions; biases 0;
///     - "orthogonal": weights with orthonormal columns, or rows where ``fan_out`` is greater; biases 0;
///     - "zeros": all 0, for a network without hidden layers;
///     - "uniform": both uniform within ``init_range``.
/// init_range : float, default=0.1
///     The largest initial absolute value for ``init="uniform"``.
/// dtype : {"float32", "float64", "complex64", "complex128"}, default="float32"
///     Type of weights, inputs and outputs. Complex networks have the activations of `ACTIVATIONS`, each on the
///     real and the imaginary part by itself, and those of `COMPLEX_ACTIVATIONS`; the outputs ``"abs"`` (the absolute
///     value) and ``"softmax"`` (of absolute values) are real.
/// seed : int, default=0
///     Names the initial weights: the same on every machine.
///
/// Raises
/// ------
/// ValueError
///     If there are fewer than two sizes or one is 0, or a name or a number is none of those above.
/// TypeError
///     If an argument is of the wrong kind.
/// MemoryError
///     If there is no memory for so many parameters.
///
/// See Also
/// --------
/// train : Adjust the weights to data.
/// MLPClassifier, MLPRegressor : Estimators in scikit-learn's conventions.
///
/// References
/// ----------
/// X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural
/// networks", AISTATS 2010.
///
/// K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", ICCV 2015.
///
/// Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient backprop", 1998.
///
/// A. M. Saxe, J. L. McClelland and S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
/// linear neural networks", ICLR 2014.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> net = fp.Network([4, 10, 3], activation="logistic", output_activation="softmax", seed=0)
/// >>> net
/// Network([4, 10, 3], activation=['logistic'], output_activation='softmax', dtype='float32')
/// >>> net.n_parameters
/// 83
/// >>> net.predict([[5.1, 3.5, 1.4, 0.2]]).shape
/// (1, 3)
#[pyclass(frozen, module = "ferroprop")]
pub(super) struct Network {
    pub(super) typed: Typed,
}

#[pymethods]
impl Network {
    #[new]
    #[pyo3(signature = (layer_sizes, *, activation = Arg::Absent, output_activation = Arg::Absent, bias = Arg::Absent, init = Arg::Absent, init_range = Arg::Absent, dtype = Arg::Absent, seed = Arg::Absent))]
    #[pyo3(
        text_signature = "(layer_sizes, *, activation='relu', output_activation='identity', bias=True, init='glorot', init_range=0.1, dtype='float32', seed=0)"
    )]
    #[allow(clippy::too_many_arguments)] // Python's keywords
    fn new(
        layer_sizes: &Bound<'_, PyAny>,
        activation: Arg<'_>,
        output_activation: Arg<'_>,
        bias: Arg<'_>,
        init: Arg<'_>,
        init_range: Arg<'_>,
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
        let hidden = match &activation {
            Arg::Absent => vec![crate::Activation::Relu; layers.saturating_sub(1)],
            Arg::Given(value) => activations(value, layers.saturating_sub(1))?,
        };
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
        let seed = seed.seed()?;
        let typed = match dtype_name(&dtype, true)?.as_str() {
            "complex128" => {
                crate::Network::<f64>::complex(&sizes, &hidden, output, &bias, init, seed)?.into()
            }
            "complex64" => crate::Network::<f32>::complex(&sizes, &hidden, output, &bias, init, seed)?.into(),
            "float64" => crate::Network::<f64>::new(&sizes, &hidden, output, &bias, init, seed)?.into(),
            _ => crate::Network::<f32>::new(&sizes, &hidden, output, &bias, init, seed)?.into(),
        };
        Ok(Self { typed })
    }

    /// `Network[numpy.float64]` in annotations.
    #[classmethod]
    fn __class_getitem__<'py>(
        class: &Bound<'py, PyType>,
        dtype: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        class.py().import("types")?.getattr("GenericAlias")?.call1((class, dtype))
    }

    /// Units in each layer, inputs first.
    #[getter]
    fn layer_sizes(&self) -> Vec<usize> {
        with_typed!(&self.typed, slot => slot.load().layer_sizes())
    }

    /// Activations of the hidden layers.
    #[getter]
    fn activations<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let layers = self.typed.layers();
        let hidden = &layers[..layers.len() - 1];
        hidden.iter().map(|layer| to_python(layer.activation, py)).collect()
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

    /// Type of weights, inputs and outputs; outputs that are absolute values, or softmax of these, are of its
    /// real type.
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> Bound<'py, PyArrayDescr> {
        match &self.typed {
            Typed::Single(slot) if slot.load().is_complex() => numpy::dtype::<numpy::Complex32>(py),
            Typed::Single(_) => numpy::dtype::<f32>(py),
            Typed::Double(slot) if slot.load().is_complex() => numpy::dtype::<numpy::Complex64>(py),
            Typed::Double(_) => numpy::dtype::<f64>(py),
        }
    }

    /// Number of weights and biases; a complex one counts once.
    #[getter]
    fn n_parameters(&self) -> usize {
        with_typed!(&self.typed, slot => {
            let network = slot.load();
            network.n_parameters() / if network.is_complex() { 2 } else { 1 }
        })
    }

    /// Each layer's kind, and how many weights and biases it has.
    #[getter]
    fn _kinds(&self) -> Vec<(&'static str, usize)> {
        let layers = self.typed.layers();
        layers.iter().map(|layer| (layer.kind.name(), layer.n_parameters() / layer.parts())).collect()
    }

    /// Weights of each layer, arrays of shape (fan_in, fan_out); copies that cannot be written to, because the
    /// network would not notice. See `set_parameters`.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        with_typed!(&self.typed, slot => {
            let network = slot.load();
            let weights = PyList::empty(py);
            for layer in 0..network.layers().len() {
                weights.append(read_only(weights_of(py, &network, layer)?)?)?;
            }
            Ok(weights)
        })
    }

    /// Biases of each layer, arrays of shape (fan_out,), or None for a layer without; copies that cannot be written
    /// to, as the weights are.
    #[getter]
    fn biases<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        with_typed!(&self.typed, slot => {
            let network = slot.load();
            let biases = PyList::empty(py);
            for layer in 0..network.layers().len() {
                biases.append(biases_of(py, &network, layer)?.map(read_only).transpose()?)?;
            }
            Ok(biases)
        })
    }

    /// Replace all weights and biases.
    ///
    /// Parameters
    /// ----------
    /// weights : sequence of array-like of shape (fan_in, fan_out)
    ///     One for each layer.
    /// biases : sequence of array-like of shape (fan_out,) or None
    ///     One for each layer, None for a layer without biases.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If a shape is wrong or a number is not finite; nothing changes then.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.Network([1, 1])
    /// >>> net.set_parameters([[[2.0]]], [[-1.0]])
    /// >>> net.predict([[3.0]])
    /// array([[5.]], dtype=float32)
    fn set_parameters(&self, weights: &Bound<'_, PyAny>, biases: &Bound<'_, PyAny>) -> PyResult<()> {
        let _call = Call::enter(weights.py())?;
        with_typed!(&self.typed, slot => {
            let mut network = slot.load().try_clone()?;
            fill(&mut network, weights, biases)?;
            slot.store(Arc::new(network));
            Ok(())
        })
    }

    /// All weights and biases as one vector of shape (n_parameters,): layer by layer, in each the weights row by row and
    /// then the biases; a copy that cannot be written to. See `set_parameter_vector`.
    #[getter]
    fn parameter_vector<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        with_typed!(&self.typed, slot => {
            let network = slot.load();
            let copied = vector(py, ArrayView1::from(network.parameters()))?;
            read_only(in_field_of(copied.into_any(), &**network)?)
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
    /// See Also
    /// --------
    /// set_parameters : Takes one array per layer.
    ///
    /// Examples
    /// --------
    /// An optimizer of SciPy's, on the gradient that the network computes:
    ///
    /// >>> import ferroprop as fp
    /// >>> import numpy as np
    /// >>> from scipy.optimize import minimize
    /// >>> net = fp.Network([1, 1], dtype="float64")
    /// >>> X, Y = np.array([[0.0], [1.0]]), np.array([[1.0], [3.0]])
    /// >>> def loss_and_gradient(vector):
    /// ...     net.set_parameter_vector(vector)
    /// ...     loss, (weights,), (biases,) = net.loss_and_gradients(X, Y)
    /// ...     return loss, np.concatenate([weights.ravel(), biases])
    /// >>> minimize(loss_and_gradient, net.parameter_vector, jac=True).x.round(3)
    /// array([2., 1.])
    fn set_parameter_vector(&self, vector: &Bound<'_, PyAny>) -> PyResult<()> {
        let _call = Call::enter(vector.py())?;
        with_typed!(&self.typed, slot => {
            let mut network = slot.load().try_clone()?;
            let parts = if network.is_complex() { 2 } else { 1 };
            let given = if parts == 2 { Vector::parts("vector", vector, true)? } else { Vector::new("vector", vector, Hold::Itself)? };
            let (numbers, expected) = (given.view().len() / parts, network.n_parameters() / parts);
            if numbers != expected {
                return Err(crate::Error::shape("vector", format!("({expected},)"), &[numbers]).into());
            }
            let shape = [network.n_parameters()];
            copy("vector", &given.view().into_dyn(), &shape, network.parameters_mut())?;
            slot.store(Arc::new(network));
            Ok(())
        })
    }

    /// Outputs for each row of X. A row's outputs do not depend on the other rows.
    ///
    /// Parameters
    /// ----------
    /// X : {array-like, sparse matrix} of shape (n, n_inputs)
    ///     Rows of inputs; finite numbers, converted to the network's dtype. Of a sparse matrix of SciPy's only the
    ///     elements that are not 0 take time and memory; the results are those of the same numbers in an array. (A
    ///     complex network takes arrays only.)
    /// samples : int or None, default=None
    ///     How many times the outputs are computed with stochastic units drawn, 0 or 1 whatever their estimator, and with dropout;
    ///     the result is the mean. With None nothing is left out and stochastic units give their probabilities: one deterministic
    ///     pass, whose outputs are not the mean of the samples.
    /// seed : int, default=0
    ///     Names the random numbers. Those of a sample are the same for every row.
    /// dropout : float, sequence of float or None, default=None
    ///     Dropout rate of the hidden layers in the samples, one for all or one for each: Monte Carlo dropout, for a
    ///     network that was trained with these rates.
    /// return_std : bool, default=False
    ///     Whether the standard deviation over the samples is returned too.
    /// return_samples : bool, default=False
    ///     Whether every sample is returned in place of their mean.
    /// n_threads : int or None, default=None
    ///     Threads for large inputs; None leaves it to the CPU affinity and OMP_NUM_THREADS. The
    ///     result does not depend on it.
    ///
    /// Returns
    /// -------
    /// Y : ndarray of shape (n, n_outputs), or (samples, n, n_outputs) with `return_samples`
    ///     In the network's dtype.
    /// std : ndarray of shape (n, n_outputs), with `return_std` alone
    ///     The standard deviation over the samples, divided by their number, in units of the outputs.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If X has the wrong shape, is empty or holds a number that is not finite; if there is nothing to sample: no
    ///     stochastic units and no dropout; if `samples` is absent with an argument that needs it, or the network is complex.
    /// TypeError
    ///     If X does not hold real numbers.
    ///
    /// References
    /// ----------
    /// Y. Gal and Z. Ghahramani, "Dropout as a Bayesian approximation: representing model uncertainty in deep learning", ICML
    /// 2016.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.Network([2, 2], output_activation="softmax", init="uniform", init_range=0.0)
    /// >>> net.predict([[1.0, 2.0]])
    /// array([[0.5, 0.5]], dtype=float32)
    /// >>> net = fp.Network([2, 50, 1], activation="tanh", seed=1)
    /// >>> mean, std = net.predict([[1.0, 2.0]], samples=100, dropout=0.5, return_std=True)
    /// >>> mean.shape, bool(std > 0)
    /// ((1, 1), True)
    #[pyo3(signature = (X, *, samples = Arg::Absent, seed = Arg::Absent, dropout = Arg::Absent, return_std = Arg::Absent, return_samples = Arg::Absent, n_threads = Arg::Absent))]
    #[pyo3(
        text_signature = "($self, X, *, samples=None, seed=0, dropout=None, return_std=False, return_samples=False, n_threads=None)"
    )]
    #[allow(non_snake_case, clippy::too_many_arguments)] // Python's name for a matrix, and keywords
    fn predict<'py>(
        &self,
        py: Python<'py>,
        X: &Bound<'py, PyAny>,
        samples: Arg<'py>,
        seed: Arg<'py>,
        dropout: Arg<'py>,
        return_std: Arg<'py>,
        return_samples: Arg<'py>,
        n_threads: Arg<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = Call::enter(py)?;
        let n_threads = n_threads.optional_count("n_threads")?;
        with_typed!(&self.typed, slot => {
            let network = slot.load();
            let flags = [&return_std, &return_samples];
            match sampling::sampling(network.layers(), &samples, &seed, &dropout, flags)? {
                None => predict(py, &call, &network, X, n_threads),
                Some(sampling) => {
                    drop(network);
                    sampling::predict(py, &call, &slot.load_full(), X, &sampling, n_threads)
                }
            }
        })
    }

    /// The log-likelihood of each row's targets, averaged over samples of stochastic units and of dropout.
    ///
    /// It is ``log(mean(exp(-E)))`` over the samples, with E the log loss of the row: the log-probability that the network,
    /// as a distribution over targets, gives to them, an estimate that is the larger the more samples there are.
    ///
    /// Parameters
    /// ----------
    /// X : array-like of shape (n, n_inputs)
    ///     Rows of inputs.
    /// Y : array-like of shape (n, n_outputs)
    ///     Targets, from 0 to 1; rows sum to 1 if the output is softmax.
    /// samples : int, default=1000
    ///     How many.
    /// seed, dropout, n_threads : as for `predict`
    ///     See there.
    ///
    /// Returns
    /// -------
    /// log_likelihood : ndarray of shape (n,)
    ///     In nats, float64.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the output activation is neither logistic nor softmax; as for `predict` and `loss_and_gradients`.
    ///
    /// References
    /// ----------
    /// T. Raiko, M. Berglund, G. Alain and L. Dinh, "Techniques for learning binary stochastic feedforward neural networks",
    /// ICLR 2015.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp, numpy as np
    /// >>> net = fp.Network([2, 9, 1], activation="bernoulli", output_activation="logistic", seed=1)
    /// >>> yes, no = (net.log_likelihood([[1.0, 2.0]], [[y]], samples=50) for y in (1.0, 0.0))
    /// >>> (np.exp(yes) + np.exp(no)).round(6)
    /// array([1.])
    #[pyo3(signature = (X, Y, *, samples = Arg::Absent, seed = Arg::Absent, dropout = Arg::Absent, n_threads = Arg::Absent))]
    #[pyo3(text_signature = "($self, X, Y, *, samples=1000, seed=0, dropout=None, n_threads=None)")]
    #[allow(non_snake_case, clippy::too_many_arguments)] // Python's names and keywords
    fn log_likelihood<'py>(
        &self,
        py: Python<'py>,
        X: &Bound<'py, PyAny>,
        Y: &Bound<'py, PyAny>,
        samples: Arg<'py>,
        seed: Arg<'py>,
        dropout: Arg<'py>,
        n_threads: Arg<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = Call::enter(py)?;
        let n_threads = n_threads.optional_count("n_threads")?;
        with_typed!(&self.typed, slot => {
            sampling::log_likelihood(py, &call, &slot.load_full(), X, Y, &samples, &seed, &dropout, n_threads)
        })
    }

    /// Outputs of a hidden layer for each row of X.
    ///
    /// Parameters
    /// ----------
    /// X : {array-like, sparse matrix} of shape (n, n_inputs)
    ///     Rows of inputs.
    /// layer : int, default=-1
    ///     The hidden layer: 0 is the first, -1 the last.
    /// n_threads : int or None, default=None
    ///     As for `predict`.
    ///
    /// Returns
    /// -------
    /// H : ndarray of shape (n, n_units)
    ///     In the network's dtype.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If there is no such layer, or as for `predict`.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.Network([2, 5, 3, 1], activation="tanh")
    /// >>> net.hidden([[1.0, 2.0]]).shape, net.hidden([[1.0, 2.0]], layer=0).shape
    /// ((1, 3), (1, 5))
    #[pyo3(signature = (X, layer = Arg::Absent, *, n_threads = Arg::Absent), text_signature = "($self, X, layer=-1, *, n_threads=None)")]
    #[allow(non_snake_case)] // Python's name for a matrix
    fn hidden<'py>(
        &self,
        py: Python<'py>,
        X: &Bound<'py, PyAny>,
        layer: Arg<'py>,
        n_threads: Arg<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = Call::enter(py)?;
        let n_threads = n_threads.optional_count("n_threads")?;
        with_typed!(&self.typed, slot => {
            let network = slot.load_full();
            let layer = place("layer", &layer, network.layers().len() - 1)?;
            hidden(py, &call, &network, X, layer, n_threads)
        })
    }

    /// Derivatives of the outputs with respect to the inputs, for each row of X, of a network of real numbers.
    ///
    /// Parameters
    /// ----------
    /// X : array-like of shape (n, n_inputs)
    ///     Rows of inputs.
    /// n_threads : int or None, default=None
    ///     As for `predict`.
    ///
    /// Returns
    /// -------
    /// G : ndarray of shape (n, n_outputs, n_inputs)
    ///     ``G[i, o, j]`` is the derivative of output o of row i with respect to its input j, in units
    ///     of output over units of input; in the network's dtype.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     As for `predict`; if the network is complex.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.Network([2, 1], output_activation="exp", bias=False, dtype="float64")
    /// >>> net.set_parameters([[[3.0], [-1.0]]], [None])
    /// >>> net.input_gradient([[0.0, 0.0]])
    /// array([[[ 3., -1.]]])
    #[pyo3(signature = (X, *, n_threads = Arg::Absent), text_signature = "($self, X, *, n_threads=None)")]
    #[allow(non_snake_case)] // Python's name for a matrix
    fn input_gradient<'py>(
        &self,
        py: Python<'py>,
        X: &Bound<'py, PyAny>,
        n_threads: Arg<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = Call::enter(py)?;
        let n_threads = n_threads.optional_count("n_threads")?;
        with_typed!(&self.typed, slot => input_gradient(py, &call, &slot.load_full(), X, n_threads))
    }

    /// The loss over all rows and its gradient.
    ///
    /// With S the sum of the sample weights, the loss is the weighted sum of the rows' losses, plus
    /// ``alpha / 2`` times the sum of all squared weights (not biases), over S.
    ///
    /// Parameters
    /// ----------
    /// X : {array-like, sparse matrix} of shape (n, n_inputs)
    ///     Rows of inputs.
    /// Y : array-like of shape (n, n_outputs)
    ///     Targets, complex where the outputs are: any numbers, but from 0 to 1 for ``"log_loss"``, with rows that sum to 1 if the
    ///     output is softmax; from 0 on for ``"poisson"``; -1 and 1 for the hinges.
    /// loss : str, Loss, callable or None, default=None
    ///     Summed over the outputs of a row:
    ///
    ///     - a name, such as ``"squared_error"`` (half the squared error) or ``"log_loss"`` (the negative
    ///       log-likelihood); `LOSSES` has all of them, with their formulas;
    ///     - an object, such as ``Huber(delta=2.0)``, where the loss has hyperparameters;
    ///     - a function of your own ``f(outputs, targets) -> (losses, gradients)``: from two arrays of
    ///       shape (rows, n_outputs) to the loss of each row, shape (rows,), and its derivatives with
    ///       respect to the row's outputs, shape (rows, n_outputs). It is called on the calling thread,
    ///       once for each micro-batch of at most 1024 rows of a batch. Where these end depends on the
    ///       network's size and the batch alone, not on the number of threads; the loss of a row must
    ///       not depend on the other rows. What it raises ends the call.
    ///
    ///     Those that name no output go with all. None takes ``"log_loss"`` for logistic and softmax
    ///     outputs, else ``"squared_error"``.
    /// sample_weight : array-like of shape (n,) or None, default=None
    ///     Weight of each row, not negative; None for 1 each.
    /// alpha : float, default=0.0
    ///     Strength of the L2 penalty.
    /// noise_seed : int or None, default=None
    ///     Of a network with stochastic units: whose noise they are drawn with, that of the first step of a training on full
    ///     batches with this seed; the gradients are then what the estimator makes of these draws. With None the units
    ///     give their probabilities, and the gradients are exact.
    /// n_threads : int or None, default=None
    ///     As for `predict`.
    ///
    /// Returns
    /// -------
    /// loss : float
    ///     The loss, dimensionless or in squared units of Y.
    /// weight_gradients : list of ndarray of shape (fan_in, fan_out)
    ///     Its derivatives with respect to the weights; of a complex weight w the number dL/d(Re w) +
    ///     i dL/d(Im w), as in PyTorch, so that ``w - rate * gradient`` goes downhill.
    /// bias_gradients : list of ndarray of shape (fan_out,) or None
    ///     Its derivatives with respect to the biases.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If shapes do not fit, numbers are not finite or outside the loss's domain, or the loss
    ///     does not go with the output activation.
    ///
    /// References
    /// ----------
    /// D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by
    /// back-propagating errors", Nature 323, 1986.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.Network([1, 1], dtype="float64")
    /// >>> net.set_parameters([[[2.0]]], [[0.0]])
    /// >>> net.loss_and_gradients([[3.0]], [[5.0]])
    /// (0.5, [array([[3.]])], [array([1.])])
    /// >>> def cubic(outputs, targets):
    /// ...     distance = abs(outputs - targets)
    /// ...     return (distance**3).sum(axis=1), 3 * distance * (outputs - targets)
    /// >>> net.loss_and_gradients([[3.0]], [[4.0]], loss=cubic)
    /// (8.0, [array([[36.]])], [array([12.])])
    #[pyo3(signature = (X, Y, *, loss = Arg::Absent, sample_weight = None, alpha = Arg::Absent, noise_seed = Arg::Absent, n_threads = Arg::Absent))]
    #[pyo3(
        text_signature = "($self, X, Y, *, loss=None, sample_weight=None, alpha=0.0, noise_seed=None, n_threads=None)"
    )]
    #[allow(non_snake_case, clippy::too_many_arguments)] // Python's names and keywords
    fn loss_and_gradients<'py>(
        &self,
        py: Python<'py>,
        X: &Bound<'py, PyAny>,
        Y: &Bound<'py, PyAny>,
        loss: Arg<'py>,
        sample_weight: Option<&Bound<'py, PyAny>>,
        alpha: Arg<'py>,
        noise_seed: Arg<'py>,
        n_threads: Arg<'py>,
    ) -> PyResult<(f64, Bound<'py, PyList>, Bound<'py, PyList>)> {
        let call = Call::enter(py)?;
        let loss = loss::loss(&loss)?;
        let alpha = alpha.number("alpha", 0.0)?;
        let noise_seed = noise_seed.optional_seed("noise_seed")?;
        let n_threads = n_threads.optional_count("n_threads")?;
        with_typed!(&self.typed, slot => {
            loss_and_gradients(
                py, &call, &slot.load_full(), X, Y, &loss, sample_weight, alpha, noise_seed, n_threads,
            )
        })
    }

    /// What each layer computes for rows of data, forward and backward: the numbers of a training, to the bit.
    ///
    /// Parameters
    /// ----------
    /// X : array-like of shape (n, n_inputs)
    ///     Rows of inputs.
    /// Y : array-like of shape (n, n_outputs)
    ///     Targets.
    /// loss : str, loss object, callable or None, default=None
    ///     As for `loss_and_gradients`.
    /// sample_weight : array-like of shape (n,) or None, default=None
    ///     Weight of each row.
    /// noise_seed : int or None, default=None
    ///     As for `loss_and_gradients`. Drawn rows are there once for each sample of the stochastic units, one after the other.
    ///
    /// Returns
    /// -------
    /// row_losses : ndarray of shape (n,)
    ///     The loss of each row, without its weight.
    /// layers : list of LayerValues
    ///     One for each layer, with arrays of shape (n, fan_out).
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     As for `loss_and_gradients`.
    ///
    /// See Also
    /// --------
    /// trace : The same as a derivation that can be read.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.Network([1, 1], output_activation="logistic", dtype="float64")
    /// >>> net.set_parameters([[[2.0]]], [[-6.0]])
    /// >>> row_losses, layers = net.layer_values([[3.0]], [[1.0]], loss="squared_error")
    /// >>> layers[0].net_input, layers[0].output, layers[0].derivative, layers[0].delta
    /// (array([[0.]]), array([[0.5]]), array([[0.25]]), array([[-0.125]]))
    #[pyo3(signature = (X, Y, *, loss = Arg::Absent, sample_weight = None, noise_seed = Arg::Absent))]
    #[pyo3(text_signature = "($self, X, Y, *, loss=None, sample_weight=None, noise_seed=None)")]
    #[allow(non_snake_case)] // Python's names for matrices
    fn layer_values<'py>(
        &self,
        py: Python<'py>,
        X: &Bound<'py, PyAny>,
        Y: &Bound<'py, PyAny>,
        loss: Arg<'py>,
        sample_weight: Option<&Bound<'py, PyAny>>,
        noise_seed: Arg<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Vec<LayerValues>)> {
        let call = Call::enter(py)?;
        let loss = loss::loss(&loss)?;
        let noise_seed = noise_seed.optional_seed("noise_seed")?;
        with_typed!(&self.typed, slot => {
            layer_values(py, &call, &slot.load_full(), X, Y, &loss, sample_weight, noise_seed)
        })
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
    /// >>> fp.Network([2, 1]).save(path)
    /// >>> fp.Network.load(path).layer_sizes
    /// [2, 1]
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
    /// network : Network
    ///     The same network, to the bit.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the file does not hold a network that this version can read.
    /// OSError
    ///     If it cannot be read.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp, os, tempfile
    /// >>> path = os.path.join(tempfile.mkdtemp(), "net.safetensors")
    /// >>> fp.Network([2, 3, 1], activation="tanh").save(path)
    /// >>> fp.Network.load(path)
    /// Network([2, 3, 1], activation=['tanh'], output_activation='identity', dtype='float32')
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
    /// network : Network
    ///     What happens to one of the two does not change the other.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> net = fp.Network([1, 1])
    /// >>> kept = net.copy()
    /// >>> net.set_parameters([[[2.0]]], [[0.0]])
    /// >>> kept.weights[0] == net.weights[0]
    /// array([[False]])
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
        Ok(format!(
            "Network({:?}, activation={}, output_activation={}{bias}, dtype='{}')",
            self.layer_sizes(),
            self.activations(py)?.into_bound_py_any(py)?.repr()?,
            self.output_activation(py)?.repr()?,
            self.dtype(py)
        ))
    }
}

impl Network {
    /// The network, if it is not recurrent.
    fn checked(typed: Typed, name: &str) -> PyResult<Self> {
        if !typed.is_recurrent() {
            return Ok(Self { typed });
        }
        Err(PyValueError::new_err(format!("{name} holds a recurrent network; use RecurrentNetwork.load")))
    }
}

/// An array that cannot be written to.
pub(super) fn read_only(array: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    array.call_method1("setflags", (false,))?;
    Ok(array)
}

/// An array of a network's numbers as its dtype has them.
fn in_field_of<'py, T: Scalar>(
    array: Bound<'py, PyAny>,
    network: &crate::Network<T>,
) -> PyResult<Bound<'py, PyAny>> {
    in_field::<T>(array, network.is_complex())
}

/// A copy of a layer's weights.
fn weights_of<'py, T: Scalar + Element>(
    py: Python<'py>,
    network: &crate::Network<T>,
    layer: usize,
) -> PyResult<Bound<'py, PyAny>> {
    in_field::<T>(matrix(py, network.weights(layer))?.into_any(), network.is_complex())
}

/// A copy of a layer's biases, if it has any.
fn biases_of<'py, T: Scalar + Element>(
    py: Python<'py>,
    network: &crate::Network<T>,
    layer: usize,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let complex = network.is_complex();
    let copied = network.biases(layer).map(|biases| vector(py, biases)).transpose()?;
    copied.map(|biases| in_field::<T>(biases.into_any(), complex)).transpose()
}

pub(super) fn activations(value: &Bound<'_, PyAny>, count: usize) -> PyResult<Vec<crate::Activation>> {
    let is_one = is_one::<Activation>(value) || iterated(value)?.is_none();
    one_or_each(value, count, |value| activation("activation", value), is_one)
}

/// The dtype of a network: that of real numbers, or also of complex ones.
pub(super) fn dtype_name(dtype: &Arg<'_>, complex: bool) -> PyResult<String> {
    let Arg::Given(dtype) = dtype else { return Ok("float32".to_owned()) };
    let (expected, known): (_, &[_]) = if complex {
        (
            r#""float32", "float64", "complex64" or "complex128""#,
            &["float32", "float64", "complex64", "complex128"],
        )
    } else {
        (r#""float32" or "float64""#, &["float32", "float64"])
    };
    // NumPy takes long to name a dtype.
    if let Ok(name) = dtype.cast_exact::<PyString>()
        && let Ok(name) = name.to_str()
        && known.contains(&name)
    {
        return Ok(name.to_owned());
    }
    let numpy = dtype.py().import("numpy")?;
    let name =
        numpy.call_method1("dtype", (dtype,)).and_then(|dtype| dtype.getattr("name")?.extract::<String>());
    match name {
        // NumPy takes None for float64.
        _ if dtype.is_none() => Err(wrong("dtype", expected, dtype)),
        Ok(name) if known.contains(&name.as_str()) => Ok(name),
        Ok(name) => Err(PyValueError::new_err(format!("dtype must be {expected}, got {name}"))),
        Err(error) => Err(unless_foreign(error, dtype, || wrong("dtype", expected, dtype))),
    }
}

fn predict<'py, T: Scalar + Element>(
    py: Python<'py>,
    call: &Call,
    network: &crate::Network<T>,
    x: &Bound<'py, PyAny>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let x = InputRows::new(network, "X", x, Hold::Itself)?;
    // Other threads run only while a call that takes long lets them.
    let detaches = x.rows().saturating_mul(network.n_parameters()) >= WORTH_DETACHING;
    let x = if detaches { x.into_view()? } else { x };
    let x = x.inputs();
    network.check_inputs(&x)?;
    let shape = (x.nrows(), network.numbers_out());
    let y = filled(py, shape, detaches.then_some(call), |y| network.predict_into(x, y, n_threads))?;
    in_field::<T>(y.into_any(), network.complex_outputs())
}

/// The outputs of several networks for the same rows: those of the first network, below them those of the second, and so on.
#[pyfunction]
#[allow(non_snake_case)]
pub(super) fn _predict_each<'py>(
    py: Python<'py>,
    networks: Vec<Bound<'py, Network>>,
    X: &Bound<'py, PyAny>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let call = Call::enter(py)?;
    match networks.first().map(|network| &network.get().typed) {
        Some(Typed::Single(_)) => predict_each::<f32>(py, &call, &networks, X, n_threads),
        Some(Typed::Double(_)) => predict_each::<f64>(py, &call, &networks, X, n_threads),
        None => Err(PyValueError::new_err("networks must hold at least one Network, got none")),
    }
}

fn predict_each<'py, T: InTyped>(
    py: Python<'py>,
    call: &Call,
    networks: &[Bound<'py, Network>],
    x: &Bound<'py, PyAny>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let snapshot = |network: &Bound<'py, Network>| T::slot(&network.get().typed).map(ArcSwap::load_full);
    let networks: Option<Vec<_>> = networks.iter().map(snapshot).collect();
    let Some(networks) = networks else {
        return Err(PyValueError::new_err("networks must be all of single or all of double precision"));
    };
    let first = &networks[0];
    let x = InputRows::new(first, "X", x, Hold::Itself)?;
    let parameters: usize = networks.iter().map(|network| network.n_parameters()).sum();
    let detaches = x.rows().saturating_mul(parameters) >= WORTH_DETACHING;
    let x = if detaches { x.into_view()? } else { x };
    let x = x.inputs();
    first.check_inputs(&x)?;
    let rows = networks.len().saturating_mul(x.nrows());
    let fill = |y: &mut [T]| crate::Network::predict_each_into(&networks, x, y, n_threads);
    let y = filled(py, (rows, first.numbers_out()), detaches.then_some(call), fill)?;
    in_field::<T>(y.into_any(), first.complex_outputs())
}

/// A place in a sequence of this length; negative ones count from the end.
fn place(name: &str, value: &Arg<'_>, len: usize) -> PyResult<usize> {
    let place = value.integer(name, -1)?;
    let len = i128::try_from(len).unwrap_or(i128::MAX);
    let from_start = if place < 0 { place + len } else { place };
    usize::try_from(from_start).ok().filter(|_| from_start < len).ok_or_else(|| {
        let expected = if len == 0 {
            "absent: the network has no hidden layer".to_owned()
        } else {
            format!("from {} to {} for {len} hidden layers", -len, len - 1)
        };
        PyValueError::new_err(format!("{name} must be {expected}, got {place}"))
    })
}

fn hidden<'py, T: Scalar + Element>(
    py: Python<'py>,
    call: &Call,
    network: &crate::Network<T>,
    x: &Bound<'py, PyAny>,
    layer: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let x = InputRows::new(network, "X", x, Hold::AView)?;
    let x = x.inputs();
    network.check_inputs(&x)?;
    let shape = (x.nrows(), network.layers()[layer].numbers_out());
    let y = filled(py, shape, Some(call), |y| network.hidden_into(x, layer, y, n_threads))?;
    in_field::<T>(y.into_any(), network.is_complex())
}

fn input_gradient<'py, T: Scalar + Element>(
    py: Python<'py>,
    call: &Call,
    network: &crate::Network<T>,
    x: &Bound<'py, PyAny>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    if network.is_complex() {
        return Err(PyValueError::new_err(
            "input_gradient must be called on a network of real numbers, got a complex one: its outputs have no derivative \
             with respect to complex inputs",
        ));
    }
    let x = Matrix::<T>::new("X", x, Hold::AView)?;
    let x = x.view();
    network.check_inputs(&x.into())?;
    let y = empty::<T, _>(py, (x.nrows(), network.n_outputs(), network.n_inputs()))?;
    let mut target = y.try_readwrite()?;
    let out = target.as_slice_mut()?;
    call.detach(py, || network.input_gradient_into(x, out, n_threads))?;
    drop(target);
    Ok(y.into_any())
}

#[allow(clippy::too_many_arguments)] // as the method
fn loss_and_gradients<'py, T: Scalar + Element>(
    py: Python<'py>,
    call: &Call,
    network: &crate::Network<T>,
    x: &Bound<'py, PyAny>,
    y: &Bound<'py, PyAny>,
    loss: &Given,
    sample_weight: Option<&Bound<'py, PyAny>>,
    alpha: f64,
    noise_seed: Option<u64>,
    n_threads: Option<usize>,
) -> PyResult<(f64, Bound<'py, PyList>, Bound<'py, PyList>)> {
    let arrays = RowArrays::in_place(network, ["X", "Y", "sample_weight"], x, y, sample_weight)?;
    let data = arrays.dataset()?;
    let raised = Mutex::new(None);
    let own = loss.own(&raised, network.complex_outputs());
    let objective = loss.objective::<T>(network.output_activation(), own.as_ref());
    let mut signals = Signals::new(&raised);
    let result = call.detach(py, || {
        crate::training::loss_and_gradient(
            network,
            &data,
            objective,
            (alpha, None),
            noise_seed,
            n_threads,
            &mut || signals.interrupted(),
        )
    });
    if let Some(error) = raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let (loss, gradient) = result?;
    let (weight_gradients, bias_gradients) = (PyList::empty(py), PyList::empty(py));
    let gradient = network.with_parameters(gradient)?;
    for layer in 0..network.layers().len() {
        weight_gradients.append(weights_of(py, &gradient, layer)?)?;
        bias_gradients.append(biases_of(py, &gradient, layer)?)?;
    }
    Ok((loss, weight_gradients, bias_gradients))
}

#[allow(clippy::too_many_arguments)] // as the method
fn layer_values<'py, T: Scalar + Element>(
    py: Python<'py>,
    call: &Call,
    network: &crate::Network<T>,
    x: &Bound<'py, PyAny>,
    y: &Bound<'py, PyAny>,
    loss: &Given,
    sample_weight: Option<&Bound<'py, PyAny>>,
    noise_seed: Option<u64>,
) -> PyResult<(Bound<'py, PyAny>, Vec<LayerValues>)> {
    let arrays = RowArrays::new(network, ["X", "Y", "sample_weight"], x, y, sample_weight)?;
    let data = arrays.dataset()?;
    let raised = Mutex::new(None);
    let own = loss.own(&raised, network.complex_outputs());
    let objective = loss.objective::<T>(network.output_activation(), own.as_ref());
    let result = call.detach(py, || crate::training::layer_values(network, &data, objective, noise_seed));
    if let Some(error) = raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let (layers, losses) = result?;
    let complex = network.is_complex();
    let layers = layers.iter().zip(network.layers()).map(|(layer, kind)| {
        let copy = |array: &ndarray::Array2<T>, complex| {
            in_field::<T>(matrix(py, array.view())?.into_any(), complex).map(Bound::unbind)
        };
        let derivative = copy(&layer.derivative, complex)?;
        let (derivative, conjugate_derivative) = if complex {
            // The two of each output lie side by side.
            let pairs = derivative.bind(py).call_method1("reshape", (layer.derivative.nrows(), -1, 2))?;
            let all = pyo3::types::PySlice::full(py);
            let one =
                |place: usize| pairs.get_item((&all, &all, place)).and_then(|of| of.call_method0("copy"));
            (one(0)?.unbind(), one(1)?.unbind())
        } else {
            (derivative, py.None())
        };
        Ok(LayerValues {
            net_input: copy(&layer.net_input, complex)?,
            output: copy(&layer.output, complex && kind.output_parts() == 2)?,
            derivative,
            conjugate_derivative,
            delta: copy(&layer.delta, complex)?,
        })
    });
    let losses = vector(py, ndarray::ArrayView1::from(&losses))?;
    Ok((losses.into_any(), layers.collect::<PyResult<_>>()?))
}

/// What a layer computes for rows of data: arrays of shape (n, fan_out) in the network's dtype.
///
/// Attributes
/// ----------
/// net_input : ndarray
///     The sums of weighted inputs and biases.
/// output : ndarray
///     The activation of these.
/// derivative : ndarray
///     The derivative of each output with respect to its net input, of a drawn one what its estimator has in place of it (the
///     score function: the derivative of the draw's log-probability); in a complex network with respect to
///     z, (d/dx - i d/dy) / 2 for z = x + iy.
/// conjugate_derivative : ndarray or None
///     In a complex network, the derivative with respect to the conjugate of z, (d/dx + i d/dy) / 2; None for
///     real numbers.
/// delta : ndarray
///     The derivative of the row's loss, times the row's weight, with respect to the net input.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> net = fp.Network([1, 1], init="uniform", init_range=0.0)
/// >>> _, layers = net.layer_values([[3.0]], [[1.0]])
/// >>> layers[0].delta
/// array([[-1.]], dtype=float32)
#[pyclass(frozen, get_all, module = "ferroprop")]
pub(super) struct LayerValues {
    net_input: Py<PyAny>,
    output: Py<PyAny>,
    derivative: Py<PyAny>,
    conjugate_derivative: Py<PyAny>,
    delta: Py<PyAny>,
}

/// Copies weights and biases into a network.
fn fill<'py, T: Scalar + Element>(
    network: &mut crate::Network<T>,
    weights: &Bound<'py, PyAny>,
    biases: &Bound<'py, PyAny>,
) -> PyResult<()> {
    let layers = network.layers().to_vec();
    let list = |name: &str, value: &Bound<'py, PyAny>| -> PyResult<Vec<Bound<'py, PyAny>>> {
        let items = iterated(value)?.ok_or_else(|| wrong_type(name, "a sequence of arrays", value))?;
        let items = collect(items)?;
        if items.len() == layers.len() {
            Ok(items)
        } else {
            let (expected, got) = (layers.len(), items.len());
            Err(PyValueError::new_err(format!(
                "{name} must hold one array for each of the {expected} layers, got {got}"
            )))
        }
    };
    let (weights, biases) = (list("weights", weights)?, list("biases", biases)?);
    let mut rest = network.parameters_mut();
    for (index, (layer, (w, b))) in layers.iter().zip(weights.iter().zip(&biases)).enumerate() {
        let own;
        (own, rest) = rest.split_at_mut(layer.n_parameters());
        let arrays = layer.arrays();
        let (own_weights, own_biases) = own.split_at_mut(arrays[0].len());
        let name = format!("weights[{index}]");
        let complex = layer.parts() == 2;
        let w = if complex {
            Matrix::<T>::parts(&name, w, true)?
        } else {
            Matrix::<T>::new(&name, w, Hold::Itself)?
        };
        copy(&name, &w.view().into_dyn(), &arrays[0].shape, own_weights)?;
        let name = format!("biases[{index}]");
        if let Some(biases) = arrays.get(1) {
            let b = if complex {
                Vector::<T>::parts(&name, b, true)?
            } else {
                Vector::<T>::new(&name, b, Hold::Itself)?
            };
            copy(&name, &b.view().into_dyn(), &biases.shape, own_biases)?;
        } else if !b.is_none() {
            return Err(PyValueError::new_err(format!(
                "{name} must be None: the layer has no biases, got {}",
                type_name(b)
            )));
        }
    }
    Ok(())
}

/// Copies an array of the expected shape to the front of a slice.
pub(super) fn copy<T: Scalar>(
    name: &str,
    from: &ndarray::ArrayViewD<'_, T>,
    shape: &[usize],
    to: &mut [T],
) -> PyResult<()> {
    // An array of complex numbers has the axis of their parts beside the others.
    let (units, parts) = match shape {
        [units @ .., 2] if shape.len() > from.ndim() => (units, 2),
        _ => (shape, 1),
    };
    let mut came = from.shape().to_vec();
    came.iter_mut().last().into_iter().for_each(|last| *last /= parts);
    if came != units {
        return Err(crate::Error::shape(name, crate::error::tuple(units), &came).into());
    }
    if let Some(numbers) = from.as_slice()
        && all_finite(numbers)
    {
        to[..numbers.len()].copy_from_slice(numbers);
        return Ok(());
    }
    if let Some((place, &x)) = from.indexed_iter().find(|(_, x)| !x.is_finite()) {
        return Err(crate::Error::value(name, "finite numbers", x, place.slice()).into());
    }
    for (to, &x) in to.iter_mut().zip(from) {
        *to = x;
    }
    Ok(())
}
