//! The description that each kind of layer gives of itself.

use super::init::{Init, RecurrentInit};
use super::packed::{LayerParameters, MatrixShape, PackedMatrix, PanelShape, Way};
use super::spec::Layer;
use crate::error::Result;
use crate::kernel::{Entries, Layout, Scalar, Start, Terms, Then};
use crate::random::Random;

/// One kind of layer: a file of this room, and a line of the list in `mod.rs`. Passes, training and bindings ask
/// [`Layer`], which asks its kind.
pub(super) trait LayerKind {
    /// Its name in files, summaries and drawings.
    const NAME: &'static str;

    /// What a pass carries from layer to layer.
    const FLOW: Flow;

    /// The parts of each of its numbers: 1, or 2 if they are complex. Parts lie in panels of their own, and there is a
    /// matrix of parameters for each.
    const PARTS: usize = 1;

    /// Whether a first layer of this kind takes rows of which only the elements that are not 0 are listed.
    const TAKES_SPARSE_ROWS: bool = false;

    /// How it recurs, if it does.
    const RECURRENCE: Option<Recurrence> = None;

    /// Its parameter arrays, in the order of the flat vector. The numbers of an array lie row by row.
    fn arrays(layer: &Layer) -> Vec<ParameterArray>;

    /// Numbers in these arrays, without making their list; `None` if they are too many to be counted.
    fn n_parameters(layer: &Layer) -> Option<usize>;

    /// Inputs and outputs of a layer whose array `weights` has this shape, if there can be such a layer.
    fn sizes(weights: &[usize]) -> Option<(usize, usize)>;

    /// The matrices that its products read, in the order of the flat vector: each is one array of weights,
    /// followed by its biases if it has any.
    fn matrices(layer: &Layer) -> Vec<MatrixShape>;

    /// Draws initial parameters.
    fn draw<T: Scalar>(
        layer: &Layer,
        init: Init,
        recurrent: RecurrentInit,
        random: &mut Random,
        parameters: &mut [T],
    ) -> Result<()>;

    /// The copies of its parameters that a pass of this way reads.
    fn copy_shape<T: Scalar>(layer: &Layer, way: Way) -> PanelShape;

    /// Fills panels of such a copy, from number `first` on, given the layer's matrices and all parameters.
    fn fill_copy<T: Scalar>(
        layer: &Layer,
        way: Way,
        matrices: &[PackedMatrix],
        weights: &[T],
        first: usize,
        to: &mut [T],
    );

    /// From a block's inputs to its net inputs; of a layer that recurs, to what the inputs give to these.
    fn forward<T: Scalar>(layer: &Layer, parameters: LayerParameters<'_, T>, passage: Passage<'_, T>);

    /// The same from sparse rows, units along the lanes; for kinds that take them.
    fn forward_sparse<T: Scalar>(_: &Layer, _: LayerParameters<'_, T>, _: SparsePassage<'_, T>) {
        unreachable!("a first layer of this kind gets whole rows");
    }

    /// Whether [`forward`](LayerKind::forward) heeds [`Then::Rectify`].
    fn rectifies(layer: &Layer) -> bool;

    /// From the deltas of its net inputs to the derivatives with respect to its inputs.
    fn backward<T: Scalar>(layer: &Layer, parameters: LayerParameters<'_, T>, passage: Passage<'_, T>);

    /// Adds what the outputs of the step before give to the net inputs; for layers that recur.
    fn recur<T: Scalar>(_: &Layer, _: LayerParameters<'_, T>, _: Passage<'_, T>) {}

    /// From the deltas of a step to the derivatives with respect to the outputs of the step before, on top of a start.
    fn recur_back<T: Scalar>(_: &Layer, _: LayerParameters<'_, T>, _: Start<'_, T>, _: Passage<'_, T>) {}
}

/// What a pass carries from layer to layer. The first layer of a network tells; behind layers that recur comes a
/// dense one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Numbers for each row.
    Rows,
    /// Numbers for each step of time of a sequence.
    Sequences,
}

/// How a layer recurs. The net inputs of its units, and their deltas, lie in *groups* of as many panels as the outputs
/// take: gates, and what else there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recurrence {
    /// Columns of its weights for each unit.
    pub gates: usize,
    /// The gate whose biases begin at 1: then a cell keeps what it has.
    pub forget: Option<usize>,
    /// Whether its last gate has biases of its own for what comes from the step before.
    pub own_biases: bool,
    /// Groups of net inputs.
    pub groups: usize,
    /// The first of those that its inputs go to.
    pub from_inputs: usize,
    /// For each matrix of recurrent weights the first of the groups that it leads to.
    pub from_states: &'static [usize],
    /// Groups of numbers that a step hands to the next one: outputs, and cells if there are any.
    pub states: usize,
}

/// A block of rows on its way through a layer, in panels.
#[derive(Debug)]
pub(crate) struct Passage<'a, T> {
    pub layout: Layout,
    pub rows: usize,
    pub input: Terms<'a, T>,
    pub output: &'a mut [T],
    /// From one panel of the output to the next.
    pub output_stride: usize,
    /// What becomes of the sums.
    pub then: Then<'a, T>,
}

/// A block of sparse rows on its way through a first layer.
#[derive(Debug)]
pub(crate) struct SparsePassage<'a, T> {
    /// The rows: from `first` on.
    pub entries: &'a Entries<T>,
    pub first: usize,
    pub rows: usize,
    /// In panels.
    pub output: &'a mut [T],
    /// From one panel of the output to the next.
    pub output_stride: usize,
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
