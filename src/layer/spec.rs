//! The description of a layer.

use crate::activation::Activation;

/// What a layer computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `outputs = activation(inputs * weights + biases)`.
    #[default]
    Dense,
}

/// One layer.
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
    /// What it computes.
    pub kind: Kind,
}
