//! What the losses that treat each output by itself have in common.

use super::outputs::Outputs;
use crate::activation::Activation;
use crate::kernel::{
    Layout, MOST_LANES, Scalar, Simd, Task, halving_sum, scratch, sum_of_vectors, transpose_vectors,
};

/// A loss of one output.
pub(super) trait Elementwise<T>: Copy {
    /// The loss, and its derivative with respect to the number it takes: the net input or the output.
    fn loss_and_delta(self, net: T, target: T) -> (T, T);
}

/// A loss that does not treat each output by itself.
pub(super) trait RowLosses<T>: Copy {
    /// Fills in the rows' losses and the deltas.
    fn deltas(self, output: Activation, outputs: Outputs<'_, T>);
}

pub(super) struct Deltas<'a, T, L> {
    pub loss: L,
    pub outputs: Outputs<'a, T>,
}

impl<T: Scalar, L: Elementwise<T>> Task<T> for Deltas<'_, T, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        if self.outputs.layout == Layout::RowsInLanes {
            down_columns(simd, self.loss, self.outputs);
        } else if self.outputs.columns <= T::LANES {
            few_columns(simd, self.loss, self.outputs);
        } else {
            many_columns(self.loss, self.outputs);
        }
    }
}

/// One panel: vectors run down the columns, so that no lane is wasted on columns that are not there.
#[inline(always)]
fn few_columns<T: Scalar, S: Simd<T>>(simd: S, loss: impl Elementwise<T>, outputs: Outputs<'_, T>) {
    let Outputs { rows, columns, net, targets, delta, weights, losses, .. } = outputs;
    let lanes = T::LANES;
    let (mut z, mut t) = (scratch::<T>(), scratch::<T>());
    for first in (0..rows).step_by(lanes) {
        let count = lanes.min(rows - first);
        let place = first * lanes..(first + count) * lanes;
        let row_weights = row_weight_vector(simd, weights, first, count);
        transpose_vectors(simd, &net[place.clone()], &mut z[..lanes * lanes]);
        transpose_vectors(simd, &targets[place.clone()], &mut t[..lanes * lanes]);
        let (z_used, t_used) = (&mut z[..columns * lanes], &mut t[..columns * lanes]);
        for (z, t) in z_used.iter_mut().zip(&mut *t_used) {
            (*t, *z) = loss.loss_and_delta(*z, *t);
        }
        let mut sums = simd.splat(T::ZERO);
        for (z, t) in z_used.chunks_exact_mut(lanes).zip(t_used.chunks_exact(lanes)) {
            sums = simd.add(sums, simd.read(t));
            simd.write(z, simd.mul(simd.read(z), row_weights));
        }
        // Outputs that are not there may still have a value, the activation's at 0.
        z[columns * lanes..lanes * lanes].fill(T::ZERO);
        transpose_vectors(simd, &z[..lanes * lanes], &mut delta[place]);
        store_first(simd, sums, &mut losses[first..first + count]);
    }
}

/// Several panels: vectors run along the rows.
#[inline(always)]
fn many_columns<T: Scalar>(loss: impl Elementwise<T>, outputs: Outputs<'_, T>) {
    let Outputs { rows, columns, stride, net, targets, delta, weights, losses, .. } = outputs;
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

/// Rows along the lanes: vectors run down the columns as they are, and losses are added up in the order of the others.
#[inline(always)]
fn down_columns<T: Scalar, S: Simd<T>>(simd: S, loss: impl Elementwise<T>, outputs: Outputs<'_, T>) {
    let Outputs { rows, columns, stride, net, targets, delta, weights, losses, .. } = outputs;
    let lanes = T::LANES;
    // One sum, or for many columns as many as there are lanes.
    let mut sums = [[T::ZERO; MOST_LANES]; MOST_LANES];
    let places = if columns <= lanes { 1 } else { lanes };
    for (panel, first) in (0..rows).step_by(lanes).enumerate() {
        let count = lanes.min(rows - first);
        let row_weights = row_weight_vector(simd, weights, first, count);
        sums[..places].fill([T::ZERO; MOST_LANES]);
        for column in 0..columns {
            let at = panel * stride + column * lanes;
            let sums = &mut sums[column % places];
            let (net, targets) = (&net[at..at + lanes], &targets[at..at + lanes]);
            let delta = &mut delta[at..at + lanes];
            for lane in 0..lanes {
                let (loss, slope) = loss.loss_and_delta(net[lane], targets[lane]);
                sums[lane] += loss;
                delta[lane] = slope;
            }
            simd.write(delta, simd.mul(simd.read(delta), row_weights));
        }
        let mut vectors = [simd.splat(T::ZERO); MOST_LANES];
        for (vector, sum) in vectors.iter_mut().zip(&sums[..places]) {
            *vector = simd.read(sum);
        }
        let sum = sum_of_vectors(simd, &mut vectors[..places]);
        store_first(simd, sum, &mut losses[first..first + count]);
    }
}

/// The weights of `count` rows, 1 where there are none.
#[inline(always)]
pub(super) fn row_weight_vector<T: Scalar, S: Simd<T>>(
    simd: S,
    weights: Option<&[T]>,
    first: usize,
    count: usize,
) -> S::V {
    // Whole vectors without a call to copy them.
    match weights {
        None if count == T::LANES => simd.splat(T::ONE),
        Some(weights) if count == T::LANES => simd.read(&weights[first..]),
        _ => {
            let mut vector = [T::ONE; MOST_LANES];
            for (weight, given) in
                vector.iter_mut().zip(weights.into_iter().flat_map(|all| &all[first..][..count]))
            {
                *weight = *given;
            }
            simd.read(&vector)
        }
    }
}

/// Writes the beginning of a vector, as much of it as `to` holds.
#[inline(always)]
pub(super) fn store_first<T: Scalar, S: Simd<T>>(simd: S, vector: S::V, to: &mut [T]) {
    if to.len() == T::LANES {
        simd.write(to, vector);
        return;
    }
    let mut numbers = [T::ZERO; MOST_LANES];
    simd.write(&mut numbers, vector);
    for (to, number) in to.iter_mut().zip(numbers) {
        *to = number;
    }
}
