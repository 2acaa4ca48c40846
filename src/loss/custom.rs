//! A loss defined by the caller.

use std::fmt::{Debug, Formatter};

use ndarray::{ArrayView2, ArrayViewMut2};

use super::Loss;
use crate::activation::Activation;
use crate::error::Result;
use crate::kernel::{Scalar, outside};

/// A loss that the crate does not have: a function of the outputs and targets of rows.
///
/// It is called on the thread that called [`crate::train`], once for each micro-batch of at most 1,024
/// rows of a batch; where micro-batches end follows from the network's size and the batch alone, so the
/// number of threads plays no part. Each row has a loss of its own: which rows share a call must
/// not matter.
pub trait RowLoss<T>: Sync {
    /// From outputs and targets (rows x outputs) to the loss of each row, and its derivatives with
    /// respect to that row's outputs. `false` ends the training as an interruption does.
    fn losses_and_gradients(
        &self,
        outputs: ArrayView2<'_, T>,
        targets: ArrayView2<'_, T>,
        losses: &mut [T],
        gradients: ArrayViewMut2<'_, T>,
    ) -> bool;
}

/// [`RowLoss::losses_and_gradients`] in the caller's floating-point mode.
pub(crate) fn custom_losses<T>(
    loss: &dyn RowLoss<T>,
    outputs: ArrayView2<'_, T>,
    targets: ArrayView2<'_, T>,
    losses: &mut [T],
    gradients: ArrayViewMut2<'_, T>,
) -> bool {
    outside(|| loss.losses_and_gradients(outputs, targets, losses, gradients))
}

/// What training makes small: a loss of this crate, or one defined by the caller.
#[derive(Clone, Copy)]
pub enum Objective<'a, T> {
    /// A loss of this crate.
    Loss(Loss),
    /// Another, on any output activation.
    Custom(&'a dyn RowLoss<T>),
}

impl<T: Scalar> Objective<'_, T> {
    /// Checks the loss, and that it goes with an output activation, whose outputs may be complex.
    pub(crate) fn check(&self, output: Activation, complex: bool) -> Result<()> {
        if let Self::Loss(loss) = self {
            loss.check()?;
            loss.check_typed::<T>()?;
            loss.check_output(output)?;
            if complex {
                loss.check_complex()?;
            }
        }
        Ok(())
    }
}

impl<T> From<Loss> for Objective<'_, T> {
    fn from(loss: Loss) -> Self {
        Self::Loss(loss)
    }
}

impl<T> Debug for Objective<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Loss(loss) => loss.fmt(f),
            Self::Custom(_) => f.write_str("Custom(..)"),
        }
    }
}
