//! The rows that a network is trained on.

use std::cmp::Reverse;
use std::ops::Range;

use ndarray::{ArrayView1, ArrayView2};

use super::partial::RemoteRows;
use crate::check::check_matrix_at;
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::layer::Returns;
use crate::loss::Objective;
use crate::memory::{try_collect, try_with_capacity};
use crate::network::Network;
use crate::pass::{Examples, Inputs, Room, Selection, Sequences, check_listed, read_rows_ahead};

/// Numbers of inputs from which on it is worth while to ask for them ahead.
const WORTH_READING_AHEAD: usize = 1 << 22;

/// How many times as many rows as are listed may lie between the first and the last of them.
const FARTHEST: usize = 16;

/// Inputs, targets and, optionally, a weight per row. The arrays may have any layout; they are
/// read in place.
///
/// ```
/// use ferroprop::Dataset;
/// use ndarray::array;
/// let (x, y) = (array![[0.0_f32, 1.0], [2.0, 3.0]], array![[0.0_f32], [1.0]]);
/// assert_eq!(Dataset::new(x.view(), y.view(), None).rows(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Dataset<'a, T> {
    pub(crate) x: Inputs<'a, T>,
    pub(crate) y: ArrayView2<'a, T>,
    /// Which rows of the matrices the data set has, if not all in their order.
    pub(crate) listed: Option<&'a [u32]>,
    /// One for each row that the data set has.
    pub(crate) weights: Option<Vec<T>>,
    /// The steps of time that the rows of the inputs are, if they are such.
    pub(crate) sequences: Option<Sequences>,
    /// Whoever has the rows, if they are not here.
    pub(crate) remote: Option<&'a dyn RemoteRows<T>>,
}

impl<'a, T: Scalar> Dataset<'a, T> {
    /// Combines inputs (n x inputs, a matrix or [`SparseRows`](crate::SparseRows)), targets (n x outputs) and a copy of n weights.
    #[must_use]
    pub fn new(
        x: impl Into<Inputs<'a, T>>,
        y: ArrayView2<'a, T>,
        weights: Option<ArrayView1<'_, T>>,
    ) -> Self {
        let x = x.into();
        let weights = weights.map(|weights| weights.iter().copied().collect());
        Self { x, y, listed: None, weights, sequences: None, remote: None }
    }

    /// The listed rows alone, in this order; a row may be listed several times. They are read where they are, and a
    /// training has the bits of one on a copy of them. Rows that are not listed are not looked at.
    ///
    /// # Errors
    /// [`Error::Argument`] without any row, or if the data are sequences; [`Error::Value`] if there is no such row;
    /// [`Error::Shape`] if there are not as many weights as rows; [`Error::OutOfMemory`].
    ///
    /// ```
    /// use ferroprop::Dataset;
    /// use ndarray::array;
    /// let (x, y) = (array![[0.0_f32], [1.0], [2.0]], array![[0.0_f32], [1.0], [4.0]]);
    /// let odd = Dataset::new(x.view(), y.view(), None).with_rows(&[1])?;
    /// assert_eq!(odd.rows(), 1);
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn with_rows(self, rows: &'a [u32]) -> Result<Self> {
        let all = self.x.nrows();
        if rows.is_empty() {
            return Err(Error::argument("rows", "at least one row number", "none"));
        }
        if self.sequences.is_some() || self.remote.is_some() {
            let expected = "left out for sequences and rows that are elsewhere";
            return Err(Error::argument("rows", expected, format_args!("{} rows", rows.len())));
        }
        if let Some(place) = rows.iter().position(|&row| row as usize >= all) {
            return Err(Error::value("rows", format!("row numbers below {all}"), rows[place], [place]));
        }
        let weights = match &self.weights {
            None => None,
            Some(weights) if weights.len() != all => {
                return Err(Error::shape("weights", format!("({all},)"), &[weights.len()]));
            }
            Some(weights) => Some(try_collect(rows.iter().map(|&row| weights[row as usize]))?),
        };
        Ok(Self { listed: Some(rows), weights, ..self })
    }

    /// The same of sequences, for recurrent networks: the rows of the inputs are the steps of time of one sequence after the other;
    /// targets and weights are there for each sequence, or for each step if the network returns that many outputs.
    ///
    /// ```
    /// use ferroprop::{Dataset, Sequences};
    /// use ndarray::array;
    /// let (x, y) = (array![[0.0_f32], [1.0], [2.0]], array![[0.0_f32], [1.0]]);
    /// let data = Dataset::new(x.view(), y.view(), None).with_sequences(Sequences::new(&[1, 2])?);
    /// assert_eq!(data.rows(), 2);
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    #[must_use]
    pub fn with_sequences(self, sequences: Sequences) -> Self {
        Self { sequences: Some(sequences), ..self }
    }

    /// Rows that are somewhere else, in the memory of other processes for example. A training asks for sums over all of them;
    /// its bits are those of a training on the same rows here. It is on full batches and without dropout, and all else is as usual:
    /// validation, early stopping, checkpoints, callbacks, L-BFGS.
    #[must_use]
    pub fn remote(rows: &'a dyn RemoteRows<T>) -> Self {
        let (x, y) = (ArrayView2::from_shape((0, 0), &[]), ArrayView2::from_shape((0, 0), &[]));
        // An empty slice has this shape.
        let [x, y] = [x, y].map(|view| view.unwrap_or_else(|_| unreachable!("no numbers in 0 x 0")));
        Self { remote: Some(rows), ..Self::new(x, y, None) }
    }

    /// Like [`Dataset::new`], but reports a failed allocation as an error.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn try_new(
        x: impl Into<Inputs<'a, T>>,
        y: ArrayView2<'a, T>,
        weights: Option<ArrayView1<'_, T>>,
    ) -> Result<Self> {
        let x = x.into();
        let weights = weights.map(|weights| try_collect(weights.iter().copied())).transpose()?;
        Ok(Self { x, y, listed: None, weights, sequences: None, remote: None })
    }

    /// The number of rows; of sequences, if the rows of the inputs are their steps of time.
    #[must_use]
    pub fn rows(&self) -> usize {
        if let Some(remote) = self.remote {
            return remote.rows();
        }
        let all = self.sequences.as_ref().map_or(self.x.nrows(), Sequences::count);
        self.listed.map_or(all, <[u32]>::len)
    }

    /// Checks that no rows are listed, for what reads all.
    pub(crate) fn check_is_whole(&self) -> Result<()> {
        match self.listed {
            None => Ok(()),
            Some(rows) => {
                Err(Error::argument("rows", "left out in this function", format_args!("{} rows", rows.len())))
            }
        }
    }

    /// What a pass reads; without weights if it wants none.
    pub(super) fn examples(&self, weighted: bool) -> Examples<'_, T> {
        let weights = self.weights.as_deref().filter(|_| weighted);
        Examples {
            x: self.x.view(),
            y: self.y,
            listed: self.listed,
            weights,
            sequences: self.sequences.as_ref(),
        }
    }

    /// Asks for rows that are read soon, of these places, if they are numerous and lie together in memory: then they may be in
    /// a file.
    pub(super) fn read_ahead(&self, places: Range<usize>) {
        let places = places.start..places.end.min(self.rows());
        if self.sequences.is_some()
            || places.is_empty()
            || self.x.nrows() * self.x.ncols() < WORTH_READING_AHEAD
        {
            return;
        }
        let rows = match self.listed {
            None => places,
            Some(rows) => {
                let (first, last) = (rows[places.start] as usize, rows[places.end - 1] as usize);
                // Only rows in the order of the file are near each other.
                if last < first || last - first >= FARTHEST * places.len() {
                    return;
                }
                first..last + 1
            }
        };
        self.x.read_ahead(rows.clone());
        read_rows_ahead(self.y, rows);
    }

    /// The rows of the targets that belong to a row.
    #[inline]
    pub(super) fn targets_of(&self, row: usize) -> Range<usize> {
        match &self.sequences {
            Some(sequences) if sequences.count() < self.y.nrows() => sequences.range(row),
            _ => row..row + 1,
        }
    }

    /// A selection of `rows` rows in the order in which they are used: of sequences of different lengths, in each part of so many
    /// rows the longest one first. The buffers have room for them.
    pub(super) fn arranged<'s>(
        &self,
        selection: Selection<'s>,
        rows: usize,
        part: usize,
        order: &'s mut Order,
    ) -> Selection<'s> {
        let Some(sequences) = self.sequences.as_ref().filter(|sequences| !sequences.are_equal()) else {
            return selection;
        };
        let Order { keys, rows: arranged } = order;
        arranged.clear();
        for first in (0..rows).step_by(part) {
            keys.clear();
            keys.extend((first..rows.min(first + part)).map(|place| {
                let row = selection.row(place);
                (Reverse(sequences.length(row)), place, row as u32)
            }));
            keys.sort_unstable();
            arranged.extend(keys.iter().map(|(.., row)| *row));
        }
        Selection::Listed(arranged)
    }

    pub(crate) fn weighted(&self) -> bool {
        self.weights.is_some()
    }

    /// Checks everything that the passes rely on. `role` distinguishes the two data sets of a call in
    /// messages.
    pub(crate) fn check(&self, network: &Network<T>, objective: &Objective<'_, T>, role: &str) -> Result<()> {
        if let Some(remote) = self.remote {
            if remote.rows() == 0 {
                return Err(Error::shape(names(role)[0], "at least one row", &[0]));
            }
            return network.check_takes_remote_rows();
        }
        self.check_rows(network, objective, role)?;
        self.check_weights(role)
    }

    /// The same of rows that may be a part of a data set, in which all weights are 0.
    pub(super) fn check_rows(
        &self,
        network: &Network<T>,
        objective: &Objective<'_, T>,
        role: &str,
    ) -> Result<()> {
        let [x, y, weights] = names(role);
        if network.returns().is_some() != self.sequences.is_some() {
            let (expected, got) = if self.sequences.is_some() {
                ("rows, because the network is not recurrent", "sequences")
            } else {
                ("sequences, because the network is recurrent", "rows")
            };
            return Err(Error::argument(x, expected, got));
        }
        if let Some(sequences) = self.sequences.as_ref().filter(|all| all.steps() != self.x.nrows()) {
            let expected = format!("({}, {}), all steps of the sequences", sequences.steps(), self.x.ncols());
            return Err(Error::shape(x, expected, &self.x.shape()));
        }
        let step = |at: [usize; 2]| self.sequences.as_ref().map_or(at.to_vec(), |all| all.place(at));
        if self.x.sparse().is_some() && !network.takes_sparse_rows() {
            let expected = "a dense matrix, because the first layer is not a dense one";
            return Err(Error::argument(x, expected, "a sparse one"));
        }
        self.x.check_rows(x, network.numbers_in(), self.listed, step)?;
        let every = network.returns() == Some(Returns::Every);
        if u32::try_from(self.x.nrows()).is_err() && every {
            let expected = format!("at most {} steps of time", u32::MAX);
            return Err(Error::argument(x, expected, self.x.nrows()));
        }
        let rows = if every { self.x.nrows() } else { self.rows() };
        let expected = (if self.listed.is_some() { self.x.nrows() } else { rows }, network.numbers_out());
        if self.y.dim() != expected {
            return Err(Error::shape(y, format!("{expected:?}"), self.y.shape()));
        }
        let target = |at: [usize; 2]| if every { step(at) } else { at.to_vec() };
        check_listed(self.y, self.listed, |first, rows| {
            let target = |[row, column]: [usize; 2]| target([first + row, column]);
            check_matrix_at(y, rows, network.numbers_out(), target)?;
            let Objective::Loss(loss) = objective else { return Ok(()) };
            loss.check_targets(network.output_activation(), y, rows, target)
        })?;
        let Some(numbers) = &self.weights else { return Ok(()) };
        if numbers.len() != rows {
            return Err(Error::shape(weights, format!("({rows},)"), &[numbers.len()]));
        }
        if let Some((row, &w)) = numbers.iter().enumerate().find(|(_, w)| !(w.is_finite() && **w >= T::ZERO))
        {
            let mut place = target([self.listed.map_or(row, |rows| rows[row] as usize), 0]);
            place.pop();
            return Err(Error::value(weights, "numbers from 0 on", w, place));
        }
        Ok(())
    }

    /// Checks the weights of all rows together.
    fn check_weights(&self, role: &str) -> Result<()> {
        let Some(numbers) = &self.weights else { return Ok(()) };
        let [.., weights] = names(role);
        if numbers.iter().all(|&w| w == T::ZERO) {
            return Err(Error::value(
                weights,
                "at least one positive number",
                T::ZERO,
                format_args!("every row"),
            ));
        }
        // A delta times a weight must stay a normal number.
        let least = T::SMALLEST.to_f64() / T::EPSILON.to_f64();
        let greatest = numbers.iter().fold(T::ZERO, |greatest, &w| if w > greatest { w } else { greatest });
        if greatest.to_f64() < least {
            let expected = format!("at least one number of {least:.1e} or more in {}", T::NAME);
            return Err(Error::value(weights, expected, greatest, format_args!("its greatest")));
        }
        // Means are divided by sums over batches, and the inverse of a sum is a number of the type.
        let sum: f64 = numbers.iter().map(|w| w.to_f64()).sum();
        let most = 1.0 / T::SMALLEST.to_f64();
        if sum > most {
            let expected = format!("numbers that add up to at most {most:.1e} in {}", T::NAME);
            return Err(Error::value(weights, expected, sum, format_args!("all rows together")));
        }
        Ok(())
    }
}

/// What a data set's inputs, targets and weights are called.
fn names(role: &str) -> [&'static str; 3] {
    if role.is_empty() {
        ["X", "Y", "weights"]
    } else {
        ["validation X", "validation Y", "validation weights"]
    }
}

/// Buffers for [`Dataset::arranged`].
#[derive(Debug, Default)]
pub(super) struct Order {
    keys: Vec<(Reverse<usize>, usize, u32)>,
    rows: Vec<u32>,
}

impl Order {
    /// Room for so many rows.
    pub fn new(rows: usize) -> Result<Self> {
        Ok(Self { keys: try_with_capacity(rows)?, rows: try_with_capacity(rows)? })
    }
}

/// How long the sequences of a training are, and how many elements its sparse rows have.
#[derive(Debug, Default)]
pub(super) struct Lengths {
    /// Steps of time of the longest, the two longest, ... together; none if rows are no sequences.
    sums: Vec<usize>,
    /// Steps of time of a row, about.
    pub mean: usize,
    /// Elements of the row with most of them, the two with most, ... together; none without sparse rows.
    entries: Vec<usize>,
    /// Whether there are rows that are not sparse.
    dense: bool,
}

impl Lengths {
    /// Those of the rows that a training is on, and of others that its blocks have to have room for.
    pub fn new<T: Scalar>(data: &Dataset<'_, T>, others: Option<&Dataset<'_, T>>) -> Result<Self> {
        let Some(sequences) = &data.sequences else {
            return Self::of_rows(data, others);
        };
        let of = |sequences: &Sequences| -> Result<Vec<usize>> {
            let mut lengths = try_collect((0..sequences.count()).map(|row| sequences.length(row)))?;
            lengths.sort_unstable_by_key(|&length| Reverse(length));
            Ok(lengths)
        };
        let theirs = others.and_then(|others| others.sequences.as_ref()).map(of).transpose()?;
        let sums = sums_of_longest(of(sequences)?, theirs);
        let mean = sequences.steps().div_ceil(sequences.count());
        Ok(Self { sums, mean, entries: Vec::new(), dense: true })
    }

    /// Those of rows that are no sequences.
    fn of_rows<T: Scalar>(data: &Dataset<'_, T>, others: Option<&Dataset<'_, T>>) -> Result<Self> {
        let of = |data: &Dataset<'_, T>| -> Result<Option<Vec<usize>>> {
            let Some(x) = data.x.sparse() else { return Ok(None) };
            let row = |place: usize| data.listed.map_or(place, |rows| rows[place] as usize);
            let mut entries = try_collect((0..data.rows()).map(|place| x.row(row(place)).0.len()))?;
            entries.sort_unstable_by_key(|&entries| Reverse(entries));
            Ok(Some(entries))
        };
        let (ours, theirs) = (of(data)?, others.map(of).transpose()?);
        let dense = ours.is_none() || theirs.as_ref().is_some_and(Option::is_none);
        let entries = match (ours, theirs.flatten()) {
            (Some(ours), theirs) => sums_of_longest(ours, theirs),
            (None, Some(theirs)) => sums_of_longest(theirs, None),
            (None, None) => Vec::new(),
        };
        Ok(Self { sums: Vec::new(), mean: 1, entries, dense })
    }

    /// Whether all rows take the same room: neither sequences nor sparse ones.
    pub fn are_alike(&self) -> bool {
        self.sums.is_empty() && self.entries.is_empty()
    }

    /// Room for any so many rows, each of them `copies` times: sequences of which each is at most as long as so many others,
    /// or sparse rows of any lengths.
    pub fn room<'a>(
        &self,
        after: usize,
        rows: usize,
        weighted: bool,
        dropout: &'a [f64],
        truncate: Option<usize>,
        copies: usize,
    ) -> Room<'a> {
        let of_longest = |sums: &[usize], count: usize| {
            let place = count.min(sums.len()).checked_sub(1);
            place.map_or(0, |place| sums[place])
        };
        let of_rows = Room::of_rows(rows, weighted, dropout);
        if !self.entries.is_empty() {
            // The copies of a row follow each other; a block may begin and end in the middle of them.
            let distinct = rows.div_ceil(copies) + usize::from(copies > 1);
            let entries = copies.saturating_mul(of_longest(&self.entries, distinct));
            return Room { entries: Some(entries), dense: self.dense, truncate, ..of_rows };
        }
        if self.sums.is_empty() {
            return Room { truncate, ..of_rows };
        }
        let before = of_longest(&self.sums, after);
        let (longest, steps) =
            (of_longest(&self.sums, after + 1) - before, of_longest(&self.sums, after + rows) - before);
        Room { longest, steps, truncate, ..of_rows }
    }
}

/// The longest of some lengths and others, the two longest, ... together. The lengths come longest first.
fn sums_of_longest(mut lengths: Vec<usize>, others: Option<Vec<usize>>) -> Vec<usize> {
    if let Some(others) = others {
        // Place by place the longer one: no choice of either has more.
        lengths.iter_mut().zip(&others).for_each(|(ours, theirs)| *ours = (*ours).max(*theirs));
        lengths.extend_from_slice(others.get(lengths.len()..).unwrap_or_default());
    }
    let mut sum = 0;
    for length in &mut lengths {
        sum += *length;
        *length = sum;
    }
    lengths
}
