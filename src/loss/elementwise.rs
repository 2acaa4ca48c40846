//! What the losses that treat each output by itself have in common.

use super::Outputs;
use crate::kernel::{Scalar, Simd, Task};

/// A loss of one output.
pub(super) trait Elementwise<T>: Copy {
    /// The loss and its derivative with respect to the net input.
    fn loss_and_delta(self, net: T, target: T) -> (T, T);
}

pub(super) struct Deltas<'a, T, L> {
    pub loss: L,
    pub outputs: Outputs<'a, T>,
}

impl<T: Scalar, L: Elementwise<T>> Task<T> for Deltas<'_, T, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Outputs { rows, columns, stride, net, targets, delta, weights, losses } = self.outputs;
        let lanes = T::LANES;
        let panels = columns.div_ceil(lanes);
        for row in 0..rows {
            let weight = weights.map_or(T::ONE, |weights| weights[row]);
            // Sixteen numbers serve as a line of either type.
            let mut sums = [T::ZERO; 16];
            for panel in 0..panels {
                let at = panel * stride + row * lanes;
                let used = lanes.min(columns - panel * lanes);
                let net = &net[at..at + lanes];
                let targets = &targets[at..at + lanes];
                let delta = &mut delta[at..at + lanes];
                for lane in 0..lanes {
                    let (loss, slope) = self.loss.loss_and_delta(net[lane], targets[lane]);
                    sums[lane] += if lane < used { loss } else { T::ZERO };
                    delta[lane] = if lane < used { slope * weight } else { T::ZERO };
                }
            }
            losses[row] = halving_sum(sums);
        }
    }
}

/// The sum of a line: halves are added until one number is left.
#[inline(always)]
pub(super) fn halving_sum<T: Scalar>(mut sums: [T; 16]) -> T {
    let mut half = T::LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}
