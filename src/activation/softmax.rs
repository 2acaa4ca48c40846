//! `f(z)_j = e^(z_j) / sum_k e^(z_k)`, where each output depends on all net inputs.
//!
//! Backward, from g = dE/df: `dE/dz_j = f_j (g_j - sum_k g_k f_k)`.

use crate::kernel::{Scalar, Simd, Task, dispatch};

/// Turns derivatives with respect to the outputs into those with respect to the net inputs.
pub(crate) fn back_through<T: Scalar>(
    deltas: &mut [T],
    outputs: &[T],
    columns: usize,
    stride: usize,
    rows: usize,
) {
    dispatch(Back { deltas, outputs, columns, stride, rows });
}

struct Back<'a, T> {
    deltas: &'a mut [T],
    outputs: &'a [T],
    columns: usize,
    stride: usize,
    rows: usize,
}

impl<T: Scalar> Task<T> for Back<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Self { deltas, outputs, columns, stride, rows } = self;
        let at = |row: usize, column: usize| column / T::LANES * stride + row * T::LANES + column % T::LANES;
        for row in 0..rows {
            let mut mean = T::ZERO;
            for column in 0..columns {
                let at = at(row, column);
                mean += deltas[at] * outputs[at];
            }
            for column in 0..columns {
                let at = at(row, column);
                deltas[at] = outputs[at] * (deltas[at] - mean);
            }
        }
    }
}
