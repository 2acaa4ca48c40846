//! The order of the rows in an epoch: as it is, drawn whole, drawn block by block, or the caller's.

use std::ops::Range;

use super::settings::{BlockShuffle, Settings, Shuffle, check_order};
use crate::error::{Error, Result};
use crate::kernel::{Scalar, outside};
use crate::memory::{try_collect, try_with_capacity};
use crate::pass::Selection;
use crate::random::{Purpose, Random};

/// The rows of an epoch, batch by batch.
pub(super) enum RowOrder<'a> {
    AsTheyAre,
    /// All rows, in an order of this seed, or in one of the caller's.
    Whole(Vec<u32>, By<'a>),
    Blocks(Blocks),
}

#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    Seed(u64),
    Function(&'a (dyn Fn(usize) -> Option<Vec<u32>> + Sync)),
}

/// An order that is drawn as far as it is needed.
pub(super) struct Blocks {
    seed: u64,
    scheme: BlockShuffle,
    rows: u32,
    random: Random,
    /// How many blocks there are, and in how many buffers.
    count: u32,
    buffers: usize,
    /// The numbers of the blocks of each buffer, one of each stretch; [`NONE`] where a stretch has no more.
    grid: Vec<u32>,
    /// Those of a stretch.
    stretch: Vec<u32>,
    /// Buffers that are drawn.
    drawn: usize,
    /// Rows that are drawn, and how many of them are used.
    ready: Vec<u32>,
    used: usize,
}

const NONE: u32 = u32::MAX;

impl<'a> RowOrder<'a> {
    /// That of a training on so many rows, in batches of `batch_rows`.
    pub fn new<T: Scalar>(settings: &Settings<'a, T>, rows: usize, batch_rows: usize) -> Result<Self> {
        let is_drawn = !matches!(settings.shuffle, Shuffle::By(_));
        if matches!(settings.shuffle, Shuffle::Never) || (is_drawn && batch_rows == rows) {
            return Ok(Self::AsTheyAre);
        }
        let last = u32::try_from(rows)
            .map_err(|_| Error::argument("X", format!("at most {} rows", u32::MAX), rows))?;
        Ok(match settings.shuffle {
            Shuffle::Never => Self::AsTheyAre,
            Shuffle::Seeded(seed) => Self::Whole(try_collect(0..last)?, By::Seed(seed)),
            Shuffle::By(function) => Self::Whole(try_collect(0..last)?, By::Function(function)),
            Shuffle::Blocks { seed, scheme } => Self::Blocks(Blocks::new(seed, scheme, last, batch_rows)?),
        })
    }

    /// Begins an epoch: the `epoch` of this training, and after so many of the optimizer's. `false` if the caller's function
    /// ends the training.
    pub fn begin(&mut self, epoch: usize, before: u64) -> Result<bool> {
        // What is drawn depends on the number of the epoch alone, counted through warm starts, so that a training can be taken up
        // anywhere.
        match self {
            Self::AsTheyAre => {}
            Self::Whole(order, By::Seed(seed)) => {
                for (row, place) in (0..).zip(order.iter_mut()) {
                    *place = row;
                }
                Random::new(*seed, Purpose::Shuffle, before as u32).shuffle(order);
            }
            Self::Whole(order, By::Function(function)) => {
                let Some(rows) = outside(|| function(epoch)) else { return Ok(false) };
                check_order(&rows, order.len())?;
                *order = rows;
            }
            Self::Blocks(blocks) => blocks.begin(before as u32),
        }
        Ok(true)
    }

    /// The next `count` rows, before which `from` were used. `coming` hears of places that are read soon.
    pub fn next(&mut self, from: usize, count: usize, coming: impl Fn(Range<usize>)) -> Selection<'_> {
        match self {
            Self::AsTheyAre => Selection::Range { from },
            Self::Whole(order, _) => Selection::Listed(&order[from..from + count]),
            Self::Blocks(blocks) => Selection::Listed(blocks.next(count, coming)),
        }
    }
}

impl Blocks {
    fn new(seed: u64, scheme: BlockShuffle, rows: u32, batch_rows: usize) -> Result<Self> {
        let count = rows.div_ceil(u32::try_from(scheme.block_rows).unwrap_or(u32::MAX));
        // As many buffers as there must be, of equal sizes.
        let buffers = (count as usize).div_ceil(scheme.buffer_blocks);
        let stretches = (count as usize).div_ceil(buffers);
        let buffer = scheme.block_rows.saturating_mul(stretches).min(rows as usize);
        Ok(Self {
            seed,
            scheme,
            rows,
            random: Random::new(seed, Purpose::Shuffle, 0),
            count,
            buffers,
            grid: try_collect((0..buffers * stretches).map(|_| NONE))?,
            stretch: try_collect((0..buffers).map(|_| NONE))?,
            drawn: 0,
            // Less than a batch may be left when the next buffer is drawn.
            ready: try_with_capacity(buffer.saturating_add(batch_rows).min(rows as usize))?,
            used: 0,
        })
    }

    fn begin(&mut self, epoch: u32) {
        self.random = Random::new(self.seed, Purpose::Shuffle, epoch);
        let stretches = self.grid.len() / self.buffers;
        for stretch in 0..stretches {
            let first = (stretch * self.buffers) as u32;
            for (number, block) in (first..).zip(&mut self.stretch) {
                *block = if number < self.count { number } else { NONE };
            }
            self.random.shuffle(&mut self.stretch);
            for (buffer, &block) in self.grid.chunks_mut(stretches).zip(&self.stretch) {
                buffer[stretch] = block;
            }
        }
        self.drawn = 0;
        self.ready.clear();
        self.used = 0;
    }

    /// The places of the blocks in a buffer, in their order.
    fn buffer(&self, buffer: usize) -> impl Iterator<Item = Range<usize>> {
        let stretches = self.grid.len() / self.buffers;
        let blocks = self.grid.iter().skip(buffer * stretches).take(stretches);
        blocks.filter_map(|&block| self.places(block))
    }

    /// The places of the rows in a block.
    fn places(&self, block: u32) -> Option<Range<usize>> {
        let from = (block as usize).saturating_mul(self.scheme.block_rows);
        let to = from.saturating_add(self.scheme.block_rows).min(self.rows as usize);
        (block != NONE).then_some(from..to)
    }

    fn next(&mut self, count: usize, coming: impl Fn(Range<usize>)) -> &[u32] {
        if self.ready.len() - self.used < count {
            self.ready.drain(..self.used);
            self.used = 0;
        }
        if self.drawn == 0 {
            self.buffer(0).for_each(&coming);
        }
        while self.ready.len() < count && self.drawn < self.buffers {
            self.draw();
            self.buffer(self.drawn).for_each(&coming);
        }
        let from = self.used;
        self.used += count;
        &self.ready[from..self.used]
    }

    /// Puts the rows of the next buffer in random order behind those that are ready.
    fn draw(&mut self) {
        let first = self.ready.len();
        let stretches = self.grid.len() / self.buffers;
        for place in self.drawn * stretches..(self.drawn + 1) * stretches {
            if let Some(Range { start, end }) = self.places(self.grid[place]) {
                self.ready.extend(start as u32..end as u32);
            }
        }
        self.drawn += 1;
        self.random.shuffle(&mut self.ready[first..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(scheme: BlockShuffle, rows: u32, batch: usize, epoch: u32) -> Vec<u32> {
        let mut blocks = Blocks::new(3, scheme, rows, batch).unwrap();
        let capacity = blocks.ready.capacity();
        let mut all = Vec::new();
        for epoch in [7, epoch] {
            blocks.begin(epoch);
            all.clear();
            while all.len() < rows as usize {
                let count = batch.min(rows as usize - all.len());
                all.extend_from_slice(blocks.next(count, |_| {}));
            }
        }
        assert!(blocks.ready.capacity() == capacity);
        all
    }

    /// Each row once, whatever the sizes; the batch says only how the order is cut.
    #[test]
    fn each_row_comes_once() {
        for (block_rows, buffer_blocks) in
            [(1, 1), (1, 7), (7, 1), (7, 3), (100, 2), (1000, 1), (3, usize::MAX), (usize::MAX, 2)]
        {
            let scheme = BlockShuffle { block_rows, buffer_blocks };
            let whole = order(scheme, 101, 101, 1);
            for batch in [1, 5, 20, 64, 100] {
                assert_eq!(order(scheme, 101, batch, 1), whole, "{scheme:?} {batch}");
            }
            let mut sorted = whole.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..101).collect::<Vec<_>>());
            assert_ne!(order(scheme, 101, 10, 2), whole);
        }
    }

    /// Rows of a buffer are those of its blocks; they are mixed.
    #[test]
    fn a_buffer_has_the_rows_of_its_blocks() {
        let scheme = BlockShuffle { block_rows: 10, buffer_blocks: 4 };
        let all = order(scheme, 1000, 30, 1);
        for buffer in all.chunks(40) {
            let mut blocks: Vec<u32> = buffer.iter().map(|row| row / 10).collect();
            let changes = blocks.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert!(changes > 15, "{buffer:?}");
            blocks.sort_unstable();
            blocks.dedup();
            // One of each quarter.
            let quarters: Vec<u32> = blocks.iter().map(|block| block / 25).collect();
            assert_eq!(quarters, [0, 1, 2, 3]);
        }
        let first: Vec<u32> = all.chunks(40).map(|buffer| buffer[0] / 10).collect();
        assert!(!first.is_sorted());
    }
}
