//! Categorical units: of each group of k, one is 1, the others are 0; unit j with probability softmax(z)_j.
//!
//! The one is where z + g is largest, with g = -ln(-ln u) from Gumbel's distribution; a relaxed draw is
//! softmax((z + g) / t) with a temperature t: Jang, Gu & Poole, ICLR 2017.

use super::bernoulli::{ESTIMATOR, FROZEN, SAMPLES, TEMPERATURE};
use super::estimator::{Estimator, unit};
use crate::catalogue::{About, Hyperparameter};
use crate::kernel::{Scalar, Simd, Task};
use crate::random::Words;

pub(super) const ABOUT: About = About {
    name: "categorical",
    class: "Categorical",
    summary: "Stochastic units in groups of k: one of each group is 1, with the probabilities of a softmax, the others are
        0. For hidden layers only.",
    details: "\
The number of units of the layer is a multiple of k; the first k units are the first group. Estimators are those of
`Bernoulli`, whose relaxed draw is here ``softmax((z + g) / temperature)`` with g from Gumbel's distribution; the
unit with the largest ``z + g`` is the one that is 1. Where nothing is drawn, outputs are the probabilities.",
    hyperparameters: &[
        Hyperparameter::count("k", 10, "Units in a group, of which one is 1."),
        ESTIMATOR,
        TEMPERATURE,
        SAMPLES,
        FROZEN,
    ],
    positional: 2,
    source: r#"E. Jang, S. Gu and B. Poole, "Categorical reparameterization with Gumbel-softmax", ICLR 2017; C. J. Maddison,
        A. Mnih and Y. W. Teh, "The concrete distribution", ICLR 2017."#,
    example: "\
>>> import ferroprop as fp
>>> net = fp.Network([3, 12, 2], activation=fp.Categorical(4))
>>> net.hidden([[1.0, 2.0, 3.0]]).reshape(3, 4).sum(axis=1).round(6)
array([1., 1., 1.], dtype=float32)",
    stochastic: true,
    ..About::NOTHING
};

/// Net inputs to draws, or to probabilities without an estimator.
pub(super) struct Forward<'a, T, R> {
    pub numbers: &'a mut [T],
    /// Probabilities, relaxed draws or, for the score function, draws less probabilities; may be empty.
    pub kept: &'a mut [T],
    pub columns: usize,
    pub group: usize,
    pub stride: usize,
    pub rows: usize,
    pub estimator: Option<Estimator>,
    /// 1 / temperature.
    pub inverse: T,
    pub words: Option<(Words, R)>,
}

impl<T: Scalar, R: Fn(usize) -> u32 + Copy> Task<T> for Forward<'_, T, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Self { numbers, kept, columns, group, stride, rows, estimator, inverse, words } = self;
        let place = place::<T>(stride);
        if !kept.is_empty() {
            kept.copy_from_slice(numbers);
        }
        for row in 0..rows {
            if let Some((words, row_of)) = words {
                // Without the greatest of the group, lest the sums lose the digits of the random numbers.
                for first in (0..columns).step_by(group) {
                    let place = |unit| place(row, first + unit);
                    let max = numbers[place(largest(numbers, place, group))];
                    for at in (0..group).map(place) {
                        numbers[at] -= max;
                    }
                }
                for first in (0..columns).step_by(Words::PER_CALL) {
                    let drawn = words.at((first / Words::PER_CALL) as u32, row_of(row));
                    for (column, word) in (first..columns).zip(drawn) {
                        // Gumbel's distribution; the smallest logarithm is 1e-10, so in double precision.
                        numbers[place(row, column)] += T::from_f64(-Scalar::log(-Scalar::log(unit(word))));
                    }
                }
            }
            for first in (0..columns).step_by(group) {
                let place = |unit| place(row, first + unit);
                match estimator {
                    None => {
                        soften(numbers, place, group, T::ONE);
                        copy(kept, numbers, place, group);
                    }
                    Some(Estimator::Concrete) => {
                        soften(numbers, place, group, inverse);
                        copy(kept, numbers, place, group);
                    }
                    Some(Estimator::StraightThroughConcrete) => {
                        let one = largest(numbers, place, group);
                        soften(numbers, place, group, inverse);
                        copy(kept, numbers, place, group);
                        choose(numbers, place, group, one);
                    }
                    Some(estimator) => {
                        let one = largest(numbers, place, group);
                        choose(numbers, place, group, one);
                        if !kept.is_empty() {
                            soften(kept, place, group, T::ONE);
                            if estimator == Estimator::ScoreFunction {
                                for at in (0..group).map(place) {
                                    kept[at] = numbers[at] - kept[at];
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where a number is in panels.
#[inline(always)]
fn place<T: Scalar>(stride: usize) -> impl Fn(usize, usize) -> usize + Copy {
    move |row, column| column / T::LANES * stride + row * T::LANES + column % T::LANES
}

/// The softmax of the numbers of a group times a factor.
#[inline(always)]
fn soften<T: Scalar>(numbers: &mut [T], place: impl Fn(usize) -> usize + Copy, group: usize, factor: T) {
    let max = numbers[place(largest(numbers, place, group))];
    let mut sum = T::ZERO;
    for at in (0..group).map(place) {
        numbers[at] = ((numbers[at] - max) * factor).exp();
        sum += numbers[at];
    }
    let inverse = T::ONE / sum;
    for at in (0..group).map(place) {
        numbers[at] *= inverse;
    }
}

/// The unit of a group with the largest number: the first one of several.
#[inline(always)]
fn largest<T: Scalar>(numbers: &[T], place: impl Fn(usize) -> usize, group: usize) -> usize {
    let mut best = 0;
    for unit in 1..group {
        if numbers[place(unit)] > numbers[place(best)] {
            best = unit;
        }
    }
    best
}

/// Sets one unit of a group to 1, the others to 0.
#[inline(always)]
fn choose<T: Scalar>(numbers: &mut [T], place: impl Fn(usize) -> usize, group: usize, one: usize) {
    for unit in 0..group {
        numbers[place(unit)] = if unit == one { T::ONE } else { T::ZERO };
    }
}

#[inline(always)]
fn copy<T: Scalar>(kept: &mut [T], numbers: &[T], place: impl Fn(usize) -> usize, group: usize) {
    if !kept.is_empty() {
        for at in (0..group).map(place) {
            kept[at] = numbers[at];
        }
    }
}

/// Deltas back through the softmax of each group, times a factor.
pub(super) struct Back<'a, T> {
    pub deltas: &'a mut [T],
    pub kept: &'a [T],
    pub columns: usize,
    pub group: usize,
    pub stride: usize,
    pub rows: usize,
    pub inverse: T,
}

impl<T: Scalar> Task<T> for Back<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Self { deltas, kept, columns, group, stride, rows, inverse } = self;
        let place = place::<T>(stride);
        for row in 0..rows {
            for first in (0..columns).step_by(group) {
                let mut mean = T::ZERO;
                for at in (first..first + group).map(|column| place(row, column)) {
                    mean += deltas[at] * kept[at];
                }
                for at in (first..first + group).map(|column| place(row, column)) {
                    deltas[at] = kept[at] * (deltas[at] - mean) * inverse;
                }
            }
        }
    }
}
