//! Outputs for rows of inputs.

use super::block::Block;
use super::inputs::Inputs;
use super::noise::Noise;
use super::stage::Stage;
use crate::error::Result;
use crate::kernel::Scalar;
use crate::layer::{Layer, Packed, Parameters};
use crate::once::once;
use crate::parallel::{Team, threads};

/// Rows that go through the layers together: the activations of a block stay in the cache, and the
/// buffers of most networks in the heap, whose pages are there from call to call.
pub(super) const BLOCK_ROWS: usize = 64;

/// Multiply-adds below which the calling thread is faster alone than with help.
pub(super) const WORTH_SHARING: usize = 4_000_000;

once! {
    /// Writes the outputs of each row, one after the other, into `y`. Without noise nothing is left out, and stochastic units
    /// give their probabilities.
    pub(crate) fn predict<T>(
        layers: &[Layer],
        packed: &Packed<T>,
        x: Inputs<'_, T>,
        y: &mut [T],
        noise: Option<Noise<'_>>,
        n_threads: Option<usize>,
    ) -> Result<()> = predict_here
}

fn predict_here<T: Scalar>(
    layers: &[Layer],
    packed: &Packed<T>,
    x: Inputs<'_, T>,
    y: &mut [T],
    noise: Option<Noise<'_>>,
    n_threads: Option<usize>,
) -> Result<()> {
    let parameters = Parameters::forward(packed);
    let rows = x.nrows();
    let columns = layers[layers.len() - 1].numbers_out();
    let work = packed.weights.len().saturating_mul(rows);
    let helpers_wanted = work >= WORTH_SHARING && rows > BLOCK_ROWS;
    // No more threads than there is work for.
    let most = rows.div_ceil(BLOCK_ROWS);
    let n_threads = if helpers_wanted { threads(n_threads).min(most) } else { 1 };
    let capacity = rows.min(BLOCK_ROWS);
    let in_rows = match &x {
        Inputs::Dense(x) => x.as_slice().filter(|_| Block::<T>::reads_rows(layers)),
        Inputs::Single(_) | Inputs::Sparse(_) => None,
    };
    let block = || Block::for_prediction(layers, capacity, in_rows.is_none() && x.sparse().is_none());
    let forward = |block: &mut Block<T>, first: usize, y: &mut [T]| {
        block.set_rows(y.len() / columns);
        if let Some(numbers) = in_rows {
            let own = first * x.ncols()..(first + block.rows()) * x.ncols();
            block.forward_from(&numbers[own], layers, parameters, noise);
        } else if let Some(x) = x.sparse() {
            block.forward_from_sparse(x, first, layers, parameters, noise);
        } else {
            block.load_inputs(x, |row| first + row);
            block.forward(layers, parameters, noise);
        }
        block.activate_output(layers);
        block.copy_outputs(y);
    };
    if n_threads == 1 {
        let mut block = block()?;
        for (index, y) in y.chunks_mut(BLOCK_ROWS * columns).enumerate() {
            forward(&mut block, index * BLOCK_ROWS, y);
        }
    } else {
        let share = rows.div_ceil(n_threads).next_multiple_of(8);
        let mut blocks = Vec::with_capacity(n_threads);
        for _ in 0..rows.div_ceil(share) {
            blocks.push(block()?);
        }
        let shares = blocks.iter_mut().zip(y.chunks_mut(share * columns)).enumerate();
        Team::with(n_threads, |team| {
            team.for_each(shares, |(index, (block, y))| {
                for (inner, y) in y.chunks_mut(BLOCK_ROWS * columns).enumerate() {
                    forward(block, index * share + inner * BLOCK_ROWS, y);
                }
            });
        });
    }
    Ok(())
}
