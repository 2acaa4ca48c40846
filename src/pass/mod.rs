//! Rows through all layers: forward to outputs, backward to the deltas of every layer.
//!
//! `model` is a network as a training works on it; `stage` is what the passes ask of a block of rows, and `stages` the list of
//! such blocks; `block` is that of layers that make numbers of a row.

mod block;
mod cell;
mod dropout;
mod examples;
mod input_gradient;
mod inputs;
mod layout;
mod likelihood;
mod model;
mod noise;
mod predict;
mod predict_sequences;
mod recurrent;
mod selection;
mod sequence;
mod stage;
mod stages;
mod steps;
mod trace;
mod trace_sequences;

pub(crate) use examples::Examples;
pub use examples::Sequences;
pub(crate) use input_gradient::input_gradient;
pub use inputs::{Inputs, SparseRows};
pub(crate) use inputs::{check_listed, read_rows_ahead};
pub(crate) use likelihood::{Samples, log_likelihood};
pub(crate) use model::{Model, numbers_per_row};
pub(crate) use noise::{Noise, Occasion, check_dropout};
pub(crate) use predict::predict;
pub(crate) use predict_sequences::{predict_sequences, state_widths};
pub use recurrent::RecurrentValues;
pub(crate) use selection::Selection;
pub(crate) use stage::{Room, Stage, sum_gradient};
pub use trace::LayerValues;
pub(crate) use trace::trace;
pub use trace_sequences::SequenceValues;
pub(crate) use trace_sequences::trace_sequences;
