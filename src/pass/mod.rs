//! Rows through all layers: forward to outputs, backward to the deltas of every layer.

mod block;
mod dropout;
mod input_gradient;
mod packed;
mod predict;

pub(crate) use block::{Block, Selection};
pub(crate) use dropout::Dropout;
pub(crate) use input_gradient::input_gradient;
pub(crate) use packed::{Packed, PackedLayer, pack, place_first_transposed, transpose_layer, unpack};
pub(crate) use predict::predict;
