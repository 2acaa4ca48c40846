//! What the engine asks of a block of rows on its way through the layers.

use std::fmt::Debug;
use std::ops::Range;

use ndarray::Array2;

use super::examples::Examples;
use super::noise::Noise;
use super::selection::Selection;
use crate::error::Result;
use crate::kernel::{Gradient, Layout, Rows, Scalar, SparseBlock, SparseGradient, dispatch};
use crate::layer::{Layer, Parameters};
use crate::loss::Loss;

/// What a block has room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room<'a> {
    pub rows: usize,
    /// Steps of time of the longest row, and of all rows; 1, and the rows, where a row is no sequence.
    pub longest: usize,
    pub steps: usize,
    pub weighted: bool,
    /// Rates of dropout; none: an empty slice.
    pub dropout: &'a [f64],
    /// How many steps of time derivatives go back at most.
    pub truncate: Option<usize>,
    /// Elements that are not 0 in sparse rows of inputs, if there are such.
    pub entries: Option<usize>,
    /// Whether there are others.
    pub dense: bool,
}

impl<'a> Room<'a> {
    /// Rows that are no sequences.
    pub fn of_rows(rows: usize, weighted: bool, dropout: &'a [f64]) -> Self {
        Self { rows, longest: 1, steps: rows, weighted, dropout, truncate: None, entries: None, dense: true }
    }
}

/// A block of rows, forward and backward. `block.rs` is that of layers that make numbers of a row; layers that
/// make something else of it (a sequence) have a file of their own in this room, and an arm in [`with_stage`].
///
/// Trainings, whose engine knows no kind of layer, get theirs from [`Model::block`](super::Model::block).
pub(crate) trait Stage<T: Scalar>: Debug + Send + Sync {
    /// Room for rows through these layers, forward and backward.
    fn for_training(layout: Layout, layers: &[Layer], room: Room<'_>) -> Result<Self>
    where
        Self: Sized;

    /// Rows in it now.
    fn rows(&self) -> usize;

    /// Sets how many rows it has: at most as many as there is room for.
    fn set_rows(&mut self, rows: usize);

    /// Copies rows of inputs and targets into the block, and their weights if there are any.
    fn load(&mut self, examples: Examples<'_, T>, rows: Selection<'_>);

    /// Moves targets: each becomes `factor` times itself plus `summand`.
    fn smooth_targets(&mut self, factor: T, summand: T);

    /// From the inputs to the net inputs of the output layer. Without noise nothing is left out, and stochastic units
    /// give their probabilities.
    fn forward(&mut self, layers: &[Layer], parameters: Parameters<'_, T>, noise: Option<Noise<'_>>);

    /// The same of rows that take long: gives up where `stop`, which is asked now and then, says so. Returns whether it has come to
    /// the end; else its numbers are not to be used.
    fn forward_unless(
        &mut self,
        layers: &[Layer],
        parameters: Parameters<'_, T>,
        noise: Option<Noise<'_>>,
        _stop: &mut dyn FnMut() -> bool,
    ) -> bool {
        self.forward(layers, parameters, noise);
        true
    }

    /// The rows' losses, and the deltas of the output layer.
    fn output_deltas(&mut self, layers: &[Layer], loss: Loss);

    /// From the net inputs of the output layer to the outputs.
    fn activate_output(&mut self, layers: &[Layer]);

    /// From derivatives with respect to the outputs to those with respect to the net inputs of the output
    /// layer, after [`Stage::activate_output`].
    fn back_through_output(&mut self, layers: &[Layer]);

    /// From the deltas of the output layer to those of every layer.
    fn backward(&mut self, layers: &[Layer], parameters: Parameters<'_, T>);

    /// The same of rows that take long, given up as [`Stage::forward_unless`] is.
    fn backward_unless(
        &mut self,
        layers: &[Layer],
        parameters: Parameters<'_, T>,
        _stop: &mut dyn FnMut() -> bool,
    ) {
        self.backward(layers, parameters);
    }

    /// The pairs of inputs and deltas that the gradient of a matrix is summed over: one, or one per step of time. A block
    /// that is the only one may have fewer, which cover the same rows in the same order.
    fn pairs(&self, matrix: usize, only: bool) -> Range<usize>;

    /// One of these pairs, or, with other blocks, one of those that one of them has.
    fn pair(&self, matrix: usize, pair: usize, only: bool) -> Rows<'_, T>;

    /// The deltas of a first layer whose inputs are sparse rows, and these, in place of such pairs.
    fn sparse_inputs(&self, _matrix: usize) -> Option<SparseBlock<'_, T>> {
        None
    }

    /// The loss of each row of outputs: one for each row, or, of a sequence that has outputs at every step of time, one for each
    /// step.
    fn losses(&self) -> &[T];

    /// Copies the outputs into `to`, row after row.
    fn copy_outputs(&self, to: &mut [T]);

    /// Copies the targets into `to`, row after row.
    fn copy_targets(&self, to: &mut [T]);

    /// Takes over the rows' losses and the derivatives with respect to their outputs, row after row.
    fn set_output_gradients(&mut self, losses: &[T], gradients: &[T]);
}

/// What a block does not hold at the end of a way forward.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    /// The net inputs of each layer.
    pub net_inputs: Vec<Array2<T>>,
    /// Outputs of the output layer, whose place has its net inputs.
    pub output: Array2<T>,
    /// Their derivatives.
    pub output_derivative: Array2<T>,
}

/// Sums the gradient of a matrix, or of a range of its vectors, over the rows of some blocks.
pub(crate) fn sum_gradient<T: Scalar>(
    blocks: &[Box<dyn Stage<T>>],
    matrix: usize,
    gradient: Gradient<'_, T, ()>,
) {
    // Of all blocks or of none.
    if blocks[0].sparse_inputs(matrix).is_some() {
        let sparse = blocks.iter().filter_map(|block| block.sparse_inputs(matrix));
        dispatch(SparseGradient(gradient.over(sparse)));
        return;
    }
    // A loop that may call a stage has to keep its sums in memory, so few pairs are collected before it; the
    // only one, of most small networks, goes without the copies.
    if let [block] = blocks {
        let range = block.pairs(matrix, true);
        if range.len() == 1 {
            let pair = block.pair(matrix, range.start, true);
            return dispatch(gradient.over(std::slice::from_ref(&pair).iter().copied()));
        }
    }
    let pairs = Pairs::new(blocks, matrix);
    if pairs.len() > FEW_PAIRS {
        return dispatch(gradient.over(pairs));
    }
    let mut rest = pairs.clone();
    let Some(first) = rest.next() else { return dispatch(gradient.over([].iter().copied())) };
    let mut few = [first; FEW_PAIRS];
    few[1..].iter_mut().zip(rest).for_each(|(to, pair)| *to = pair);
    dispatch(gradient.over(few[..pairs.len()].iter().copied()));
}

/// Those that fit on the stack: the blocks of a micro-batch of rows.
const FEW_PAIRS: usize = 16;

/// The pairs of inputs and deltas of a matrix in several blocks: one step of time after the other, and in
/// each the blocks in order.
#[derive(Clone)]
struct Pairs<'a, T> {
    blocks: &'a [Box<dyn Stage<T>>],
    matrix: usize,
    end: usize,
    pair: usize,
    block: usize,
}

impl<'a, T: Scalar> Pairs<'a, T> {
    pub fn new(blocks: &'a [Box<dyn Stage<T>>], matrix: usize) -> Self {
        let pairs = blocks.iter().map(|block| block.pairs(matrix, blocks.len() == 1));
        let (start, end) = pairs.fold((usize::MAX, 0), |(start, end), of_block| {
            (of_block.start.min(start), of_block.end.max(end))
        });
        Self { blocks, matrix, end, pair: start, block: 0 }
    }

    /// How many there are, before the first has been taken.
    fn len(&self) -> usize {
        self.end.saturating_sub(self.pair) * self.blocks.len()
    }
}

impl<'a, T: Scalar> Iterator for Pairs<'a, T> {
    type Item = Rows<'a, T>;

    #[inline]
    fn next(&mut self) -> Option<Rows<'a, T>> {
        let only = self.blocks.len() == 1;
        let rows =
            (self.pair < self.end).then(|| self.blocks[self.block].pair(self.matrix, self.pair, only))?;
        self.block += 1;
        if self.block == self.blocks.len() {
            (self.block, self.pair) = (0, self.pair + 1);
        }
        Some(rows)
    }
}
