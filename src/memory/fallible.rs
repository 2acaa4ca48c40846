//! Vectors whose allocation may fail: an error instead of the end of the process.

use super::huge_pages::prefer_huge_pages;
use crate::error::{Error, Result};
use crate::number::Number;

/// An empty vector with room for this many numbers.
pub(crate) fn try_with_capacity<T>(numbers: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(numbers).map_err(|_| Error::OutOfMemory { numbers })?;
    prefer_huge_pages(&vector);
    Ok(vector)
}

/// This many zeros.
pub(crate) fn try_zeros<T: Number>(numbers: usize) -> Result<Vec<T>> {
    let mut zeros = try_with_capacity(numbers)?;
    zeros.resize(numbers, T::ZERO);
    Ok(zeros)
}

/// What an iterator gives, which knows how much that is.
pub(crate) fn try_collect<T>(items: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>> {
    let mut vector = try_with_capacity(items.len())?;
    vector.extend(items);
    Ok(vector)
}
