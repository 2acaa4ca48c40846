//! Derivatives of the outputs with respect to the inputs: a backward pass for each output.

use ndarray::ArrayView2;

use super::block::Block;
use super::selection::Selection;
use super::stage::Stage;

use super::predict::{BLOCK_ROWS, WORTH_SHARING};
use crate::error::Result;
use crate::kernel::{Layout, Scalar, panels};
use crate::layer::{Layer, Packed, PackedMatrix, Parameters, place_first_transposed, transpose_matrix};
use crate::memory::Aligned;
use crate::parallel::{Team, threads};

/// Writes, for each row, outputs x inputs numbers into `to`.
pub(crate) fn input_gradient<T: Scalar>(
    layers: &[Layer],
    packed: &Packed<T>,
    x: ArrayView2<'_, T>,
    to: &mut [T],
    n_threads: Option<usize>,
) -> Result<()> {
    // As for training with units along the lanes, but the first layer's weights are needed too.
    let mut places = packed.matrices.clone();
    place_first_transposed::<T>(&mut places);
    let mut transposed = Aligned::zeros(places.iter().map(PackedMatrix::transposed_len::<T>).sum())?;
    for layer in &places {
        let own = layer.transposed_start..layer.transposed_start + layer.transposed_len::<T>();
        transpose_matrix(layer, &packed.weights, &mut transposed[own], 0);
    }

    let parameters = Parameters { packed, transposed: &transposed };
    let rows = x.nrows();
    let (outputs, inputs) = (layers[layers.len() - 1].fan_out, layers[0].fan_in);
    let numbers = outputs * inputs;
    let capacity = rows.min(BLOCK_ROWS);
    let work = packed.weights.len().saturating_mul(rows).saturating_mul(outputs);
    let shared = work >= WORTH_SHARING && rows > 1;
    let n_threads = if shared { threads(n_threads).min(rows) } else { 1 };
    let share = rows.div_ceil(n_threads);
    let mut blocks = Vec::with_capacity(n_threads);
    for _ in 0..rows.div_ceil(share) {
        let from_inputs = Aligned::zeros(panels::<T>(inputs) * Block::<T>::stride_for(capacity))?;
        blocks.push((Block::for_training(Layout::UnitsInLanes, layers, capacity, false, &[])?, from_inputs));
    }
    Team::with(n_threads, |team| {
        let shares = blocks.iter_mut().zip(to.chunks_mut(share * numbers)).enumerate();
        team.for_each(shares, |(index, ((block, gradient), to))| {
            for (inner, to) in to.chunks_mut(capacity * numbers).enumerate() {
                block.rows = to.len() / numbers;
                block.load_inputs(x, Selection::Range { from: index * share + inner * capacity });
                block.forward(layers, parameters, None);
                block.activate_output(layers);
                for output in 0..outputs {
                    block.choose_output(output);
                    block.back_through_output(layers);
                    block.backward(layers, parameters);
                    block.back_to_inputs(&places[0], &packed.weights, &transposed, gradient);
                    block.copy_gradients(gradient, inputs, numbers, &mut to[output * inputs..]);
                }
            }
        });
    });
    Ok(())
}
