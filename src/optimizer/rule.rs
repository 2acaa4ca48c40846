//! What a file of this room says of its rule.

use crate::error::Result;
use crate::kernel::Scalar;

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
