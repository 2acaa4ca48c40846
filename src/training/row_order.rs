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
    /// The numbers of the blocks in the order in which they are drawn, and how many have been.
    numbers: Vec<u32>,
    drawn: usize,
    /// Rows that are drawn, and how many of them are used.
    ready: Vec<u32>,
    used: usize,
}

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
        let buffer = scheme.block_rows.saturating_mul(scheme.buffer_blocks).min(rows as usize);
        Ok(Self {
            seed,
            scheme,
            rows,
            random: Random::new(seed, Purpose::Shuffle, 0),
            numbers: try_collect(0..count)?,
            drawn: 0,
            // Less than a batch may be left when the next buffer is drawn.
            ready: try_with_capacity(buffer.saturating_add(batch_rows).min(rows as usize))?,
            used: 0,
        })
    }

    fn begin(&mut self, epoch: u32) {
        self.random = Random::new(self.seed, Purpose::Shuffle, epoch);
        for (number, block) in (0..).zip(&mut self.numbers) {
            *block = number;
        }
        self.random.shuffle(&mut self.numbers);
        self.drawn = 0;
        self.ready.clear();
        self.used = 0;
    }

    /// The places of the blocks that are drawn next.
    fn next_blocks(&self) -> impl Iterator<Item = Range<usize>> {
        let until = self.drawn.saturating_add(self.scheme.buffer_blocks).min(self.numbers.len());
        self.numbers[self.drawn..until].iter().map(|&block| self.places(block))
    }

    fn places(&self, block: u32) -> Range<usize> {
        let from = block as usize * self.scheme.block_rows;
        from..from.saturating_add(self.scheme.block_rows).min(self.rows as usize)
    }

    fn next(&mut self, count: usize, coming: impl Fn(Range<usize>)) -> &[u32] {
        if self.ready.len() - self.used < count {
            self.ready.drain(..self.used);
            self.used = 0;
        }
        if self.drawn == 0 {
            self.next_blocks().for_each(&coming);
        }
        while self.ready.len() < count && self.drawn < self.numbers.len() {
            self.draw();
            self.next_blocks().for_each(&coming);
        }
        let from = self.used;
        self.used += count;
        &self.ready[from..self.used]
    }

    /// Puts the rows of the next blocks in random order behind those that are ready.
    fn draw(&mut self) {
        let first = self.ready.len();
        let until = self.drawn.saturating_add(self.scheme.buffer_blocks).min(self.numbers.len());
        for &block in &self.numbers[self.drawn..until] {
            let Range { start, end } = self.places(block);
            self.ready.extend(start as u32..end as u32);
        }
        self.drawn = until;
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
            assert_eq!(blocks.len(), 4);
        }
        let first: Vec<u32> = all.chunks(40).map(|buffer| buffer[0] / 10).collect();
        assert!(!first.is_sorted());
    }
}
