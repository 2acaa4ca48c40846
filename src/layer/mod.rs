//! Layers: one file a kind, listed once here.
//!
//! A layer says the names and shapes of its parameter arrays, which matrices its products read, and how
//! initial parameters are drawn. Passes, training, files, bindings and pictures ask it.

#[macro_use]
mod spec;
mod complex;
mod dense;
mod gru;
mod init;
mod kind;
mod lstm;
mod packed;
mod recurrent;
mod rnn;

pub use init::{Init, RecurrentInit};
pub use kind::ParameterArray;
pub(crate) use kind::{Flow, Passage, Recurrence, SparsePassage};
pub(crate) use packed::{Copies, Packed, PackedMatrix, Parameters, Way, pack, unpack};

use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::kernel::{Scalar, Start};
use crate::number::Number;
use crate::random::Random;
pub use spec::{Kind, Layer, Returns};

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

    /// How its layers recur, if they do.
    pub(crate) fn recurrence(self) -> Option<Recurrence> {
        kinds!(with_kind self, K => K::RECURRENCE)
    }

    /// Whether its layers carry something from one step of time to the next.
    #[must_use]
    pub fn recurs(self) -> bool {
        self.recurrence().is_some()
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

    /// What stochastic units ask of it that is not so, if anything: what was expected, and what came.
    pub(crate) fn misfit(&self, last: bool) -> Option<(String, String)> {
        let units = self.activation.units()?;
        let name = self.activation.name();
        if last {
            let expected = "an activation whose outputs are not drawn";
            return Some((expected.to_owned(), format!("{name:?}, which is for hidden layers")));
        }
        if self.parts() == 2 {
            let expected = "an activation for complex numbers";
            return Some((expected.to_owned(), format!("{name:?}, which is for real ones")));
        }
        let k = units.group.filter(|k| !self.fan_out.is_multiple_of(*k))?;
        Some((format!("on a layer whose size is a multiple of k={k}"), format!("{} units", self.fan_out)))
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
        // A network whose parameters cannot be counted is refused.
        self.count_parameters().unwrap_or(usize::MAX)
    }

    /// The same; `None` if they are too many to be counted.
    pub(crate) fn count_parameters(&self) -> Option<usize> {
        kinds!(with_kind self.kind, K => K::n_parameters(self))
    }

    pub(crate) fn matrices(&self) -> Vec<MatrixShape> {
        kinds!(with_kind self.kind, K => K::matrices(self))
    }

    /// Draws initial parameters.
    pub(crate) fn draw<T: Scalar>(
        &self,
        init: Init,
        recurrent: RecurrentInit,
        random: &mut Random,
        parameters: &mut [T],
    ) -> Result<()> {
        kinds!(with_kind self.kind, K => K::draw(self, init, recurrent, random, parameters))
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
    #[inline]
    pub(crate) fn forward<T: Scalar>(
        &self,
        index: usize,
        parameters: Parameters<'_, T>,
        passage: Passage<'_, T>,
    ) {
        kinds!(with_kind self.kind, K => K::forward(self, parameters.of(index), passage));
    }

    /// Whether it can be the first layer behind sparse rows.
    pub(crate) fn takes_sparse_rows(&self) -> bool {
        kinds!(with_kind self.kind, K => K::TAKES_SPARSE_ROWS)
    }

    /// From sparse rows to its net inputs, units along the lanes.
    pub(crate) fn forward_sparse<T: Scalar>(
        &self,
        index: usize,
        parameters: Parameters<'_, T>,
        passage: SparsePassage<'_, T>,
    ) {
        kinds!(with_kind self.kind, K => K::forward_sparse(self, parameters.of(index), passage));
    }

    /// Whether it rectifies its net inputs on their way to memory.
    pub(crate) fn rectifies(&self) -> bool {
        kinds!(with_kind self.kind, K => K::rectifies(self))
    }

    /// From the deltas of its net inputs to the derivatives with respect to its inputs.
    #[inline]
    pub(crate) fn backward<T: Scalar>(
        &self,
        index: usize,
        parameters: Parameters<'_, T>,
        passage: Passage<'_, T>,
    ) {
        kinds!(with_kind self.kind, K => K::backward(self, parameters.of(index), passage));
    }

    /// Adds what the outputs of the step before give to the net inputs.
    pub(crate) fn recur<T: Scalar>(
        &self,
        index: usize,
        parameters: Parameters<'_, T>,
        passage: Passage<'_, T>,
    ) {
        kinds!(with_kind self.kind, K => K::recur(self, parameters.of(index), passage));
    }

    /// From the deltas of a step to the derivatives with respect to the outputs of the step before, on top of a start.
    pub(crate) fn recur_back<T: Scalar>(
        &self,
        index: usize,
        parameters: Parameters<'_, T>,
        start: Start<'_, T>,
        passage: Passage<'_, T>,
    ) {
        kinds!(with_kind self.kind, K => K::recur_back(self, parameters.of(index), start, passage));
    }
}

/// Checks that layers of these kinds make a network: all of one kind, but that a dense one follows those that recur.
/// If not, the answer says what is wrong.
pub(crate) fn check_kinds(layers: &[Layer]) -> std::result::Result<(), String> {
    let first = layers[0].kind;
    for (index, layer) in layers.iter().enumerate() {
        let last = index + 1 == layers.len();
        let expected = if first.recurs() && last { Kind::Dense } else { first };
        if layer.kind != expected {
            let (kind, expected) = (layer.kind.name(), expected.name());
            return Err(format!("layer {index} is {kind}, where the kind of the first one takes {expected}"));
        }
        let before_last = index + 2 == layers.len();
        if layer.returns == Returns::Last && !(layer.kind.recurs() && before_last) {
            return Err(format!("layer {index} returns the last step, but is not the last one that recurs"));
        }
        if layer.kind.recurs() && layer.activation.units().is_some() {
            return Err(format!("layer {index} recurs, and its units are stochastic"));
        }
        if layer.kind.recurs() && layer.kind != Kind::Rnn && layer.activation != Activation::Tanh {
            return Err(format!("layer {index} is {} with another activation than tanh", layer.kind.name()));
        }
    }
    Ok(())
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

/// Checks that all stochastic layers have the same number of samples; what was expected, and what came.
pub(crate) fn check_samples(layers: &[Layer]) -> std::result::Result<(), (String, String)> {
    let mut samples = layers.iter().filter_map(|layer| layer.activation.units()).map(|units| units.samples);
    let Some(first) = samples.next() else { return Ok(()) };
    match samples.find(|other| *other != first) {
        None => Ok(()),
        Some(other) => {
            let expected = "stochastic layers with the same number of samples";
            Err((expected.to_owned(), format!("samples={first} and samples={other}")))
        }
    }
}

/// The layers of a network of these sizes, inputs first. Behind layers that recur, whose last one returns what is said,
/// comes a dense one.
pub(crate) fn layers(
    sizes: &[usize],
    hidden: &[Activation],
    output: Activation,
    bias: &[bool],
    kind: Kind,
    returns: Returns,
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
    let activations = hidden.iter().chain(std::iter::once(&output));
    let mut layers = Vec::with_capacity(n_hidden + 1);
    for ((fans, &activation), &bias) in sizes.windows(2).zip(activations).zip(bias) {
        let is_output = layers.len() == n_hidden;
        let kind = if kind.recurs() && is_output { Kind::Dense } else { kind };
        let returns = if layers.len() + 1 == n_hidden { returns } else { Returns::Every };
        layers.push(Layer { fan_in: fans[0], fan_out: fans[1], activation, bias, kind, returns });
    }
    check_activations(&layers)?;
    Ok(layers)
}

/// Checks that the activations are within their domains and go with their layers.
fn check_activations(layers: &[Layer]) -> Result<()> {
    for (index, layer) in layers.iter().enumerate() {
        let (hidden, activation) = (index + 1 < layers.len(), layer.activation);
        let name = if hidden { "activation" } else { "output_activation" };
        if hidden && activation.is_for_outputs() {
            let got = format!("{:?}", activation.name());
            return Err(Error::argument(name, "an activation for hidden layers", got));
        }
        activation.check()?;
        if activation.is_complex() && layer.parts() == 1 {
            let got = format!("{:?}, which is for networks of complex numbers", activation.name());
            return Err(Error::argument(name, "an activation for real numbers", got));
        }
        if let Some((expected, got)) = layer.misfit(!hidden) {
            return Err(Error::argument(name, expected, got));
        }
    }
    check_samples(layers).map_err(|(expected, got)| Error::argument("activation", expected, got))
}

/// Checks that such layers can follow each other in a network.
#[cfg(feature = "serde")]
pub(crate) fn check_layers(layers: &[Layer]) -> Result<()> {
    let fits = |pair: &[Layer]| pair[0].fan_out == pair[1].fan_in;
    let expected = "layers of one kind, each with as many inputs as the one before has outputs";
    let positive = |layer: &Layer| layer.fan_in > 0 && layer.fan_out > 0;
    if layers.is_empty() || !layers.iter().all(positive) || !layers.windows(2).all(fits) {
        return Err(Error::argument("layers", expected, format_args!("{layers:?}")));
    }
    check_kinds(layers).map_err(|wrong| Error::argument("layers", expected, wrong))?;
    check_activations(layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_as_their_arrays_say() {
        for kind in Kind::ALL {
            for bias in [true, false] {
                let (activation, returns) = (Activation::Tanh, Returns::Every);
                let layer = Layer { fan_in: 3, fan_out: 5, activation, bias, kind, returns };
                let numbers: usize = layer.arrays().iter().map(ParameterArray::len).sum();
                assert_eq!(layer.n_parameters(), numbers);
                let many = Layer { fan_in: usize::MAX, ..layer };
                assert_eq!(many.count_parameters(), None);
            }
        }
    }
}
