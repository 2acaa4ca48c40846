//! What a layer is.

use crate::activation::Activation;
use crate::check::check_typed;
use crate::error::{Error, Result};
use crate::number::Number;

/// One layer: `outputs = activation(inputs * weights + biases)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// Inputs.
    pub fan_in: usize,
    /// Outputs.
    pub fan_out: usize,
    /// What happens to the net input.
    pub activation: Activation,
    /// Whether there are biases.
    pub bias: bool,
}

impl Layer {
    /// Numbers in its weights and biases.
    #[must_use]
    pub fn n_parameters(&self) -> usize {
        self.fan_in * self.fan_out + if self.bias { self.fan_out } else { 0 }
    }
}

/// Checks that the constants of activations are numbers of the network's type.
pub(crate) fn check_constants<T: Number>(layers: &[Layer]) -> Result<()> {
    let constants = layers.iter().filter_map(|layer| layer.activation.constant());
    constants.into_iter().try_for_each(|(name, constant)| check_typed::<T>(name, constant))
}

/// The layers of a network of these sizes, inputs first.
pub(crate) fn layers(
    sizes: &[usize],
    hidden: &[Activation],
    output: Activation,
    bias: &[bool],
) -> Result<Vec<Layer>> {
    if sizes.len() < 2 {
        let expected = "at least 2 sizes, the inputs' and the outputs'";
        return Err(Error::argument("layer_sizes", expected, format_args!("{sizes:?}")));
    }
    if sizes.contains(&0) {
        return Err(Error::argument("layer_sizes", "positive integers", format_args!("{sizes:?}")));
    }
    let n_hidden = sizes.len() - 2;
    if hidden.len() != n_hidden {
        let expected = format!("one for each of the {n_hidden} hidden layers");
        return Err(Error::argument("activation", expected, hidden.len()));
    }
    if bias.len() != n_hidden + 1 {
        let expected = format!("one for each of the {} layers", n_hidden + 1);
        return Err(Error::argument("bias", expected, bias.len()));
    }
    if hidden.contains(&Activation::Softmax) {
        return Err(Error::argument("activation", "an activation for hidden layers", "\"softmax\""));
    }
    let activations = hidden.iter().chain(std::iter::once(&output));
    let mut layers = Vec::with_capacity(n_hidden + 1);
    for ((fans, &activation), &bias) in sizes.windows(2).zip(activations).zip(bias) {
        activation.check()?;
        layers.push(Layer { fan_in: fans[0], fan_out: fans[1], activation, bias });
    }
    Ok(layers)
}
