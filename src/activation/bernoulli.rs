//! Bernoulli units: 1 with probability p = 1 / (1 + e^-z), else 0.
//!
//! A relaxed draw is 1 / (1 + e^(-(z + ln(u / (1 - u))) / t)) with u uniform between 0 and 1 and a temperature t:
//! the binary concrete distribution of Maddison, Mnih & Teh, ICLR 2017.

use super::estimator::{Estimator, unit};
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::kernel::{Scalar, Simd, Task};
use crate::random::Words;

pub(super) const ABOUT: About = About {
    name: "bernoulli",
    class: "Bernoulli",
    summary: "Stochastic units: 1 with probability ``1 / (1 + exp(-z))``, else 0. For hidden layers only.",
    details: "\
A step of a training draws the outputs; the random numbers follow from seed, step, layer, row and unit alone. A draw
has no derivative, so an estimator stands for it on the way back:

- ``\"straight_through\"`` takes the derivative of the probability. Biased; its sign can be wrong;
- ``\"concrete\"`` draws a number between 0 and 1, the nearer to them the lower the temperature (binary Gumbel-softmax),
  and has the exact gradient of that. Biased for draws of 0 and 1, less at lower temperatures, where it is noisier;
- ``\"straight_through_concrete\"`` draws 0 or 1, and takes the derivative of the relaxed draw. Biased;
- ``\"score_function\"`` (REINFORCE) takes the loss of the draw, less the mean loss of the row's other samples, times the
  derivative of the draw's log-probability. Unbiased, and noisy; for 2 or more samples.

Where nothing is drawn, as in `Network.predict` without samples and in validation, outputs are the
probabilities.",
    hyperparameters: HYPERPARAMETERS,
    positional: 1,
    source: r#"Y. Bengio, N. Léonard and A. Courville, "Estimating or propagating gradients through stochastic neurons for
        conditional computation", 2013; C. J. Maddison, A. Mnih and Y. W. Teh, "The concrete distribution", ICLR 2017;
        R. J. Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement learning",
        Machine Learning 8, 1992; W. Kool, H. van Hoof and M. Welling, "Buy 4 REINFORCE samples, get a baseline for
        free!", 2019."#,
    example: "\
>>> import ferroprop as fp
>>> net = fp.Network([3, 8, 2], activation=fp.Bernoulli(\"concrete\", temperature=0.5))
>>> net.activations
[Bernoulli(estimator='concrete', temperature=0.5, samples=1, frozen=False)]",
    stochastic: true,
    ..About::NOTHING
};

const HYPERPARAMETERS: &[Hyperparameter] = &[ESTIMATOR, TEMPERATURE, SAMPLES, FROZEN];

pub(super) const ESTIMATOR: Hyperparameter =
    Hyperparameter::name("estimator", &Estimator::NAMES, "What stands for the derivative of the draw.");

pub(super) const TEMPERATURE: Hyperparameter = Hyperparameter::number(
    "temperature",
    1.0,
    Domain::Positive,
    "Of the two estimators that relax the draw; positive and dimensionless.",
);

pub(super) const SAMPLES: Hyperparameter = Hyperparameter::count(
    "samples",
    1,
    "How often each row is drawn in a step; the loss is the mean. All stochastic layers of a network have the same
     number.",
);

pub(super) const FROZEN: Hyperparameter = Hyperparameter::flag(
    "frozen",
    false,
    "Whether the random numbers of a row are the same in every step, so that with ``\"concrete\"`` a training minimises
     one fixed function, as `Rprop` wants it.",
);

/// Net inputs to draws, or to probabilities without an estimator.
pub(super) struct Forward<'a, T, R> {
    pub numbers: &'a mut [T],
    /// What deltas are multiplied by; may be empty.
    pub kept: &'a mut [T],
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
        let Self { numbers, kept, stride, rows, estimator, inverse, words } = self;
        let together = Words::SIDE_BY_SIDE / T::LANES;
        let mut kept = kept.chunks_exact_mut(stride);
        for (panel, numbers) in numbers.chunks_exact_mut(stride).enumerate() {
            let kept = kept.next().unwrap_or_default();
            for first in (0..rows).step_by(together) {
                let own = first * T::LANES..rows.min(first + together) * T::LANES;
                let drawn = words.map_or_else(Default::default, |(words, row_of)| {
                    words.of_panel(panel, T::LANES, first..rows, row_of)
                });
                let mut slopes = [T::ZERO; Words::SIDE_BY_SIDE];
                outputs_and_slopes(
                    estimator,
                    inverse,
                    drawn.as_flattened(),
                    &mut numbers[own.clone()],
                    &mut slopes,
                );
                let len = own.len();
                if let Some(kept) = kept.get_mut(own) {
                    kept.copy_from_slice(&slopes[..len]);
                }
            }
        }
    }
}

/// Replaces net inputs by outputs, and fills in their slopes.
#[inline(always)]
fn outputs_and_slopes<T: Scalar>(
    estimator: Option<Estimator>,
    inverse: T,
    drawn: &[u32],
    numbers: &mut [T],
    slopes: &mut [T],
) {
    let all = numbers.iter_mut().zip(drawn).zip(slopes).map(|((x, &word), slope)| (x, word, slope));
    // A loop for each estimator, so that each becomes vectors.
    match estimator {
        None => {
            for (x, _, slope) in all {
                let p = x.logistic();
                (*x, *slope) = (p, p * (T::ONE - p));
            }
        }
        Some(Estimator::StraightThrough) => {
            for (x, word, slope) in all {
                let p = x.logistic();
                (*x, *slope) = (draw(p, word), p * (T::ONE - p));
            }
        }
        Some(Estimator::ScoreFunction) => {
            for (x, word, slope) in all {
                let p = x.logistic();
                *x = draw(p, word);
                *slope = *x - p;
            }
        }
        Some(Estimator::Concrete) => {
            for (x, word, slope) in all {
                (*x, *slope) = relaxed(*x, word, inverse);
            }
        }
        Some(Estimator::StraightThroughConcrete) => {
            for (x, word, slope) in all {
                let (y, of_y) = relaxed(*x, word, inverse);
                (*x, *slope) = (if y > T::from_f64(0.5) { T::ONE } else { T::ZERO }, of_y);
            }
        }
    }
}

/// 1 with probability `p`.
#[inline(always)]
fn draw<T: Scalar>(p: T, word: u32) -> T {
    if f64::from(word) < p.to_f64() * 4_294_967_296.0 { T::ONE } else { T::ZERO }
}

/// A relaxed draw and its slope.
#[inline(always)]
fn relaxed<T: Scalar>(z: T, word: u32, inverse: T) -> (T, T) {
    let u = unit(word);
    let y = ((z + T::from_f64(Scalar::log(u) - Scalar::log(1.0 - u))) * inverse).logistic();
    (y, y * (T::ONE - y) * inverse)
}
