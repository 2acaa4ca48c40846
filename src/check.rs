//! Checks of what a caller gives: each names the argument, what came and what was expected.

use std::num::FpCategory;

use ndarray::{ArrayView2, Axis};

use crate::error::{Error, Result, plain};
use crate::number::Number;

/// Checks that a number is finite and lies in a domain, in which a denormal counts as 0.
pub(crate) fn check_number(
    name: &'static str,
    number: f64,
    expected: &str,
    domain: impl Fn(f64) -> bool,
) -> Result<()> {
    let counts_as = if number.is_subnormal() { 0.0 } else { number };
    if number.is_finite() && domain(counts_as) {
        Ok(())
    } else {
        Err(Error::argument(name, expected, plain(number)))
    }
}

/// Checks that a number of things is not 0.
pub(crate) fn check_count(name: &'static str, count: usize) -> Result<()> {
    if count == 0 { Err(Error::argument(name, "a positive integer", 0)) } else { Ok(()) }
}

/// Checks that a constant in double precision is a number of a type too: finite, and 0 only where it
/// was 0. A denormal counts as 0, whatever mode the caller computes in.
pub(crate) fn check_typed<T: Number>(name: &'static str, number: f64) -> Result<()> {
    let typed = T::from_f64(number);
    let is_zero = number.classify() == FpCategory::Zero;
    if number.is_finite() && typed.is_finite() && (is_zero || typed.abs() >= T::SMALLEST) {
        return Ok(());
    }
    let expected = format!("a number that {} can hold", T::NAME);
    Err(Error::argument(name, expected, plain(number)))
}

/// Whether every number is finite.
pub(crate) fn all_finite<T: Number>(numbers: &[T]) -> bool {
    // No early way out of the loop: so it vectorises.
    !numbers.iter().fold(false, |bad, x| bad | !x.is_finite())
}

/// Checks the number of columns and that every number is finite.
pub(crate) fn check_matrix<T: Number>(
    name: &'static str,
    matrix: ArrayView2<'_, T>,
    columns: usize,
) -> Result<()> {
    check_matrix_at(name, matrix, columns, |place| place.to_vec())
}

/// The same of a matrix whose rows the caller knows under other numbers: `place` gives them, for a row and a column.
pub(crate) fn check_matrix_at<T: Number>(
    name: &'static str,
    matrix: ArrayView2<'_, T>,
    columns: usize,
    place: impl Fn([usize; 2]) -> Vec<usize>,
) -> Result<()> {
    check_shape(name, matrix, columns)?;
    check_each(matrix, T::is_finite, |x, at| Error::value(name, "finite numbers", x, place(at)))
}

pub(crate) fn check_shape<T>(name: &'static str, matrix: ArrayView2<'_, T>, columns: usize) -> Result<()> {
    if matrix.len_of(Axis(1)) != columns || matrix.nrows() == 0 {
        return Err(Error::shape(name, format!("(n, {columns}) with n at least 1"), matrix.shape()));
    }
    Ok(())
}

/// Checks every number; `wrong` makes the error of the first one outside, given with its row and column.
pub(crate) fn check_each<T: Number>(
    matrix: ArrayView2<'_, T>,
    inside: impl Fn(T) -> bool,
    wrong: impl FnOnce(T, [usize; 2]) -> Error,
) -> Result<()> {
    // No early way out of the loop: so it vectorises.
    let clean = |numbers: &[T]| !numbers.iter().fold(false, |bad, &x| bad | !inside(x));
    let row_by_row = || matrix.rows().into_iter().all(|row| row.as_slice().is_some_and(clean));
    if matrix.as_slice_memory_order().map_or_else(row_by_row, clean) {
        return Ok(());
    }
    match matrix.indexed_iter().find(|(_, x)| !inside(**x)) {
        Some(((row, column), &x)) => Err(wrong(x, [row, column])),
        None => Ok(()),
    }
}
