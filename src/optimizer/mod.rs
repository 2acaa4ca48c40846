//! Optimizers: one file a rule, listed once here.
//!
//! A rule sees a flat vector of parameters, their gradient, and arrays of its own of the same
//! length. Most rules work element by element, so that threads may share a step in any way; the
//! others say so ([`Rule::ELEMENTWISE`]).

mod adam;
mod grprop;
mod rprop;
mod rule;
mod sarprop;
mod sgd;
mod step_sizes;

pub use adam::{Adam, AdamW};
pub use grprop::{Choice, GRprop};
pub use rprop::{Rprop, Variant};
pub(crate) use rule::{MOST_ARRAYS, Step};
pub use sarprop::Sarprop;
pub use sgd::Sgd;
pub use step_sizes::{InitialStep, StepSizes};

use crate::error::{Error, Result};
use crate::kernel::{Scalar, Simd, Task, dispatch};
use crate::schedule::Schedule;
use rule::Rule;

/// An optimizer and its constants.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Optimizer {
    /// Resilient propagation.
    Rprop(Rprop),
    /// Globally convergent resilient propagation.
    GRprop(GRprop),
    /// Resilient propagation with simulated annealing.
    Sarprop(Sarprop),
    /// Gradient descent, with momentum if wanted.
    Sgd(Sgd),
    /// Adaptive moment estimation.
    Adam(Adam),
    /// Adaptive moment estimation with decoupled weight decay.
    AdamW(AdamW),
}

macro_rules! with_rule {
    ($optimizer:expr, $rule:ident => $body:expr) => {
        match $optimizer {
            Optimizer::Rprop($rule) => $body,
            Optimizer::GRprop($rule) => $body,
            Optimizer::Sarprop($rule) => $body,
            Optimizer::Sgd($rule) => $body,
            Optimizer::Adam($rule) => $body,
            Optimizer::AdamW($rule) => $body,
        }
    };
}

fn is_elementwise<R: Rule>(_: &R) -> bool {
    R::ELEMENTWISE
}

impl Optimizer {
    /// The names that [`Optimizer::from_name`] knows.
    pub const NAMES: [&'static str; 10] =
        ["rprop", "rprop+", "rprop-", "irprop+", "irprop-", "grprop", "sarprop", "sgd", "adam", "adamw"];

    /// An optimizer with its default constants. "rprop" is the default variant, iRPROP+.
    ///
    /// # Errors
    /// [`Error::Argument`] for a name that is not in [`Optimizer::NAMES`].
    ///
    /// ```
    /// use ferroprop::Optimizer;
    /// assert_eq!(Optimizer::from_name("rprop")?, Optimizer::from_name("irprop+")?);
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn from_name(name: &str) -> Result<Self> {
        Ok(match name {
            "rprop" => Self::Rprop(Rprop::default()),
            "grprop" => Self::GRprop(GRprop::default()),
            "sarprop" => Self::Sarprop(Sarprop::default()),
            "sgd" => Self::Sgd(Sgd::default()),
            "adam" => Self::Adam(Adam::default()),
            "adamw" => Self::AdamW(AdamW::default()),
            _ => {
                let Ok(variant) = Variant::from_name(name) else {
                    let names = Self::NAMES.map(|name| format!("{name:?}")).join(", ");
                    return Err(Error::argument(
                        "optimizer",
                        format!("one of {names}"),
                        format_args!("{name:?}"),
                    ));
                };
                Self::Rprop(Rprop { variant, ..Rprop::default() })
            }
        })
    }

    /// Names of the arrays it keeps, each as long as the parameter vector.
    #[must_use]
    pub fn arrays(&self) -> &'static [&'static str] {
        with_rule!(self, rule => rule.arrays())
    }

    pub(crate) fn check(&self) -> Result<()> {
        with_rule!(self, rule => rule.check())
    }

    /// The constants that a step uses as numbers of the parameters' type, by name.
    pub(crate) fn constants(&self) -> Vec<(&'static str, f64)> {
        with_rule!(self, rule => rule.constants())
    }

    pub(crate) fn elementwise(&self) -> bool {
        with_rule!(self, rule => is_elementwise(rule))
    }

    pub(crate) fn needs_loss(&self) -> bool {
        with_rule!(self, rule => rule.needs_loss())
    }

    /// Fills an array as it is before the first step, in the order of the parameters.
    pub(crate) fn start<T: Scalar>(&self, array: usize, numbers: &mut [T]) {
        with_rule!(self, rule => rule.start(array, numbers));
    }

    /// The learning rate, for rules that have one.
    pub(crate) fn learning_rate(&self) -> Option<&Schedule> {
        with_rule!(self, rule => rule.learning_rate())
    }

    /// The weight decay, for rules that have one beside the gradient.
    pub(crate) fn weight_decay(&self) -> Option<&Schedule> {
        with_rule!(self, rule => rule.weight_decay())
    }

    /// Learning rate and weight decay of a step by hand; `None` where they stay what they are.
    pub(crate) fn by_hand(&self, step: u64) -> Result<[Option<f64>; 2]> {
        let schedules = [("learning_rate", self.learning_rate()), ("weight_decay", self.weight_decay())];
        let mut numbers = [None; 2];
        for (number, (name, schedule)) in numbers.iter_mut().zip(schedules) {
            if let Some(schedule) = schedule {
                *number = schedule.by_hand(name, step)?;
            }
        }
        Ok(numbers)
    }

    /// The same optimizer as it treats biases; `None` if it makes no difference.
    pub(crate) fn for_biases(&self) -> Option<Self> {
        match self {
            Self::AdamW(rule) => Some(Self::Adam(rule.adam.clone())),
            _ => None,
        }
    }

    /// Makes a step on a flat slice and the same slice of each array; on all parameters, in the
    /// network's order, unless [`Optimizer::elementwise`].
    pub(crate) fn step<T: Scalar>(
        &self,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        arrays: [&mut [T]; MOST_ARRAYS],
    ) {
        with_rule!(self, rule => dispatch(MakeStep { rule, step, parameters, gradient, arrays }));
    }
}

struct MakeStep<'a, T, R> {
    rule: &'a R,
    step: &'a Step,
    parameters: &'a mut [T],
    gradient: &'a [T],
    arrays: [&'a mut [T]; MOST_ARRAYS],
}

impl<T: Scalar, R: Rule> Task<T> for MakeStep<'_, T, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        self.rule.step(self.step, self.parameters, self.gradient, self.arrays);
    }
}
