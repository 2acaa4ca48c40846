//! Cutting a batch into micro-batches, whose sums are added in order, and micro-batches into blocks of rows.

use crate::error::Result;
use crate::kernel::{Gradient, Layout, MOST_LANES, Scalar};
use crate::memory::Aligned;
use crate::pass::{Model, Room, Stage, numbers_per_row, sum_gradient};

/// The most rows that go through the layers together on one thread.
const BLOCK_ROWS: u64 = 160;

/// The fewest rows per block, used for very large networks: below this, loading the weights takes as long as
/// multiplying by them.
const FEWEST_BLOCK_ROWS: u64 = 40;

/// Multiply-adds after which a thread checks for an interruption: 0.1 s at 100 GFLOP/s. The smallest unit of
/// work is a piece of a shard, at most four panels and a half of one layer, however large it is.
const MOST_AT_A_TIME: u64 = 1 << 32;

/// Rows of blocks and micro-batches are multiples of this, about the rows of a register tile; the bits of a batch depend on where
/// its micro-batches end.
const TILE_ROWS: usize = 8;

/// The most numbers of a micro-batch that one thread processes alone: about the capacity of its second-level
/// cache. Processing larger ones alone is not faster.
const MOST_IN_MICRO_BATCH: usize = 1 << 18;

/// The same of sequences: a thread that has whole ones waits for no other between steps of time.
const MOST_OF_SEQUENCES: usize = 1 << 19;

/// The most numbers of all such micro-batches together.
const MOST_TOGETHER: usize = 1 << 23;

/// How many micro-batches to allocate per thread. More of them mean fewer synchronisation points.
pub(super) const MICRO_BATCHES_PER_THREAD: usize = 4;

/// This many micro-batches are processed at a time even if some threads get none.
const ENOUGH_MICRO_BATCHES: usize = 4;

/// The number of rows per micro-batch in a batch of `rows`: as equal as whole tiles allow, so that threads
/// which process whole micro-batches finish together; the last one may be smaller. The gradient is summed over
/// a micro-batch in registers before it goes to memory, so large networks, whose gradient is
/// expensive to read and write again, get more rows. `parameters` counts without padding, so it is the same
/// for both types. All copies of a row are in one micro-batch. Of sequences with so many `numbers`
/// each (`None`: rows are no sequences) there are as many as one thread processes well.
pub(super) fn micro_batch_rows(
    parameters: usize,
    rows: usize,
    copies: usize,
    numbers: Option<usize>,
) -> usize {
    let most = (parameters / 64).next_power_of_two().clamp(256, 1024);
    let most = numbers.map_or(most, |numbers| (MOST_IN_MICRO_BATCH / numbers).clamp(TILE_ROWS, most));
    rows.div_ceil(rows.div_ceil(most)).next_multiple_of(whole(TILE_ROWS, copies)).min(rows)
}

/// The number of rows per block of a micro-batch: equal parts for the threads, in whole tiles (or vectors).
/// Large networks, whose blocks cost two multiply-adds per parameter and row, get fewer. `parameters` counts
/// with padding here and below, and with the `steps` of time of a row.
pub(super) fn block_rows(
    layout: Layout,
    rows: usize,
    threads: usize,
    parameters: usize,
    copies: usize,
    steps: usize,
) -> usize {
    let share = rows.div_ceil(threads);
    let fewest = if steps > 1 { TILE_ROWS as u64 } else { FEWEST_BLOCK_ROWS };
    let work = (parameters as u64).saturating_mul(steps as u64);
    let most = (MOST_AT_A_TIME / 2 / work).clamp(fewest, BLOCK_ROWS) as usize;
    share.div_ceil(share.div_ceil(most)).next_multiple_of(multiple(layout, copies))
}

/// The number of rows of a block is a multiple of this, except in a micro-batch's last block.
pub(super) fn multiple(layout: Layout, copies: usize) -> usize {
    match layout {
        Layout::UnitsInLanes => whole(TILE_ROWS, copies),
        Layout::RowsInLanes => whole(MOST_LANES, copies),
    }
}

/// At least so many rows, with all copies of each.
fn whole(rows: usize, copies: usize) -> usize {
    if copies == 1 { rows } else { rows.next_multiple_of(copies) }
}

/// The number of rounds in which the gradient of a micro-batch is summed.
pub(super) fn parts_of_a_sum(rows: usize, parameters: usize, threads: usize) -> usize {
    let work = (rows as u64).saturating_mul(parameters as u64) / threads as u64;
    work.div_ceil(MOST_AT_A_TIME).max(1) as usize
}

/// How many of the micro-batches in `rows` to process at a time, at most `most`:
/// the same number per thread if they outnumber the threads, or 0 if threads should rather share one.
/// A last micro-batch counts if it is at least half full.
pub(super) fn micro_batches_at_a_time(
    rows: usize,
    micro_batch_rows: usize,
    most: usize,
    threads: usize,
) -> usize {
    if most == 0 {
        return 0;
    }
    let count = most.min((rows + micro_batch_rows / 2) / micro_batch_rows);
    if count > threads {
        count - count % threads
    } else if count >= threads.min(ENOUGH_MICRO_BATCHES) {
        count
    } else {
        0
    }
}

/// Allocates the blocks of a micro-batch of this many rows, `capacity` rows each; `room` is that for rows, of which each is at most
/// as long as so many others.
pub(super) fn blocks<'r, T: Scalar>(
    model: &Model<T>,
    rows: usize,
    capacity: usize,
    room: impl Fn(usize, usize) -> Room<'r>,
) -> Result<Vec<Box<dyn Stage<T>>>> {
    (0..rows).step_by(capacity).map(|first| model.block(room(first, capacity))).collect()
}

/// Distributes a micro-batch's rows over the blocks; returns the number of blocks that have rows.
pub(super) fn spread<T: Scalar>(blocks: &mut [Box<dyn Stage<T>>], rows: usize, share: usize) -> usize {
    let in_use = rows.div_ceil(share);
    for (index, block) in blocks[..in_use].iter_mut().enumerate() {
        block.set_rows(share.min(rows - index * share));
    }
    in_use
}

/// Iterates over the blocks, each with the place of its first row in the micro-batch.
pub(super) fn numbered<T: Scalar>(
    blocks: &mut [Box<dyn Stage<T>>],
) -> impl ExactSizeIterator<Item = (usize, &mut (dyn Stage<T> + 'static))> {
    let rows = blocks.first().map_or(0, |block| block.rows());
    blocks.iter_mut().enumerate().map(move |(index, block)| (index * rows, &mut **block))
}

/// A micro-batch that one thread processes alone, with its gradient of all parameters. Threads that
/// share a micro-batch read each other's rows; this way they read each other's sums, which are fewer.
#[derive(Debug)]
pub(super) struct MicroBatch<T> {
    blocks: Vec<Box<dyn Stage<T>>>,
    /// Rows per block.
    capacity: usize,
    in_use: usize,
    pub sums: Aligned<T>,
}

impl<T: Scalar> MicroBatch<T> {
    /// Allocates `most` micro-batches of `rows` rows, or as many as the limit of memory allows. `room` is that for so many
    /// rows, of so many `steps` of time each.
    pub fn several<'r>(
        model: &Model<T>,
        rows: usize,
        most: usize,
        steps: usize,
        room: impl Fn(usize, usize) -> Room<'r> + Copy,
    ) -> Result<Vec<Self>> {
        let padded = model.packed.weights.len();
        let capacity = block_rows(model.layout, rows, 1, padded, model.copies, steps);
        // The longest sequences could all be in one micro-batch.
        let all_steps = room(0, rows).steps;
        let numbers = all_steps.saturating_mul(numbers_per_row(&model.layers)).saturating_add(padded);
        let largest = if steps > 1 { MOST_OF_SEQUENCES } else { MOST_IN_MICRO_BATCH };
        let count = if numbers > largest { 0 } else { most.min(MOST_TOGETHER / numbers) };
        (0..count)
            .map(|_| {
                let blocks = blocks(model, rows, capacity, room)?;
                Ok(Self { blocks, capacity, in_use: 0, sums: Aligned::zeros(padded)? })
            })
            .collect()
    }

    /// The blocks that have rows.
    pub fn blocks(&self) -> &[Box<dyn Stage<T>>] {
        &self.blocks[..self.in_use]
    }

    /// Calls `through` for each block with the place of its first row, and sums the gradient over `rows` rows,
    /// which may be fewer than the capacity.
    pub fn sum(&mut self, rows: usize, model: &Model<T>, through: impl Fn(usize, &mut dyn Stage<T>)) {
        self.in_use = spread(&mut self.blocks, rows, self.capacity);
        for (place, block) in numbered(&mut self.blocks[..self.in_use]) {
            through(place, block);
        }
        for (index, matrix) in model.packed.matrices.iter().enumerate() {
            let gradient = Gradient {
                fan_in: matrix.inputs,
                fan_out: matrix.outputs,
                from: 0,
                vectors: &mut self.sums[matrix.start..matrix.start + matrix.len::<T>()],
                layout: model.layout,
                bias: matrix.bias,
                lost: None,
                finish: None,
                blocks: (),
            };
            sum_gradient(&self.blocks[..self.in_use], index, gradient);
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::{
        Activation, Adam, Dataset, Init, Loss, Network, Observer, Optimizer, OptimizerState, Settings, train,
    };

    /// Counts the calls of `interrupted`, and interrupts at the last of them.
    struct Asked {
        count: usize,
        most: usize,
    }

    impl Observer<f32> for Asked {
        fn interrupted(&mut self) -> bool {
            self.count += 1;
            self.count == self.most
        }
    }

    /// Trains a network with 4 million parameters; returns how often `interrupted` was called, the
    /// parameters, and the optimizer's arrays.
    fn trained(threads: usize, epochs: usize, most: usize) -> (usize, Vec<f32>, Vec<Vec<f32>>) {
        let (rows, sizes) = (1016, [2080, 2048, 1]);
        let mut network =
            Network::new(&sizes, &[Activation::Relu], Activation::Identity, &[true; 2], Init::Glorot, 0)
                .unwrap();
        let x = Array2::from_shape_fn((rows, 2080), |(row, column)| ((row * 7 + column) % 11) as f32 - 5.0);
        let y = Array2::from_shape_fn((rows, 1), |(row, _)| (row % 3) as f32);
        let mut state = OptimizerState::new(Optimizer::Adam(Adam::default())).unwrap();
        let settings = Settings { epochs, n_threads: Some(threads), alpha: 0.1, ..Settings::default() };
        let mut asked = Asked { count: 0, most };
        let data = Dataset::new(x.view(), y.view(), None);
        train(&mut network, &data, Loss::SquaredError, &settings, &mut state, &mut asked).unwrap();
        let arrays = state.arrays().map(|(_, array)| array.to_vec()).collect();
        (asked.count, network.parameters().to_vec(), arrays)
    }

    /// The sum can be interrupted after each part; no parameter and no array of the optimizer has changed then.
    #[test]
    fn a_large_sum_can_be_interrupted() {
        let (asked, parameters, arrays) = trained(1, 1, 0);
        let parts = 2;
        assert_eq!(asked, 1016usize.div_ceil(160) + parts);
        for question in 2 * asked - parts..=2 * asked {
            let (last, same_parameters, same_arrays) = trained(1, 2, question);
            assert_eq!(last, question);
            assert!(parameters == same_parameters && arrays == same_arrays, "question {question}");
        }
        let (_, same_parameters, same_arrays) = trained(2, 1, 0);
        assert!(parameters == same_parameters && arrays == same_arrays);
    }

    #[test]
    fn batches_are_cut_evenly() {
        for (parameters, rows, micro_batch) in [
            (7_510, 1_797, 232),
            (7_510, 256, 256),
            (7_510, 257, 136),
            (7_510, 5, 5),
            (235_146, 10_240, 1_024),
        ] {
            assert_eq!(micro_batch_rows(parameters, rows, 1, None), micro_batch);
        }
        // All copies of a row are together.
        assert_eq!(
            (micro_batch_rows(7_510, 1_500, 5, None), micro_batch_rows(7_510, 1_200, 12, None)),
            (250, 240)
        );
        assert_eq!(
            [3, 5, 12].map(|copies| block_rows(Layout::UnitsInLanes, 240, 1, 7_510, copies, 1)),
            [126, 120, 120]
        );
        // Sequences of 50 steps of networks with 64 units: simple ones, and LSTMs.
        let sequences = |numbers: usize| micro_batch_rows(20_000, 1_000, 1, Some(50 * numbers));
        assert_eq!([264, 776].map(sequences), [24, 8]);
        let at_a_time =
            |rows, threads| micro_batches_at_a_time(rows, 232, MICRO_BATCHES_PER_THREAD * threads, threads);
        assert_eq!([1, 2, 3, 8].map(|threads| at_a_time(1_797, threads)), [4, 8, 6, 8]);
        assert_eq!(
            [(232, 2), (347, 2), (348, 2), (1_797, 64), (600, 64)].map(|(r, t)| at_a_time(r, t)),
            [0, 0, 2, 8, 0]
        );
        assert_eq!(block_rows(Layout::UnitsInLanes, 232, 1, 7_510, 1, 1), 120);
        assert_eq!(
            [
                block_rows(Layout::UnitsInLanes, 1024, 1, 16 << 20, 1, 1),
                block_rows(Layout::UnitsInLanes, 1024, 1, 1 << 30, 1, 1)
            ],
            [128, 40]
        );
        assert_eq!([(256, 1), (1024, 1), (1024, 4)].map(|(r, t)| parts_of_a_sum(r, 16 << 20, t)), [1, 4, 1]);
    }
}
