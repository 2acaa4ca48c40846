//! The rows that passes go through, as they lie in memory.

use std::ops::Range;

use ndarray::ArrayView2;

use super::inputs::Inputs;
use super::selection::Selection;
use crate::error::{Error, Result};
use crate::memory::try_with_capacity;

/// Which rows of a matrix are the steps of time of which sequence: one sequence after the other.
///
/// ```
/// use ferroprop::Sequences;
/// let sequences = Sequences::new(&[3, 1])?;
/// assert_eq!((sequences.count(), sequences.steps(), sequences.range(0)), (2, 4, 0..3));
/// # Ok::<(), ferroprop::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequences {
    /// Where each begins, and where the last one ends.
    starts: Vec<usize>,
    longest: usize,
    equal: bool,
}

impl Sequences {
    /// Sequences of these lengths.
    ///
    /// # Errors
    /// [`Error::Argument`] if there is none, or one has no step; [`Error::OutOfMemory`].
    pub fn new(lengths: &[usize]) -> Result<Self> {
        let mut starts = try_with_capacity(lengths.len() + 1)?;
        let (mut end, mut longest) = (0usize, 0);
        for &length in lengths {
            if length == 0 {
                let got = format!("sequence {} without any", starts.len());
                return Err(Error::argument("X", "sequences with at least one step of time", got));
            }
            starts.push(end);
            end = end.checked_add(length).ok_or(Error::OutOfMemory { numbers: usize::MAX })?;
            longest = longest.max(length);
        }
        if starts.is_empty() {
            return Err(Error::argument("X", "at least one sequence", 0));
        }
        starts.push(end);
        let equal = lengths.iter().all(|&length| length == longest);
        Ok(Self { starts, longest, equal })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// Steps of time of all of them.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// The rows of one.
    ///
    /// # Panics
    /// When there is no such sequence.
    #[must_use]
    pub fn range(&self, sequence: usize) -> Range<usize> {
        self.starts[sequence]..self.starts[sequence + 1]
    }

    /// Steps of time of one.
    #[must_use]
    pub fn length(&self, sequence: usize) -> usize {
        self.range(sequence).len()
    }

    /// Steps of time of the longest one.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// A row of all sequences, and a column, as sequence, step and column.
    pub(crate) fn place(&self, [row, column]: [usize; 2]) -> Vec<usize> {
        let sequence = self.starts.partition_point(|&start| start <= row) - 1;
        vec![sequence, row - self.starts[sequence], column]
    }

    /// Whether all are of one length.
    pub(crate) fn are_equal(&self) -> bool {
        self.equal
    }
}

/// Inputs and targets, weights of targets if there are any, and, if the inputs are steps of time, of which sequences.
#[derive(Clone, Copy)]
pub(crate) struct Examples<'a, T> {
    pub x: Inputs<'a, T>,
    pub y: ArrayView2<'a, T>,
    /// Which rows of the matrices the examples are, if not all in their order. Weights are those of the examples.
    pub listed: Option<&'a [u32]>,
    pub weights: Option<&'a [T]>,
    pub sequences: Option<&'a Sequences>,
}

impl<T> Examples<'_, T> {
    /// The row of the matrices that an example is.
    #[inline]
    pub fn row(&self, example: usize) -> usize {
        self.listed.map_or(example, |rows| rows[example] as usize)
    }

    /// The first row of a selection, if the others follow it in the matrices: then nobody has to ask for each.
    pub fn consecutive(&self, selection: Selection<'_>) -> Option<usize> {
        match selection {
            Selection::Range { from } if self.listed.is_none() => Some(from),
            _ => None,
        }
    }
}
