//! Dropout: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
//! JMLR 15, 2014, in its inverted form: what stays is divided by the chance to stay, so that nothing
//! changes for predictions.

use super::noise::Noise;
use crate::kernel::{Scalar, Simd, Task, dispatch};
use crate::random::{Purpose, Words};

impl Noise<'_> {
    /// Multiplies the outputs of a layer, and its slopes where there are any, by 0 or by 1 over the chance to stay. The
    /// parts of a number stay or go together.
    pub(super) fn drop<T: Scalar>(
        self,
        layer: usize,
        parts: usize,
        outputs: &mut [T],
        slopes: &mut [T],
        stride: usize,
        rows: usize,
    ) {
        if self.rates.get(layer).is_none_or(|rate| *rate == 0.0) {
            return;
        }
        let len = outputs.len() / parts;
        let (own, more) = slopes.split_at_mut(outputs.len().min(slopes.len()));
        let mut own = own.chunks_exact_mut(len);
        for outputs in outputs.chunks_exact_mut(len) {
            self.mask(layer, outputs, own.next().unwrap_or_default(), stride, rows);
        }
        for slopes in more.chunks_exact_mut(2 * len) {
            let (first, second) = slopes.split_at_mut(len);
            self.mask(layer, first, second, stride, rows);
        }
    }

    fn mask<T: Scalar>(self, layer: usize, outputs: &mut [T], slopes: &mut [T], stride: usize, rows: usize) {
        let rate = self.rates[layer];
        let (words, row_of) = self.numbers(Purpose::Dropout, layer, false);
        dispatch(Mask {
            words,
            row_of,
            // The product is below 2^32, because the rate is below 1.
            threshold: (rate * 4_294_967_296.0) as u32,
            scale: T::from_f64(1.0 / (1.0 - rate)),
            outputs,
            slopes,
            stride,
            rows,
        });
    }
}

struct Mask<'a, T, R> {
    words: Words,
    row_of: R,
    threshold: u32,
    scale: T,
    outputs: &'a mut [T],
    slopes: &'a mut [T],
    stride: usize,
    rows: usize,
}

impl<T: Scalar, R: Fn(usize) -> u32> Task<T> for Mask<'_, T, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let groups = T::LANES / Words::PER_CALL;
        let together = Words::CALLS / groups;
        let mut slopes = self.slopes.chunks_exact_mut(self.stride);
        for (panel, outputs) in self.outputs.chunks_exact_mut(self.stride).enumerate() {
            let slopes = slopes.next().unwrap_or_default();
            for first in (0..self.rows).step_by(together) {
                let own = first * T::LANES..self.rows.min(first + together) * T::LANES;
                // As `Words::of_panel`, with which a step of networks for tables takes a fifth more time.
                let place = |call: usize| {
                    let row = (first + call / groups).min(self.rows - 1);
                    ((panel * groups + call % groups) as u32, (self.row_of)(row))
                };
                let words = self.words.at_each::<{ Words::CALLS }>(std::array::from_fn(place));
                let factor = |word| if word < self.threshold { T::ZERO } else { self.scale };
                let factors = words.map(|words| words.map(factor));
                // Predictions keep no slopes.
                for numbers in [&mut outputs[own.clone()], slopes.get_mut(own).unwrap_or_default()] {
                    for (number, factor) in numbers.iter_mut().zip(factors.as_flattened()) {
                        *number *= *factor;
                    }
                }
            }
        }
    }
}
