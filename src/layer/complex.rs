//! A dense layer of complex numbers: `outputs = activation(inputs * weights + biases)`; no factor is conjugated.
//!
//! # Two parts
//! The panels of a matrix of complex numbers are those of the real parts, followed by those of the imaginary parts. The
//! packed parameters are two matrices, Re W with the real parts of the biases and Im W with their imaginary parts; in
//! the network's vector, the two parts of a number are neighbours.
//!
//! A complex product is computed as one real product in which each weight occurs twice,
//! ```text
//! forward   [re im] [ Re W   Im W ]        backward   [re im] [ Re W'  -Im W']
//!                   [-Im W   Re W ]                           [ Im W'   Re W']
//! ```
//! (' is the transpose), so that each sum is one chain: the bias, then the terms of the real parts, then those of the
//! imaginary parts. The passes read copies of the weights in this form.
//!
//! # Gradients
//! The gradient of a weight w is G = dL/d(Re w) + i dL/d(Im w), as in `PyTorch` (JAX returns its conjugate), so that a
//! step to w - rate G lowers the loss. With inputs x and deltas d = dL/d(Re z) + i dL/d(Im z), G is the sum of
//! conj(x) d over the rows; its parts are the sums of `Re x Re d + Im x Im d` and `Re x Im d - Im x Re d`.

use super::init::{Init, RecurrentInit};
use super::kind::{Flow, LayerKind, ParameterArray, Passage};
use super::packed::{LayerParameters, MatrixShape, PackedMatrix, PanelShape, Way};
use super::spec::Layer;
use crate::activation::Activation;
use crate::error::Result;
use crate::kernel::{Product, Scalar, Start, dispatch, is_single_output, panel_vectors, panels, transpose};
use crate::random::Random;

pub(super) struct Complex;

impl LayerKind for Complex {
    const NAME: &'static str = "complex";
    const FLOW: Flow = Flow::Rows;
    const PARTS: usize = 2;

    fn arrays(layer: &Layer) -> Vec<ParameterArray> {
        let weights = ParameterArray { name: "weights", shape: vec![layer.fan_in, layer.fan_out, 2] };
        let biases = layer.bias.then(|| ParameterArray { name: "biases", shape: vec![layer.fan_out, 2] });
        std::iter::once(weights).chain(biases).collect()
    }

    fn n_parameters(layer: &Layer) -> Option<usize> {
        let inputs = layer.fan_in.checked_add(usize::from(layer.bias))?;
        inputs.checked_mul(layer.fan_out)?.checked_mul(2)
    }

    fn sizes(weights: &[usize]) -> Option<(usize, usize)> {
        if let &[fan_in, fan_out, 2] = weights { Some((fan_in, fan_out)) } else { None }
    }

    fn matrices(layer: &Layer) -> Vec<MatrixShape> {
        vec![MatrixShape::dense(layer, 0, 2), MatrixShape::dense(layer, 1, 2)]
    }

    /// Each part of a weight has half the variance of the weight.
    fn draw<T: Scalar>(
        layer: &Layer,
        init: Init,
        _: RecurrentInit,
        random: &mut Random,
        parameters: &mut [T],
    ) -> Result<()> {
        init.draw_complex(layer, random, parameters)
    }

    fn copy_shape<T: Scalar>(layer: &Layer, way: Way) -> PanelShape {
        let [inputs, outputs] = [layer.fan_in, layer.fan_out].map(panels::<T>);
        match way {
            // The biases follow the weights.
            Way::Forward => PanelShape {
                panels: 2 * outputs,
                vectors: panel_vectors(inputs * T::LANES + layer.fan_in + 1),
            },
            Way::Backward => {
                PanelShape { panels: 2 * inputs, vectors: panel_vectors(outputs * T::LANES + layer.fan_out) }
            }
            Way::Time => PanelShape::NONE,
        }
    }

    fn fill_copy<T: Scalar>(
        layer: &Layer,
        way: Way,
        matrices: &[PackedMatrix],
        weights: &[T],
        first: usize,
        to: &mut [T],
    ) {
        let shape = Self::copy_shape::<T>(layer, way);
        let [inputs, outputs] = [layer.fan_in, layer.fan_out].map(panels::<T>);
        for (index, panel) in to.chunks_exact_mut(shape.vectors * T::LANES).enumerate() {
            let panel_of_both = first + index;
            match way {
                Way::Forward => {
                    let (part, number) = (panel_of_both / outputs, panel_of_both % outputs);
                    let (re, im) = panel.split_at_mut(inputs * T::LANES * T::LANES);
                    copy_panel(&matrices[part], weights, number, re);
                    let biases = copy_panel(&matrices[1 - part], weights, number, im);
                    if part == 0 {
                        negate(&mut im[..layer.fan_in * T::LANES]);
                    }
                    im[biases..biases + T::LANES].copy_from_slice(bias_vector(
                        &matrices[part],
                        weights,
                        number,
                    ));
                }
                Way::Backward => {
                    let (part, number) = (panel_of_both / inputs, panel_of_both % inputs);
                    let im = outputs * T::LANES * T::LANES;
                    transpose_panel(&matrices[part], weights, number, panel);
                    transpose_panel(&matrices[1 - part], weights, number, &mut panel[im..]);
                    if part == 1 {
                        negate(&mut panel[..layer.fan_out * T::LANES]);
                    }
                }
                Way::Time => {}
            }
        }
    }

    fn forward<T: Scalar>(layer: &Layer, parameters: LayerParameters<'_, T>, passage: Passage<'_, T>) {
        product(layer.fan_in, layer.fan_out, parameters.forward(), Start::Columns, passage);
    }

    fn rectifies(layer: &Layer) -> bool {
        layer.activation == Activation::Relu
    }

    fn backward<T: Scalar>(layer: &Layer, parameters: LayerParameters<'_, T>, passage: Passage<'_, T>) {
        product(layer.fan_out, layer.fan_in, parameters.backward(), Start::Zero, passage);
    }
}

/// Multiplies rows of `terms` complex numbers with a matrix in the form above, to rows of `columns` complex numbers.
fn product<T: Scalar>(
    terms: usize,
    columns: usize,
    (right, right_stride): (&[T], usize),
    start: Start<'_, T>,
    passage: Passage<'_, T>,
) {
    // The depth includes the lanes that fill up the last panel of the real parts; their weights are 0.
    let with_real_parts = |numbers| panels::<T>(numbers) * T::LANES + numbers;
    dispatch(Product {
        rows: passage.rows,
        depth: with_real_parts(terms),
        input: passage.input,
        right,
        right_stride,
        start,
        output: passage.output,
        output_stride: passage.output_stride,
        then: passage.then,
        columns: with_real_parts(columns),
    });
}

/// Copies the vectors of a panel, one per input; returns the place in `to` after the last one.
fn copy_panel<T: Scalar>(matrix: &PackedMatrix, weights: &[T], number: usize, to: &mut [T]) -> usize {
    let (from, len) = (matrix.of(weights), matrix.inputs * T::LANES);
    if is_single_output(matrix.outputs) {
        for (vector, weight) in to.chunks_exact_mut(T::LANES).zip(&from[..matrix.inputs]) {
            vector[0] = *weight;
        }
    } else {
        to[..len].copy_from_slice(&from[number * matrix.stride::<T>()..][..len]);
    }
    len
}

/// The biases of a panel, one vector.
fn bias_vector<'a, T: Scalar>(matrix: &PackedMatrix, weights: &'a [T], number: usize) -> &'a [T] {
    let at = number * matrix.stride::<T>() + matrix.weight_vectors * T::LANES;
    &matrix.of(weights)[at..at + T::LANES]
}

/// Writes a panel of the transposed weights to the beginning of `to`, and leaves the rest of `to` unchanged.
fn transpose_panel<T: Scalar>(matrix: &PackedMatrix, weights: &[T], number: usize, to: &mut [T]) {
    let from = matrix.of(weights);
    if is_single_output(matrix.outputs) {
        to[..T::LANES].copy_from_slice(&from[number * T::LANES..][..T::LANES]);
    } else {
        let len = panel_vectors(matrix.outputs) * T::LANES;
        transpose(from, matrix.inputs, matrix.outputs, &mut to[..len], number);
    }
}

fn negate<T: Scalar>(numbers: &mut [T]) {
    for number in numbers {
        *number = -*number;
    }
}
