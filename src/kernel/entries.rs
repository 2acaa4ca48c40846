//! The elements of a matrix that are not 0, in lists.

use super::scalar::Scalar;
use crate::error::Result;
use crate::memory::try_with_capacity;

/// Lists of numbers with their places: of each row of a matrix the elements that are not 0, with their columns, in
/// ascending order; or of each column such elements with their rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Entries<T> {
    /// Where each list begins, and where the last one ends.
    starts: Vec<usize>,
    places: Vec<u32>,
    numbers: Vec<T>,
}

impl<T: Scalar> Entries<T> {
    /// Lists of which list `i` has the entries `starts[i]..starts[i + 1]`.
    #[must_use]
    pub fn of(starts: Vec<usize>, places: Vec<u32>, numbers: Vec<T>) -> Self {
        debug_assert_eq!((starts.last(), places.len()), (Some(&places.len()), numbers.len()));
        Self { starts, places, numbers }
    }

    /// No list, with room for so many and their entries.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`].
    pub fn with_room(lists: usize, entries: usize) -> Result<Self> {
        let mut starts = try_with_capacity(lists.saturating_add(2))?;
        starts.push(0);
        Ok(Self { starts, places: try_with_capacity(entries)?, numbers: try_with_capacity(entries)? })
    }

    /// The number of lists.
    #[must_use]
    pub fn lists(&self) -> usize {
        self.starts.len() - 1
    }

    /// The places and the numbers of a list.
    #[must_use]
    #[inline]
    pub fn list(&self, list: usize) -> (&[u32], &[T]) {
        let range = self.starts[list]..self.starts[list + 1];
        (&self.places[range.clone()], &self.numbers[range])
    }

    /// Removes all lists.
    pub fn clear(&mut self) {
        self.starts.truncate(1);
        self.places.clear();
        self.numbers.clear();
    }

    /// Adds a list.
    pub fn push(&mut self, places: &[u32], numbers: &[T]) {
        self.places.extend_from_slice(places);
        self.numbers.extend_from_slice(numbers);
        self.starts.push(self.places.len());
    }

    /// Makes `to` the lists of the transposed matrix: one for each of so many places.
    ///
    /// # Panics
    /// When a place is not below `places`.
    pub fn transpose(&self, places: usize, to: &mut Self) {
        // `starts[p + 1]` goes from the beginning of list p to its end while the list is filled.
        to.starts.clear();
        to.starts.resize(places + 2, 0);
        for &place in &self.places {
            to.starts[place as usize + 2] += 1;
        }
        let mut end = 0;
        for start in &mut to.starts {
            end += *start;
            *start = end;
        }
        to.places.resize(self.places.len(), 0);
        to.numbers.resize(self.numbers.len(), T::ZERO);
        for list in 0..self.lists() {
            let (places, numbers) = self.list(list);
            for (&place, &number) in places.iter().zip(numbers) {
                let next = &mut to.starts[place as usize + 1];
                (to.places[*next], to.numbers[*next]) = (list as u32, number);
                *next += 1;
            }
        }
        to.starts.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_matrix_has_the_same_elements() {
        let mut entries = Entries::<f32>::with_room(3, 4).unwrap();
        entries.push(&[0, 2], &[1.0, 2.0]);
        entries.push(&[], &[]);
        entries.push(&[2, 3], &[3.0, 4.0]);
        let mut columns = Entries::with_room(5, 4).unwrap();
        entries.transpose(5, &mut columns);
        assert_eq!(columns.lists(), 5);
        assert_eq!(columns.list(0), (&[0][..], &[1.0][..]));
        assert_eq!(columns.list(1), (&[][..], &[][..]));
        assert_eq!(columns.list(2), (&[0, 2][..], &[2.0, 3.0][..]));
        assert_eq!(columns.list(3), (&[2][..], &[4.0][..]));
        assert_eq!(columns.list(4), (&[][..], &[][..]));
        let mut back = Entries::with_room(3, 4).unwrap();
        columns.transpose(3, &mut back);
        assert_eq!(back, entries);
    }
}
