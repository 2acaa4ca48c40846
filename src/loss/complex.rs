//! Losses of complex outputs.
//!
//! Those that are sums over the parts of a - t take the parts one by one. The absolute error and Huber's loss are
//! functions of the distance |a - t|, not sums over its parts: so they do not change when outputs and targets are turned
//! together. With E(r) a function of r = |a - t|, dE/d(Re a) + i dE/d(Im a) = E'(r) (a - t) / r.

use super::Loss;
use super::outputs::Outputs;
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::kernel::math::magnitude;
use crate::kernel::{MOST_LANES, Scalar, Simd, Task, dispatch, halving_sum};

impl Loss {
    /// Checks that there is such a loss of complex outputs.
    pub(super) fn check_complex(self) -> Result<()> {
        if matches!(
            self,
            Self::SquaredError | Self::AbsoluteError | Self::Huber { .. } | Self::LogLoss { .. }
        ) {
            return Ok(());
        }
        let expected = "one that complex outputs have (\"squared_error\", \"absolute_error\", \"huber\", with logistic parts \
                        \"log_loss\"; real outputs, such as output_activation=\"abs\", have all)";
        Err(Error::argument("loss", expected, format!("{:?}", self.name())))
    }

    /// Losses and deltas of a block of rows of complex outputs, in panels: those of the real parts first. There is room for the
    /// losses of both parts.
    pub(crate) fn complex_deltas<T: Scalar>(self, output: Activation, outputs: Outputs<'_, T>) {
        match self {
            Self::AbsoluteError => dispatch(Distances { loss: |r| (r, T::ONE), outputs }),
            Self::Huber { delta } => {
                let delta = T::from_f64(delta);
                let half = T::from_f64(0.5);
                let loss = |r: T| {
                    if r <= delta { (half * r * r, r) } else { (delta * (r - half * delta), delta) }
                };
                dispatch(Distances { loss, outputs });
            }
            _ => self.deltas_of_parts(output, outputs),
        }
    }

    fn deltas_of_parts<T: Scalar>(self, output: Activation, outputs: Outputs<'_, T>) {
        let Outputs { layout, rows, columns, stride, net, targets, delta, weights, losses } = outputs;
        let (half, capacity) = (net.len() / 2, losses.len() / 2);
        let nets = [&net[..half], &net[half..]];
        let targets = [&targets[..half], &targets[half..]];
        let deltas = delta.split_at_mut(half);
        let losses = losses.split_at_mut(capacity);
        for (part, (delta, losses)) in
            [(deltas.0, &mut *losses.0), (deltas.1, &mut *losses.1)].into_iter().enumerate()
        {
            let (net, targets) = (nets[part], targets[part]);
            self.deltas(
                output,
                Outputs { layout, rows, columns, stride, net, targets, delta, weights, losses },
            );
        }
        for (loss, more) in losses.0[..rows].iter_mut().zip(&*losses.1) {
            *loss += *more;
        }
    }
}

/// A loss of distances: E(r) and E'(r).
struct Distances<'a, T, L> {
    loss: L,
    outputs: Outputs<'a, T>,
}

impl<T: Scalar, L: Fn(T) -> (T, T)> Task<T> for Distances<'_, T, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Outputs { rows, columns, stride, net, targets, delta, weights, losses, .. } = self.outputs;
        let lanes = T::LANES;
        let (re, im) = net.split_at(net.len() / 2);
        let (re_targets, im_targets) = targets.split_at(net.len() / 2);
        let (re_deltas, im_deltas) = delta.split_at_mut(net.len() / 2);
        for row in 0..rows {
            let weight = weights.map_or(T::ONE, |weights| weights[row]);
            let mut sums = [T::ZERO; MOST_LANES];
            for panel in 0..columns.div_ceil(lanes) {
                let at = panel * stride + row * lanes;
                let used = lanes.min(columns - panel * lanes);
                for lane in 0..lanes {
                    let at = at + lane;
                    let (x, y) = (re[at] - re_targets[at], im[at] - im_targets[at]);
                    let r = magnitude(x, y);
                    let (loss, slope) = (self.loss)(r);
                    let factor = if r == T::ZERO { T::ZERO } else { slope / r * weight };
                    let (loss, factor) = if lane < used { (loss, factor) } else { (T::ZERO, T::ZERO) };
                    sums[lane] += loss;
                    re_deltas[at] = factor * x;
                    im_deltas[at] = factor * y;
                }
            }
            losses[row] = halving_sum(sums);
        }
    }
}
