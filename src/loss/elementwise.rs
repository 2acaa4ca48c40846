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

    /// Layouts are compiled once for all losses, and a loss once for all layouts.
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { loss, outputs } = self;
        let each = |net: &[T], targets: &[T], delta: &mut [T], losses: &mut [T]| {
            simd.outlined(Each { loss, net, targets, delta, losses });
        };
        simd.outlined(OfLayout { each: &each, outputs });
    }
}

/// Losses and their derivatives of whole vectors of outputs, wherever they lie.
struct Each<'a, T, L> {
    loss: L,
    net: &'a [T],
    targets: &'a [T],
    delta: &'a mut [T],
    losses: &'a mut [T],
}

impl<T: Scalar, L: Elementwise<T>> Task<T> for Each<'_, T, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let lanes = T::LANES;
        let given = self.net.chunks_exact(lanes).zip(self.targets.chunks_exact(lanes));
        let wanted = self.delta.chunks_exact_mut(lanes).zip(self.losses.chunks_exact_mut(lanes));
        for ((net, targets), (delta, losses)) in given.zip(wanted) {
            // Arrays of the loop's own, so that no store can change what is read next.
            let (mut z, mut t) = ([T::ZERO; MOST_LANES], [T::ZERO; MOST_LANES]);
            simd.write(&mut z, simd.read(net));
            simd.write(&mut t, simd.read(targets));
            for lane in 0..lanes {
                (t[lane], z[lane]) = self.loss.loss_and_delta(z[lane], t[lane]);
            }
            simd.write(delta, simd.read(&z));
            simd.write(losses, simd.read(&t));
        }
    }
}

/// What [`Each`] does, with numbers of this type: net inputs, targets, deltas, losses.
type EachOf<'a, T> = dyn Fn(&[T], &[T], &mut [T], &mut [T]) + 'a;

struct OfLayout<'a, 'e, T> {
    each: &'e EachOf<'e, T>,
    outputs: Outputs<'a, T>,
}

impl<T: Scalar> Task<T> for OfLayout<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        if self.outputs.layout == Layout::RowsInLanes {
            down_columns(simd, self.each, self.outputs);
        } else if self.outputs.columns <= T::LANES {
            few_columns(simd, self.each, self.outputs);
        } else {
            many_columns(simd, self.each, self.outputs);
        }
    }
}

/// One panel: vectors run down the columns, so that no lane is wasted on columns that are not there.
#[inline(always)]
fn few_columns<T: Scalar, S: Simd<T>>(simd: S, each: &EachOf<'_, T>, outputs: Outputs<'_, T>) {
    let Outputs { rows, columns, net, targets, delta, weights, losses, .. } = outputs;
    let lanes = T::LANES;
    let (mut z, mut t) = (scratch::<T>(), scratch::<T>());
    // What lies behind the columns that are there stays 0.
    let (mut slopes, mut values) = (scratch::<T>(), scratch::<T>());
    let used = columns * lanes;
    for first in (0..rows).step_by(lanes) {
        let count = lanes.min(rows - first);
        let place = first * lanes..(first + count) * lanes;
        let row_weights = row_weight_vector(simd, weights, first, count);
        transpose_vectors(simd, &net[place.clone()], &mut z[..lanes * lanes]);
        transpose_vectors(simd, &targets[place.clone()], &mut t[..lanes * lanes]);
        each(&z[..used], &t[..used], &mut slopes[..used], &mut values[..used]);
        let mut sums = simd.splat(T::ZERO);
        for (slopes, values) in slopes[..used].chunks_exact_mut(lanes).zip(values.chunks_exact(lanes)) {
            sums = simd.add(sums, simd.read(values));
            simd.write(slopes, simd.mul(simd.read(slopes), row_weights));
        }
        transpose_vectors(simd, &slopes[..lanes * lanes], &mut delta[place]);
        store_first(simd, sums, &mut losses[first..first + count]);
    }
}

/// Several panels: vectors run along the rows.
#[inline(always)]
fn many_columns<T: Scalar, S: Simd<T>>(simd: S, each: &EachOf<'_, T>, outputs: Outputs<'_, T>) {
    let Outputs { rows, columns, stride, net, targets, delta, weights, losses, .. } = outputs;
    let lanes = T::LANES;
    let mut values = scratch::<T>();
    for first in (0..rows).step_by(lanes) {
        let count = lanes.min(rows - first);
        let mut sums = [simd.splat(T::ZERO); MOST_LANES];
        for panel in 0..columns.div_ceil(lanes) {
            let place = panel * stride + first * lanes..panel * stride + (first + count) * lanes;
            let used = lanes.min(columns - panel * lanes);
            let (delta, values) = (&mut delta[place.clone()], &mut values[..count * lanes]);
            each(&net[place.clone()], &targets[place], delta, values);
            if let Some(weights) = weights {
                for (delta, &weight) in delta.chunks_exact_mut(lanes).zip(&weights[first..]) {
                    simd.write(delta, simd.mul(simd.read(delta), simd.splat(weight)));
                }
            }
            if used < lanes {
                for vector in delta.chunks_exact_mut(lanes).chain(values.chunks_exact_mut(lanes)) {
                    for lane in 0..lanes {
                        vector[lane] = if lane < used { vector[lane] } else { T::ZERO };
                    }
                }
            }
            for (sum, values) in sums.iter_mut().zip(values.chunks_exact(lanes)) {
                *sum = simd.add(*sum, simd.read(values));
            }
        }
        for (loss, sum) in losses[first..first + count].iter_mut().zip(sums) {
            let mut numbers = [T::ZERO; MOST_LANES];
            simd.write(&mut numbers, sum);
            *loss = halving_sum(numbers);
        }
    }
}

/// Rows along the lanes: vectors run down the columns as they are, and losses are added up in the order of the others.
#[inline(always)]
fn down_columns<T: Scalar, S: Simd<T>>(simd: S, each: &EachOf<'_, T>, outputs: Outputs<'_, T>) {
    let Outputs { rows, columns, stride, net, targets, delta, weights, losses, .. } = outputs;
    let lanes = T::LANES;
    let mut values = scratch::<T>();
    // One sum, or for many columns as many as there are lanes.
    let mut sums = [simd.splat(T::ZERO); MOST_LANES];
    let places = if columns <= lanes { 1 } else { lanes };
    for (panel, first) in (0..rows).step_by(lanes).enumerate() {
        let count = lanes.min(rows - first);
        let row_weights = row_weight_vector(simd, weights, first, count);
        sums[..places].fill(simd.splat(T::ZERO));
        for start in (0..columns).step_by(lanes) {
            let end = columns.min(start + lanes);
            let place = panel * stride + start * lanes..panel * stride + end * lanes;
            let delta = &mut delta[place.clone()];
            each(&net[place.clone()], &targets[place], delta, &mut values[..(end - start) * lanes]);
            let vectors = delta.chunks_exact_mut(lanes).zip(values.chunks_exact(lanes));
            for (column, (delta, values)) in vectors.enumerate() {
                let sum = &mut sums[column % places];
                *sum = simd.add(*sum, simd.read(values));
                simd.write(delta, simd.mul(simd.read(delta), row_weights));
            }
        }
        let sum = sum_of_vectors(simd, &mut sums[..places]);
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
