//! Derivatives of the outputs with respect to the inputs: a backward pass for each output.

use ndarray::ArrayView2;

use super::block::Block;
use super::model::filled;
use super::predict::{BLOCK_ROWS, WORTH_SHARING};
use super::stage::Stage;
use crate::error::Result;
use crate::kernel::Scalar;
use crate::layer::{Layer, Packed, Parameters, Way};
use crate::parallel::{Team, threads};

/// Writes, for each row, outputs x inputs numbers into `to`.
pub(crate) fn input_gradient<T: Scalar>(
    layers: &[Layer],
    packed: &Packed<T>,
    x: ArrayView2<'_, T>,
    to: &mut [T],
    n_threads: Option<usize>,
) -> Result<()> {
    let backward = filled(Way::Backward, layers, packed, 0)?;
    let parameters = Parameters { backward: Some(&backward), ..Parameters::forward(packed) };
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
        blocks.push(Block::for_input_gradient(layers, capacity)?);
    }
    Team::with(n_threads, |team| {
        let shares = blocks.iter_mut().zip(to.chunks_mut(share * numbers)).enumerate();
        team.for_each(shares, |(index, (block, to))| {
            for (inner, to) in to.chunks_mut(capacity * numbers).enumerate() {
                block.set_rows(to.len() / numbers);
                block.load_inputs(x.into(), |row| index * share + inner * capacity + row);
                block.forward(layers, parameters, None);
                block.activate_output(layers);
                block.input_gradient(layers, parameters, to);
            }
        });
    });
    Ok(())
}
