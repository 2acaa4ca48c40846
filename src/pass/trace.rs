//! One pass of some rows taken apart: what the layers compute on the way forward and on the way back.

use ndarray::{Array2, ArrayView2};

use super::block::Block;
use super::examples::Examples;
use super::model::filled;
use super::noise::Noise;
use super::selection::Selection;
use super::stage::{Kept, Room, Stage};
use crate::error::{Error, Result};
use crate::kernel::{Layout, Scalar};
use crate::layer::{Layer, Packed, Parameters, Way};
use crate::loss::{Objective, custom_losses};
use crate::memory::{try_collect, try_zeros};

/// What a layer computes for some rows; each array is rows x units.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerValues<T> {
    /// The sums of weighted inputs and biases.
    pub net_input: Array2<T>,
    /// The activation of these.
    pub output: Array2<T>,
    /// The derivative of each output with respect to its net input; for a softmax, whose outputs depend on
    /// all net inputs, that with respect to its own.
    pub derivative: Array2<T>,
    /// The derivative of the row's loss, times the row's weight, with respect to the net input.
    pub delta: Array2<T>,
}

/// The layers' values, and the loss of each row without its weight; the arguments have been checked. With noise, the
/// rows are those of its selection.
pub(crate) fn trace<T: Scalar>(
    layers: &[Layer],
    packed: &Packed<T>,
    x: ArrayView2<'_, T>,
    y: ArrayView2<'_, T>,
    weights: Option<&[T]>,
    objective: Objective<'_, T>,
    noise: Option<(Noise<'_>, Selection<'_>)>,
) -> Result<(Vec<LayerValues<T>>, Vec<T>)> {
    let backward = filled(Way::Backward, layers, packed, 1)?;
    let parameters = Parameters { backward: Some(&backward), ..Parameters::forward(packed) };
    let (noise, selection) = noise.unzip();
    let rows = x.nrows() * noise.map_or(1, Noise::copies);
    // Dropout would change the outputs, so that the derivatives are kept; there is none, but they are.
    let kept = vec![0.5; layers.len() - 1];
    let room = Room::of_rows(rows, weights.is_some(), &kept);
    let mut block = Block::for_training(Layout::UnitsInLanes, layers, room)?;
    block.set_rows(rows);
    let examples = Examples { x: x.into(), y, listed: None, weights, sequences: None };
    block.load(examples, selection.unwrap_or(Selection::Range { from: 0 }));
    let Kept { net_inputs, output, output_derivative } = block.forward_kept(layers, parameters, noise)?;
    let losses = match objective {
        Objective::Loss(loss) => {
            if let Some((factor, summand)) =
                loss.smoothing(layers[layers.len() - 1].activation, output.ncols())
            {
                block.smooth_targets(T::from_f64(factor), T::from_f64(summand));
            }
            block.output_deltas(layers, loss);
            try_collect(block.losses().iter().copied())?
        }
        Objective::Custom(loss) => {
            let mut losses = try_zeros(rows)?;
            let mut gradients = Array2::from_shape_vec(output.dim(), try_zeros(output.len())?)
                .map_err(|error| Error::argument("X", "fewer rows", error))?;
            let mut targets = try_zeros(output.len())?;
            block.copy_targets(&mut targets);
            let targets = ArrayView2::from_shape(output.dim(), &targets)
                .map_err(|error| Error::argument("Y", "fewer rows", error))?;
            if !custom_losses(loss, output.view(), targets, &mut losses, gradients.view_mut()) {
                return Err(Error::Interrupted);
            }
            block.activate_output(layers);
            block.set_output_gradients(&losses, gradients.as_slice().unwrap_or_default());
            block.back_through_output(layers);
            losses
        }
    };
    block.backward(layers, parameters);
    let mut values = Vec::with_capacity(layers.len());
    let mut of_last = Some((output, output_derivative));
    for (index, net_input) in net_inputs.into_iter().enumerate() {
        let (output, derivative) = match of_last.take_if(|_| index + 1 == layers.len()) {
            Some(both) => both,
            None => (block.copied_output(layers, index)?, block.copied_derivative(layers, index)?),
        };
        let delta = block.copied_delta(layers, index)?;
        values.push(LayerValues { net_input, output, derivative, delta });
    }
    Ok((values, losses))
}
