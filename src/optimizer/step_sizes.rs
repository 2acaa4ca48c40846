//! The step sizes of the Rprop family: one per parameter, which grows while the
//! sign of its gradient stays and shrinks when it changes (Riedmiller & Braun, "A direct adaptive
//! method for faster backpropagation learning: the RPROP algorithm", ICNN 1993, equation 4).
//!
//! With p = sign(gradient of the step before) * sign(gradient) a step size D becomes
//! min(D * increase, max) where p > 0, max(D * decrease, min) where p < 0, and stays where p = 0.

use crate::catalogue::{Domain, Hyperparameter, Setting, Value};
use crate::error::{Error, Result, plain};
use crate::kernel::Scalar;
use crate::random::{Purpose, Random};

/// The initial step sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum InitialStep {
    /// The same for all parameters; positive.
    Same(f64),
    /// Drawn uniformly, one per parameter.
    Drawn {
        /// The least; positive.
        low: f64,
        /// The greatest.
        high: f64,
    },
}

impl From<InitialStep> for Value {
    fn from(step: InitialStep) -> Self {
        match step {
            InitialStep::Same(step) => Self::Number(step),
            InitialStep::Drawn { low, high } => Self::Range(low, high),
        }
    }
}

impl Setting for InitialStep {
    fn set(&mut self, value: &Value) {
        match *value {
            Value::Number(step) => *self = Self::Same(step),
            Value::Range(low, high) => *self = Self::Drawn { low, high },
            _ => {}
        }
    }
}

/// How step sizes begin, grow and shrink.
///
/// ```
/// use ferroprop::{InitialStep, Optimizer, Rprop, StepSizes};
/// let step_sizes = StepSizes { initial: InitialStep::Same(0.05), ..StepSizes::default() };
/// let optimizer = Optimizer::Rprop(Rprop { step_sizes, ..Rprop::default() });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StepSizes {
    /// Growth while the gradient keeps its sign; above 1.
    pub increase: f64,
    /// Shrinkage when the sign changes; between 0 and 1.
    pub decrease: f64,
    /// Before the first step, within the limits.
    pub initial: InitialStep,
    /// The smallest step size; may be 0.
    pub min: f64,
    /// The largest step size.
    pub max: f64,
    /// Names the numbers that are drawn.
    pub seed: u64,
}

impl Default for StepSizes {
    fn default() -> Self {
        Self { increase: 1.2, decrease: 0.5, initial: InitialStep::Same(0.1), min: 1e-6, max: 50.0, seed: 0 }
    }
}

/// What is known of the hyperparameters that the family shares.
pub(super) const INCREASE: Hyperparameter = Hyperparameter::number(
    "increase",
    1.2,
    Domain::AboveOne,
    "Growth of a step size while the gradient keeps its sign; above 1.",
);
pub(super) const DECREASE: Hyperparameter = Hyperparameter::double(
    "decrease",
    0.5,
    Domain::Open,
    "Shrinkage when the sign changes; between 0 and 1.",
);
pub(super) const INITIAL_STEP: Hyperparameter = Hyperparameter::number(
    "initial_step",
    0.1,
    Domain::Step,
    "Every step size at first, in units of the parameters; positive and within the limits. Of a tuple, it is \
     drawn for each parameter between the two.",
);
pub(super) const MIN_STEP: Hyperparameter =
    Hyperparameter::double("min_step", 1e-6, Domain::NotNegative, "The smallest step size; 0 is allowed.");
pub(super) const MAX_STEP: Hyperparameter =
    Hyperparameter::number("max_step", 50.0, Domain::Positive, "The largest step size.");

impl StepSizes {
    /// Checks that the hyperparameters, each of which lies in its domain, go together.
    pub(super) fn check_together(&self) -> Result<()> {
        if self.min > self.max {
            let expected = format!("at most max_step = {}", plain(self.max));
            return Err(Error::argument("min_step", expected, plain(self.min)));
        }
        let (low, high) = match self.initial {
            InitialStep::Same(step) => (step, step),
            InitialStep::Drawn { low, high } => (low, high),
        };
        let wrong = |expected: String, got: f64| Err(Error::argument("initial_step", expected, plain(got)));
        if low > high {
            return wrong(format!("a range from low to high, high at least {}", plain(low)), high);
        }
        if low < self.min {
            return wrong(format!("at least min_step = {}", plain(self.min)), low);
        }
        if high > self.max {
            return wrong(format!("at most max_step = {}", plain(self.max)), high);
        }
        Ok(())
    }

    /// Fills in the step sizes before the first step, in the order of the parameters.
    pub(super) fn start<T: Scalar>(&self, step_sizes: &mut [T]) {
        match self.initial {
            InitialStep::Same(step) => step_sizes.fill(T::from_f64(step)),
            InitialStep::Drawn { low, high } => {
                let mut random = Random::new(self.seed, Purpose::StepSizes, 0);
                for step_size in step_sizes {
                    *step_size = T::from_f64(low + (high - low) * random.unit());
                }
            }
        }
    }

    /// The constants in the precision of the parameters.
    #[inline(always)]
    pub(super) fn typed<T: Scalar>(&self) -> Adaptation<T> {
        Adaptation {
            increase: T::from_f64(self.increase),
            decrease: T::from_f64(self.decrease),
            min: T::from_f64(self.min),
            max: T::from_f64(self.max),
        }
    }
}

/// Growth and shrinkage in the precision of the parameters.
#[derive(Clone, Copy)]
pub(super) struct Adaptation<T> {
    increase: T,
    decrease: T,
    min: T,
    max: T,
}

impl<T: Scalar> Adaptation<T> {
    /// A step size after its parameter's gradients agreed (1), disagreed (-1) or neither (0).
    #[inline(always)]
    pub(super) fn adapted(&self, step_size: T, agreement: T) -> T {
        let grown = step_size * self.increase;
        let shrunk = self.shrunk(step_size);
        if agreement > T::ZERO {
            if grown < self.max { grown } else { self.max }
        } else if agreement < T::ZERO {
            if shrunk > self.min { shrunk } else { self.min }
        } else {
            step_size
        }
    }

    /// A step size after a change of sign, before the limits.
    #[inline(always)]
    pub(super) fn shrunk(&self, step_size: T) -> T {
        step_size * self.decrease
    }

    #[inline(always)]
    pub(super) fn clipped(&self, step_size: T) -> T {
        let raised = if step_size > self.min { step_size } else { self.min };
        if raised < self.max { raised } else { self.max }
    }
}

/// Whether two gradients agree: 1, -1, or 0 where one of them is 0. Signs, never the product of the
/// gradients: that underflows.
#[inline(always)]
pub(super) fn agreement<T: Scalar>(before: T, now: T) -> T {
    sign(now) * sign(before)
}

/// 1, -1, or 0 for 0 and NaN.
#[inline(always)]
pub(super) fn sign<T: Scalar>(x: T) -> T {
    if x > T::ZERO {
        T::ONE
    } else if x < T::ZERO {
        -T::ONE
    } else {
        T::ZERO
    }
}
