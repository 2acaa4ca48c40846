//! What the engine asks of a block of rows on its way through the layers.

use std::fmt::Debug;

use ndarray::ArrayView2;

use super::dropout::Dropout;
use super::selection::Selection;
use crate::kernel::{Rows, Scalar};
use crate::layer::{Layer, Parameters};
use crate::loss::Loss;

/// A block of rows, forward and backward. `block.rs` is that of dense layers; layers that make
/// something else of a row (a sequence, complex numbers) have a file of their own in this room.
///
/// Trainings get theirs from [`Model::block`](super::Model::block); predictions and traces make dense blocks.
pub(crate) trait Stage<T: Scalar>: Debug + Send + Sync {
    /// Rows in it now.
    fn rows(&self) -> usize;

    /// Sets how many rows it has: at most as many as there is room for.
    fn set_rows(&mut self, rows: usize);

    /// Copies rows of inputs and targets into the block, and their weights if there are any.
    fn load(
        &mut self,
        x: ArrayView2<'_, T>,
        y: ArrayView2<'_, T>,
        weights: Option<&[T]>,
        rows: Selection<'_>,
    );

    /// Moves targets: each becomes `factor` times itself plus `summand`.
    fn smooth_targets(&mut self, factor: T, summand: T);

    /// From the inputs to the net inputs of the output layer.
    fn forward(&mut self, layers: &[Layer], parameters: Parameters<'_, T>, dropout: Option<Dropout<'_>>);

    /// The rows' losses, and the deltas of the output layer.
    fn output_deltas(&mut self, layers: &[Layer], loss: Loss);

    /// From the net inputs of the output layer to the outputs.
    fn activate_output(&mut self, layers: &[Layer]);

    /// From derivatives with respect to the outputs to those with respect to the net inputs of the output
    /// layer, after [`Stage::activate_output`].
    fn back_through_output(&mut self, layers: &[Layer]);

    /// From the deltas of the output layer to those of every layer.
    fn backward(&mut self, layers: &[Layer], parameters: Parameters<'_, T>);

    /// How many pairs of inputs and deltas the gradient of a matrix is summed over: one, or one per step of
    /// time.
    fn pairs(&self, matrix: usize) -> usize;

    /// One of these pairs.
    fn pair(&self, matrix: usize, pair: usize) -> Rows<'_, T>;

    /// The loss of each row.
    fn losses(&self) -> &[T];

    /// Copies the outputs into `to`, row after row.
    fn copy_outputs(&self, to: &mut [T]);

    /// Copies the targets into `to`, row after row.
    fn copy_targets(&self, to: &mut [T]);

    /// Takes over the rows' losses and the derivatives with respect to their outputs, row after row.
    fn set_output_gradients(&mut self, losses: &[T], gradients: &[T]);
}

/// The pairs of inputs and deltas of a matrix in several blocks: one step of time after the other, and in
/// each the blocks in order.
#[derive(Clone)]
pub(crate) struct Pairs<'a, T> {
    blocks: &'a [Box<dyn Stage<T>>],
    matrix: usize,
    count: usize,
    pair: usize,
    block: usize,
}

impl<'a, T: Scalar> Pairs<'a, T> {
    pub fn new(blocks: &'a [Box<dyn Stage<T>>], matrix: usize) -> Self {
        let count = blocks.first().map_or(0, |block| block.pairs(matrix));
        Self { blocks, matrix, count, pair: 0, block: 0 }
    }
}

impl<'a, T: Scalar> Iterator for Pairs<'a, T> {
    type Item = Rows<'a, T>;

    #[inline]
    fn next(&mut self) -> Option<Rows<'a, T>> {
        if self.pair == self.count {
            return None;
        }
        let rows = self.blocks[self.block].pair(self.matrix, self.pair);
        self.block += 1;
        if self.block == self.blocks.len() {
            (self.block, self.pair) = (0, self.pair + 1);
        }
        Some(rows)
    }
}
