//! The input of a loss: the outputs of a block of rows.

use crate::kernel::Layout;

/// The outputs of a block of rows, in panels that are `stride` apart.
pub(crate) struct Outputs<'a, T> {
    /// The layout: units or rows along the lanes.
    pub layout: Layout,
    pub rows: usize,
    pub columns: usize,
    pub stride: usize,
    /// Net inputs of the output layer, or its outputs for losses that are computed from these.
    pub net: &'a [T],
    pub targets: &'a [T],
    /// Receives the derivative of the row's loss with respect to `net`, times the row's weight.
    pub delta: &'a mut [T],
    pub weights: Option<&'a [T]>,
    /// Receives each row's loss, without its weight.
    pub losses: &'a mut [T],
}
