//! Dropout: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
//! JMLR 15, 2014, in its inverted form: what stays is divided by the chance to stay, so that nothing
//! changes for predictions.

use crate::kernel::{Scalar, Simd, Task, dispatch};
use crate::random::{Purpose, Words};

/// Which outputs of hidden layers a step leaves out: whether one stays follows from the seed, the
/// step, the layer, the row's place in the batch and the unit alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropout<'a> {
    /// For each hidden layer the chance of an output to be left out.
    pub rates: &'a [f64],
    pub seed: u64,
    pub step: u64,
    /// The place of the block's first row in the batch.
    pub first_row: usize,
}

impl Dropout<'_> {
    /// Multiplies the outputs of a layer, and its slopes, by 0 or by 1 over the chance to stay. The parts of a
    /// number stay or go together.
    pub fn apply<T: Scalar>(
        self,
        layer: usize,
        parts: usize,
        outputs: &mut [T],
        slopes: &mut [T],
        stride: usize,
        rows: usize,
    ) {
        if self.rates[layer] == 0.0 {
            return;
        }
        let len = outputs.len() / parts;
        let (own, more) = slopes.split_at_mut(outputs.len());
        for (outputs, slopes) in outputs.chunks_exact_mut(len).zip(own.chunks_exact_mut(len)) {
            self.mask(layer, outputs, slopes, stride, rows);
        }
        for slopes in more.chunks_exact_mut(2 * len) {
            let (first, second) = slopes.split_at_mut(len);
            self.mask(layer, first, second, stride, rows);
        }
    }

    fn mask<T: Scalar>(self, layer: usize, outputs: &mut [T], slopes: &mut [T], stride: usize, rows: usize) {
        let rate = self.rates[layer];
        dispatch(Mask {
            words: Words::new(self.seed, Purpose::Dropout, layer as u32, self.step as u32),
            first_row: self.first_row,
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

struct Mask<'a, T> {
    words: Words,
    first_row: usize,
    threshold: u32,
    scale: T,
    outputs: &'a mut [T],
    slopes: &'a mut [T],
    stride: usize,
    rows: usize,
}

/// Numbers that one call of the generator gives.
const GROUP: usize = 4;

impl<T: Scalar> Task<T> for Mask<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let groups = T::LANES / GROUP;
        let panels =
            self.outputs.chunks_exact_mut(self.stride).zip(self.slopes.chunks_exact_mut(self.stride));
        for (panel, (outputs, slopes)) in panels.enumerate() {
            for row in 0..self.rows {
                for group in 0..groups {
                    let words = self.words.at((panel * groups + group) as u32, (self.first_row + row) as u32);
                    let at = row * T::LANES + group * GROUP;
                    for ((output, slope), word) in
                        outputs[at..at + GROUP].iter_mut().zip(&mut slopes[at..at + GROUP]).zip(words)
                    {
                        let factor = if word < self.threshold { T::ZERO } else { self.scale };
                        *output *= factor;
                        *slope *= factor;
                    }
                }
            }
        }
    }
}
