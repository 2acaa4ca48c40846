//! Cells of layers that recur, element by element: from the net inputs of one step of time to its outputs, and from the
//! derivatives with respect to these to the deltas.

pub(super) mod gru;
pub(super) mod lstm;

/// The groups of panels of a matrix, each of so many numbers.
pub(super) fn groups<const N: usize, T>(numbers: &mut [T], len: usize) -> [&mut [T]; N] {
    let mut groups = numbers.chunks_exact_mut(len);
    std::array::from_fn(|_| groups.next().unwrap_or_default())
}

/// The same, to be read.
pub(super) fn groups_of<const N: usize, T>(numbers: &[T], len: usize) -> [&[T]; N] {
    let mut groups = numbers.chunks_exact(len);
    std::array::from_fn(|_| groups.next().unwrap_or_default())
}
