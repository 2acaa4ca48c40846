//! The focal loss, computed from net inputs so that it never takes the logarithm of a rounded probability.
//!
//! Independent logistic outputs a, u = slope z, with P = ln(1 + e^u) = -ln(1 - a) and N = ln(1 + e^-u) = -ln a:
//! E = sum t e^(-gamma P) N + (1 - t) e^(-gamma N) P,
//! delta = slope [(1 - t) e^(-gamma N) (a + gamma (1 - a) P) - t e^(-gamma P) (1 - a + gamma a N)].
//!
//! Softmax, with N = -ln a and r = N / (1 - a), which is 1 where a is:
//! E = sum t (1 - a)^gamma N, delta = q - a sum q with q = -t (1 - a)^gamma (1 + gamma a r).
//! With the row's largest output, 1 - a is the sum of the others, and N its log1p: nothing cancels.

use super::elementwise::{Deltas, Elementwise, RowLosses};
use super::fits::{Fits, Targets};
use super::outputs::Outputs;
use crate::activation::Activation;
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::{Layout, MOST_LANES, Scalar, Simd, Task, dispatch};

pub(super) const ABOUT: About = About {
    name: "focal",
    class: "Focal",
    similar: &["focal_loss", "binary_focal_crossentropy", "categorical_focal_crossentropy"],
    summary: "The focal loss: the log loss, with less weight on what is right already.",
    details: "\
The log loss of an output a is multiplied by ``(1 - a) ** gamma``, for the target 0 of a logistic output by
``a ** gamma``. With gamma 0 it is the log loss.",
    hyperparameters: &[Hyperparameter::number(
        "gamma",
        2.0,
        Domain::NotNegative,
        "How fast the weight falls; 0 or positive and dimensionless.",
    )],
    value: "-t*(1 - a)**gamma*ln(a) - (1 - t)*a**gamma*ln(1 - a)",
    derivative: "t*(1 - a)**gamma*(gamma*ln(a)/(1 - a) - 1/a) - (1 - t)*a**gamma*(gamma*ln(1 - a)/a - 1/(1 - a))",
    source: r#"T.-Y. Lin et al., "Focal loss for dense object detection", ICCV 2017."#,
    example: "\
>>> import ferroprop as fp
>>> net = fp.Network([1, 1], output_activation=\"logistic\", init=\"uniform\", init_range=0.0, dtype=\"float64\")
>>> loss, _, _ = net.loss_and_gradients([[1.0]], [[1.0]], loss=fp.Focal(gamma=2.0))
>>> round(loss, 6)  # (1 - 1/2)**2 * log(2)
0.173287",
    ..About::NOTHING
};

pub(super) const FITS: Fits = Fits {
    outputs: &["logistic", "softmax"],
    targets: Targets::Probabilities,
    net_inputs: true,
    on_softmax: Some(("-t*(1 - a)**gamma*ln(a)", "t*(1 - a)**gamma*(gamma*ln(a)/(1 - a) - 1/a)")),
    ..Fits::ANYTHING
};

#[derive(Clone, Copy)]
pub(super) struct Focal<T> {
    gamma: T,
}

impl<T: Scalar> Focal<T> {
    pub fn new(gamma: f64) -> Self {
        Self { gamma: T::from_f64(gamma) }
    }
}

impl<T: Scalar> RowLosses<T> for Focal<T> {
    fn deltas(self, output: Activation, outputs: Outputs<'_, T>) {
        if let Activation::Logistic { slope } = output {
            let loss = Independent { gamma: self.gamma, slope: T::from_f64(slope) };
            dispatch(Deltas { loss, outputs });
        } else {
            dispatch(OneOfSeveral { gamma: self.gamma, outputs });
        }
    }
}

#[derive(Clone, Copy)]
struct Independent<T> {
    gamma: T,
    slope: T,
}

impl<T: Scalar> Elementwise<T> for Independent<T> {
    #[inline(always)]
    fn loss_and_delta(self, net: T, target: T) -> (T, T) {
        let Self { gamma, slope } = self;
        let u = slope * net;
        let (p, n) = (u.softplus(), (-u).softplus());
        let (a, rest) = (u.logistic(), (-u).logistic());
        let yes = target * (-gamma * p).exp();
        let no = (T::ONE - target) * (-gamma * n).exp();
        let delta = no * (a + gamma * rest * p) - yes * (rest + gamma * a * n);
        (yes * n + no * p, slope * delta)
    }
}

struct OneOfSeveral<'a, T> {
    gamma: T,
    outputs: Outputs<'a, T>,
}

impl<T: Scalar> Task<T> for OneOfSeveral<'_, T> {
    type Output = ();

    /// A vector's worth of rows at a time, each in its lane, whatever lies along the lanes in memory: the bits
    /// are the same.
    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Self { gamma, outputs } = self;
        let Outputs { layout, rows, columns, stride, net, targets, delta, weights, losses } = outputs;
        let lanes = T::LANES;
        let at = |row: usize, column: usize| match layout {
            Layout::UnitsInLanes => column / lanes * stride + row * lanes + column % lanes,
            Layout::RowsInLanes => row / lanes * stride + column * lanes + row % lanes,
        };
        for first in (0..rows).step_by(lanes) {
            let count = lanes.min(rows - first);
            let zeros = [T::ZERO; MOST_LANES];
            let (mut max, mut largest) = ([T::LOWEST; MOST_LANES], [0; MOST_LANES]);
            for column in 0..columns {
                for lane in 0..count {
                    let z = net[at(first + lane, column)];
                    let higher = z > max[lane];
                    max[lane] = if higher { z } else { max[lane] };
                    largest[lane] = if higher { column } else { largest[lane] };
                }
            }
            // e^(z - max) of all but the largest; that of the largest is 1.
            let mut others = zeros;
            for column in 0..columns {
                for lane in 0..count {
                    let e = (net[at(first + lane, column)] - max[lane]).exp();
                    others[lane] += if largest[lane] == column { T::ZERO } else { e };
                }
            }
            let (mut log_sums, mut sums_of_q, mut row_losses) = (zeros, zeros, zeros);
            for lane in 0..count {
                log_sums[lane] = others[lane].log_1p();
            }
            for column in 0..columns {
                for lane in 0..count {
                    let place = at(first + lane, column);
                    let distance = net[place] - max[lane];
                    let sum = others[lane] + T::ONE;
                    let a = distance.exp() / sum;
                    let rest = if largest[lane] == column { others[lane] / sum } else { T::ONE - a };
                    let n = log_sums[lane] - distance;
                    let ratio = if rest > T::ZERO { n / rest } else { T::ONE };
                    let log_rest = rest.log();
                    // 0 times infinity is no number, and anything to the power of 0 is 1.
                    let log_rest = if log_rest < T::LOWEST { T::LOWEST } else { log_rest };
                    let weighted = targets[place] * (gamma * log_rest).exp();
                    let q = -weighted * (T::ONE + gamma * a * ratio);
                    row_losses[lane] += if targets[place] > T::ZERO { weighted * n } else { T::ZERO };
                    sums_of_q[lane] += q;
                    delta[place] = q;
                }
            }
            for column in 0..columns {
                for lane in 0..count {
                    let place = at(first + lane, column);
                    let a = (net[place] - max[lane]).exp() / (others[lane] + T::ONE);
                    let weight = weights.map_or(T::ONE, |weights| weights[first + lane]);
                    delta[place] = (delta[place] - a * sums_of_q[lane]) * weight;
                }
            }
            if layout == Layout::UnitsInLanes {
                for column in columns..columns.next_multiple_of(lanes) {
                    for lane in 0..count {
                        delta[at(first + lane, column)] = T::ZERO;
                    }
                }
            }
            losses[first..first + count].copy_from_slice(&row_losses[..count]);
        }
    }
}
