//! Panels (see [`super::product`]): what lies in them, converting matrices to them, and transposing them.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use ndarray::ArrayView2;

use super::dispatch::dispatch;
use super::scalar::Scalar;
use super::simd::{MOST_LANES, Simd, Task};

/// The panels that `columns` columns take.
#[must_use]
pub fn panels<T: Scalar>(columns: usize) -> usize {
    columns.div_ceil(T::LANES)
}

/// The vectors that a panel of `rows` rows takes: an odd number, because panels that lie a power of two
/// apart would map to the same few sets of the cache.
#[must_use]
pub fn panel_vectors(rows: usize) -> usize {
    rows | 1
}

/// What lies along the lanes of the matrices of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A layer's units; a vector is a part of a row.
    UnitsInLanes,
    /// Rows; a vector is a unit, for a part of the rows.
    RowsInLanes,
}

/// Whether a layer has a single output. Its weights are stored transposed then: the column lies along the lanes.
#[inline(always)]
#[must_use]
pub fn is_single_output(fan_out: usize) -> bool {
    fan_out == 1
}

/// Vectors of weights in a panel of a layer; its biases have one more.
#[inline(always)]
#[must_use]
pub fn weight_vectors<T: Scalar>(fan_in: usize, fan_out: usize) -> usize {
    if is_single_output(fan_out) { panels::<T>(fan_in) } else { fan_in }
}

/// A block of rows: a layer's input, and the deltas of its outputs.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// How many.
    pub rows: usize,
    /// The input in panels (see [`Product`](super::Product)); its transpose with [`Layout::RowsInLanes`].
    pub input: &'a [T],
    /// From one panel of the input to the next.
    pub input_stride: usize,
    /// The deltas, likewise; lanes beyond the last unit are 0, beyond the last row anything.
    pub delta: &'a [T],
    /// From one panel of the deltas to the next.
    pub delta_stride: usize,
    /// Whether its deltas go into the gradient of the biases.
    pub bias: bool,
    /// Whether more blocks of this shape follow.
    pub repeated: Repeated,
}

/// How many blocks of one shape follow each other, and how far apart they are in the inputs and in the deltas. Layers with one
/// output, and rows along the lanes, take one at a time.
#[derive(Clone, Copy, Debug)]
pub struct Repeated {
    /// How many there are.
    pub times: usize,
    /// From the input of one to that of the next.
    pub input_step: usize,
    /// From the deltas of one to those of the next.
    pub delta_step: usize,
}

impl Repeated {
    /// One block.
    pub const ONCE: Self = Self { times: 1, input_step: 0, delta_step: 0 };
}

/// A saturating sum of products, for assertions about lengths: a product that wrapped round must not satisfy one.
#[inline(always)]
pub(super) fn extent<const N: usize>(products: [(usize, usize); N]) -> usize {
    products.iter().fold(0, |sum: usize, (a, b)| sum.saturating_add(a.saturating_mul(*b)))
}

/// Bytes of coming rows that are asked for ahead of their use.
const AHEAD: usize = 2048;

/// The most rows that are asked for ahead.
const MOST_AHEAD: usize = 16;

/// Bytes of a line of the caches.
const LINE: usize = 64;

/// What a matrix's rows are copied from and to, as the three functions below say.
struct Gather<'a, T, N> {
    from: ArrayView2<'a, T>,
    rows: usize,
    number: N,
    to: &'a mut [T],
    stride: usize,
}

impl<T, N> Gather<'_, T, N> {
    /// How many rows ahead are asked for.
    #[inline(always)]
    fn rows_ahead(&self) -> usize {
        (AHEAD / size_of::<T>() / self.from.ncols().max(1)).clamp(1, MOST_AHEAD)
    }
}

/// Copies a piece of a panel. Most are whole vectors, for which a call that copies any number of bytes would take longer.
///
/// # Panics
/// When the lengths differ.
#[inline]
pub fn copy_piece<T: Scalar>(from: &[T], to: &mut [T]) {
    fn vector<T: Copy, const LANES: usize>(from: &[T], to: &mut [T]) -> Option<()> {
        *<&mut [T; LANES]>::try_from(to).ok()? = *<&[T; LANES]>::try_from(from).ok()?;
        Some(())
    }
    let done = if T::LANES == 16 { vector::<T, 16>(from, to) } else { vector::<T, 8>(from, to) };
    if done.is_none() {
        to.copy_from_slice(from);
    }
}

/// Copies rows of a matrix of any layout, those with the numbers `number(0)`, `number(1)`, ..., into
/// the first `rows` rows of a matrix in panels that are `stride` apart, with room for whole vectors: lanes behind the last column
/// become 0 or stay as they are.
///
/// # Panics
/// When one of the matrices has no such row.
pub fn gather_rows<T: Scalar>(
    from: ArrayView2<'_, T>,
    rows: usize,
    number: impl Fn(usize) -> usize,
    to: &mut [T],
    stride: usize,
) {
    dispatch(GatherRows(Gather { from, rows, number, to, stride }));
}

struct GatherRows<'a, T, N>(Gather<'a, T, N>);

impl<T: Scalar, N: Fn(usize) -> usize> Task<T> for GatherRows<'_, T, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let ahead = self.0.rows_ahead();
        let Gather { from, rows, number, to, stride } = self.0;
        let lanes = T::LANES;
        if from.ncols() > 1 && from.strides()[1] != 1 {
            for row in 0..rows {
                for (column, &x) in from.row(number(row)).iter().enumerate() {
                    to[column / lanes * stride + row * lanes + column % lanes] = x;
                }
            }
            return;
        }
        let columns = from.ncols();
        if rows == 0 || columns == 0 {
            return;
        }
        let (whole, rest) = (columns / lanes, columns % lanes);
        assert!(to.len() >= extent([(panels::<T>(columns) - 1, stride), (rows, lanes)]));
        let (base, step) = (from.as_ptr(), from.strides()[0]);
        let to = to.as_mut_ptr();
        // Shuffled rows lie anywhere, and one by one their way from memory would take longer than all the rest.
        let mut coming = [base; 2 * MOST_AHEAD];
        for place in 0..rows + ahead {
            if place < rows {
                let number = number(place);
                assert!(number < from.nrows());
                let row = base.wrapping_offset(number.cast_signed() * step);
                prefetch_row(simd, row, columns);
                coming[place % (2 * MOST_AHEAD)] = row;
            }
            let Some(row) = place.checked_sub(ahead) else { continue };
            let numbers = coming[row % (2 * MOST_AHEAD)];
            // Safety: the assertions cover the row read and, with all its panels, the row written.
            unsafe {
                let to = to.add(row * lanes);
                for vector in 0..whole {
                    simd.store(to.add(vector * stride), simd.load(numbers.add(vector * lanes)));
                }
                if rest > 0 {
                    simd.store(to.add(whole * stride), simd.load_first(numbers.add(whole * lanes), rest));
                }
            }
        }
    }
}

/// Copies rows as [`gather_rows`] does, of complex numbers whose parts lie side by side: the real parts into the first half of
/// `to`, the imaginary ones into the second.
///
/// # Panics
/// When one of the matrices has no such row.
pub fn gather_parts<T: Scalar>(
    from: ArrayView2<'_, T>,
    rows: usize,
    number: &dyn Fn(usize) -> usize,
    to: &mut [T],
    stride: usize,
) {
    dispatch(GatherParts(Gather { from, rows, number, to, stride }));
}

struct GatherParts<'a, T, N>(Gather<'a, T, N>);

impl<T: Scalar, N: Fn(usize) -> usize> Task<T> for GatherParts<'_, T, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let ahead = self.0.rows_ahead();
        let Gather { from, rows, number, to, stride } = self.0;
        let lanes = T::LANES;
        let (re, im) = to.split_at_mut(to.len() / 2);
        for row in 0..rows {
            let numbers = from.row(number(row));
            let Some(numbers) = numbers.as_slice() else {
                for (column, pair) in numbers.exact_chunks(2).into_iter().enumerate() {
                    let at = column / lanes * stride + row * lanes + column % lanes;
                    (re[at], im[at]) = (pair[0], pair[1]);
                }
                continue;
            };
            if row + ahead < rows {
                prefetch_row(simd, from.row(number(row + ahead)).as_ptr(), from.ncols());
            }
            let mut at = row * lanes;
            let vectors = numbers.chunks_exact(2 * lanes);
            let rest = vectors.remainder();
            for pairs in vectors {
                let (re, im) = (&mut re[at..at + lanes], &mut im[at..at + lanes]);
                for lane in 0..lanes {
                    re[lane] = pairs[2 * lane];
                    im[lane] = pairs[2 * lane + 1];
                }
                at += stride;
            }
            for (lane, pair) in rest.chunks_exact(2).enumerate() {
                (re[at + lane], im[at + lane]) = (pair[0], pair[1]);
            }
        }
    }
}

/// Copies rows as [`gather_rows`] does, but along the lanes: row `r` to lane `r` of the first panel, with a vector for each
/// column, and so on. Lanes behind the last row become copies of it.
///
/// # Panics
/// When one of the matrices has no such row.
pub fn gather_along_lanes<T: Scalar>(
    from: ArrayView2<'_, T>,
    rows: usize,
    number: &dyn Fn(usize) -> usize,
    to: &mut [T],
    stride: usize,
) {
    dispatch(GatherAlongLanes(Gather { from, rows, number, to, stride }));
}

struct GatherAlongLanes<'a, T, N>(Gather<'a, T, N>);

impl<T: Scalar, N: Fn(usize) -> usize> Task<T> for GatherAlongLanes<'_, T, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Gather { from, rows, number, to, stride } = self.0;
        let lanes = T::LANES;
        let mut square = [T::ZERO; MOST_IN_SQUARE];
        let (all, columns) = (from.as_slice(), from.ncols());
        for (panel, first) in (0..rows).step_by(lanes).enumerate() {
            let number_at = |lane: usize| number((first + lane).min(rows - 1));
            let panel = &mut to[panel * stride..][..columns * lanes];
            if columns > 1 && from.strides()[1] != 1 {
                for lane in 0..lanes {
                    for (column, &x) in from.row(number_at(lane)).iter().enumerate() {
                        panel[column * lanes + lane] = x;
                    }
                }
                continue;
            }
            let mut numbers = [&[][..]; MOST_LANES];
            for (lane, row) in numbers[..lanes].iter_mut().enumerate() {
                let number = number_at(lane);
                // Most matrices are one piece, and views of their rows would take longer than to copy these.
                *row = match all {
                    Some(all) => &all[number * columns..][..columns],
                    None => from.row(number).to_slice().unwrap_or_default(),
                };
            }
            if 2 * columns <= lanes {
                // Most of a square would be empty.
                for (lane, row) in numbers[..lanes].iter().enumerate() {
                    for (vector, &x) in panel.chunks_exact_mut(lanes).zip(*row) {
                        vector[lane] = x;
                    }
                }
                continue;
            }
            for start in (0..columns).step_by(lanes) {
                // The last square overlaps the one before: its vectors are written twice rather than read in part.
                let start = start.min(columns.saturating_sub(lanes));
                let count = lanes.min(columns);
                for (row, vector) in numbers.iter().zip(square.chunks_exact_mut(lanes)).take(lanes) {
                    let numbers = &row[start..start + count];
                    // Safety: the slice has exactly this many numbers.
                    let numbers = unsafe {
                        if count == lanes {
                            simd.load(numbers.as_ptr())
                        } else {
                            simd.load_first(numbers.as_ptr(), count)
                        }
                    };
                    simd.write(vector, numbers);
                }
                let vectors = &mut panel[start * lanes..(start + count) * lanes];
                transpose_vectors(simd, &square[..lanes * lanes], vectors);
            }
        }
    }
}

/// Prefetches a row of so many numbers.
#[inline(always)]
fn prefetch_row<T, S: Simd<T>>(simd: S, row: *const T, columns: usize) {
    for line in 0..(columns * size_of::<T>()).div_ceil(LINE) {
        simd.prefetch(row.cast::<u8>().wrapping_add(LINE * line).cast());
    }
}

/// Numbers in the largest square of [`transpose_vectors`].
const MOST_IN_SQUARE: usize = MOST_LANES * MOST_LANES;

/// Room for the columns of a panel, in a vector's worth of rows.
#[must_use]
#[inline(always)]
pub fn scratch<T: Scalar>() -> [T; MOST_IN_SQUARE] {
    [T::ZERO; MOST_IN_SQUARE]
}

/// Transposes up to as many vectors as a vector has lanes; vectors that are not there count as 0. The token is one of
/// whole vectors, not of halves.
///
/// # Panics
/// With more vectors on either side, or a part of one.
#[inline(always)]
pub fn transpose_vectors<T: Scalar, S: Simd<T>>(simd: S, from: &[T], to: &mut [T]) {
    // Hundreds of instructions: compiled once.
    simd.outlined(TransposeVectors { from, to });
}

struct TransposeVectors<'a, T> {
    from: &'a [T],
    to: &'a mut [T],
}

impl<T: Scalar> Task<T> for TransposeVectors<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { from, to } = self;
        let square = T::LANES * T::LANES;
        assert!(from.len().max(to.len()) <= square && (from.len() | to.len()).is_multiple_of(T::LANES));
        // Room for a square of either type, written only as far as it is read: small networks transpose a few vectors at a time.
        let mut padded = [const { MaybeUninit::<T>::uninit() }; MOST_IN_SQUARE];
        let mut transposed = [const { MaybeUninit::<T>::uninit() }; MOST_IN_SQUARE];
        let (padded, transposed) = (padded.as_mut_ptr().cast::<T>(), transposed.as_mut_ptr().cast::<T>());
        // Safety: vectors from 0 up to the square's end, or up to that of a slice of whole vectors, are within either.
        unsafe {
            let source = if from.len() == square {
                from.as_ptr()
            } else {
                for at in (0..from.len()).step_by(T::LANES) {
                    simd.store(padded.add(at), simd.load(from.as_ptr().add(at)));
                }
                for at in (from.len()..square).step_by(T::LANES) {
                    simd.store(padded.add(at), simd.splat(T::ZERO));
                }
                padded
            };
            if to.len() == square {
                return simd.transpose(source, to.as_mut_ptr());
            }
            simd.transpose(source, transposed);
            for at in (0..to.len()).step_by(T::LANES) {
                simd.store(to.as_mut_ptr().add(at), simd.load(transposed.add(at)));
            }
        }
    }
}

/// Fills panels of `W^T`, from number `first` on, from `W`, both in panels: `W` is `fan_in x fan_out`
/// with `fan_in + 1` vectors a panel (the last one holds biases), `W^T` has [`panel_vectors`]`(fan_out)`.
pub fn transpose<T: Scalar>(weights: &[T], fan_in: usize, fan_out: usize, to: &mut [T], first: usize) {
    dispatch(Transpose { weights, fan_in, fan_out, to, first });
}

struct Transpose<'a, T> {
    weights: &'a [T],
    fan_in: usize,
    fan_out: usize,
    to: &'a mut [T],
    first: usize,
}

impl<T: Scalar> Task<T> for Transpose<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let lanes = T::LANES;
        for (index, panel) in self.to.chunks_exact_mut(panel_vectors(self.fan_out) * lanes).enumerate() {
            let input = (self.first + index) * lanes;
            let inputs = lanes.min(self.fan_in - input);
            let squares = panel[..self.fan_out * lanes].chunks_mut(lanes * lanes);
            for (weights, square) in self.weights.chunks_exact((self.fan_in + 1) * lanes).zip(squares) {
                transpose_vectors(simd, &weights[input * lanes..(input + inputs) * lanes], square);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};
    use proptest::prelude::*;

    use super::super::{InstructionSet, dispatch_on};
    use super::*;
    use crate::number::Number;

    /// Every instruction set moves every weight to its place, and zeros to those that are left over.
    fn agrees<T: Scalar>(fan_in: usize, fan_out: usize) {
        let lanes = T::LANES;
        let stride = (fan_in + 1) * lanes;
        let weights: Vec<T> =
            (0..panels::<T>(fan_out) * stride).map(|index| T::from_f64(index as f64 + 1.0)).collect();
        let vectors = panel_vectors(fan_out);
        for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            let mut transposed = vec![T::ZERO; panels::<T>(fan_in) * vectors * lanes];
            let (head, tail) = transposed.split_at_mut(vectors * lanes);
            for (first, to) in [(0, head), (1, tail)] {
                dispatch_on(set, Transpose { weights: &weights, fan_in, fan_out, to, first });
            }
            for (index, &x) in transposed.iter().enumerate() {
                let (vector, lane) = (index / lanes, index % lanes);
                let (input, output) = (vector / vectors * lanes + lane, vector % vectors);
                let weight = output / lanes * stride + input * lanes + output % lanes;
                let expected = if input < fan_in && output < fan_out { weights[weight] } else { T::ZERO };
                assert!(x == expected, "{} at vector {vector}, lane {lane}", set.name());
            }
        }
    }

    /// Rows in any layout and order come to their lanes, the last one to those that are left over as well.
    fn gathers<T: Scalar>(rows: usize, columns: usize, reversed: bool) {
        let lanes = T::LANES;
        let number = |row: usize| if reversed { rows - 1 - row } else { row };
        let in_rows =
            Array2::from_shape_fn((rows, columns), |(row, column)| T::from_f64((row * 100 + column) as f64));
        let in_columns = in_rows.t().as_standard_layout().reversed_axes().to_owned();
        let stride = panel_vectors(columns) * lanes;
        for from in [in_rows.view(), in_columns.view()] {
            for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
                let mut to = vec![T::ZERO; panels::<T>(rows) * stride];
                dispatch_on(set, GatherAlongLanes(Gather { from, rows, number, to: &mut to, stride }));
                for (place, column) in
                    (0..rows.next_multiple_of(lanes)).flat_map(|place| (0..columns).map(move |c| (place, c)))
                {
                    let at = place / lanes * stride + column * lanes + place % lanes;
                    assert!(to[at] == in_rows[(number(place.min(rows - 1)), column)], "{}", set.name());
                }
            }
        }
    }

    /// Rows in any layout and order come to their vectors, whatever was in them, with nothing written behind.
    fn gathers_rows<T: Scalar>(all: usize, rows: usize, columns: usize, times: usize) {
        let (lanes, seven) = (T::LANES, T::from_f64(7.0));
        let number = |row: usize| row * times % all;
        let wide = Array2::from_shape_fn((2 * all, columns + 2), |(row, column)| {
            T::from_f64((row * 100 + column) as f64)
        });
        let turned = wide.t().as_standard_layout().reversed_axes().to_owned();
        let (part, one) = (s![..all, 1..=columns], wide.slice(s![1, 1..=columns]));
        let views = [
            wide.slice(part),
            turned.slice(part),
            wide.slice(s![..;-2, 1..=columns]),
            wide.slice(s![..all, ..columns;-1]),
            one.broadcast((all, columns)).unwrap(),
        ];
        let stride = panel_vectors(rows + 1) * lanes;
        for from in views {
            for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
                let mut to = vec![seven; panels::<T>(columns) * stride];
                dispatch_on(set, GatherRows(Gather { from, rows, number, to: &mut to, stride }));
                for (at, &x) in to.iter().enumerate() {
                    let (row, column) = (at % stride / lanes, at / stride * lanes + at % lanes);
                    if row >= rows {
                        assert!(x == seven, "{}", set.name());
                    } else if column < columns {
                        assert!(x == from[(number(row), column)], "{}", set.name());
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn gathers_by_number(all in 1..50usize, rows in 0..60usize, columns in 1..40usize, times in 0..9usize) {
            gathers_rows::<f32>(all, rows, columns, times);
            gathers_rows::<f64>(all, rows, columns, times);
        }
    }

    #[test]
    #[should_panic(expected = "assertion failed")]
    fn a_row_that_is_not_there_is_not_read() {
        let from = Array2::<f32>::zeros((3, 4));
        gather_rows(from.view(), 2, |row| row + 2, &mut [0.0; 3 * f32::LANES], 3 * f32::LANES);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn gathers_along_the_lanes(rows in 1..40usize, columns in 1..40usize, reversed: bool) {
            gathers::<f32>(rows, columns, reversed);
            gathers::<f64>(rows, columns, reversed);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn transposes(fan_in in 1..70usize, fan_out in 1..70usize) {
            agrees::<f32>(fan_in, fan_out);
            agrees::<f64>(fan_in, fan_out);
        }
    }
}
