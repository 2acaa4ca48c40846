//! What the losses that treat each output by itself have in common.

use super::Outputs;
use crate::kernel::{MOST_LANES, Scalar, Simd, Task};

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
        if self.outputs.columns <= T::LANES {
            few_columns(self.loss, self.outputs);
        } else {
            many_columns(self.loss, self.outputs);
        }
    }
}

/// One panel: vectors run down the columns, so that no lane is wasted on columns that are not there.
#[inline(always)]
fn few_columns<T: Scalar>(loss: impl Elementwise<T>, outputs: Outputs<'_, T>) {
    let Outputs { rows, columns, net, targets, delta, weights, losses, .. } = outputs;
    let lanes = T::LANES;
    let (mut z, mut t) = (scratch::<T>(), scratch::<T>());
    let (z, t) = (&mut z[..columns], &mut t[..columns]);
    for first in (0..rows).step_by(lanes) {
        let count = lanes.min(rows - first);
        let place = first * lanes..(first + count) * lanes;
        let row_weights = weight_line(weights, first, count);
        copy_columns(&net[place.clone()], z);
        copy_columns(&targets[place.clone()], t);
        let mut sums = [T::ZERO; MOST_LANES];
        for (z, t) in z.iter_mut().zip(&*t) {
            for lane in 0..lanes {
                let (loss, slope) = loss.loss_and_delta(z[lane], t[lane]);
                sums[lane] += loss;
                z[lane] = slope * row_weights[lane];
            }
        }
        copy_rows(z, &mut delta[place]);
        losses[first..first + count].copy_from_slice(&sums[..count]);
    }
}

/// Several panels: vectors run along the rows.
#[inline(always)]
fn many_columns<T: Scalar>(loss: impl Elementwise<T>, outputs: Outputs<'_, T>) {
    let Outputs { rows, columns, stride, net, targets, delta, weights, losses } = outputs;
    let lanes = T::LANES;
    for row in 0..rows {
        let weight = weights.map_or(T::ONE, |weights| weights[row]);
        let mut sums = [T::ZERO; MOST_LANES];
        for panel in 0..columns.div_ceil(lanes) {
            let at = panel * stride + row * lanes;
            let used = lanes.min(columns - panel * lanes);
            let net = &net[at..at + lanes];
            let targets = &targets[at..at + lanes];
            let delta = &mut delta[at..at + lanes];
            for lane in 0..lanes {
                let (loss, slope) = loss.loss_and_delta(net[lane], targets[lane]);
                sums[lane] += if lane < used { loss } else { T::ZERO };
                delta[lane] = if lane < used { slope * weight } else { T::ZERO };
            }
        }
        losses[row] = halving_sum(sums);
    }
}

/// The weights of `count` rows, 1 where there are none.
#[inline(always)]
pub(super) fn weight_line<T: Scalar>(weights: Option<&[T]>, first: usize, count: usize) -> [T; MOST_LANES] {
    let mut line = [T::ONE; MOST_LANES];
    if let Some(weights) = weights {
        line[..count].copy_from_slice(&weights[first..first + count]);
    }
    line
}

/// The columns of a panel, as many as there are lines in `columns`, in at most a line's worth of
/// rows. All are copied before the first is used: a vector load right behind the scalar stores that
/// it covers would wait for them.
#[inline(always)]
pub(super) fn copy_columns<T: Scalar>(rows: &[T], columns: &mut [[T; MOST_LANES]]) {
    for (row, line) in rows.chunks_exact(T::LANES).enumerate() {
        for (column, &x) in columns.iter_mut().zip(line) {
            column[row] = x;
        }
    }
}

/// The other way.
#[inline(always)]
pub(super) fn copy_rows<T: Scalar>(columns: &[[T; MOST_LANES]], rows: &mut [T]) {
    for (row, line) in rows.chunks_exact_mut(T::LANES).enumerate() {
        for (x, column) in line.iter_mut().zip(columns) {
            *x = column[row];
        }
    }
}

/// Room for the columns of a panel.
#[inline(always)]
pub(super) fn scratch<T: Scalar>() -> [[T; MOST_LANES]; MOST_LANES] {
    [[T::ZERO; MOST_LANES]; MOST_LANES]
}

/// The sum of a line: halves are added until one number is left.
#[inline(always)]
pub(super) fn halving_sum<T: Scalar>(mut sums: [T; MOST_LANES]) -> T {
    let mut half = T::LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}
