//! The negative log-likelihood, computed from net inputs so that it never takes the logarithm of a
//! rounded probability.
//!
//! Independent logistic outputs, u = slope z:
//! E = sum [log(1 + e^u) - t u], delta = slope (a - t). The sum is evaluated as
//! log(1 + e^-|u|) + (1 - t) u for u > 0 and - t u else, which keeps its digits for t = 0 and 1, and so does
//! a - t as (1 - t) - w for u > 0 and w - t else, with w = logistic(-|u|).
//!
//! Softmax, with m = max z, r = sum e^(z - m) without the greatest z, whose term is 1, and T = sum t, which is 1 but for rounding:
//! E = T log(1 + r) - sum t (z - m), delta = T a - t = (T e^(z - m) - t - t r) / (1 + r). Where one output is
//! nearly 1, 1 + r has lost the digits of r.

use std::marker::PhantomData;

use super::elementwise::{Deltas, Elementwise, RowLosses, row_weight_vector, store_first};
use super::fits::{Fits, Targets};
use super::outputs::Outputs;
use crate::activation::Activation;
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::{Layout, MOST_LANES, Scalar, Simd, Task, dispatch, scratch, transpose_vectors};

pub(super) const ABOUT: About = About {
    name: "log_loss",
    aliases: &["cross_entropy"],
    similar: &[
        "crossentropy",
        "binary_crossentropy",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "bce",
        "nll",
        "logistic",
        "logloss",
    ],
    class: "LogLoss",
    summary: "The log loss with label smoothing.",
    details: "A softmax output with K classes learns from the targets ``(1 - s) * t + s / K``, logistic outputs \
        from ``(1 - s) * t + s / 2``, s the label smoothing.",
    hyperparameters: &[Hyperparameter::number("label_smoothing", 0.0, Domain::Closed, "From 0 (none) to 1.")],
    value: "-t*ln(a) - (1 - t)*ln(1 - a)",
    derivative: "(a - t)/(a*(1 - a))",
    source: r#"C. Szegedy et al., "Rethinking the inception architecture for computer vision", CVPR 2016."#,
    example: "\
>>> import ferroprop as fp
>>> net = fp.Network([1, 2], output_activation=\"softmax\", init=\"uniform\", init_range=0.0)
>>> _, _, (bias_gradient,) = net.loss_and_gradients([[1.0]], [[0, 1]], loss=fp.LogLoss(0.5))
>>> bias_gradient.tolist()
[0.25, -0.25]",
    ..About::NOTHING
};

pub(super) const FITS: Fits = Fits {
    outputs: &["logistic", "softmax"],
    targets: Targets::Probabilities,
    net_inputs: true,
    canonical: true,
    on_softmax: Some(("-t*ln(a)", "-t/a")),
};

#[derive(Clone, Copy)]
struct Independent<T> {
    slope: T,
}

impl<T: Scalar> Elementwise<T> for Independent<T> {
    #[inline(always)]
    fn loss_and_delta(self, net: T, target: T) -> (T, T) {
        let u = self.slope * net;
        let linear = if u > T::ZERO { (T::ONE - target) * u } else { -target * u };
        let w = (-u.abs()).logistic();
        let difference = if u > T::ZERO { (T::ONE - target) - w } else { w - target };
        ((-u.abs()).softplus() + linear, self.slope * difference)
    }
}

/// The loss for targets that are already smoothed, see [`smoothing`].
#[derive(Clone, Copy)]
pub(super) struct LogLoss<T>(PhantomData<T>);

impl<T> LogLoss<T> {
    pub fn new(_label_smoothing: f64) -> Self {
        Self(PhantomData)
    }
}

impl<T: Scalar> RowLosses<T> for LogLoss<T> {
    fn deltas(self, output: Activation, outputs: Outputs<'_, T>) {
        if let Activation::Logistic { slope } = output {
            let slope = T::from_f64(slope);
            dispatch(Deltas { loss: Independent { slope }, outputs });
        } else {
            dispatch(OneOfSeveral { outputs });
        }
    }
}

/// The factor and the summand of label smoothing.
pub(super) fn smoothing(label_smoothing: f64, output: Activation, columns: usize) -> Option<(f64, f64)> {
    let classes = if output == Activation::Softmax { columns as f64 } else { 2.0 };
    (label_smoothing > 0.0).then(|| (1.0 - label_smoothing, label_smoothing / classes))
}

/// z - max, at least the lowest finite number, so that 0 times it is 0. NaN stays NaN.
#[inline(always)]
fn distance_from<T: Scalar, S: Simd<T>>(simd: S, max: S::V, z: S::V) -> S::V {
    simd.max(simd.splat(T::LOWEST), simd.sub(z, max))
}

/// Adds a term to the sum of those below 1, or counts it.
#[inline(always)]
fn add_term<T: Scalar, S: Simd<T>>(simd: S, (below, ones): (S::V, S::V), e: S::V) -> (S::V, S::V) {
    let one = simd.splat(T::ONE);
    let is_below = simd.heaviside(simd.sub(one, e));
    (simd.mul_add(is_below, e, below), simd.add(ones, simd.sub(one, is_below)))
}

/// What the differences of a row from its targets are computed from, a row in each lane.
#[derive(Clone, Copy)]
struct Row<V> {
    /// The sum of the targets.
    total: V,
    /// r, and 1 / (1 + r)
    rest: V,
    inverse: V,
}

impl<V: Copy> Row<V> {
    #[inline(always)]
    fn difference<T: Scalar, S: Simd<T, V = V>>(self, simd: S, e: V, t: V) -> V {
        let minus_t = simd.sub(simd.splat(T::ZERO), t);
        let difference = simd.mul_add(minus_t, self.rest, simd.mul_add(self.total, e, minus_t));
        simd.mul(difference, self.inverse)
    }
}

struct OneOfSeveral<'a, T> {
    outputs: Outputs<'a, T>,
}

impl<T: Scalar> Task<T> for OneOfSeveral<'_, T> {
    type Output = ();

    /// A vector's worth of rows at a time: vectors run down the columns.
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        if self.outputs.layout == Layout::RowsInLanes {
            return one_of_several_by_lanes(simd, self.outputs);
        }
        let Outputs { rows, columns, stride, net, targets, delta, weights, losses, .. } = self.outputs;
        let lanes = T::LANES;
        let square = lanes * lanes;
        let panels = columns.div_ceil(lanes);
        let (mut z, mut e_square, mut t) = (scratch::<T>(), scratch::<T>(), scratch::<T>());
        for first in (0..rows).step_by(lanes) {
            let count = lanes.min(rows - first);
            let place =
                |panel: usize| panel * stride + first * lanes..panel * stride + (first + count) * lanes;
            let used = |panel: usize| lanes.min(columns - panel * lanes) * lanes;
            let mut max = simd.splat(T::from_f64(f64::NEG_INFINITY));
            for panel in 0..panels {
                transpose_vectors(simd, &net[place(panel)], &mut z[..square]);
                for z in z[..used(panel)].chunks_exact(lanes) {
                    max = simd.max(simd.read(z), max);
                }
            }
            let zero = simd.splat(T::ZERO);
            // All ones but that of the greatest z belong to the rest.
            let mut rest = (zero, simd.splat(-T::ONE));
            let (mut linear, mut totals) = (zero, zero);
            for panel in 0..panels {
                if panels > 1 {
                    transpose_vectors(simd, &net[place(panel)], &mut z[..square]);
                }
                transpose_vectors(simd, &targets[place(panel)], &mut t[..square]);
                let (z, e, t) = (&mut z[..used(panel)], &mut e_square[..used(panel)], &t[..used(panel)]);
                for (z, e) in z.chunks_exact_mut(lanes).zip(e.chunks_exact_mut(lanes)) {
                    let distance = distance_from(simd, max, simd.read(z));
                    simd.write(z, distance);
                    simd.write(e, distance);
                }
                for e in &mut *e {
                    *e = e.exp();
                }
                for ((z, e), t) in z.chunks_exact(lanes).zip(e.chunks_exact(lanes)).zip(t.chunks_exact(lanes))
                {
                    let t = simd.read(t);
                    rest = add_term(simd, rest, simd.read(e));
                    linear = simd.add(linear, simd.mul(t, simd.read(z)));
                    totals = simd.add(totals, t);
                }
                if panels > 1 {
                    e_square[used(panel)..square].fill(T::ZERO);
                    transpose_vectors(simd, &e_square[..square], &mut delta[place(panel)]);
                }
            }
            let rests = simd.add(rest.0, rest.1);
            let (mut row_losses, mut inverses) = ([T::ZERO; MOST_LANES], [T::ZERO; MOST_LANES]);
            let mut row_totals = [T::ZERO; MOST_LANES];
            simd.write(&mut inverses, rests);
            simd.write(&mut row_losses, linear);
            simd.write(&mut row_totals, totals);
            for lane in 0..lanes {
                let rest = inverses[lane];
                row_losses[lane] = row_totals[lane] * rest.log_1p() - row_losses[lane];
                inverses[lane] = T::ONE / (T::ONE + rest);
            }
            store_first(simd, simd.read(&row_losses), &mut losses[first..first + count]);
            let row = Row { total: totals, rest: rests, inverse: simd.read(&inverses) };
            let row_weights = row_weight_vector(simd, weights, first, count);
            for panel in 0..panels {
                if panels > 1 {
                    transpose_vectors(simd, &delta[place(panel)], &mut e_square[..square]);
                    transpose_vectors(simd, &targets[place(panel)], &mut t[..square]);
                }
                let e = e_square[..used(panel)].chunks_exact_mut(lanes);
                for (e, t) in e.zip(t[..used(panel)].chunks_exact(lanes)) {
                    let difference = row.difference(simd, simd.read(e), simd.read(t));
                    simd.write(e, simd.mul(difference, row_weights));
                }
                transpose_vectors(simd, &e_square[..square], &mut delta[place(panel)]);
            }
        }
    }
}

/// The number of vectors of rows that are computed together, so that exponentials do not wait for logarithms.
const TOGETHER: usize = 8;

/// The same loss for rows along the lanes: vectors already run down the columns.
#[inline(always)]
fn one_of_several_by_lanes<T: Scalar, S: Simd<T>>(simd: S, outputs: Outputs<'_, T>) {
    let Outputs { rows, columns, stride, net, targets, delta, weights, losses, .. } = outputs;
    let lanes = T::LANES;
    let used = columns * lanes;
    let zero = simd.splat(T::ZERO);
    let mut rests = [[T::ONE; MOST_LANES]; TOGETHER];
    let mut inverses = [[T::ONE; MOST_LANES]; TOGETHER];
    let mut linear = [[T::ZERO; MOST_LANES]; TOGETHER];
    let mut totals = [[T::ZERO; MOST_LANES]; TOGETHER];
    for from in (0..rows.div_ceil(lanes)).step_by(TOGETHER) {
        let vectors = TOGETHER.min(rows.div_ceil(lanes) - from);
        for vector in 0..vectors {
            let place = (from + vector) * stride..(from + vector) * stride + used;
            let (net, delta) = (&net[place.clone()], &mut delta[place.clone()]);
            let mut max = simd.splat(T::from_f64(f64::NEG_INFINITY));
            for z in net.chunks_exact(lanes) {
                max = simd.max(simd.read(z), max);
            }
            let (mut sum, mut total) = (zero, zero);
            let columns = net.chunks_exact(lanes).zip(targets[place].chunks_exact(lanes));
            for ((z, t), d) in columns.zip(delta.chunks_exact_mut(lanes)) {
                let (distance, t) = (distance_from(simd, max, simd.read(z)), simd.read(t));
                simd.write(d, distance);
                sum = simd.add(sum, simd.mul(t, distance));
                total = simd.add(total, t);
            }
            simd.write(&mut linear[vector], sum);
            simd.write(&mut totals[vector], total);
        }
        for vector in 0..vectors {
            for distances in delta[(from + vector) * stride..][..used].chunks_exact_mut(lanes) {
                for e in distances {
                    *e = e.exp();
                }
            }
        }
        for vector in 0..vectors {
            let mut rest = (zero, simd.splat(-T::ONE));
            for e in delta[(from + vector) * stride..][..used].chunks_exact(lanes) {
                rest = add_term(simd, rest, simd.read(e));
            }
            simd.write(&mut rests[vector], simd.add(rest.0, rest.1));
        }
        for vector in 0..vectors {
            for lane in 0..lanes {
                let (rest, total) = (rests[vector][lane], totals[vector][lane]);
                linear[vector][lane] = total * rest.log_1p() - linear[vector][lane];
                inverses[vector][lane] = T::ONE / (T::ONE + rest);
            }
        }
        for vector in 0..vectors {
            let first = (from + vector) * lanes;
            let count = lanes.min(rows - first);
            store_first(simd, simd.read(&linear[vector]), &mut losses[first..first + count]);
            let row = Row {
                total: simd.read(&totals[vector]),
                rest: simd.read(&rests[vector]),
                inverse: simd.read(&inverses[vector]),
            };
            let row_weights = row_weight_vector(simd, weights, first, count);
            let place = (from + vector) * stride..(from + vector) * stride + used;
            let targets = targets[place.clone()].chunks_exact(lanes);
            for (d, t) in delta[place].chunks_exact_mut(lanes).zip(targets) {
                let difference = row.difference(simd, simd.read(d), simd.read(t));
                simd.write(d, simd.mul(difference, row_weights));
            }
        }
    }
}
