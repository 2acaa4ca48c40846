//! In which order the losses, weights and gradients of rows are added.
//!
//! The micro-batches of a batch form *groups* of [`GROUP`]. Within a group sums are added in order; groups are added along a
//! tree, see [`super::tree`].

use super::dataset::Dataset;
use crate::kernel::Scalar;
use crate::pass::{Selection, Stage};

/// Micro-batches per group: at least 16,384 rows of a batch that has more than one group.
const GROUP: usize = 64;

/// The number of rows per group.
pub(super) fn group_rows(micro_batch_rows: usize) -> usize {
    micro_batch_rows.saturating_mul(GROUP)
}

/// The sum of the weights of rows: of each target one, if they have no weights.
pub(super) fn weight_sum<T: Scalar>(data: &Dataset<'_, T>, selection: Selection<'_>, rows: usize) -> f64 {
    let targets = (0..rows).map(|place| data.targets_of(selection.row(place)));
    match &data.weights {
        None if data.y.nrows() == data.rows() => rows as f64,
        None => targets.map(|targets| targets.len()).sum::<usize>() as f64,
        Some(weights) => targets.flatten().map(|target| weights[target].to_f64()).sum(),
    }
}

/// The sum of the losses of the rows of a group: row i of the group is added to running sum i mod 8, an order
/// that neither blocks nor threads can change.
#[derive(Default)]
pub(super) struct LossSum {
    sums: [f64; 8],
    place: usize,
}

impl LossSum {
    /// Adds the rows of the blocks, which are those of the selection.
    pub fn add<'b, T: Scalar>(
        &mut self,
        blocks: impl Iterator<Item = &'b Box<dyn Stage<T>>>,
        data: &Dataset<'_, T>,
        selection: Selection<'_>,
    ) {
        let mut row = 0;
        for block in blocks {
            let mut losses = block.losses();
            if data.weights.is_none() && self.place.is_multiple_of(8) {
                // The same sums, eight at a time.
                let (eights, rest) = losses.as_chunks::<8>();
                for eight in eights {
                    for (sum, loss) in self.sums.iter_mut().zip(eight) {
                        *sum += loss.to_f64();
                    }
                }
                self.place += losses.len() - rest.len();
                losses = rest;
            }
            match &data.weights {
                None => losses.iter().for_each(|loss| self.add_one(loss.to_f64())),
                Some(weights) => {
                    let targets =
                        (row..row + block.rows()).flat_map(|row| data.targets_of(selection.row(row)));
                    for (loss, target) in losses.iter().zip(targets) {
                        self.add_one(weights[target].to_f64() * loss.to_f64());
                    }
                    row += block.rows();
                }
            }
        }
    }

    fn add_one(&mut self, loss: f64) {
        self.sums[self.place % 8] += loss;
        self.place += 1;
    }

    /// The sum.
    pub fn total(&self) -> f64 {
        self.sums.iter().sum()
    }
}
