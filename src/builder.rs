//! A network described step by step.

use std::marker::PhantomData;

use crate::activation::Activation;
use crate::error::Result;
use crate::kernel::Scalar;
use crate::layer::Init;
use crate::network::Network;

/// What [`Network::builder`] makes: everything has a default but the layer sizes.
///
/// ```
/// use ferroprop::{Activation, Init, Network};
///
/// let network: Network<f32> = Network::builder([4, 16, 8, 3])
///     .hidden([Activation::Tanh, Activation::Relu])
///     .output_activation(Activation::Softmax)
///     .init(Init::Uniform { range: 0.5 })
///     .seed(7)
///     .build()?;
/// assert_eq!(network.layers()[1].activation, Activation::Relu);
/// # Ok::<(), ferroprop::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a network is made by `build`"]
pub struct NetworkBuilder<T> {
    layer_sizes: Vec<usize>,
    hidden: OneOrEach<Activation>,
    output_activation: Activation,
    bias: OneOrEach<bool>,
    init: Init,
    seed: u64,
    numbers: PhantomData<T>,
}

/// One value for all layers, or one for each.
#[derive(Clone, Debug)]
pub enum OneOrEach<V> {
    /// The same for all.
    One(V),
    /// One for each.
    Each(Vec<V>),
}

impl<V: Clone> OneOrEach<V> {
    fn list(self, count: usize) -> Vec<V> {
        match self {
            Self::One(value) => vec![value; count],
            Self::Each(values) => values,
        }
    }
}

impl From<Activation> for OneOrEach<Activation> {
    fn from(activation: Activation) -> Self {
        Self::One(activation)
    }
}

impl<const N: usize> From<[Activation; N]> for OneOrEach<Activation> {
    fn from(activations: [Activation; N]) -> Self {
        Self::Each(activations.to_vec())
    }
}

impl From<Vec<Activation>> for OneOrEach<Activation> {
    fn from(activations: Vec<Activation>) -> Self {
        Self::Each(activations)
    }
}

impl From<bool> for OneOrEach<bool> {
    fn from(bias: bool) -> Self {
        Self::One(bias)
    }
}

impl<const N: usize> From<[bool; N]> for OneOrEach<bool> {
    fn from(bias: [bool; N]) -> Self {
        Self::Each(bias.to_vec())
    }
}

impl From<Vec<bool>> for OneOrEach<bool> {
    fn from(bias: Vec<bool>) -> Self {
        Self::Each(bias)
    }
}

impl<T: Scalar> NetworkBuilder<T> {
    pub(crate) fn new(layer_sizes: Vec<usize>) -> Self {
        Self {
            layer_sizes,
            hidden: OneOrEach::One(Activation::Relu),
            output_activation: Activation::Identity,
            bias: OneOrEach::One(true),
            init: Init::Glorot,
            seed: 0,
            numbers: PhantomData,
        }
    }

    /// Activations of the hidden layers, one for all or one for each; [`Activation::Relu`] by default.
    pub fn hidden(mut self, activation: impl Into<OneOrEach<Activation>>) -> Self {
        self.hidden = activation.into();
        self
    }

    /// Activation of the output layer; [`Activation::Identity`] by default.
    pub fn output_activation(mut self, activation: Activation) -> Self {
        self.output_activation = activation;
        self
    }

    /// Whether layers have biases, one for all or one for each, the output layer included; they have by
    /// default.
    pub fn bias(mut self, bias: impl Into<OneOrEach<bool>>) -> Self {
        self.bias = bias.into();
        self
    }

    /// How weights and biases are drawn; [`Init::Glorot`] by default.
    pub fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }

    /// Seeds the initial weights; 0 by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Makes the network.
    ///
    /// # Errors
    /// As for [`Network::new`].
    pub fn build(self) -> Result<Network<T>> {
        let layers = self.layer_sizes.len().saturating_sub(1);
        let hidden = self.hidden.list(layers.saturating_sub(1));
        let bias = self.bias.list(layers);
        Network::new(&self.layer_sizes, &hidden, self.output_activation, &bias, self.init, self.seed)
    }
}

impl<T: Scalar> Network<T> {
    /// A network of these layer sizes, inputs first, to be described further.
    ///
    /// ```
    /// use ferroprop::{Activation, Network};
    /// let network = Network::<f64>::builder([2, 4, 1]).output_activation(Activation::LOGISTIC).seed(3).build()?;
    /// assert_eq!(network.layer_sizes(), [2, 4, 1]);
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn builder(layer_sizes: impl Into<Vec<usize>>) -> NetworkBuilder<T> {
        NetworkBuilder::new(layer_sizes.into())
    }
}
