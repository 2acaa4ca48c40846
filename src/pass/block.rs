//! A block of rows on its way through the layers.

use ndarray::ArrayView2;

use super::dropout::Dropout;
use super::packed::{Packed, PackedLayer};
use crate::activation::{Activation, scale_by_slopes, softmax as softmax_output};
use crate::error::Result;
use crate::kernel::{
    Aligned, Product, Rows, Scalar, Terms, Then, TurnedProduct, dispatch, gather_rows, panel_lines, panels,
    turned,
};
use crate::loss::{Loss, Outputs, softmax};
use crate::network::Layer;

/// Everything that is known about a block of rows in the course of a step. All matrices are in
/// panels that are `stride` apart. Allocated once, used again for every step.
#[derive(Debug)]
pub(crate) struct Block<T> {
    /// Rows in it now.
    pub rows: usize,
    stride: usize,
    /// The inputs, then the outputs of each layer. For training, the output layer's place holds its
    /// net inputs, from which the loss is computed.
    values: Vec<Aligned<T>>,
    /// Derivatives of the loss with respect to the net inputs of each layer; empty if the block is
    /// for prediction.
    deltas: Vec<Aligned<T>>,
    /// Derivatives of the outputs of each layer with respect to its net inputs, where the outputs
    /// alone do not tell them; else empty.
    slopes: Vec<Aligned<T>>,
    targets: Aligned<T>,
    weights: Aligned<T>,
    weighted: bool,
    /// The loss of each row.
    pub losses: Aligned<T>,
}

/// The rows of a data set, in the order in which they are used.
#[derive(Clone, Copy)]
pub(crate) enum Selection<'a> {
    /// Rows `from`, `from + 1`, ...
    Range { from: usize },
    /// Rows by number.
    Listed(&'a [u32]),
}

impl Selection<'_> {
    /// The row at a place of the selection.
    pub fn row(self, place: usize) -> usize {
        match self {
            Self::Range { from } => from + place,
            Self::Listed(rows) => rows[place] as usize,
        }
    }

    /// The selection from a place on.
    pub fn skip(self, places: usize) -> Self {
        match self {
            Self::Range { from } => Self::Range { from: from + places },
            Self::Listed(rows) => Self::Listed(&rows[places..]),
        }
    }
}

impl<T: Scalar> Block<T> {
    /// Numbers in a panel of a matrix with `capacity` rows.
    pub fn stride_for(capacity: usize) -> usize {
        panel_lines(capacity) * T::LANES
    }

    /// Room for `capacity` rows through these layers, forward only.
    /// Without `inputs` there is no room for the inputs themselves: see [`Block::forward_from`].
    pub fn for_prediction(layers: &[Layer], capacity: usize, inputs: bool) -> Result<Self> {
        let stride = Self::stride_for(capacity);
        let matrix = |columns: usize| Aligned::zeros(panels::<T>(columns).saturating_mul(stride));
        let mut values = vec![matrix(if inputs { layers[0].fan_in } else { 0 })?];
        for layer in layers {
            values.push(matrix(layer.fan_out)?);
        }
        Ok(Self {
            rows: 0,
            stride,
            values,
            deltas: Vec::new(),
            slopes: Vec::new(),
            targets: Aligned::zeros(0)?,
            weights: Aligned::zeros(0)?,
            weighted: false,
            losses: Aligned::zeros(0)?,
        })
    }

    /// Room for `capacity` rows through these layers, forward and backward, with dropout at these
    /// rates (none: an empty slice).
    pub fn for_training(layers: &[Layer], capacity: usize, weighted: bool, dropout: &[f64]) -> Result<Self> {
        let mut block = Self::for_prediction(layers, capacity, true)?;
        for (index, layer) in layers.iter().enumerate() {
            // Dropout changes the outputs; what these told is kept before.
            let dropped = dropout.get(index).is_some_and(|rate| *rate > 0.0);
            let kept = dropped || !layer.activation.output_tells_derivative();
            let len = if kept { block.values[index + 1].len() } else { 0 };
            block.slopes.push(Aligned::zeros(len)?);
        }
        let like = |values: &Aligned<T>| Aligned::zeros(values.len());
        block.deltas = block.values[1..].iter().map(like).collect::<Result<_>>()?;
        block.targets = like(&block.values[layers.len()])?;
        block.weights = Aligned::zeros(if weighted { capacity } else { 0 })?;
        block.weighted = weighted;
        block.losses = Aligned::zeros(capacity)?;
        Ok(block)
    }

    /// Copies rows of `x` into the block.
    pub fn load_inputs(&mut self, x: ArrayView2<'_, T>, selection: Selection<'_>) {
        gather_rows(x, self.rows, |row| selection.row(row), &mut self.values[0], self.stride);
    }

    /// Copies the targets and weights of rows into the block.
    pub fn load_targets(&mut self, y: ArrayView2<'_, T>, weights: Option<&[T]>, selection: Selection<'_>) {
        gather_rows(y, self.rows, |row| selection.row(row), &mut self.targets, self.stride);
        if let Some(weights) = weights {
            for row in 0..self.rows {
                self.weights[row] = weights[selection.row(row)];
            }
        }
    }

    /// Moves targets: each becomes `factor` times itself plus `summand`.
    pub fn smooth_targets(&mut self, columns: usize, factor: T, summand: T) {
        for (panel, targets) in self.targets.chunks_exact_mut(self.stride).enumerate() {
            let used = T::LANES.min(columns - panel * T::LANES);
            for line in targets.chunks_exact_mut(T::LANES).take(self.rows) {
                for target in &mut line[..used] {
                    *target = factor.fused(*target, summand);
                }
            }
        }
    }

    /// From the inputs to the net inputs of the output layer.
    pub fn forward(&mut self, layers: &[Layer], packed: &Packed<T>, dropout: Option<Dropout<'_>>) {
        self.forward_layers(None, layers, packed, dropout);
    }

    /// The same from inputs that lie in memory row by row, and are not copied.
    pub fn forward_from(&mut self, inputs: &[T], layers: &[Layer], packed: &Packed<T>) {
        self.forward_layers(Some(Terms::in_rows(inputs, layers[0].fan_in)), layers, packed, None);
    }

    fn forward_layers(
        &mut self,
        mut inputs: Option<Terms<'_, T>>,
        layers: &[Layer],
        packed: &Packed<T>,
        dropout: Option<Dropout<'_>>,
    ) {
        let (stride, rows) = (self.stride, self.rows);
        for (index, layer) in layers.iter().enumerate() {
            let (before, after) = self.values.split_at_mut(index + 1);
            let output = &mut after[0];
            let place = &packed.layers[index];
            let hidden = index + 1 < layers.len();
            let input = inputs.take().unwrap_or(Terms::in_panels(&before[index], stride));
            let depth = layer.fan_in;
            let turned = turned(layer.fan_out);
            let rectify = hidden
                && !turned
                && layer.activation == Activation::Relu
                && is_none_or_empty(self.slopes.get(index));
            if turned {
                dispatch(TurnedProduct { rows, depth, input, weights: packed.layer(index), output });
            } else {
                dispatch(Product {
                    rows,
                    depth,
                    input,
                    right: packed.layer(index),
                    right_stride: place.stride::<T>(),
                    bias: true,
                    output,
                    output_stride: stride,
                    then: if rectify { Then::Rectify } else { Then::Stay },
                    columns: place.fan_out,
                });
            }
            if hidden && !rectify {
                let slopes = self.slopes.get_mut(index);
                activate(layer.activation, output, slopes, stride, rows);
                if let (Some(dropout), Some(slopes)) = (dropout, self.slopes.get_mut(index)) {
                    dropout.apply(index, output, slopes, stride, rows);
                }
            }
        }
    }

    /// From the net inputs of the output layer to the outputs.
    pub fn activate_output(&mut self, layers: &[Layer]) {
        let (stride, rows) = (self.stride, self.rows);
        let output = layers[layers.len() - 1];
        let values = &mut self.values[layers.len()];
        if output.activation == Activation::Softmax {
            softmax(values, output.fan_out, stride, rows);
        } else {
            activate(output.activation, values, self.slopes.get_mut(layers.len() - 1), stride, rows);
        }
    }

    /// From derivatives with respect to the outputs to those with respect to the net inputs of the
    /// output layer, after [`Block::activate_output`].
    pub fn back_through_output(&mut self, layers: &[Layer]) {
        let (stride, rows, last) = (self.stride, self.rows, layers.len() - 1);
        let Layer { activation, fan_out, .. } = layers[last];
        let (deltas, outputs) = (&mut self.deltas[last], &self.values[last + 1]);
        if activation == Activation::Softmax {
            softmax_output::back_through(deltas, outputs, fan_out, stride, rows);
        } else {
            scale(activation, deltas, outputs, &self.slopes[last], stride, rows);
        }
    }

    /// The rows' losses, and the deltas of the output layer.
    pub fn output_deltas(&mut self, layers: &[Layer], loss: Loss) {
        let output = layers[layers.len() - 1];
        let last = layers.len() - 1;
        if !loss.takes_net_inputs() {
            self.activate_output(layers);
        }
        loss.deltas(
            output.activation,
            Outputs {
                rows: self.rows,
                columns: output.fan_out,
                stride: self.stride,
                net: &self.values[last + 1],
                targets: &self.targets,
                delta: &mut self.deltas[last],
                weights: self.weighted.then_some(&self.weights[..]),
                losses: &mut self.losses,
            },
        );
        if !loss.takes_net_inputs() {
            self.back_through_output(layers);
        }
    }

    /// Takes over the rows' losses and the derivatives with respect to their outputs, row after row
    /// of `columns` numbers.
    pub fn set_output_gradients(&mut self, columns: usize, losses: &[T], gradients: &[T]) {
        let last = self.deltas.len() - 1;
        self.losses[..self.rows].copy_from_slice(&losses[..self.rows]);
        for (row, from) in gradients.chunks_exact(columns).take(self.rows).enumerate() {
            let weight = if self.weighted { self.weights[row] } else { T::ONE };
            for (panel, from) in from.chunks(T::LANES).enumerate() {
                let at = panel * self.stride + row * T::LANES;
                for (delta, &g) in self.deltas[last][at..at + from.len()].iter_mut().zip(from) {
                    *delta = g * weight;
                }
            }
        }
    }

    /// From the deltas of the output layer to those of every layer.
    pub fn backward(&mut self, layers: &[Layer], packed: &Packed<T>, transposed: &[T]) {
        let (stride, rows) = (self.stride, self.rows);
        for index in (1..layers.len()).rev() {
            let (before, after) = self.deltas.split_at_mut(index);
            let deltas = &mut before[index - 1];
            let place = &packed.layers[index];
            let activation = layers[index - 1].activation;
            let (outputs, slopes) = (&self.values[index], &self.slopes[index - 1]);
            let derivative = activation.derivative_in_product().filter(|_| slopes.is_empty());
            let (right, right_stride) = place.transposed(&packed.weights, transposed);
            dispatch(Product {
                rows,
                depth: place.fan_out,
                input: Terms::in_panels(&after[0], stride),
                right,
                right_stride,
                bias: false,
                output: deltas,
                output_stride: stride,
                then: derivative.map_or(Then::Stay, |derivative| Then::Scale(derivative, outputs)),
                columns: place.fan_in,
            });
            if derivative.is_none() {
                scale(activation, deltas, outputs, slopes, stride, rows);
            }
        }
    }

    /// Makes the deltas of the output layer those of one output alone: its derivatives with respect
    /// to the outputs are 1 there and 0 elsewhere.
    pub fn choose_output(&mut self, output: usize) {
        let last = self.deltas.len() - 1;
        let deltas = &mut self.deltas[last];
        deltas.fill(T::ZERO);
        let panel = &mut deltas[output / T::LANES * self.stride..][..self.rows * T::LANES];
        for line in panel.chunks_exact_mut(T::LANES) {
            line[output % T::LANES] = T::ONE;
        }
    }

    /// From the deltas of the first layer to the derivatives with respect to the inputs; `place` tells
    /// where its transposed weights are, among all parameters and all transposed weights.
    pub fn back_to_inputs(&self, place: &PackedLayer, weights: &[T], transposed: &[T], inputs: &mut [T]) {
        let (right, right_stride) = place.transposed(weights, transposed);
        dispatch(Product {
            rows: self.rows,
            depth: place.fan_out,
            input: Terms::in_panels(&self.deltas[0], self.stride),
            right,
            right_stride,
            bias: false,
            output: inputs,
            output_stride: self.stride,
            then: Then::Stay,
            columns: place.fan_in,
        });
    }

    /// Copies a matrix in panels, of the rows and stride of this block, to rows that are `step`
    /// numbers apart.
    pub fn copy_gradients(&self, from: &[T], columns: usize, step: usize, to: &mut [T]) {
        for row in 0..self.rows {
            for (panel, to) in to[row * step..][..columns].chunks_mut(T::LANES).enumerate() {
                let at = panel * self.stride + row * T::LANES;
                to.copy_from_slice(&from[at..at + to.len()]);
            }
        }
    }

    /// What the gradient of a layer is made of.
    pub fn rows_of(&self, layer: usize) -> Rows<'_, T> {
        Rows {
            rows: self.rows,
            input: &self.values[layer],
            input_stride: self.stride,
            delta: &self.deltas[layer],
            delta_stride: self.stride,
        }
    }

    /// Copies the outputs into `to`, row after row of `columns` numbers.
    pub fn copy_outputs(&self, columns: usize, to: &mut [T]) {
        copy_rows(&self.values[self.values.len() - 1], self.stride, columns, to);
    }

    /// Copies the targets into `to`, as [`Block::copy_outputs`].
    pub fn copy_targets(&self, columns: usize, to: &mut [T]) {
        copy_rows(&self.targets, self.stride, columns, to);
    }
}

fn copy_rows<T: Scalar>(from: &[T], stride: usize, columns: usize, to: &mut [T]) {
    for (row, to) in to.chunks_exact_mut(columns).enumerate() {
        for (panel, to) in to.chunks_mut(T::LANES).enumerate() {
            let at = panel * stride + row * T::LANES;
            to.copy_from_slice(&from[at..at + to.len()]);
        }
    }
}

fn is_none_or_empty<T>(array: Option<&Aligned<T>>) -> bool {
    array.is_none_or(|array| array.is_empty())
}

/// Net inputs to outputs; the derivatives too where there is room for them.
fn activate<T: Scalar>(
    activation: Activation,
    numbers: &mut [T],
    slopes: Option<&mut Aligned<T>>,
    stride: usize,
    rows: usize,
) {
    match slopes {
        Some(slopes) if !slopes.is_empty() => activation.apply_with_slopes(numbers, slopes, stride, rows),
        _ => activation.apply(numbers, stride, rows),
    }
}

/// The other way: deltas times the derivatives.
fn scale<T: Scalar>(
    activation: Activation,
    deltas: &mut [T],
    outputs: &[T],
    slopes: &[T],
    stride: usize,
    rows: usize,
) {
    if slopes.is_empty() {
        activation.scale_deltas(deltas, outputs, stride, rows);
    } else {
        scale_by_slopes(deltas, slopes, stride, rows);
    }
}
