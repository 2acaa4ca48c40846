//! A block of rows on its way through the layers.

use ndarray::ArrayView2;

use super::packed::Packed;
use crate::activation::Activation;
use crate::error::Result;
use crate::kernel::{Aligned, Product, Rows, Scalar, Terms, dispatch, gather_rows, panel_lines, panels};
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
    /// Room for `capacity` rows through these layers, forward only.
    pub fn for_prediction(layers: &[Layer], capacity: usize) -> Result<Self> {
        let stride = panel_lines(capacity) * T::LANES;
        let matrix = |columns: usize| Aligned::zeros(panels::<T>(columns).saturating_mul(stride));
        let mut values = vec![matrix(layers[0].fan_in)?];
        for layer in layers {
            values.push(matrix(layer.fan_out)?);
        }
        Ok(Self {
            rows: 0,
            stride,
            values,
            deltas: Vec::new(),
            targets: Aligned::zeros(0)?,
            weights: Aligned::zeros(0)?,
            weighted: false,
            losses: Aligned::zeros(0)?,
        })
    }

    /// Room for `capacity` rows through these layers, forward and backward.
    pub fn for_training(layers: &[Layer], capacity: usize, weighted: bool) -> Result<Self> {
        let mut block = Self::for_prediction(layers, capacity)?;
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

    /// From the inputs to the net inputs of the output layer.
    pub fn forward(&mut self, layers: &[Layer], packed: &Packed<T>) {
        let (stride, rows) = (self.stride, self.rows);
        for (index, layer) in layers.iter().enumerate() {
            let (before, after) = self.values.split_at_mut(index + 1);
            let output = &mut after[0];
            let place = &packed.layers[index];
            dispatch(Product {
                rows,
                depth: layer.fan_in,
                input: Terms::in_panels(&before[index], stride),
                right: packed.layer(index),
                right_stride: place.stride::<T>(),
                bias: true,
                output,
                output_stride: stride,
                columns: place.fan_out,
            });
            if index + 1 < layers.len() {
                layer.activation.apply(output, stride, rows);
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
            output.activation.apply(values, stride, rows);
        }
    }

    /// The rows' losses, and the deltas of the output layer.
    pub fn output_deltas(&mut self, layers: &[Layer], loss: Loss) {
        let output = layers[layers.len() - 1];
        let last = layers.len() - 1;
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
    }

    /// From the deltas of the output layer to those of every layer.
    pub fn backward(&mut self, layers: &[Layer], packed: &Packed<T>, transposed: &[T]) {
        let (stride, rows) = (self.stride, self.rows);
        for index in (1..layers.len()).rev() {
            let (before, after) = self.deltas.split_at_mut(index);
            let deltas = &mut before[index - 1];
            let place = &packed.layers[index];
            dispatch(Product {
                rows,
                depth: place.fan_out,
                input: Terms::in_panels(&after[0], stride),
                right: &transposed[place.transposed_start..],
                right_stride: place.transposed_stride::<T>(),
                bias: false,
                output: deltas,
                output_stride: stride,
                columns: place.fan_in,
            });
            layers[index - 1].activation.scale_deltas(deltas, &self.values[index], stride, rows);
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
        let values = &self.values[self.values.len() - 1];
        for (row, to) in to.chunks_exact_mut(columns).enumerate() {
            for (panel, to) in to.chunks_mut(T::LANES).enumerate() {
                let at = panel * self.stride + row * T::LANES;
                to.copy_from_slice(&values[at..at + to.len()]);
            }
        }
    }
}
