//! Into the panel form (see [`super::product`]) and around in it.

use ndarray::ArrayView1;

use super::dispatch::{Task, dispatch};
use super::scalar::Scalar;
use super::simd::Simd;

/// The panels that `columns` columns take.
#[must_use]
pub fn panels<T: Scalar>(columns: usize) -> usize {
    columns.div_ceil(T::LANES)
}

/// The lines that a panel of `rows` rows takes: an odd number, because panels that lie a power of two
/// apart would compete for the same few sets of the cache.
#[must_use]
pub fn panel_lines(rows: usize) -> usize {
    rows | 1
}

/// Writes a row of any layout into row `row` of a matrix in panels.
///
/// # Panics
/// When the matrix has no such row.
#[inline]
pub fn gather_row<T: Scalar>(from: ArrayView1<'_, T>, to: &mut [T], stride: usize, row: usize) {
    let lanes = T::LANES;
    if let Some(from) = from.as_slice() {
        let (lines, rest) = (from.chunks_exact(lanes), from.chunks_exact(lanes).remainder());
        let whole = lines.len();
        for (panel, line) in lines.enumerate() {
            let at = panel * stride + row * lanes;
            to[at..at + lanes].copy_from_slice(line);
        }
        for (lane, &x) in rest.iter().enumerate() {
            to[whole * stride + row * lanes + lane] = x;
        }
    } else {
        for (column, &x) in from.iter().enumerate() {
            to[column / lanes * stride + row * lanes + column % lanes] = x;
        }
    }
}

/// Fills whole lines of `W^T` from `W`, both in panels: `W` is `fan_in x fan_out` with
/// `fan_in + 1` lines a panel (the last one holds biases), `W^T` has [`panel_lines`]`(fan_out)`.
/// `from` is the first line of the range, counted through the panels of `W^T`.
pub fn transpose<T: Scalar>(weights: &[T], fan_in: usize, fan_out: usize, to: &mut [T], from: usize) {
    dispatch(Transpose { weights, fan_in, fan_out, to, from });
}

struct Transpose<'a, T> {
    weights: &'a [T],
    fan_in: usize,
    fan_out: usize,
    to: &'a mut [T],
    from: usize,
}

impl<T: Scalar> Task<T> for Transpose<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let lanes = T::LANES;
        let stride = (self.fan_in + 1) * lanes;
        let panel_lines = panel_lines(self.fan_out);
        for (index, line) in self.to.chunks_exact_mut(lanes).enumerate() {
            let input = (self.from + index) / panel_lines * lanes;
            let output = (self.from + index) % panel_lines;
            if output == self.fan_out {
                continue;
            }
            let column = &self.weights[output / lanes * stride + output % lanes..];
            let count = lanes.min(self.fan_in - input);
            for (lane, x) in line[..count].iter_mut().enumerate() {
                *x = column[(input + lane) * lanes];
            }
        }
    }
}
