//! Multiplying deltas by derivatives that were kept.

use crate::kernel::{Scalar, Simd, Task};

/// Deltas times slopes, number by number.
pub(super) struct ScaleBySlopes<'a, T> {
    pub deltas: &'a mut [T],
    pub slopes: &'a [T],
    pub stride: usize,
    pub rows: usize,
}

impl<T: Scalar> Task<T> for ScaleBySlopes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let panels = self.deltas.chunks_exact_mut(self.stride);
        for (deltas, slopes) in panels.zip(self.slopes.chunks_exact(self.stride)) {
            let count = self.rows * T::LANES;
            for (delta, &slope) in deltas[..count].iter_mut().zip(&slopes[..count]) {
                *delta *= slope;
            }
        }
    }
}
