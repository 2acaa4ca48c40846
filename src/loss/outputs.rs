//! What a loss is computed from.

use crate::kernel::Layout;

/// The outputs of a block of rows, in panels that are `stride` apart.
pub(crate) struct Outputs<'a, T> {
    /// What lies along the lanes.
    pub layout: Layout,
    pub rows: usize,
    pub columns: usize,
    pub stride: usize,
    /// Net inputs of the output layer; its outputs, for losses that take these.
    pub net: &'a [T],
    pub targets: &'a [T],
    /// Gets the derivative of the row's loss with respect to `net`, times the row's weight.
    pub delta: &'a mut [T],
    pub weights: Option<&'a [T]>,
    /// Gets each row's loss, without its weight.
    pub losses: &'a mut [T],
}
