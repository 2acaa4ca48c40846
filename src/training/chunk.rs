//! How a batch is cut: into chunks of rows, whose sums are added in order, and chunks into blocks.

use crate::error::Result;
use crate::kernel::{Aligned, Gradient, Scalar, dispatch};
use crate::network::Layer;
use crate::pass::{Block, PackedLayer};

/// The most rows that go through the layers together on one thread.
const BLOCK_ROWS: usize = 160;

/// Rows of the largest register tile; blocks are made of whole ones.
pub(super) const TILE_ROWS: usize = 8;

/// Numbers of a chunk that one thread works on by itself, at most: about as many as its second-level
/// cache holds. Larger ones are not faster that way.
const MOST_IN_CHUNK: usize = 1 << 18;

/// Numbers that all such chunks may take together.
const MOST_TOGETHER: usize = 1 << 23;

/// Chunks that are worth being worked on at a time, even when some threads get none.
pub(super) const ENOUGH_CHUNKS: usize = 4;

/// Rows whose gradient is summed in registers before it goes to memory: more for large networks,
/// whose gradient is expensive to read and write again.
pub(super) fn chunk_rows(parameters: usize) -> usize {
    (parameters / 64).next_power_of_two().clamp(256, 1024)
}

/// The rows that each of a chunk's blocks gets: equal shares for the threads, whole tiles.
pub(super) fn block_rows(rows: usize, threads: usize) -> usize {
    let share = rows.div_ceil(threads);
    share.div_ceil(share.div_ceil(BLOCK_ROWS)).next_multiple_of(TILE_ROWS)
}

/// Blocks for a chunk of this many rows, `capacity` of them in each.
pub(super) fn blocks<T: Scalar>(
    layers: &[Layer],
    rows: usize,
    capacity: usize,
    weighted: bool,
    dropout: &[f64],
) -> Result<Vec<Block<T>>> {
    (0..rows.div_ceil(capacity)).map(|_| Block::for_training(layers, capacity, weighted, dropout)).collect()
}

/// Gives each block its share of a chunk's rows; returns how many blocks have some.
pub(super) fn spread<T>(blocks: &mut [Block<T>], rows: usize, share: usize) -> usize {
    let in_use = rows.div_ceil(share);
    for (index, block) in blocks[..in_use].iter_mut().enumerate() {
        block.rows = share.min(rows - index * share);
    }
    in_use
}

/// Blocks with the place of their first row in the chunk.
pub(super) fn numbered<T>(blocks: &mut [Block<T>]) -> impl ExactSizeIterator<Item = (usize, &mut Block<T>)> {
    let rows = blocks.first().map_or(0, |block| block.rows);
    blocks.iter_mut().enumerate().map(move |(index, block)| (index * rows, block))
}

/// A whole chunk that one thread works on by itself, and its sums over all parameters. Threads that
/// share a chunk read each other's rows; this way they read each other's sums, which are fewer.
#[derive(Debug)]
pub(super) struct Chunk<T> {
    pub blocks: Vec<Block<T>>,
    pub sums: Aligned<T>,
}

impl<T: Scalar> Chunk<T> {
    /// Room for as many chunks of `rows` rows as will be worked on at a time.
    pub fn several(
        layers: &[Layer],
        parameters: usize,
        rows: usize,
        most: usize,
        data: (bool, &[f64]),
    ) -> Result<Vec<Self>> {
        let (weighted, dropout) = data;
        let units: usize = layers.iter().map(|layer| layer.fan_out).sum();
        let numbers = rows.saturating_mul(2 * units + layers[0].fan_in).saturating_add(parameters);
        let count = if numbers > MOST_IN_CHUNK { 0 } else { most.min(MOST_TOGETHER / numbers) };
        let capacity = block_rows(rows, 1);
        (0..if count > 1 { count } else { 0 })
            .map(|_| {
                let mut blocks = blocks(layers, rows, capacity, weighted, dropout)?;
                spread(&mut blocks, rows, capacity);
                Ok(Self { blocks, sums: Aligned::zeros(parameters)? })
            })
            .collect()
    }

    /// Sums the gradient over the rows, after they went forward and backward.
    pub fn sum(&mut self, layers: &[PackedLayer]) {
        for (index, layer) in layers.iter().enumerate() {
            dispatch(Gradient {
                fan_in: layer.fan_in,
                fan_out: layer.fan_out,
                from: 0,
                lines: &mut self.sums[layer.start..layer.start + layer.len::<T>()],
                bias: layer.bias,
                lost: None,
                finish: None,
                blocks: self.blocks.iter().map(|block| block.rows_of(index)),
            });
        }
    }
}
