//! One pass of some sequences taken apart.

use ndarray::{Array2, ArrayViewMut2};

use super::examples::Examples;
use super::model::filled;
use super::recurrent::RecurrentValues;
use super::selection::Selection;
use super::sequence::SequenceBlock;
use super::stage::{Room, Stage};
use crate::error::{Error, Result};
use crate::kernel::{Layout, Scalar};
use crate::layer::{Layer, Packed, Parameters, Way};
use crate::loss::{Objective, custom_losses};
use crate::memory::{try_collect, try_zeros};

/// What a recurrent network computes for some sequences, one sequence after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceValues<T> {
    /// Of each layer that recurs.
    pub hidden: Vec<RecurrentValues<T>>,
    /// Outputs of the network: rows of the last steps, or of all.
    pub output: Array2<T>,
    /// The derivative of each row's loss, times the row's weight, with respect to the net inputs of the output layer.
    pub delta: Array2<T>,
    /// The loss of each row, without its weight.
    pub losses: Vec<T>,
}

/// The values; the arguments have been checked. The selection has the longest sequence first.
pub(crate) fn trace_sequences<T: Scalar>(
    layers: &[Layer],
    packed: &Packed<T>,
    examples: Examples<'_, T>,
    selection: Selection<'_>,
    room: Room<'_>,
    objective: Objective<'_, T>,
) -> Result<SequenceValues<T>> {
    let (backward, time) = (filled(Way::Backward, layers, packed, 1)?, filled(Way::Time, layers, packed, 0)?);
    let parameters =
        Parameters { backward: Some(&backward), time: Some(&time), ..Parameters::forward(packed) };
    let output = layers[layers.len() - 1];
    let mut block = SequenceBlock::for_training(Layout::UnitsInLanes, layers, room)?;
    block.keep()?;
    block.set_rows(room.rows);
    block.load(examples, selection);
    block.forward(layers, parameters, None);
    match objective {
        Objective::Loss(loss) => {
            if let Some((factor, summand)) = loss.smoothing(output.activation, output.fan_out) {
                block.smooth_targets(T::from_f64(factor), T::from_f64(summand));
            }
            block.output_deltas(layers, loss);
            // Losses that start from net inputs leave those in place.
            if loss.takes_net_inputs() {
                block.activate_output(layers);
            }
        }
        Objective::Custom(loss) => {
            block.activate_output(layers);
            let shape = (block.losses().len(), output.fan_out);
            let numbers = shape.0 * shape.1;
            let wrong = |error| Error::argument("X", "fewer steps", error);
            let [mut outputs, mut targets] = [try_zeros(numbers)?, try_zeros(numbers)?];
            block.copy_outputs(&mut outputs);
            block.copy_targets(&mut targets);
            let outputs = Array2::from_shape_vec(shape, outputs).map_err(wrong)?;
            let targets = Array2::from_shape_vec(shape, targets).map_err(wrong)?;
            let (mut losses, mut gradients) = (try_zeros(shape.0)?, try_zeros(numbers)?);
            let into = ArrayViewMut2::from_shape(shape, &mut gradients).map_err(wrong)?;
            if !custom_losses(loss, outputs.view(), targets.view(), &mut losses, into) {
                return Err(Error::Interrupted);
            }
            block.set_output_gradients(&losses, &gradients);
            block.back_through_output(layers);
        }
    }
    block.backward(layers, parameters);
    let [output, delta] = block.output_and_deltas(output.fan_out)?;
    let losses = try_collect(block.losses().iter().copied())?;
    Ok(SequenceValues { hidden: block.values()?, output, delta, losses })
}
