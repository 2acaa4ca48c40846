//! Optimizers: one file a rule, listed once here.
//!
//! A rule sees a flat vector of parameters, their gradient, and arrays of its own of the same
//! length. Rules work element by element, so that threads may share a step in any way.

mod adam;
mod rprop;
mod schedule;
mod sgd;

pub use adam::Adam;
pub use rprop::Rprop;
pub use schedule::Schedule;
pub use sgd::Sgd;

use crate::error::Result;
use crate::kernel::{Scalar, Simd, Task, dispatch};

/// What a rule knows about the step it is to make, beside the gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// 1 for the first step.
    pub number: u64,
    /// The learning rate of the epoch, for rules that have one.
    pub learning_rate: f64,
    /// The loss, penalty included, where the gradient was taken.
    pub loss: f64,
    /// The loss of the step before; infinite at first.
    pub previous_loss: f64,
}

/// The most arrays that a rule keeps.
pub(crate) const MOST_ARRAYS: usize = 3;

/// One optimizer.
pub(crate) trait Rule {
    /// Names of the arrays it keeps.
    const ARRAYS: &'static [&'static str];

    /// Checks the constants.
    fn check(&self) -> Result<()>;

    /// What an array is filled with before the first step.
    fn initial(&self, array: usize) -> f64;

    /// Makes a step; implementations are `#[inline(always)]`.
    fn step<T: Scalar>(
        &self,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        arrays: [&mut [T]; MOST_ARRAYS],
    );
}

/// An optimizer and its constants.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Optimizer {
    /// Resilient propagation.
    Rprop(Rprop),
    /// Gradient descent, with momentum if wanted.
    Sgd(Sgd),
    /// Adaptive moment estimation.
    Adam(Adam),
}

macro_rules! with_rule {
    ($optimizer:expr, $rule:ident => $body:expr) => {
        match $optimizer {
            Optimizer::Rprop($rule) => $body,
            Optimizer::Sgd($rule) => $body,
            Optimizer::Adam($rule) => $body,
        }
    };
}

fn arrays_of<R: Rule>(_: &R) -> &'static [&'static str] {
    R::ARRAYS
}

impl Optimizer {
    /// Names of the arrays it keeps, each as long as the parameter vector.
    #[must_use]
    pub fn arrays(&self) -> &'static [&'static str] {
        with_rule!(self, rule => arrays_of(rule))
    }

    pub(crate) fn check(&self) -> Result<()> {
        with_rule!(self, rule => rule.check())
    }

    pub(crate) fn initial(&self, array: usize) -> f64 {
        with_rule!(self, rule => rule.initial(array))
    }

    /// The learning rate before the first epoch; `None` for rules without one.
    pub(crate) fn initial_learning_rate(&self) -> Option<f64> {
        match self {
            Self::Rprop(_) => None,
            Self::Sgd(sgd) => Some(sgd.learning_rate),
            Self::Adam(adam) => Some(adam.learning_rate),
        }
    }

    /// How the learning rate falls.
    pub(crate) fn schedule(&self) -> Schedule {
        match self {
            Self::Sgd(sgd) => sgd.schedule,
            _ => Schedule::Constant,
        }
    }

    /// Makes a step on a flat slice and the same slice of each array.
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
