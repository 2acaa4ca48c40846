//! Buffers whose lines do not straddle cache lines.

use std::ops::{Deref, DerefMut};

use super::fallible::try_with_capacity;
use crate::error::{Error, Result};
use crate::number::Number;

const LINE_BYTES: usize = 64;

/// Numbers that start on a cache line, all 0 at first. Where there are none, nothing is allocated.
///
/// The length is fixed, so the start never moves.
#[derive(Debug)]
pub struct Aligned<T> {
    storage: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Number> Aligned<T> {
    /// `len` zeros.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] when the system has no room for them.
    pub fn zeros(len: usize) -> Result<Self> {
        let mut zeros = Self::room(len)?;
        zeros.storage.resize(zeros.start + len, T::ZERO);
        Ok(zeros)
    }

    /// The same numbers in a buffer of their own.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], as for [`Aligned::zeros`].
    pub fn try_clone(&self) -> Result<Self> {
        let mut copy = Self::room(self.len)?;
        copy.storage.extend_from_slice(self);
        Ok(copy)
    }

    /// Room for this many numbers, which are still to come.
    fn room(len: usize) -> Result<Self> {
        if len == 0 {
            return Ok(Self { storage: Vec::new(), start: 0, len });
        }
        let out_of_memory = || Error::OutOfMemory { numbers: len };
        let room = len.checked_add(T::LANES).ok_or_else(out_of_memory)?;
        let mut storage = try_with_capacity::<T>(room).map_err(|_| out_of_memory())?;
        let misplaced = storage.as_ptr() as usize % LINE_BYTES;
        let start = (LINE_BYTES - misplaced) % LINE_BYTES / size_of::<T>();
        storage.resize(start, T::ZERO);
        Ok(Self { storage, start, len })
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        &self.storage[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.storage[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_on_a_cache_line() {
        assert_eq!(Aligned::<f32>::zeros(0).unwrap().len(), 0);
        for len in [1, 15, 16, 17, 1000] {
            let single = Aligned::<f32>::zeros(len).unwrap();
            let double = Aligned::<f64>::zeros(len).unwrap();
            assert_eq!(single.as_ptr() as usize % LINE_BYTES, 0);
            assert_eq!(double.as_ptr() as usize % LINE_BYTES, 0);
            assert_eq!((single.len(), double.len()), (len, len));
        }
    }

    #[test]
    fn impossible_sizes_are_errors() {
        assert!(matches!(Aligned::<f64>::zeros(usize::MAX / 2), Err(Error::OutOfMemory { .. })));
        assert!(matches!(Aligned::<f32>::zeros(usize::MAX), Err(Error::OutOfMemory { .. })));
    }
}
