//! The negative log-likelihood, computed from net inputs so that it never takes the logarithm of a
//! rounded probability.
//!
//! Independent logistic outputs, u = slope z:
//! E = sum [log(1 + e^u) - t u], delta = slope (a - t). The sum is evaluated as
//! log(1 + e^-|u|) + (1 - t) u for u > 0 and - t u else, which keeps its digits for t = 0 and 1.
//!
//! Softmax, with m = max z, s = sum e^(z - m) and T = sum t, which is 1 but for rounding:
//! E = T log s - sum t (z - m), delta = T a - t.

use ndarray::ArrayView2;

use super::Outputs;
use super::elementwise::{Deltas, Elementwise, copy_columns, copy_rows, scratch, weight_line};
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::kernel::{MOST_LANES, Scalar, Simd, Task, dispatch};

#[derive(Clone, Copy)]
struct Independent<T> {
    slope: T,
}

impl<T: Scalar> Elementwise<T> for Independent<T> {
    #[inline(always)]
    fn loss_and_delta(self, net: T, target: T) -> (T, T) {
        let u = self.slope * net;
        let linear = if u > T::ZERO { (T::ONE - target) * u } else { -target * u };
        ((-u.magnitude()).softplus() + linear, self.slope * (u.logistic() - target))
    }
}

pub(super) fn deltas<T: Scalar>(output: Activation, outputs: Outputs<'_, T>) {
    if let Activation::Logistic { slope } = output {
        let slope = T::from_f64(slope);
        dispatch(Deltas { loss: Independent { slope }, outputs });
    } else {
        dispatch(OneOfSeveral { outputs });
    }
}

/// How far a row of class probabilities may sum from 1.
const SUM_TOLERANCE: f64 = 1e-4;

pub(super) fn check_targets<T: Scalar>(
    output: Activation,
    name: &'static str,
    targets: ArrayView2<'_, T>,
) -> Result<()> {
    for ((row, column), &t) in targets.indexed_iter() {
        if !(t >= T::ZERO && t <= T::ONE) {
            return Err(Error::value(name, "numbers from 0 to 1 for log_loss", t, [row, column]));
        }
    }
    if output == Activation::Softmax {
        for (row, targets) in targets.rows().into_iter().enumerate() {
            let sum: f64 = targets.iter().map(|t| t.to_f64()).sum();
            if (sum - 1.0).abs() > SUM_TOLERANCE {
                return Err(Error::value(
                    name,
                    "rows that sum to 1 for log_loss on a softmax output",
                    sum,
                    format_args!("row {row}"),
                ));
            }
        }
    }
    Ok(())
}

struct OneOfSeveral<'a, T> {
    outputs: Outputs<'a, T>,
}

impl<T: Scalar> Task<T> for OneOfSeveral<'_, T> {
    type Output = ();

    /// A line's worth of rows at a time: vectors run down the columns.
    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Outputs { rows, columns, stride, net, targets, delta, weights, losses } = self.outputs;
        let lanes = T::LANES;
        let panels = columns.div_ceil(lanes);
        let (mut z, mut t) = (scratch::<T>(), scratch::<T>());
        for first in (0..rows).step_by(lanes) {
            let count = lanes.min(rows - first);
            let place =
                |panel: usize| panel * stride + first * lanes..panel * stride + (first + count) * lanes;
            let used = |panel: usize| lanes.min(columns - panel * lanes);
            let mut max = [T::from_f64(f64::NEG_INFINITY); MOST_LANES];
            for panel in 0..panels {
                let z = &mut z[..used(panel)];
                copy_columns(&net[place(panel)], z);
                for z in z {
                    for (max, &z) in max.iter_mut().zip(&*z) {
                        *max = if z > *max { z } else { *max };
                    }
                }
            }
            let mut sums = [T::ZERO; MOST_LANES];
            let mut linear = [T::ZERO; MOST_LANES];
            let mut totals = [T::ZERO; MOST_LANES];
            for panel in 0..panels {
                let (z, t) = (&mut z[..used(panel)], &mut t[..used(panel)]);
                if panels > 1 {
                    copy_columns(&net[place(panel)], z);
                }
                copy_columns(&targets[place(panel)], t);
                for (z, t) in z.iter_mut().zip(&*t) {
                    for lane in 0..lanes {
                        let distance = z[lane] - max[lane];
                        z[lane] = distance.exp();
                        sums[lane] += z[lane];
                        linear[lane] += t[lane] * distance;
                        totals[lane] += t[lane];
                    }
                }
                if panels > 1 {
                    copy_rows(z, &mut delta[place(panel)]);
                }
            }
            for lane in 0..lanes {
                linear[lane] = totals[lane] * sums[lane].log() - linear[lane];
                sums[lane] = totals[lane] / sums[lane];
            }
            losses[first..first + count].copy_from_slice(&linear[..count]);
            let row_weights = weight_line(weights, first, count);
            for panel in 0..panels {
                let (z, t) = (&mut z[..used(panel)], &mut t[..used(panel)]);
                if panels > 1 {
                    copy_columns(&delta[place(panel)], z);
                    copy_columns(&targets[place(panel)], t);
                }
                for (z, t) in z.iter_mut().zip(&*t) {
                    for lane in 0..lanes {
                        z[lane] = (z[lane] * sums[lane] - t[lane]) * row_weights[lane];
                    }
                }
                copy_rows(z, &mut delta[place(panel)]);
            }
        }
    }
}

/// Copies a row of a matrix in panels.
#[inline(always)]
pub(super) fn copy_row<T: Scalar>(from: &[T], to: &mut [T], stride: usize, row: usize, lanes: usize) {
    for (from, to) in from.chunks_exact(stride).zip(to.chunks_exact_mut(stride)) {
        to[row * lanes..(row + 1) * lanes].copy_from_slice(&from[row * lanes..(row + 1) * lanes]);
    }
}

/// Turns a row's net inputs z into e^(z - max), with 0 behind the last column; returns their sum.
#[inline(always)]
pub(super) fn softmax_row<T: Scalar>(numbers: &mut [T], columns: usize, stride: usize, row: usize) -> T {
    let lanes = T::LANES;
    let panels = columns.div_ceil(lanes);
    let mut max = numbers[row * lanes];
    for panel in 0..panels {
        let at = panel * stride + row * lanes;
        for &z in &numbers[at..at + lanes.min(columns - panel * lanes)] {
            max = if z > max { z } else { max };
        }
    }
    let mut sum = T::ZERO;
    for panel in 0..panels {
        let at = panel * stride + row * lanes;
        let used = lanes.min(columns - panel * lanes);
        let line = &mut numbers[at..at + lanes];
        for (lane, x) in line.iter_mut().enumerate() {
            *x = if lane < used { (*x - max).exp() } else { T::ZERO };
        }
        for &e in &line[..used] {
            sum += e;
        }
    }
    sum
}

/// Turns net inputs into class probabilities, in place.
pub(crate) fn softmax<T: Scalar>(numbers: &mut [T], columns: usize, stride: usize, rows: usize) {
    dispatch(Probabilities { numbers, columns, stride, rows });
}

struct Probabilities<'a, T> {
    numbers: &'a mut [T],
    columns: usize,
    stride: usize,
    rows: usize,
}

impl<T: Scalar> Task<T> for Probabilities<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let lanes = T::LANES;
        for row in 0..self.rows {
            let sum = softmax_row(self.numbers, self.columns, self.stride, row);
            let inverse = T::ONE / sum;
            for panel in self.numbers.chunks_exact_mut(self.stride) {
                for a in &mut panel[row * lanes..(row + 1) * lanes] {
                    *a *= inverse;
                }
            }
        }
    }
}
