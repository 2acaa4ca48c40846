//! SARPROP: Treadgold & Gedeon, "Simulated annealing and weight decay in adaptive learning: the
//! SARPROP algorithm", IEEE Transactions on Neural Networks 9(4), 1998.
//!
//! iRPROP- with noise on step sizes that became small relative to the error. With T the temperature
//! and A = 2^(-T * epoch) the annealing, where the gradient changed its sign:
//!
//! - if D < threshold * MSE: D = D * decrease + noise * r * sqrt(MSE) * A, r uniform in 0..1
//! - else D = D * decrease
//!
//! both within the limits. `weight_decay * A * w` is added to the gradient of the loss. MSE is the
//! loss that the step gets, and the epoch its number, from 1. r is a function of the seed, the
//! step and the parameter's place alone.

use super::rule::{MOST_ARRAYS, Rule, Step, fields, for_each};
use super::step_sizes::{DECREASE, INCREASE, INITIAL_STEP, MAX_STEP, MIN_STEP, StepSizes, agreement, sign};
use crate::catalogue::{About, Domain, Hyperparameter};
use crate::error::Result;
use crate::kernel::Scalar;
use crate::random::{Purpose, unit_at};

/// Resilient propagation with simulated annealing (SARPROP). For full batches.
///
/// ```
/// use ferroprop::{Optimizer, Sarprop};
/// let optimizer = Optimizer::Sarprop(Sarprop { temperature: 0.05, ..Sarprop::default() });
/// assert_eq!(optimizer.arrays(), ["step_size", "previous_gradient"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sarprop {
    /// Initial value, growth and decline of step sizes; their seed also seeds the noise.
    pub step_sizes: StepSizes,
    /// Rate at which noise and weight decay fade: they halve every 1 / temperature epochs; not negative.
    pub temperature: f64,
    /// Step sizes below this multiple of the loss get noise; not negative.
    pub threshold: f64,
    /// The initial size of the noise, in units of the square root of the loss; not negative.
    pub noise: f64,
    /// Strength of the fading weight decay; not negative. The paper uses 0.01.
    pub weight_decay: f64,
}

impl Default for Sarprop {
    fn default() -> Self {
        Self {
            step_sizes: StepSizes::default(),
            temperature: 0.01,
            threshold: 0.1,
            noise: 8.0,
            weight_decay: 0.0,
        }
    }
}

/// The number of parameters whose noise is drawn together.
const TOGETHER: usize = 64;

impl Rule for Sarprop {
    const ABOUT: About = About {
        name: "sarprop",
        class: "SARPROP",
        summary: "Resilient propagation with simulated annealing, for full batches.",
        details: "\
``Rprop(\"irprop-\")``, but where a gradient changed its sign a step size below ``threshold * loss`` gets noise:
``noise * r * sqrt(loss) * 2 ** (-temperature * epoch)`` is added after it shrank, r uniform in 0..1. The loss
stands for the paper's mean squared error, the steps of this object, from 1, are its epochs.",
        hyperparameters: &[
            Hyperparameter::double(
                "temperature",
                0.01,
                Domain::NotNegative,
                "How fast noise and weight decay fade: they halve every ``1 / temperature`` epochs.",
            ),
            Hyperparameter::double(
                "threshold",
                0.1,
                Domain::NotNegative,
                "Step sizes below this part of the loss get noise.",
            ),
            Hyperparameter::double(
                "noise",
                8.0,
                Domain::NotNegative,
                "The noise's size at first, in units of the root of the loss.",
            ),
            Hyperparameter::double(
                "weight_decay",
                0.0,
                Domain::NotNegative,
                "``weight_decay * 2 ** (-temperature * epoch) * w`` is added to the gradient of each parameter w; \
                 0.01 is usual. For a penalty that does not fade see `alpha` of `train`.",
            ),
            INCREASE,
            DECREASE,
            INITIAL_STEP,
            MIN_STEP,
            MAX_STEP,
            Hyperparameter::seed("Seeds the random numbers of the noise and of `initial_step`."),
        ],
        positional: 0,
        value: "the same as Rprop, with noise on step sizes that shrank",
        source: r#"N. K. Treadgold and T. D. Gedeon, "Simulated annealing and weight decay in adaptive learning:
            the SARPROP algorithm", IEEE Transactions on Neural Networks 9(4), 1998."#,
        example: "\
>>> import ferroprop as fp
>>> fp.SARPROP(temperature=0.05).temperature
0.05",
        ..About::NOTHING
    };
    const ARRAYS: &'static [&'static str] = &["step_size", "previous_gradient"];
    const ELEMENTWISE: bool = false;
    const MINI_BATCHES: bool = false;

    fields! {
        temperature, threshold, noise, weight_decay, step_sizes.increase, step_sizes.decrease, step_sizes.initial,
        step_sizes.min, step_sizes.max, step_sizes.seed,
    }

    fn check_together(&self) -> Result<()> {
        self.step_sizes.check_together()
    }

    fn needs_loss(&self) -> bool {
        true
    }

    fn start<T: Scalar>(&self, array: usize, numbers: &mut [T]) {
        if array == 0 {
            self.step_sizes.start(numbers);
        } else {
            numbers.fill(T::ZERO);
        }
    }

    #[inline(always)]
    fn step<T: Scalar>(
        &self,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        [step_size, previous, _]: [&mut [T]; MOST_ARRAYS],
    ) {
        let adaptation = self.step_sizes.typed::<T>();
        let annealing = Scalar::exp(-self.temperature * step.number as f64 * std::f64::consts::LN_2);
        // A negative loss, which only a custom one can have, gives no noise.
        let mse = step.loss.max(0.0);
        let threshold = T::from_f64(self.threshold * mse);
        let noise = T::from_f64(self.noise * mse.sqrt() * annealing);
        let decay = T::from_f64(self.weight_decay * annealing);
        let n = parameters.len();
        let mut drawn = [T::ZERO; TOGETHER];
        for from in (0..n).step_by(TOGETHER) {
            let to = n.min(from + TOGETHER);
            for (place, four) in drawn[..to - from].chunks_mut(4).enumerate() {
                let place = (from / 4 + place) as u64;
                let units = unit_at(self.step_sizes.seed, Purpose::Noise, step.number, place);
                for (r, unit) in four.iter_mut().zip(units) {
                    *r = T::from_f64(unit);
                }
            }
            let arrays = [&mut step_size[from..to], &mut previous[from..to], &mut drawn];
            for_each(&mut parameters[from..to], &gradient[from..to], arrays, |w, g, [size, previous, r]| {
                let g = g + decay * w;
                let agreement = agreement(*previous, g);
                let reversed = agreement < T::ZERO;
                let before = *size;
                let d = adaptation.adapted(before, agreement);
                let shaken = adaptation.clipped(adaptation.shrunk(before) + noise * *r);
                let d = if reversed && before < threshold { shaken } else { d };
                let g = if reversed { T::ZERO } else { g };
                *size = d;
                *previous = g;
                w - sign(g) * d
            });
        }
    }
}
