//! SARPROP: Treadgold & Gedeon, "Simulated annealing and weight decay in adaptive learning: the
//! SARPROP algorithm", IEEE Transactions on Neural Networks 9(4), 1998.
//!
//! iRPROP-, with noise on step sizes that became small against the error. With T the temperature
//! and A = 2^(-T * epoch) the annealing, where the gradient changed its sign:
//!
//! - if D < threshold * MSE: D = D * decrease + noise * r * sqrt(MSE) * A, r uniform in 0..1
//! - else D = D * decrease
//!
//! both within the limits. The gradient is that of the loss plus `weight_decay * A * w`. MSE is the
//! loss that the step is given, the epoch its number, from 1. r is a function of the seed, the
//! step and the parameter's place alone.

use super::rule::{MOST_ARRAYS, Rule, Step};
use super::step_sizes::{StepSizes, agreement, sign};
use crate::check::check_number;
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
pub struct Sarprop {
    /// How step sizes begin, grow and shrink; their seed names the noise too.
    pub step_sizes: StepSizes,
    /// How fast noise and weight decay fade: they halve every 1 / temperature epochs; not negative.
    pub temperature: f64,
    /// Step sizes below this part of the loss get noise; not negative.
    pub threshold: f64,
    /// The noise's size at first, in units of the root of the loss; not negative.
    pub noise: f64,
    /// Strength of the fading weight decay; not negative. The paper has 0.01.
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

/// Parameters whose noise is drawn together.
const TOGETHER: usize = 64;

impl Rule for Sarprop {
    const ARRAYS: &'static [&'static str] = &["step_size", "previous_gradient"];
    const ELEMENTWISE: bool = false;

    fn check(&self) -> Result<()> {
        self.step_sizes.check()?;
        let not_negative = |name, number| check_number(name, number, "0 or a positive number", |x| x >= 0.0);
        not_negative("temperature", self.temperature)?;
        not_negative("threshold", self.threshold)?;
        not_negative("noise", self.noise)?;
        not_negative("weight_decay", self.weight_decay)
    }

    fn constants(&self) -> Vec<(&'static str, f64)> {
        self.step_sizes.constants()
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
        // A loss below 0, which only a loss of one's own can have, is no error to be noisy about.
        let mse = step.loss.max(0.0);
        let threshold = T::from_f64(self.threshold * mse);
        let noise = T::from_f64(self.noise * mse.sqrt() * annealing);
        let decay = T::from_f64(self.weight_decay * annealing);
        let n = parameters.len();
        let (gradient, step_size) = (&gradient[..n], &mut step_size[..n]);
        let previous = &mut previous[..n];
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
            for i in from..to {
                let w = parameters[i];
                let g = gradient[i] + decay * w;
                let agreement = agreement(previous[i], g);
                let reversed = agreement < T::ZERO;
                let before = step_size[i];
                let d = adaptation.adapted(before, agreement);
                let shaken = adaptation.clipped(adaptation.shrunk(before) + noise * drawn[i - from]);
                let d = if reversed && before < threshold { shaken } else { d };
                let g = if reversed { T::ZERO } else { g };
                parameters[i] = w - sign(g) * d;
                step_size[i] = d;
                previous[i] = g;
            }
        }
    }
}
