//! The inputs of rows: a matrix, or lists of its elements that are not 0.

use std::ops::Range;

use ndarray::{ArrayView2, s};

use crate::check::{all_finite, check_matrix_at, check_shape};
use crate::error::{Error, Result, tuple};
use crate::kernel::{Entries, Scalar};
use crate::memory::read_ahead;
use crate::number::Number;

/// A matrix of inputs most of whose elements are 0: for each row the columns of the others and their numbers (compressed sparse
/// rows). A first layer of any width costs what these elements cost.
///
/// A training or a prediction has the bits that it has with the whole matrix (a 0 may have the other sign).
///
/// ```
/// use ferroprop::{Dataset, SparseRows};
/// use ndarray::array;
/// // [[0, 0, 0, 5], [1, 0, 2, 0]]
/// let x = SparseRows::new(4, vec![0, 1, 3], vec![3, 0, 2], vec![5.0, 1.0, 2.0])?;
/// assert_eq!((x.rows(), x.columns()), (2, 4));
/// let y = array![[1.0], [0.0]];
/// assert_eq!(Dataset::new(&x, y.view(), None).rows(), 2);
/// # Ok::<(), ferroprop::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SparseRows<T> {
    entries: Entries<T>,
    columns: usize,
}

impl<T: Scalar> SparseRows<T> {
    /// Rows of so many columns. Row `r` has the numbers `starts[r]..starts[r + 1]`, in ascending order of their columns.
    ///
    /// # Errors
    /// [`Error::Argument`] if starts do not ascend from 0 to the number of elements, or columns do not ascend within a row or
    /// are not there.
    pub fn new(n_columns: usize, starts: Vec<usize>, columns: Vec<u32>, numbers: Vec<T>) -> Result<Self> {
        let all = columns.len();
        if numbers.len() != all {
            return Err(Error::argument("numbers", format!("one for each of {all} columns"), numbers.len()));
        }
        let ends = [starts.first(), starts.last()];
        if ends != [Some(&0), Some(&all)] || !starts.is_sorted() {
            let got = match ends {
                [Some(first), Some(last)] => format!("{} from {first} to {last}", starts.len()),
                _ => "none".to_owned(),
            };
            return Err(Error::argument("starts", format!("ascending numbers from 0 to {all}"), got));
        }
        for (row, range) in starts.windows(2).enumerate() {
            let columns = &columns[range[0]..range[1]];
            let ascend = columns.is_sorted_by(|a, b| a < b);
            if !ascend || columns.last().is_some_and(|&last| last as usize >= n_columns) {
                let expected = format!("ascending columns below {n_columns} in each row");
                return Err(Error::argument("columns", expected, format!("others in row {row}")));
            }
        }
        Ok(Self { entries: Entries::of(starts, columns, numbers), columns: n_columns })
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.entries.lists()
    }

    /// The number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The elements of a row that are listed: their columns, and their numbers.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> (&[u32], &[T]) {
        self.entries.list(row)
    }

    pub(crate) fn entries(&self) -> &Entries<T> {
        &self.entries
    }

    fn check(&self, name: &'static str, columns: usize, rows: impl Iterator<Item = usize>) -> Result<()> {
        if self.columns != columns || self.rows() == 0 {
            let expected = format!("(n, {columns}) with n at least 1");
            return Err(Error::shape(name, expected, &[self.rows(), self.columns]));
        }
        for row in rows {
            let (columns, numbers) = self.row(row);
            if !all_finite(numbers) {
                let found = columns.iter().zip(numbers).find(|(_, x)| !x.is_finite());
                return found.map_or(Ok(()), |(&column, &x)| {
                    Err(Error::value(name, "finite numbers", x, [row, column as usize]))
                });
            }
        }
        Ok(())
    }
}

/// Rows of inputs as they lie in memory.
#[derive(Clone, Copy, Debug)]
pub enum Inputs<'a, T> {
    /// A matrix of any layout.
    Dense(ArrayView2<'a, T>),
    /// A matrix in single precision, of any layout, whatever the network's is: each number is converted where it is used.
    Single(ArrayView2<'a, f32>),
    /// The elements of a matrix that are not 0.
    Sparse(&'a SparseRows<T>),
}

impl<'a, T: Scalar> Inputs<'a, T> {
    /// The same for a shorter time.
    pub(crate) fn view(&self) -> Inputs<'_, T> {
        match self {
            Self::Dense(x) => Inputs::Dense(x.view()),
            Self::Single(x) => Inputs::Single(x.view()),
            Self::Sparse(x) => Inputs::Sparse(x),
        }
    }

    /// Asks for rows that lie together in memory, and are read soon.
    pub(crate) fn read_ahead(&self, rows: Range<usize>) {
        match self {
            Self::Dense(x) => read_rows_ahead(*x, rows),
            Self::Single(x) => read_rows_ahead(*x, rows),
            Self::Sparse(_) => {}
        }
    }

    pub(crate) fn nrows(&self) -> usize {
        match self {
            Self::Dense(x) => x.nrows(),
            Self::Single(x) => x.nrows(),
            Self::Sparse(x) => x.rows(),
        }
    }

    pub(crate) fn ncols(&self) -> usize {
        match self {
            Self::Dense(x) => x.ncols(),
            Self::Single(x) => x.ncols(),
            Self::Sparse(x) => x.columns(),
        }
    }

    pub(crate) fn shape(&self) -> [usize; 2] {
        [self.nrows(), self.ncols()]
    }

    pub(crate) fn sparse(&self) -> Option<&'a SparseRows<T>> {
        match self {
            Self::Dense(_) | Self::Single(_) => None,
            Self::Sparse(x) => Some(x),
        }
    }

    /// Checks the number of columns.
    #[cfg(feature = "python")]
    pub(crate) fn check_shape(&self, name: &'static str, columns: usize) -> Result<()> {
        match self {
            Self::Dense(x) => check_shape(name, *x, columns),
            Self::Single(x) => check_shape(name, *x, columns),
            Self::Sparse(x) => x.check(name, columns, std::iter::empty()),
        }
    }

    /// The whole matrix, for what reads no other.
    pub(crate) fn dense(&self, name: &'static str) -> Result<ArrayView2<'a, T>> {
        match self {
            Self::Dense(x) => Ok(*x),
            Self::Single(_) => Err(Error::argument(
                name,
                format!("a matrix of {} in this function", T::NAME),
                "one of float32",
            )),
            Self::Sparse(x) => Err(Error::argument(
                name,
                "a dense matrix in this function",
                format_args!(
                    "a sparse one of shape {} ({name}.toarray() makes a dense one in Python)",
                    tuple(&[x.rows(), x.columns()])
                ),
            )),
        }
    }

    /// Checks the number of columns and that every number is finite.
    pub(crate) fn check(&self, name: &'static str, columns: usize) -> Result<()> {
        match self {
            Self::Dense(x) => check_matrix_at(name, *x, columns, |place| place.to_vec()),
            Self::Single(x) => check_matrix_at(name, *x, columns, |place| place.to_vec()),
            Self::Sparse(x) => x.check(name, columns, 0..x.rows()),
        }
    }

    /// The same of some rows alone. `place` is where a row and a column are to the caller.
    pub(crate) fn check_rows(
        &self,
        name: &'static str,
        columns: usize,
        listed: Option<&[u32]>,
        place: impl Fn([usize; 2]) -> Vec<usize>,
    ) -> Result<()> {
        match (self, listed) {
            (Self::Dense(x), _) => check_parts(name, *x, columns, listed, place),
            (Self::Single(x), _) => check_parts(name, *x, columns, listed, place),
            (Self::Sparse(_), None) => self.check(name, columns),
            (Self::Sparse(x), Some(rows)) => x.check(name, columns, rows.iter().map(|&row| row as usize)),
        }
    }
}

/// Asks for rows of a matrix that is stored row by row.
pub(crate) fn read_rows_ahead<T>(x: ArrayView2<'_, T>, rows: Range<usize>) {
    if let Some(numbers) = x.slice(s![rows, ..]).to_slice() {
        read_ahead(numbers);
    }
}

fn check_parts<T: Number>(
    name: &'static str,
    x: ArrayView2<'_, T>,
    columns: usize,
    listed: Option<&[u32]>,
    place: impl Fn([usize; 2]) -> Vec<usize>,
) -> Result<()> {
    check_shape(name, x, columns)?;
    check_listed(x, listed, |first, rows| {
        check_matrix_at(name, rows, columns, |[row, column]| place([first + row, column]))
    })
}

/// Checks a matrix, or the listed rows of it; `check` gets rows and the number of the first of them.
pub(crate) fn check_listed<T>(
    matrix: ArrayView2<'_, T>,
    listed: Option<&[u32]>,
    check: impl Fn(usize, ArrayView2<'_, T>) -> Result<()>,
) -> Result<()> {
    let Some(listed) = listed else { return check(0, matrix) };
    // All rows at once are faster than most of them one by one, and seldom is one of them wrong.
    if listed.len() >= matrix.nrows() / 2 && check(0, matrix).is_ok() {
        return Ok(());
    }
    listed.iter().map(|&row| row as usize).try_for_each(|row| check(row, matrix.slice(s![row..=row, ..])))
}

impl<'a, T> From<ArrayView2<'a, T>> for Inputs<'a, T> {
    fn from(x: ArrayView2<'a, T>) -> Self {
        Self::Dense(x)
    }
}

impl<'a, T> From<&'a SparseRows<T>> for Inputs<'a, T> {
    fn from(x: &'a SparseRows<T>) -> Self {
        Self::Sparse(x)
    }
}
