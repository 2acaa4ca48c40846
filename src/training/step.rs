//! What goes into a step, and what comes out.

use crate::optimizer::{Optimizer, Step};

/// What a batch gave.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Batch {
    /// The mean loss, penalty included.
    pub loss: f64,
    /// The part of it that is the penalty.
    pub penalty: f64,
}

/// The part of [`OptimizerState`] that a step needs.
pub(crate) struct Update<'a> {
    pub optimizer: &'a Optimizer,
    pub step: Step,
}
