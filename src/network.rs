//! A network: its layers, and one flat vector of parameters with a view per layer.

use ndarray::{Array2, ArrayView1, ArrayView2};
use once_cell::race::OnceBox;

use crate::activation::Activation;
use crate::check::{check_matrix, check_matrix_at};
use crate::error::{Error, Result};
use crate::kernel::{Mode, Scalar};
use crate::layer::{
    Init, Kind, Layer, Packed, ParameterArray, RecurrentInit, Returns, arrays, check_constants, check_kinds,
    layers,
};
use crate::memory::try_zeros;
use crate::pass::{Inputs, Sequences, input_gradient, predict, predict_sequences, state_widths};
use crate::random::{Purpose, Random};

/// A multi-layer perceptron.
///
/// ```
/// use ferroprop::{Activation, Init, Network};
/// use ndarray::array;
///
/// let network = Network::<f64>::new(&[2, 5, 1], &[Activation::Tanh], Activation::Identity, &[true; 2], Init::Glorot, 0)?;
/// assert_eq!(network.n_parameters(), 2 * 5 + 5 + 5 * 1 + 1);
/// assert_eq!(network.weights(0).dim(), (2, 5));
/// let y = network.predict(array![[0.0, 1.0], [1.0, 1.0]].view(), None)?;
/// assert_eq!(y.dim(), (2, 1));
/// # Ok::<(), ferroprop::Error>(())
/// ```
#[derive(Debug)]
pub struct Network<T> {
    layers: Vec<Layer>,
    parameters: Vec<T>,
    /// The parameters as the passes want them, made when first needed. Threads that need them at the
    /// same time make them all, and one result is kept: waiting could mean waiting for a thread that a forked
    /// child does not have.
    packed: OnceBox<Packed<T>>,
}

impl<T: Scalar> Clone for Network<T> {
    fn clone(&self) -> Self {
        Self { layers: self.layers.clone(), parameters: self.parameters.clone(), packed: OnceBox::new() }
    }
}

impl<T: Scalar> PartialEq for Network<T> {
    fn eq(&self, other: &Self) -> bool {
        self.layers == other.layers && self.parameters == other.parameters
    }
}

/// The largest network: its parameters can be counted, in every form, without overflow.
const MOST_PARAMETERS: usize = isize::MAX as usize / 64;

impl<T: Scalar> Network<T> {
    /// A network of the given layer sizes, inputs first, with one activation for each hidden layer,
    /// one for the output layer, and biases or not for each layer.
    ///
    /// # Errors
    /// [`Error::Argument`] for fewer than two layers, a size of 0, a list of the wrong length or a
    /// parameter outside its domain; [`Error::OutOfMemory`].
    pub fn new(
        layer_sizes: &[usize],
        hidden: &[Activation],
        output: Activation,
        bias: &[bool],
        init: Init,
        seed: u64,
    ) -> Result<Self> {
        let layers = layers(layer_sizes, hidden, output, bias, Kind::Dense, Returns::Every)?;
        Self::drawn(layers, init, RecurrentInit::default(), seed)
    }

    /// The same of complex numbers. In arrays of real numbers their parts lie side by side: a row of m
    /// complex inputs has 2 m numbers, and so have parameters, gradients, outputs and targets. Outputs of a softmax, which
    /// complex networks compute from absolute values, are real.
    ///
    /// # Errors
    /// As for [`Network::new`].
    ///
    /// ```
    /// use ferroprop::{Activation, Init, Network};
    /// use ndarray::array;
    ///
    /// let mut network = Network::<f64>::complex(&[1, 1], &[], Activation::Identity, &[false], Init::Glorot, 0)?;
    /// network.parameters_mut().copy_from_slice(&[0.0, 1.0]);
    /// let y = network.predict(array![[2.0, 3.0]].view(), None)?;
    /// assert_eq!(y, array![[-3.0, 2.0]]); // i (2 + 3i)
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn complex(
        layer_sizes: &[usize],
        hidden: &[Activation],
        output: Activation,
        bias: &[bool],
        init: Init,
        seed: u64,
    ) -> Result<Self> {
        let layers = layers(layer_sizes, hidden, output, bias, Kind::Complex, Returns::Every)?;
        Self::drawn(layers, init, RecurrentInit::default(), seed)
    }

    /// A network whose hidden layers, all of a kind that recurs, go through sequences; its last layer is dense. It
    /// returns outputs for the last step of time of each sequence, or for every one.
    ///
    /// # Errors
    /// As for [`Network::new`]; [`Error::Argument`] for a kind that does not recur, no hidden layer, or another activation than
    /// tanh for layers that have their own.
    ///
    /// ```
    /// use ferroprop::{Activation, Init, Kind, Network, RecurrentInit, Returns, Sequences};
    /// use ndarray::array;
    ///
    /// // One unit that adds up.
    /// let (sizes, hidden, bias) = ([1, 1, 1], [Activation::Identity], [false; 2]);
    /// let mut network = Network::<f64>::recurrent(
    ///     &sizes, Kind::Rnn, Returns::Every, &hidden, Activation::Identity, &bias, Init::Glorot, RecurrentInit::Identity, 0,
    /// )?;
    /// network.parameters_mut().fill(1.0);
    /// let (x, sequences) = (array![[1.0], [1.0], [1.0], [3.0]], Sequences::new(&[4])?);
    /// assert_eq!(network.predict_sequences(x.view(), &sequences, None, None)?, array![[1.0], [2.0], [3.0], [6.0]]);
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    #[allow(clippy::too_many_arguments)]
    pub fn recurrent(
        layer_sizes: &[usize],
        kind: Kind,
        returns: Returns,
        hidden: &[Activation],
        output: Activation,
        bias: &[bool],
        init: Init,
        recurrent_init: RecurrentInit,
        seed: u64,
    ) -> Result<Self> {
        if !kind.recurs() {
            return Err(Error::argument("cell", "a kind that recurs", format!("{:?}", kind.name())));
        }
        if layer_sizes.len() < 3 {
            let expected = "at least 3 sizes: the inputs', one hidden layer's and the outputs'";
            return Err(Error::argument("layer_sizes", expected, format_args!("{layer_sizes:?}")));
        }
        let layers = layers(layer_sizes, hidden, output, bias, kind, returns)?;
        check_kinds(&layers)
            .map_err(|wrong| Error::argument("activation", "one that goes with the cell", wrong))?;
        Self::drawn(layers, init, recurrent_init, seed)
    }

    fn drawn(layers: Vec<Layer>, init: Init, recurrent_init: RecurrentInit, seed: u64) -> Result<Self> {
        check_constants::<T>(&layers)?;
        let mut network = Self::zeros(layers)?;
        init.check_typed::<T>()?;
        let _mode = Mode::core();
        let mut random = Random::new(seed, Purpose::Weights, 0);
        let mut rest = network.parameters.as_mut_slice();
        for layer in &network.layers {
            let own;
            (own, rest) = rest.split_at_mut(layer.n_parameters());
            layer.draw(init, recurrent_init, &mut random, own)?;
        }
        Ok(network)
    }

    /// A network whose parameters are all 0.
    pub(crate) fn zeros(layers: Vec<Layer>) -> Result<Self> {
        let count = layers
            .iter()
            .try_fold(0usize, |sum, layer| sum.checked_add(layer.count_parameters()?))
            .filter(|&count| count <= MOST_PARAMETERS)
            .ok_or(Error::OutOfMemory { numbers: usize::MAX })?;
        let mut parameters = Vec::new();
        parameters.try_reserve_exact(count).map_err(|_| Error::OutOfMemory { numbers: count })?;
        parameters.resize(count, T::ZERO);
        Ok(Self { layers, parameters, packed: OnceBox::new() })
    }

    /// The same network.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn try_clone(&self) -> Result<Self> {
        let mut clone = Self::zeros(self.layers.clone())?;
        clone.parameters.copy_from_slice(&self.parameters);
        Ok(clone)
    }

    /// A network with the same layers and other parameters, in the order of [`Network::parameters`].
    ///
    /// # Errors
    /// [`Error::Shape`] when their number is another one.
    pub fn with_parameters(&self, parameters: Vec<T>) -> Result<Self> {
        if parameters.len() != self.parameters.len() {
            let expected = format!("({},)", self.parameters.len());
            return Err(Error::shape("parameters", expected, &[parameters.len()]));
        }
        Ok(Self { layers: self.layers.clone(), parameters, packed: OnceBox::new() })
    }

    /// The layers, first hidden layer first.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Inputs of a row.
    #[must_use]
    pub fn n_inputs(&self) -> usize {
        self.layers[0].fan_in
    }

    /// Outputs of a row.
    #[must_use]
    pub fn n_outputs(&self) -> usize {
        self.output_layer().fan_out
    }

    /// Whether its numbers are complex.
    #[must_use]
    pub fn is_complex(&self) -> bool {
        self.layers[0].parts() == 2
    }

    /// Whether its outputs are complex: an activation of absolute values gives real ones.
    #[must_use]
    pub fn complex_outputs(&self) -> bool {
        self.output_layer().output_parts() == 2
    }

    /// Real numbers in a row of inputs: two for each complex one.
    #[must_use]
    pub fn numbers_in(&self) -> usize {
        self.layers[0].numbers_in()
    }

    /// Real numbers in a row of outputs: two for each complex one.
    #[must_use]
    pub fn numbers_out(&self) -> usize {
        self.output_layer().numbers_out()
    }

    /// What it returns of a sequence, if it is recurrent.
    #[must_use]
    pub fn returns(&self) -> Option<Returns> {
        let recurrent = self.layers.iter().take_while(|layer| layer.kind.recurs()).last();
        recurrent.map(|layer| layer.returns)
    }

    /// The activation of the output layer.
    #[must_use]
    pub fn output_activation(&self) -> Activation {
        self.output_layer().activation
    }

    fn output_layer(&self) -> &Layer {
        &self.layers[self.layers.len() - 1]
    }

    /// Layer sizes, inputs first.
    #[must_use]
    pub fn layer_sizes(&self) -> Vec<usize> {
        std::iter::once(self.n_inputs()).chain(self.layers.iter().map(|layer| layer.fan_out)).collect()
    }

    /// The number of weights and biases.
    #[must_use]
    pub fn n_parameters(&self) -> usize {
        self.parameters.len()
    }

    /// All parameters: layer after layer, the weights row by row, then the biases.
    #[must_use]
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// All parameters, to change them.
    pub fn parameters_mut(&mut self) -> &mut [T] {
        self.packed = OnceBox::new();
        &mut self.parameters
    }

    /// The parameter arrays of all layers, in the order of [`Network::parameters`]: the layer's number, the
    /// array, and its numbers.
    pub fn arrays(&self) -> impl Iterator<Item = (usize, ParameterArray, &[T])> {
        let mut rest = self.parameters.as_slice();
        arrays(&self.layers).map(move |(layer, array)| {
            let numbers = rest.split_off(..array.len()).unwrap_or_default();
            (layer, array, numbers)
        })
    }

    fn array(&self, layer: usize, name: &str) -> Option<(Vec<usize>, &[T])> {
        let mut arrays = self.arrays().skip_while(|(at, ..)| *at < layer).take_while(|(at, ..)| *at == layer);
        arrays.find(|(_, array, _)| array.name == name).map(|(_, array, numbers)| (array.shape, numbers))
    }

    /// The weights of a layer, fan in x fan out; complex ones have their parts side by side, fan in x 2 fan out.
    ///
    /// # Panics
    /// When there is no such layer.
    #[must_use]
    pub fn weights(&self, layer: usize) -> ArrayView2<'_, T> {
        self.array(layer, "weights")
            .and_then(|(shape, numbers)| {
                ArrayView2::from_shape((shape[0], numbers.len() / shape[0]), numbers).ok()
            })
            .unwrap_or_else(|| panic!("there is no layer {layer}"))
    }

    /// The biases of a layer, if it has any.
    ///
    /// # Panics
    /// When there is no such layer.
    #[must_use]
    pub fn biases(&self, layer: usize) -> Option<ArrayView1<'_, T>> {
        assert!(layer < self.layers.len(), "there is no layer {layer}");
        self.array(layer, "biases").map(|(_, numbers)| ArrayView1::from(numbers))
    }

    /// The outputs for each row of `x`, on `n_threads` threads (`None`: automatic). A row's outputs
    /// do not depend on the other rows.
    ///
    /// # Errors
    /// [`Error::Shape`] when the rows have the wrong length, [`Error::Value`] when a number is not
    /// finite, [`Error::Argument`] when they are sparse and the first layer is not a dense one, [`Error::OutOfMemory`].
    pub fn predict<'a>(&self, x: impl Into<Inputs<'a, T>>, n_threads: Option<usize>) -> Result<Array2<T>> {
        let x = x.into();
        let (rows, columns) = (x.nrows(), self.numbers_out());
        let len = rows.checked_mul(columns).ok_or(Error::OutOfMemory { numbers: usize::MAX })?;
        let mut y = Vec::new();
        y.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { numbers: len })?;
        y.resize(len, T::ZERO);
        self.predict_into(x, &mut y, n_threads)?;
        Array2::from_shape_vec((rows, columns), y).map_err(|error| Error::argument("X", "fewer rows", error))
    }

    /// Checks the shape of inputs, and no more.
    #[cfg(feature = "python")]
    pub(crate) fn check_inputs(&self, x: &Inputs<'_, T>) -> Result<()> {
        x.check_shape("X", self.numbers_in())
    }

    /// As [`Network::predict`], into a slice that takes the outputs row after row.
    ///
    /// # Errors
    /// As for [`Network::predict`]; [`Error::Shape`] when `y` has the wrong length.
    pub fn predict_into<'a>(
        &self,
        x: impl Into<Inputs<'a, T>>,
        y: &mut [T],
        n_threads: Option<usize>,
    ) -> Result<()> {
        let x = x.into();
        self.not_for_sequences()?;
        self.check_rows(&x)?;
        if x.nrows().checked_mul(self.numbers_out()) != Some(y.len()) {
            return Err(Error::shape("y", format!("({} * {},)", x.nrows(), self.numbers_out()), &[y.len()]));
        }
        let _mode = Mode::core();
        predict(&self.layers, self.packed()?, x, y, None, n_threads)
    }

    /// The outputs of several networks for the same rows, into a slice that takes those of the first network, then those of the
    /// second, and so on. Each has the bits of [`Network::predict`].
    #[cfg(feature = "python")]
    pub(crate) fn predict_each_into(
        networks: &[std::sync::Arc<Self>],
        x: Inputs<'_, T>,
        y: &mut [T],
        n_threads: Option<usize>,
    ) -> Result<()> {
        let Some(first) = networks.first() else { return Ok(()) };
        let form = |network: &Self| (network.numbers_in(), network.numbers_out(), network.is_complex());
        for network in networks {
            network.not_for_sequences()?;
            if form(network) != form(first) || network.complex_outputs() != first.complex_outputs() {
                let expected = "networks with as many inputs and outputs, of one kind, as each other";
                return Err(Error::argument("networks", expected, "others"));
            }
            if !network.takes_sparse_rows() {
                x.dense("X")?;
            }
        }
        first.check_rows(&x)?;
        let len = x.nrows() * first.numbers_out();
        if networks.len().checked_mul(len) != Some(y.len()) {
            return Err(Error::shape("y", format!("({} * {len},)", networks.len()), &[y.len()]));
        }
        let _mode = Mode::core();
        for (network, y) in networks.iter().zip(y.chunks_mut(len)) {
            predict(&network.layers, network.packed()?, x, y, None, n_threads)?;
        }
        Ok(())
    }

    /// Whether [`SparseRows`](crate::SparseRows) can be its inputs: those of a dense first layer.
    pub(crate) fn takes_sparse_rows(&self) -> bool {
        self.layers[0].takes_sparse_rows()
    }

    /// Checks that sums over rows can come from elsewhere.
    pub(crate) fn check_takes_remote_rows(&self) -> Result<()> {
        let drawn = self.layers.iter().any(|layer| layer.activation.units().is_some());
        let got = match (self.returns(), drawn) {
            (Some(_), _) => "a recurrent one",
            (None, true) => "one with stochastic units",
            (None, false) => return Ok(()),
        };
        Err(Error::argument(
            "network",
            "a feedforward one without stochastic units for rows that are elsewhere",
            got,
        ))
    }

    /// Checks rows of inputs, and that they are not sparse where sparse ones cannot be inputs.
    pub(crate) fn check_rows(&self, x: &Inputs<'_, T>) -> Result<()> {
        if !self.takes_sparse_rows() {
            x.dense("X")?;
        }
        x.check("X", self.numbers_in())
    }

    fn not_for_sequences(&self) -> Result<()> {
        if self.returns().is_none() {
            return Ok(());
        }
        Err(Error::argument("X", "sequences, because the network is recurrent", "rows"))
    }

    /// The outputs for each sequence, or for each step of time of one sequence after the other, from the beginning.
    ///
    /// # Errors
    /// As for [`Network::predict`]; [`Error::Argument`] when the network is not recurrent.
    pub fn predict_sequences(
        &self,
        x: ArrayView2<'_, T>,
        sequences: &Sequences,
        states: Option<&mut [T]>,
        n_threads: Option<usize>,
    ) -> Result<Array2<T>> {
        let rows = if self.returns() == Some(Returns::Every) { sequences.steps() } else { sequences.count() };
        let columns = self.numbers_out();
        let mut y = try_zeros(rows.saturating_mul(columns))?;
        let mut own;
        let (states, has_state) = if let Some(states) = states {
            (states, true)
        } else {
            own = try_zeros(sequences.count().saturating_mul(self.state_size()))?;
            (&mut own[..], false)
        };
        self.predict_sequences_into(x, sequences, states, has_state, &mut y, n_threads)?;
        Array2::from_shape_vec((rows, columns), y).map_err(|error| Error::argument("X", "fewer rows", error))
    }

    /// Numbers of the state that each sequence has: the outputs of the layers that recur, each followed by its cells.
    #[must_use]
    pub fn state_size(&self) -> usize {
        state_widths(&self.layers).map(|(groups, width)| groups * width).sum()
    }

    /// As [`Network::predict_sequences`], into a slice that takes the outputs row after row. The states at the ends of the
    /// sequences, [`Network::state_size`] numbers of each, take the place of those from which they begin; these are all 0 unless
    /// there `has_state`.
    ///
    /// # Errors
    /// As for [`Network::predict_sequences`]; [`Error::Shape`] when a slice has the wrong length.
    pub fn predict_sequences_into(
        &self,
        x: ArrayView2<'_, T>,
        sequences: &Sequences,
        states: &mut [T],
        has_state: bool,
        y: &mut [T],
        n_threads: Option<usize>,
    ) -> Result<()> {
        let Some(returns) = self.returns() else {
            return Err(Error::argument("X", "rows, because the network is not recurrent", "sequences"));
        };
        if x.nrows() != sequences.steps() {
            let expected = format!("({}, {})", sequences.steps(), self.numbers_in());
            return Err(Error::shape("X", expected, x.shape()));
        }
        check_matrix_at("X", x, self.numbers_in(), |at| sequences.place(at))?;
        let rows = if returns == Returns::Every { sequences.steps() } else { sequences.count() };
        if rows.checked_mul(self.numbers_out()) != Some(y.len()) {
            return Err(Error::shape("y", format!("({rows} * {},)", self.numbers_out()), &[y.len()]));
        }
        if sequences.count().checked_mul(self.state_size()) != Some(states.len()) {
            let expected = format!("({} * {},)", sequences.count(), self.state_size());
            return Err(Error::shape("states", expected, &[states.len()]));
        }
        let _mode = Mode::core();
        predict_sequences(&self.layers, self.packed()?, x, sequences, (states, has_state), y, n_threads)
    }

    /// The outputs of a hidden layer (0 for the first) into a slice that takes them row after row.
    ///
    /// # Errors
    /// As for [`Network::predict_into`]; [`Error::Argument`] when there is no such hidden layer.
    pub fn hidden_into<'a>(
        &self,
        x: impl Into<Inputs<'a, T>>,
        layer: usize,
        y: &mut [T],
        n_threads: Option<usize>,
    ) -> Result<()> {
        let n_hidden = self.layers.len() - 1;
        if layer >= n_hidden {
            return Err(Error::argument("layer", format!("below {n_hidden}"), layer));
        }
        let x = x.into();
        self.not_for_sequences()?;
        self.check_rows(&x)?;
        let columns = self.layers[layer].numbers_out();
        if x.nrows().checked_mul(columns) != Some(y.len()) {
            return Err(Error::shape("y", format!("({} * {columns},)", x.nrows()), &[y.len()]));
        }
        let _mode = Mode::core();
        predict(&self.layers[..=layer], self.packed()?, x, y, None, n_threads)
    }

    /// The derivatives of all outputs with respect to all inputs: for each row, outputs x inputs
    /// numbers.
    ///
    /// # Errors
    /// As for [`Network::predict_into`].
    pub fn input_gradient_into(
        &self,
        x: ArrayView2<'_, T>,
        gradients: &mut [T],
        n_threads: Option<usize>,
    ) -> Result<()> {
        self.not_for_sequences()?;
        check_matrix("X", x, self.numbers_in())?;
        let numbers = self.n_outputs().checked_mul(self.n_inputs());
        if numbers.and_then(|numbers| numbers.checked_mul(x.nrows())) != Some(gradients.len()) {
            let expected = format!("({} * {} * {},)", x.nrows(), self.n_outputs(), self.n_inputs());
            return Err(Error::shape("gradients", expected, &[gradients.len()]));
        }
        let _mode = Mode::core();
        input_gradient(&self.layers, self.packed()?, x, gradients, n_threads)
    }

    pub(crate) fn packed(&self) -> Result<&Packed<T>> {
        self.packed.get_or_try_init(|| Ok(Box::new(Packed::new(&self.layers, &self.parameters)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a forked child meets it: another thread has begun to pack, and will never come to an end.
    #[test]
    fn nobody_waits_for_another_one_who_packs() {
        let bias = [true; 2];
        let network = Network::<f64>::new(
            &[3, 5, 2],
            &[Activation::Tanh],
            Activation::Identity,
            &bias,
            Init::Glorot,
            1,
        )
        .unwrap();
        let x = Array2::from_elem((1, 3), 0.5);
        let expected = network.clone().predict(x.view(), None).unwrap();
        let kept = network.packed.get_or_try_init(|| {
            assert_eq!(network.predict(x.view(), None)?, expected);
            Ok::<_, Error>(Box::new(Packed::new(network.layers(), network.parameters())?))
        });
        assert!(std::ptr::eq(kept.unwrap(), network.packed().unwrap()));
        assert_eq!(network.predict(x.view(), None).unwrap(), expected);
    }
}
