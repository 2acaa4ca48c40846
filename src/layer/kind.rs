//! The description that each kind of layer gives of itself.

use super::init::Init;
use super::spec::Layer;
use crate::kernel::Scalar;
use crate::random::Random;

/// One kind of layer: a file of this room, and a line of the list in `mod.rs`. Passes, training and bindings ask
/// [`Layer`], which asks its kind.
pub(super) trait LayerKind {
    /// Its name in files, summaries and drawings.
    const NAME: &'static str;

    /// Its parameter arrays, in the order of the flat vector. The numbers of an array lie row by row.
    fn arrays(layer: &Layer) -> Vec<ParameterArray>;

    /// Inputs and outputs of a layer whose array `weights` has this shape, if there can be such a layer.
    fn sizes(weights: &[usize]) -> Option<(usize, usize)>;

    /// The matrices that its products read, in the order of the flat vector: each is one array of weights,
    /// followed by its biases if it has any.
    fn matrices(layer: &Layer) -> Vec<MatrixShape>;

    /// Draws initial parameters.
    fn draw<T: Scalar>(layer: &Layer, init: Init, random: &mut Random, parameters: &mut [T]);
}

/// A parameter array of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterArray {
    /// Its name in files and in Python: `weights`, `biases`.
    pub name: &'static str,
    /// Its shape.
    pub shape: Vec<usize>,
}

impl ParameterArray {
    /// How many numbers it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A matrix that products read: `inputs x outputs` weights, and biases if there are any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MatrixShape {
    pub inputs: usize,
    pub outputs: usize,
    pub bias: bool,
    /// Whether it multiplies the layer's inputs: for those of the first layer nothing is propagated back.
    pub of_layer_inputs: bool,
}
