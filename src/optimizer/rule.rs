//! What a file of this room says of its rule.

use crate::error::Result;
use crate::kernel::Scalar;
use crate::schedule::Schedule;

/// What a rule knows about the step it is to make, beside the gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// 1 for the first step.
    pub number: u64,
    /// The learning rate, for rules that have one.
    pub learning_rate: f64,
    /// The weight decay, for rules that have one beside the gradient.
    pub weight_decay: f64,
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

    /// Whether a step works element by element. If not, it needs all parameters at once, in the network's
    /// order: it adds something up over them, or a parameter's place plays a part. One thread makes such a step.
    const ELEMENTWISE: bool = true;

    /// Names of the arrays it keeps with these constants.
    fn arrays(&self) -> &'static [&'static str] {
        Self::ARRAYS
    }

    /// Checks the constants.
    fn check(&self) -> Result<()>;

    /// The constants that a step uses as numbers of the parameters' type, by name.
    fn constants(&self) -> Vec<(&'static str, f64)>;

    /// The learning rate, for rules that have one.
    fn learning_rate(&self) -> Option<&Schedule> {
        None
    }

    /// The weight decay, for rules that have one beside the gradient.
    fn weight_decay(&self) -> Option<&Schedule> {
        None
    }

    /// Whether a step looks at the loss.
    fn needs_loss(&self) -> bool {
        false
    }

    /// Fills an array as it is before the first step, in the order of the parameters.
    fn start<T: Scalar>(&self, _array: usize, numbers: &mut [T]) {
        numbers.fill(T::ZERO);
    }

    /// Makes a step; implementations are `#[inline(always)]`.
    fn step<T: Scalar>(
        &self,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        arrays: [&mut [T]; MOST_ARRAYS],
    );
}

/// Checks a learning rate.
pub(super) fn check_learning_rate(rate: &Schedule) -> Result<()> {
    rate.check("learning_rate", "a positive number", |x| x > 0.0)
}

/// A learning rate among the constants of a rule.
pub(super) fn rate_constant(rate: &Schedule) -> impl Iterator<Item = (&'static str, f64)> {
    rate.value().into_iter().map(|rate| ("learning_rate", rate))
}
