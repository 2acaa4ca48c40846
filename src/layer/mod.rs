//! Layers: one file a kind, listed once here.
//!
//! A layer says the names and shapes of its parameter arrays, which matrices its products read, and how
//! initial parameters are drawn. Passes, training, files, bindings and pictures ask it.

#[macro_use]
mod spec;
mod complex;
mod dense;
mod init;
mod kind;
mod packed;

pub use init::Init;
pub use kind::ParameterArray;
pub(crate) use kind::{Flow, Passage};
pub(crate) use packed::{Copies, Packed, PackedMatrix, Parameters, Way, pack, unpack};

use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::number::Number;
use crate::random::Random;
pub use spec::{Kind, Layer};

use kind::LayerKind;
use packed::{MatrixShape, PanelShape};

/// Calls a body with a kind as the type `$k`.
macro_rules! with_kind {
    ($kind:expr, $k:ident => $body:expr; $($(#[$line:meta])* $variant:ident => $file:ident;)*) => {
        match $kind {
            $(Kind::$variant => {
                type $k = $file::$variant;
                $body
            })*
        }
    };
}

impl Kind {
    /// The name it goes by in files, summaries and drawings.
    #[must_use]
    pub fn name(self) -> &'static str {
        kinds!(with_kind self, K => K::NAME)
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Inputs and outputs of a layer whose array `weights` has this shape, if there can be such a layer.
    pub(crate) fn sizes(self, weights: &[usize]) -> Option<(usize, usize)> {
        kinds!(with_kind self, K => K::sizes(weights))
    }
}

impl Layer {
    /// What a pass carries through it.
    pub(crate) fn flow(&self) -> Flow {
        kinds!(with_kind self.kind, K => K::FLOW)
    }

    /// The parts of each of its numbers: 1, or 2 if they are complex.
    pub(crate) fn parts(&self) -> usize {
        kinds!(with_kind self.kind, K => K::PARTS)
    }

    /// Real numbers in a row of its inputs.
    pub(crate) fn numbers_in(&self) -> usize {
        self.parts() * self.fan_in
    }

    /// The parts of each of its outputs: those of its numbers, but absolute values, and what is computed from these, have one.
    pub(crate) fn output_parts(&self) -> usize {
        if self.activation.is_of_magnitudes() { 1 } else { self.parts() }
    }

    /// Real numbers in a row of its outputs.
    pub(crate) fn numbers_out(&self) -> usize {
        self.output_parts() * self.fan_out
    }

    /// Its parameter arrays, in the order in which they lie in a network's vector of parameters.
    #[must_use]
    pub fn arrays(&self) -> Vec<ParameterArray> {
        kinds!(with_kind self.kind, K => K::arrays(self))
    }

    /// Numbers in its parameter arrays.
    #[must_use]
    pub fn n_parameters(&self) -> usize {
        self.arrays().iter().map(ParameterArray::len).sum()
    }

    /// The same; `None` if they are too many to be counted.
    pub(crate) fn count_parameters(&self) -> Option<usize> {
        self.arrays().iter().try_fold(0usize, |sum, array| {
            let len = array.shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size))?;
            sum.checked_add(len)
        })
    }

    pub(crate) fn matrices(&self) -> Vec<MatrixShape> {
        kinds!(with_kind self.kind, K => K::matrices(self))
    }

    /// Draws initial parameters.
    pub(crate) fn draw<T: Scalar>(
        &self,
        init: Init,
        random: &mut Random,
        parameters: &mut [T],
    ) -> Result<()> {
        kinds!(with_kind self.kind, K => K::draw(self, init, random, parameters))
    }

    /// The copies of its parameters that a pass of this way reads.
    fn copy_shape<T: Scalar>(&self, way: Way) -> PanelShape {
        kinds!(with_kind self.kind, K => K::copy_shape::<T>(self, way))
    }

    /// Fills panels of such a copy, from number `first` on.
    fn fill_copy<T: Scalar>(
        &self,
        way: Way,
        matrices: &[PackedMatrix],
        weights: &[T],
        first: usize,
        to: &mut [T],
    ) {
        kinds!(with_kind self.kind, K => K::fill_copy(self, way, matrices, weights, first, to));
    }

    /// From a block's inputs to its net inputs; `index` is the layer's number.
    pub(crate) fn forward<T: Scalar>(
        &self,
        index: usize,
        parameters: Parameters<'_, T>,
        passage: Passage<'_, T>,
    ) {
        kinds!(with_kind self.kind, K => K::forward(self, parameters.of(index), passage));
    }

    /// Whether it rectifies its net inputs on their way to memory.
    pub(crate) fn rectifies(&self) -> bool {
        kinds!(with_kind self.kind, K => K::rectifies(self))
    }

    /// From the deltas of its net inputs to the derivatives with respect to its inputs.
    pub(crate) fn backward<T: Scalar>(
        &self,
        index: usize,
        parameters: Parameters<'_, T>,
        passage: Passage<'_, T>,
    ) {
        kinds!(with_kind self.kind, K => K::backward(self, parameters.of(index), passage));
    }
}

/// The parameter arrays of layers, in order, each with its layer's number.
pub(crate) fn arrays(layers: &[Layer]) -> impl Iterator<Item = (usize, ParameterArray)> {
    layers
        .iter()
        .enumerate()
        .flat_map(|(index, layer)| layer.arrays().into_iter().map(move |array| (index, array)))
}

/// Checks that the constants of activations are numbers of the network's type.
pub(crate) fn check_constants<T: Number>(layers: &[Layer]) -> Result<()> {
    layers.iter().try_for_each(|layer| layer.activation.check_typed::<T>())
}

/// The layers of a network of these sizes, inputs first.
pub(crate) fn layers(
    sizes: &[usize],
    hidden: &[Activation],
    output: Activation,
    bias: &[bool],
    kind: Kind,
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
    if let Some(wrong) = hidden.iter().find(|activation| activation.is_for_outputs()) {
        let got = format!("{:?}", wrong.name());
        return Err(Error::argument("activation", "an activation for hidden layers", got));
    }
    let activations = hidden.iter().chain(std::iter::once(&output));
    let mut layers = Vec::with_capacity(n_hidden + 1);
    for ((fans, &activation), &bias) in sizes.windows(2).zip(activations).zip(bias) {
        activation.check()?;
        let layer = Layer { fan_in: fans[0], fan_out: fans[1], activation, bias, kind };
        if activation.is_complex() && layer.parts() == 1 {
            let name = if layers.len() == n_hidden { "output_activation" } else { "activation" };
            let got = format!("{:?}, which is for dtype \"complex64\" or \"complex128\"", activation.name());
            return Err(Error::argument(name, "an activation for real numbers", got));
        }
        layers.push(layer);
    }
    Ok(layers)
}
