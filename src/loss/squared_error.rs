//! E = 1/2 sum (t - a)^2 over the outputs; delta = (a - t) f'(z).
//!
//! Through a softmax, whose outputs depend on all net inputs: with g = a - t,
//! `delta_j = a_j (g_j - sum_k g_k a_k)`.

use super::Outputs;
use super::elementwise::{Deltas, Elementwise};
use super::log_loss::{copy_row, softmax_row};
use crate::activation::{Activation, Function, identity, logistic, relu, tanh, with_function};
use crate::kernel::{Scalar, Simd, Task, dispatch};

#[derive(Clone, Copy)]
struct SquaredError<F>(F);

impl<T: Scalar, F: Function<T>> Elementwise<T> for SquaredError<F> {
    #[inline(always)]
    fn loss_and_delta(self, net: T, target: T) -> (T, T) {
        let a = self.0.value(net);
        let difference = a - target;
        (T::from_f64(0.5) * difference * difference, difference * self.0.derivative(a))
    }
}

pub(super) fn deltas<T: Scalar>(output: Activation, outputs: Outputs<'_, T>) {
    if output == Activation::Softmax {
        return dispatch(ThroughSoftmax { outputs });
    }
    with_function!(output, T, function => dispatch(Deltas { loss: SquaredError(function), outputs }));
}

struct ThroughSoftmax<'a, T> {
    outputs: Outputs<'a, T>,
}

impl<T: Scalar> Task<T> for ThroughSoftmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Outputs { rows, columns, stride, net, targets, delta, weights, losses } = self.outputs;
        let at = |row: usize, column: usize| column / T::LANES * stride + row * T::LANES + column % T::LANES;
        for row in 0..rows {
            let weight = weights.map_or(T::ONE, |weights| weights[row]);
            copy_row(net, delta, stride, row, T::LANES);
            let sum = softmax_row(delta, columns, stride, row);
            let mut loss = T::ZERO;
            let mut mean = T::ZERO;
            for column in 0..columns {
                let at = at(row, column);
                let a = delta[at] / sum;
                let difference = a - targets[at];
                loss += T::from_f64(0.5) * difference * difference;
                mean += difference * a;
                delta[at] = a;
            }
            for column in 0..columns {
                let at = at(row, column);
                delta[at] = delta[at] * (delta[at] - targets[at] - mean) * weight;
            }
            losses[row] = loss;
        }
    }
}
