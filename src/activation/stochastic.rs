//! The stochastic units of a layer: forward to draws or probabilities, and what goes back through them.

use super::estimator::Estimator;
use super::slopes::ScaleBySlopes;
use super::{bernoulli, categorical};
use crate::kernel::{Scalar, Simd, Task, dispatch};
use crate::random::Words;

/// The stochastic units of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units {
    /// Units of which one is 1; `None` for Bernoulli units, each of which is by itself.
    pub group: Option<usize>,
    pub estimator: Estimator,
    pub temperature: f64,
    /// How often each row is drawn in a step.
    pub samples: usize,
    /// Whether each step has the same random numbers for a row.
    pub frozen: bool,
}

/// Random numbers for a layer: those of a row are at the place that `row` gives.
#[derive(Clone, Copy)]
pub(crate) struct Draw<R> {
    pub words: Words,
    pub row: R,
    /// Whether outputs are 0 or 1, whatever the estimator.
    pub hard: bool,
}

impl Units {
    /// The estimator that a draw is made for.
    fn estimator_of<R>(self, draw: &Draw<R>) -> Estimator {
        if draw.hard { Estimator::StraightThrough } else { self.estimator }
    }

    /// Turns net inputs into outputs: draws, or without random numbers probabilities. What the way back needs is
    /// kept where there is room for it (an empty slice: nowhere).
    pub fn forward<T: Scalar, R: Fn(usize) -> u32 + Copy>(
        self,
        numbers: &mut [T],
        kept: &mut [T],
        columns: usize,
        (stride, rows): (usize, usize),
        draw: Option<Draw<R>>,
    ) {
        let estimator = draw.as_ref().map(|draw| self.estimator_of(draw));
        let inverse = T::from_f64(1.0 / self.temperature);
        let words = draw.map(|draw| (draw.words, draw.row));
        match self.group {
            None => {
                dispatch(bernoulli::Forward { numbers, kept, stride, rows, estimator, inverse, words });
            }
            Some(group) => dispatch(categorical::Forward {
                numbers,
                kept,
                columns,
                group,
                stride,
                rows,
                estimator,
                inverse,
                words,
            }),
        }
    }

    /// From derivatives with respect to the outputs to those with respect to the net inputs, given what the way
    /// forward has kept, and whether it was a draw.
    pub fn back<T: Scalar>(
        self,
        deltas: &mut [T],
        kept: &[T],
        columns: usize,
        (stride, rows): (usize, usize),
        drawn: bool,
    ) {
        match self.group {
            None => dispatch(ScaleBySlopes { deltas, slopes: kept, stride, rows }),
            Some(group) => {
                let inverse = T::from_f64(self.softmax(drawn).unwrap_or(1.0));
                dispatch(categorical::Back { deltas, kept, columns, group, stride, rows, inverse });
            }
        }
    }

    /// The factor of the softmax's derivative on the way back, where the way forward has kept a softmax.
    pub fn softmax(self, drawn: bool) -> Option<f64> {
        match self.estimator {
            _ if self.group.is_none() => None,
            Estimator::ScoreFunction if drawn => None,
            Estimator::Concrete | Estimator::StraightThroughConcrete if drawn => Some(1.0 / self.temperature),
            _ => Some(1.0),
        }
    }

    /// The score function's deltas: each row's signal times the derivative of the draw's log-probability, which
    /// the way forward has kept.
    pub fn credit<T: Scalar>(deltas: &mut [T], kept: &[T], columns: usize, stride: usize, signals: &[T]) {
        dispatch(Credit { deltas, kept, stride, signals });
        // A score of the lanes that fill up the last panel would move parameters that are none.
        let (used, last) = (columns % T::LANES, columns / T::LANES * stride);
        if used > 0 {
            let rows = deltas[last..].chunks_exact_mut(T::LANES).take(signals.len());
            rows.for_each(|deltas| deltas[used..].fill(T::ZERO));
        }
    }
}

struct Credit<'a, T> {
    deltas: &'a mut [T],
    kept: &'a [T],
    stride: usize,
    signals: &'a [T],
}

impl<T: Scalar> Task<T> for Credit<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let panels = self.deltas.chunks_exact_mut(self.stride);
        for (deltas, kept) in panels.zip(self.kept.chunks_exact(self.stride)) {
            let rows = deltas.chunks_exact_mut(T::LANES).zip(kept.chunks_exact(T::LANES));
            for ((deltas, kept), &signal) in rows.zip(self.signals) {
                for (delta, &score) in deltas.iter_mut().zip(kept) {
                    *delta = signal * score;
                }
            }
        }
    }
}
