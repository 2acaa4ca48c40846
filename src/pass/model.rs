//! A network as a training works on it.

use super::block::Block;
use super::layout::layout;
use super::stage::Stage;
use crate::error::Result;
use crate::kernel::{Layout, Scalar};
use crate::layer::{Layer, Packed, PackedMatrix, Parameters, place_first_transposed, transpose_matrix};
use crate::loss::Loss;
use crate::memory::Aligned;
use crate::parallel::Team;

/// Layers, their parameters in panels with the transposed weights that go with them, and what lies in the
/// lanes. It makes blocks of the kind that its layers need.
#[derive(Debug)]
pub(crate) struct Model<T> {
    pub layers: Vec<Layer>,
    pub layout: Layout,
    pub packed: Packed<T>,
    transposed: Aligned<T>,
}

impl<T: Scalar> Model<T> {
    /// A copy of a network's parameters, for micro-batches of `micro_batch_rows` rows, a loss (`None`: custom) and
    /// dropout at these rates.
    pub fn new(
        layers: &[Layer],
        parameters: &[T],
        micro_batch_rows: usize,
        loss: Option<Loss>,
        dropout: &[f64],
    ) -> Result<Self> {
        let mut packed = Packed::new(layers, parameters)?;
        let layout = layout::<T>(layers, micro_batch_rows, loss, dropout);
        if layout == Layout::RowsInLanes {
            place_first_transposed::<T>(&mut packed.matrices);
        }
        let transposed = packed.matrices.iter().map(PackedMatrix::transposed_len::<T>).sum();
        let transposed = Aligned::zeros(transposed)?;
        let mut model = Self { layers: layers.to_vec(), layout, packed, transposed };
        model.parameters_changed(&mut Team::alone());
        Ok(model)
    }

    /// The parameters as a pass reads them.
    pub fn parameters(&self) -> Parameters<'_, T> {
        Parameters { packed: &self.packed, transposed: &self.transposed }
    }

    /// The number of parameters, without what fills up the panels.
    pub fn n_parameters(&self) -> usize {
        self.layers.iter().map(Layer::n_parameters).sum()
    }

    /// Numbers in a row of outputs.
    pub fn n_outputs(&self) -> usize {
        self.output_layer().fan_out
    }

    pub fn output_layer(&self) -> &Layer {
        &self.layers[self.layers.len() - 1]
    }

    /// Numbers of a row in a block: inputs, outputs and deltas of all layers.
    pub fn numbers_per_row(&self) -> usize {
        let units: usize = self.layers.iter().map(|layer| layer.fan_out).sum();
        2 * units + self.layers[0].fan_in
    }

    /// Room for `capacity` rows, forward and backward, with dropout at these rates (none: an empty slice).
    pub fn block(&self, capacity: usize, weighted: bool, dropout: &[f64]) -> Result<Box<dyn Stage<T>>> {
        Ok(Box::new(Block::for_training(self.layout, &self.layers, capacity, weighted, dropout)?))
    }

    /// Brings the transposed weights up to date.
    pub fn parameters_changed(&mut self, team: &mut Team<'_>) {
        let Self { packed, transposed, .. } = self;
        let threads = team.threads();
        let mut parts = Vec::new();
        let mut rest = &mut **transposed;
        // The first matrix's lie behind the others', if there are any.
        for matrix in packed.matrices[1..].iter().chain(&packed.matrices[..1]) {
            let panels = matrix.transposed_panels;
            let share = panels.div_ceil(threads);
            let mut first = 0;
            while first < panels {
                let count = share.min(panels - first);
                let part = rest.split_off_mut(..count * matrix.transposed_stride::<T>()).unwrap_or_default();
                parts.push((matrix, first, part));
                first += count;
            }
        }
        team.for_each(parts.into_iter(), |(matrix, first, part)| {
            transpose_matrix(matrix, &packed.weights, part, first);
        });
    }
}
