//! Where the steps of time of a block of sequences lie.

use std::ops::Range;

use crate::error::Result;
use crate::kernel::{Scalar, panel_vectors};
use crate::memory::try_with_capacity;

/// The steps of a block's sequences, the longest one first: those that last longer than a step are the first ones. A matrix of a
/// block has the panels of the first step, then those of the second one, and so on; panels shrink as sequences end.
#[derive(Debug)]
pub(super) struct Steps {
    /// Sequences that last longer than each step.
    rows: Vec<usize>,
    /// For each step, and behind the last one: rows of all steps before, and vectors of all their panels with this number.
    before: Vec<usize>,
    vectors: Vec<usize>,
    /// Ranges of steps with the same number of sequences, not too many.
    runs: Vec<Range<usize>>,
}

/// Rows of all steps of a run: their inputs and deltas in the panels that a tile of the gradient reads fit in the first-level cache.
const MOST_IN_RUN: usize = 96;

impl Steps {
    /// Room for so many steps of time.
    pub fn new(longest: usize) -> Result<Self> {
        let places = longest.saturating_add(1);
        Ok(Self {
            rows: try_with_capacity(longest)?,
            before: try_with_capacity(places)?,
            vectors: try_with_capacity(places)?,
            runs: try_with_capacity(longest)?,
        })
    }

    /// Takes sequences of these lengths, the longest one first.
    pub fn set(&mut self, lengths: &[usize]) {
        for list in [&mut self.rows, &mut self.before, &mut self.vectors] {
            list.clear();
        }
        self.runs.clear();
        let (mut rows, mut before, mut vectors) = (lengths.len(), 0, 0);
        for step in 0..=lengths.first().copied().unwrap_or(0) {
            while rows > 0 && lengths[rows - 1] <= step {
                rows -= 1;
            }
            self.before.push(before);
            self.vectors.push(vectors);
            if rows > 0 {
                match self.runs.last_mut() {
                    Some(run) if self.rows[run.start] == rows && (run.len() + 1) * rows <= MOST_IN_RUN => {
                        run.end = step + 1;
                    }
                    _ => self.runs.push(step..step + 1),
                }
                self.rows.push(rows);
                before += rows;
                vectors += panel_vectors(rows);
            }
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// Ranges of steps with the same number of sequences, not too many.
    pub fn runs(&self) -> &[Range<usize>] {
        &self.runs
    }

    /// Sequences at a step; none behind the last one.
    #[inline]
    pub fn rows(&self, step: usize) -> usize {
        self.rows.get(step).copied().unwrap_or(0)
    }

    /// Rows of all steps before this one.
    pub fn before(&self, step: usize) -> usize {
        self.before[step]
    }

    /// Rows of all steps.
    pub fn total(&self) -> usize {
        self.before.last().copied().unwrap_or(0)
    }

    /// From panel to panel of a step.
    #[inline]
    pub fn stride<T: Scalar>(&self, step: usize) -> usize {
        (self.vectors[step + 1] - self.vectors[step]) * T::LANES
    }

    /// The numbers of a step, in a matrix of so many panels.
    #[inline]
    pub fn range<T: Scalar>(&self, step: usize, panels: usize) -> Range<usize> {
        let line = panels * T::LANES;
        self.vectors[step] * line..self.vectors[step + 1] * line
    }

    /// Numbers of a matrix of so many panels with room for `steps` rows in all steps of `longest` ones.
    pub fn room<T: Scalar>(steps: usize, longest: usize, panels: usize) -> usize {
        steps.saturating_add(longest).saturating_mul(panels).saturating_mul(T::LANES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_end_one_after_the_other() {
        let mut steps = Steps::new(4).unwrap();
        steps.set(&[4, 2, 2, 1]);
        assert_eq!((0..5).map(|step| steps.rows(step)).collect::<Vec<_>>(), [4, 3, 1, 1, 0]);
        assert_eq!((steps.count(), steps.total(), steps.before(2)), (4, 9, 7));
        assert_eq!(steps.runs(), [0..1, 1..2, 2..4]);
        // Panels have an odd number of vectors.
        assert_eq!(steps.range::<f64>(1, 2), 5 * 16..8 * 16);
        assert_eq!(steps.stride::<f64>(3), 8);
        assert!(steps.range::<f32>(3, 3).end <= Steps::room::<f32>(9, 4, 3));
    }
}
