//! The input and the result of a step.

use crate::optimizer::{Optimizer, Step};

/// The loss of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Batch {
    /// The mean loss, penalty included.
    pub loss: f64,
    /// The part of it that is the penalty.
    pub penalty: f64,
    /// The sum of the rows' weights.
    pub weight: f64,
}

/// The part of [`OptimizerState`] that a step needs.
#[derive(Clone, Copy)]
pub(crate) struct Update<'a> {
    pub optimizer: &'a Optimizer,
    pub step: Step,
    /// What the gradient is multiplied by first.
    pub factor: f64,
}
